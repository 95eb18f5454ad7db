#!/usr/bin/env bash
# The static program: built and checked by tools/build-static, whose check can fail; opens nothing of the host's; needs no kernel
# newer than 4.18.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/static.sh
. "$TESTS/cli/static.sh"
need jq age zstd tar
build_static
check=$TESTS/../tools/build-static
unset VESTIGE_POLICIES

expect_exit 0 "$check" --check "$static"
expect_exit 0 "$static" --version
grep -qE '^vestige [0-9.]+ static$' "$out" || fail "--version: $(cat "$out")"
# The same bytes whenever it is built from the same tree.
expect_exit 0 "$check" again
cmp "$static" again

# ---- the check can fail ----
expect_exit 1 "$check" --check "$VESTIGE"
assert_in "$err" "dynamic loader" "needs shared objects: " "libcrypto" "not linked with archiver/static/"
echo "no program" >text
expect_exit 1 "$check" --check text
assert_in "$err" "text: not a program for x86-64"
expect_exit 1 "$check" --check nothing
strip -o stripped "$static"
expect_exit 1 "$check" --check stripped
assert_in "$err" "stripped: has no symbols"
# caller NAME CALL [FLAG]: a static program that makes one call.
caller() {
	printf '%s\n' '#include <dlfcn.h>' '#include <iconv.h>' '#include <locale.h>' '#include <netdb.h>' '#include <pwd.h>' '#include <stdio.h>' \
		"int main(void) { return ($2) != 0; }" >"$1.c"
	gcc "${3:--static-pie}" -fPIE -w -o "$1" "$1.c" 2>/dev/null
	expect_exit 1 "$check" --check "$1"
	assert_not_in "$out" good
}
caller none 0
assert_in "$err" "not linked with archiver/static/"
caller user 'getpwuid(0)'
assert_in "$err" "loads or reads from the host: " "__nss_" "C library's own: " "getpwuid" "_dl_map_object is called"
caller user-no-pie 'getpwuid(0)' -static
assert_in "$err" "not position-independent" getpwuid
caller host 'getaddrinfo("a", 0, 0, 0)'
assert_in "$err" getaddrinfo "__res_"
caller set 'iconv_open("UTF-8", "KOI8-R")'
assert_in "$err" iconv_open "__gconv_open"
caller locale 'setlocale(LC_ALL, "")'
assert_in "$err" setlocale "_nl_find_locale"
caller object 'dlopen("x.so", 0)'
assert_in "$err" dlopen "_dl_open"
expect_exit 64 "$check"
expect_exit 64 "$check" --check
[[ ! -e unwritten ]] || fail "a file was written"

# ---- a kernel of 4.18: no call that is newer ----
cat >old_kernel.c <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LAST_OF_4_18 334 /* rseq; the next one is 424, of 5.1 */

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_OF_4_18, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return 126;
	execv(argv[1], argv + 1);
	return 127;
}
C
gcc -o old_kernel old_kernel.c
make_tree tree
write_policy policy.yaml "$here/tree/**"
make_identity
expect_exit 0 ./old_kernel "$static" snapshot policy.yaml --new old -r "$recipient"
expect_exit 0 ./old_kernel "$static" -C old verify --deep -i analyst.key
expect_exit 0 ./old_kernel "$static" -C old ls -i analyst.key latest
expect_exit 0 ./old_kernel "$static" -C old extract -i analyst.key latest -o extracted
diff -r "tree" "extracted/items/files$here/tree" || fail "extracted otherwise"
stock_open old stock
diff -r "tree" "stock/items/files$here/tree" || fail "sealed otherwise"

# ---- what it opens of the host ----
command -v strace >/dev/null || exit 0
# opened NAME COMMAND…: every absolute path that the command gave to the kernel, but for the case and the evidence.
opened() {
	local name=$1
	shift
	strace -f -o "$name.trace" -e trace=%file "$@" >"$out" 2>"$err" || fail "$name: $(cat "$err")"
	grep -E ' (open|openat|openat2|access|faccessat|faccessat2|stat|lstat|newfstatat|statx|execve|readlink)\(' "$name.trace" | sed 1d |
		grep -oE '"/[^"]*"' | tr -d '"' | sort -u | awk -v here="$here" 'index($0, here) != 1 && index(here "/", $0) != 1' >"$name.opened"
	# /etc/localtime is read as data: exhibit.json records the host's zone. /dev/urandom seeds libgit2's file names.
	if grep -vE '^(/proc|/sys)/|^/dev/(null|urandom)$|^/etc/localtime$' "$name.opened"; then fail "$name opened the above"; fi
}
opened snapshot "$static" snapshot policy.yaml --new traced -r "$recipient"
opened verify "$static" -C traced verify --deep -i analyst.key
opened ls "$static" -C traced ls -i analyst.key latest
if grep -q localtime verify.opened ls.opened; then fail "the zone is read without need"; fi
