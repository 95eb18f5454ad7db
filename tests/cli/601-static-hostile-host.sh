#!/usr/bin/env bash
# A host where the intruder has planted a name service module, a character set module, a locale, a libcrypto provider and settings of
# libgcrypt: the static program, alone on read-only media, loads none of them and collects everything.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/static.sh
. "$TESTS/cli/static.sh"
need jq age zstd tar
need_host
build_static
unset VESTIGE_POLICIES

# plant PATH MARK: a library that makes the file MARK when it is loaded. It needs no other.
plant() {
	mkdir -p "host$(dirname "$1")"
	cat >evil.c <<'C'
static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}
__attribute__((constructor)) static void leave_mark(void)
{
	call(3, call(2, (long)MARK, 0101, 0666), 0, 0); /* open with O_CREAT | O_WRONLY, close */
}
C
	gcc -shared -fPIC -nostdlib -fno-stack-protector -DMARK="\"$2\"" -o "host$1" evil.c
}
mkdir -p host/proc host/media host/etc host/evidence host/var/log host/usr/lib/ssl
cp "$static" host/media/vestige
triplet=x86_64-linux-gnu
plant /lib/$triplet/libnss_evil.so.2 /mark-nss
plant /usr/lib/$triplet/gconv/EVIL.so /mark-gconv
plant /usr/lib/$triplet/ossl-modules/evil.so /mark-openssl
plant /lib/evil-preload.so /mark-preload
printf 'passwd: evil files\ngroup: evil files\nhosts: evil\nservices: evil\ninitgroups: evil\n' >host/etc/nsswitch.conf
printf 'root:x:0:0:root:/root:/bin/sh\nmallory:x:4711:4711::/home/mallory:/bin/sh\n' >host/etc/passwd
printf 'root:x:0:\nmallory:x:4711:\n' >host/etc/group
for set in UTF-8 ANSI_X3.4-1968 KOI8-R; do
	printf 'module %s// INTERNAL EVIL 1\nmodule INTERNAL %s// EVIL 1\n' "$set" "$set"
done >host/usr/lib/$triplet/gconv/gconv-modules
for place in C.utf8 C.UTF-8 evil; do
	mkdir -p host/usr/lib/locale/$place
	head -c 65536 /dev/urandom >host/usr/lib/locale/$place/LC_CTYPE
done
head -c 65536 /dev/urandom >host/usr/lib/locale/locale-archive
cat >host/usr/lib/ssl/openssl.cnf <<CONF
openssl_conf = init
[init]
providers = providers
[providers]
evil = evil_section
[evil_section]
module = /usr/lib/$triplet/ossl-modules/evil.so
activate = 1
CONF
mkdir -p host/etc/ssl host/etc/gcrypt
cp host/usr/lib/ssl/openssl.cnf host/etc/ssl/
touch host/etc/gcrypt/fips_enabled # would refuse to seal
printf '/lib/evil-preload.so\n' >host/etc/ld.so.preload
# A policy of the shipped name that takes nothing, where a host could put it.
for place in host/usr/local/share/vestige/policies host/share/vestige/policies host/policies; do
	mkdir -p "$place"
	printf 'policy: linux-logs\nsources: [{name: none, files: {paths: [/none]}}]\n' >"$place/linux-logs.yaml"
done

make_tree host/evidence/tree
chown -R 4711:4711 host/evidence/tree/sub
echo decomposed >$'host/evidence/tree/Ne\xcc\x81e'
echo 'not UTF-8' >$'host/evidence/tree/caf\xe9'
echo umlaut >host/evidence/tree/größe
echo "what happened" >host/var/log/syslog
write_policy policy.yaml "/evidence/**"
cp policy.yaml host/
make_identity
cp analyst.key host/ # to look at the exhibit in there as well

marks() { find host -maxdepth 1 -name 'mark*' -printf '%f\n' | sort | xargs; }

# The host is as evil as it should be: a static program that is not ours loads the planted modules.
cat >victim.c <<'C'
#include <iconv.h>
#include <pwd.h>
int main(void)
{
	getpwnam("nobody-of-that-name");
	iconv_open("UTF-8", "KOI8-R");
	return 0;
}
C
gcc -static -w -o host/victim victim.c 2>/dev/null
in_host host /victim >/dev/null 2>&1 || true
assert_equal "mark-gconv mark-nss" "$(marks)" "what a static program of glibc loads"
rm -f host/mark* host/victim

# The same by environment; set by a static program inside, so that nothing but ours runs under it.
environment=(LC_ALL=evil LANG=C.UTF-8 LANGUAGE=evil LOCPATH=/usr/lib/locale "GCONV_PATH=/usr/lib/$triplet/gconv"
	LD_PRELOAD=/lib/evil-preload.so LD_AUDIT=/lib/evil-preload.so LD_LIBRARY_PATH=/lib OPENSSL_CONF=/usr/lib/ssl/openssl.cnf
	"OPENSSL_MODULES=/usr/lib/$triplet/ossl-modules" HOME=/root)
{
	printf '#include <unistd.h>\nint main(int argc, char **argv) {\nstatic char *const environment[] = {\n'
	printf '"%s",\n' "${environment[@]}"
	printf '0};\n(void)argc;\nargv[0] = "/media/vestige";\nexecve(argv[0], argv, environment);\nreturn 127; }\n'
} >set_environment.c
gcc -static -o host/set-environment set_environment.c
inside() {
	in_host host /media/vestige "$@"
}

expect_exit 2 inside keygen -o /media/key
assert_in "$err" "Read-only file system"
expect_exit 0 inside snapshot /policy.yaml --new /case -r "$recipient"
expect_exit 0 inside -C /case verify --deep -i /analyst.key
expect_exit 0 inside -C /case ls -i /analyst.key latest
assert_in "$out" größe
assert_equal "" "$(marks)" "what was loaded"
expect_exit 0 in_host host /set-environment snapshot /policy.yaml --new /case2 -r "$recipient"
assert_equal "" "$(marks)" "what was loaded by environment"
# By name, from inside the program and not from what the host calls the policy.
expect_exit 0 inside --json policy show linux-logs
assert_equal "built in" "$(jq -r .file "$out")" "file of the policy"
expect_exit 0 inside snapshot linux-logs --new /case3 -r "$recipient"
assert_in "$out" "sealed EX0001"
assert_equal "" "$(marks)" "what was loaded for linux-logs"
stock_open host/case3 stock3
assert_equal "what happened" "$(cat stock3/items/logs/var/log/syslog)" "a log of the host"

for case in case case2; do
	stock_open host/$case "stock-$case"
	diff -r host/evidence "stock-$case/items/files/evidence" || fail "$case: sealed otherwise"
	jq -e '.mapped | length == 1 and .[0].path == "/media/vestige"' "stock-$case/exhibit.json" >/dev/null ||
		fail "$case: mapped: $(jq -c .mapped "stock-$case/exhibit.json")"
	assert_equal "$(sha256_of "$static")" "$(jq -r .program.sha256 "stock-$case/exhibit.json")" "$case: the program's digest"
	# Names by the host's passwd, which we parse and nobody's module.
	cat "stock-$case"/manifest/*.jsonl >manifest.jsonl
	any_json manifest.jsonl '.path == "/evidence/tree/sub" and .user == "mallory"' || fail "$case: the owner has no name"
done
# Nothing that the archive's own names say depends on how the program was linked.
age -d -i analyst.key host/case/exhibits/EX0001.tar.zst.age | zstd -dc >exhibit.tar
assert_equal 1 "$(grep -ac 'hdrcharset=BINARY' exhibit.tar || true)" "entries whose names are not UTF-8"
