#!/usr/bin/env bash
# A rootkit in /etc/ld.so.preload hides files and processes from everything that is linked dynamically: the static program sees and
# collects them, and the dynamic one at least names the library that sits in it.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/static.sh
. "$TESTS/cli/static.sh"
need jq age zstd tar ps ldd
need_host
build_static
unset VESTIGE_POLICIES

# ---- the host ----

mkdir -p host/proc host/media host/etc host/evidence host/dev
cp "$static" host/media/vestige
with_libraries host /bin/ls
with_libraries host /bin/ps
with_libraries host "$(command -v env)"
with_libraries host "$VESTIGE" vestige-dynamic
# It hides what is called hidden-…, and processes of that name; what loads it is noted in /loaded.
cat >rootkit.c <<'C'
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int is_hidden(const char *name)
{
	char path[300], comm[32] = "";
	if (strncmp(name, "hidden-", 7) == 0)
		return 1;
	if (name[0] < '1' || name[0] > '9')
		return 0;
	snprintf(path, sizeof path, "/proc/%.255s/comm", name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	ssize_t len = read(fd, comm, sizeof comm - 1);
	close(fd);
	return len > 0 && strncmp(comm, "hidden-", 7) == 0;
}

struct dirent *readdir(DIR *dir)
{
	struct dirent *(*real)(DIR *) = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
	struct dirent *entry;
	while ((entry = real(dir)) != NULL && is_hidden(entry->d_name))
		;
	return entry;
}

struct dirent64 *readdir64(DIR *dir)
{
	struct dirent64 *(*real)(DIR *) = (struct dirent64 * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir64");
	struct dirent64 *entry;
	while ((entry = real(dir)) != NULL && is_hidden(entry->d_name))
		;
	return entry;
}

__attribute__((constructor)) static void note(void)
{
	int fd = open("/loaded", O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd >= 0) {
		dprintf(fd, "%s\n", program_invocation_short_name);
		close(fd);
	}
}
C
sed -i 's/^#include <fcntl.h>/#include <errno.h>\n&/' rootkit.c
gcc -shared -fPIC -w -o host/lib/librootkit.so rootkit.c
echo /lib/librootkit.so >host/etc/ld.so.preload
echo "to be seen" >host/evidence/plain
echo "the intruder's" >host/evidence/hidden-tool
mkdir host/evidence/hidden-nest
echo "in there" >host/evidence/hidden-nest/loot
write_policy policy.yaml "/evidence/**"
cp policy.yaml host/
make_identity
loaded() { sort -u host/loaded 2>/dev/null | xargs; }

# The rootkit works: what one sees in there with the host's own programs.
expect_exit 0 in_host host /bin/ls /evidence
assert_equal plain "$(cat "$out")" "what ls shows"
assert_equal ls "$(loaded)" "what loaded the rootkit"

# ---- files ----

rm host/loaded
expect_exit 0 in_host host /media/vestige snapshot /policy.yaml --new /case -r "$recipient"
[[ ! -e host/loaded ]] || fail "the static program loaded the rootkit"
stock_open host/case stock
diff -r host/evidence stock/items/files/evidence || fail "not everything was sealed"
jq -e '.mapped | length == 1 and .[0].path == "/media/vestige"' stock/exhibit.json >/dev/null || fail "mapped: $(jq -c .mapped stock/exhibit.json)"

# By the environment as well; env itself is one of the host's.
for variable in LD_PRELOAD LD_AUDIT; do
	rm -f host/loaded
	rm -rf host/case2 stock2
	expect_exit 0 in_host host /bin/env "$variable=/lib/librootkit.so" /media/vestige snapshot /policy.yaml --new /case2 -r "$recipient"
	assert_equal env "$(loaded)" "what loaded the rootkit by $variable"
	stock_open host/case2 stock2
	diff -r host/evidence stock2/items/files/evidence || fail "$variable: not everything was sealed"
done

# ---- processes ----

# A process of that name: ps does not show it, and /proc holds it.
cp /bin/sleep hidden-sleep
./hidden-sleep 120 &
hidden=$!
# shellcheck disable=SC2064 # now, not later
trap "kill $hidden 2>/dev/null || true" EXIT
wait_for 5 grep -qx hidden-sleep "/proc/$hidden/comm"
expect_exit 0 in_host host /bin/ps -e -o pid=,comm=
assert_in "$out" ps
assert_not_in "$out" hidden-sleep
expect_exit 0 ps -e -o pid=,comm=
assert_in "$out" hidden-sleep
printf 'policy: live\nsources: [{name: live, live: [processes, self]}]\n' >host/live.yaml
rm -f host/loaded
in_host host /media/vestige snapshot /live.yaml --new /case4 -r "$recipient" >"$out" 2>"$err" || (($? == 3)) ||
	fail "live state: $(cat "$err")"
[[ ! -e host/loaded ]] || fail "the static program loaded the rootkit"
stock_open host/case4 stock4
cat stock4/items/live/processes.jsonl/part-* >processes.jsonl
assert_equal hidden-sleep "$(jq -r "select(.pid == $hidden) | .comm" processes.jsonl)" "the process that ps does not show"
! grep -h preloaded_library stock4/items/live/findings.jsonl/part-* || fail "the static program thinks that it is preloaded"
kill "$hidden"

# ---- the dynamic program, there ----

rm -f host/loaded
in_host host /bin/vestige-dynamic snapshot /live.yaml --new /case5 -r "$recipient" >"$out" 2>"$err" || (($? == 3)) ||
	fail "live state: $(cat "$err")"
assert_in "$err" "finding: " "librootkit.so"
stock_open host/case5 stock5
jq -e 'select(.finding == "preloaded_library" and .severity == "high")' <(cat stock5/items/live/findings.jsonl/part-*) >/dev/null ||
	fail "no finding of the rootkit"
rm -f host/loaded
expect_exit 0 in_host host /bin/vestige-dynamic snapshot /policy.yaml --new /case3 -r "$recipient"
assert_equal vestige-dynamic "$(loaded)" "what loaded the rootkit"
stock_open host/case3 stock3
any_json stock3/exhibit.json '.mapped | any(.path == "/lib/librootkit.so")' || fail "mapped: $(jq -c .mapped stock3/exhibit.json)"
assert_equal "$(sha256_of host/lib/librootkit.so)" \
	"$(jq -r '.mapped[] | select(.path == "/lib/librootkit.so") | .sha256' stock3/exhibit.json)" "the rootkit's digest"
