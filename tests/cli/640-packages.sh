#!/usr/bin/env bash
# `packages: true`: files against the database that dpkg made in the evidence, with diversions, links of directories, architectures.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/dpkg.sh
. "$TESTS/cli/dpkg.sh"
need_dpkg

make_root root
arch=$(dpkg --print-architecture)
mkdir -p tool/{usr/bin,bin,etc,usr/share/tool} libtool1/usr/lib/x gone/{usr/bin,etc} other/usr/bin old/usr/bin new/usr/bin
for name in good bad diverted mode; do echo "program $name" >"tool/usr/bin/$name"; done
echo "program alias" >tool/bin/alias
echo "program alias two" >tool/bin/alias-bad
: >tool/usr/share/tool/empty
echo "a name with blanks" >"tool/usr/share/tool/with two blanks"
echo "setting = 1" >tool/etc/tool.conf
mkdir tool/DEBIAN
echo /etc/tool.conf >tool/DEBIAN/conffiles
make_package tool 1:1.0-1+b2 "Architecture: all"
# A list of its own, as most have; badly made, so that it names the configuration file too.
echo library >libtool1/usr/lib/x/libtool.so.1
mkdir -p libtool1/{DEBIAN,etc}
echo "library = 1" >libtool1/etc/lib.conf
echo /etc/lib.conf >libtool1/DEBIAN/conffiles
(cd libtool1 && md5sum usr/lib/x/libtool.so.1 etc/lib.conf >DEBIAN/md5sums)
make_package libtool1 2.0 "Architecture: $arch" "Multi-Arch: same"
echo gone >gone/usr/bin/gone
mkdir gone/DEBIAN
echo gone >gone/etc/gone.conf
echo /etc/gone.conf >gone/DEBIAN/conffiles
make_package gone 1 "Architecture: all"
echo other >other/usr/bin/diverted
make_package other 1 "Architecture: all"
echo kept >old/usr/bin/kept # else the package would disappear
echo old >old/usr/bin/taken
make_package old 1 "Architecture: all"
echo new >new/usr/bin/taken
make_package new 2 "Architecture: all" "Replaces: old"

dpkg_root root -i tool.deb libtool1.deb gone.deb old.deb
divert root --package other --rename --divert /usr/bin/diverted.tool --add /usr/bin/diverted
dpkg_root root -i other.deb new.deb
dpkg_root root -r gone
[[ -e root/var/lib/dpkg/info/libtool1:$arch.md5sums ]] || fail "dpkg did not put the architecture into the name"
echo own >root/usr/bin/own
echo gone >root/usr/bin/gone

cat >policy.yaml <<'POLICY'
policy: packages
sources:
  - {name: programs, content: digest, files: {paths: [/usr, /bin/alias, /etc], packages: true}}
POLICY
new_case case
look() {
	expect_exit 0 vestige -C case snapshot policy.yaml --root root --incremental
	expect_exit 0 vestige -C case --json ls -i analyst.key latest
	cp "$out" ls.json
}
expect() { assert_equal "$2" "$(package_of ls.json "$1")" "$1"; }

look
for name in good bad mode alias alias-bad; do expect "/usr/bin/$name" "tool 1:1.0-1+b2 true"; done
expect /usr/bin/diverted.tool "tool 1:1.0-1+b2 true"
expect /usr/bin/diverted "other 1 true"
expect /usr/bin/taken "new 2 true"
expect /usr/bin/kept "old 1 true"
expect /usr/share/tool/empty "tool 1:1.0-1+b2 true"
expect "/usr/share/tool/with two blanks" "tool 1:1.0-1+b2 true"
expect /usr/lib/x/libtool.so.1 "libtool1 2.0 true"
for path in /usr/bin/own /usr/bin/gone /etc/tool.conf /etc/lib.conf /etc/gone.conf; do expect "$path" none; done
assert_equal 0 "$(jq -s '[.[].item.details.package | select(.same == false)] | length' ls.json)" "files that differ from their packages"
assert_equal "$(md5sum <root/usr/bin/good | cut -d' ' -f1)" \
	"$(jq -r 'select(.item.path == "/usr/bin/good") | .item.details.package.md5' ls.json)" "MD5 of the database"
any_json ls.json '.item.path == "/packages/dpkg" and .item.status == "collected" and .item.details.packages.packages == 5 and
	.item.details.packages.odd_lines == 0 and .item.details.packages.unread == 0 and .item.details.packages.differ == 0' ||
	fail "no item of the database: $(grep packages/dpkg ls.json)"

# What is changed, and what of it matters.
flip root/usr/bin/bad 3
touch -r root/usr/bin/good root/usr/bin/bad
flip root/usr/bin/alias-bad 3
flip root/usr/bin/diverted.tool 3
echo "setting = 2" >root/etc/tool.conf
echo "library = 2" >root/etc/lib.conf
chmod 700 root/usr/bin/mode
flip root/usr/bin/own 1
look
for name in bad alias-bad diverted.tool; do expect "/usr/bin/$name" "tool 1:1.0-1+b2 false"; done
for name in good mode alias; do expect "/usr/bin/$name" "tool 1:1.0-1+b2 true"; done
expect /usr/bin/diverted "other 1 true"
for path in /usr/bin/own /etc/tool.conf /etc/lib.conf; do expect "$path" none; done
any_json ls.json '.item.path == "/packages/dpkg" and .item.details.packages.differ == 3' || fail "three differ"
expect_exit 0 vestige -C case cat -i analyst.key latest findings.jsonl
assert_equal "/usr/bin/alias-bad /usr/bin/bad /usr/bin/diverted.tool" \
	"$(jq -r 'select(.rule == "package_file_differs" and .severity == "high") | .path' "$out" | sort | xargs)" "findings"
# dpkg's own word; it does not look where diversions lead.
dpkg --root=root -V >verified 2>&1 || true
assert_equal 2 "$(grep -c '^..5......   /' verified || true)" "files that dpkg finds changed: $(cat verified)"

# An upgrade brings another list.
echo "program good, better" >tool/usr/bin/good
make_package tool 1:1.1 "Architecture: all"
dpkg_root root --force-confold -i tool.deb
look
for name in good bad alias-bad diverted.tool; do expect "/usr/bin/$name" "tool 1:1.1 true"; done
expect_exit 0 vestige -C case verify --deep -i analyst.key
