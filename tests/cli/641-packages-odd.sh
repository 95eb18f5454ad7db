#!/usr/bin/env bash
# `packages: true` with whole contents, hard links, holes, limits; a database that is not there, odd, or in motion; in policies.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/dpkg.sh
. "$TESTS/cli/dpkg.sh"
need_dpkg

make_root root
mkdir -p tool/usr/bin
for name in one two three; do head -c 300000 /dev/urandom >"tool/usr/bin/$name"; done
truncate -s 4M tool/usr/bin/sparse
echo middle | dd of=tool/usr/bin/sparse bs=1M seek=2 conv=notrunc status=none
make_package tool 1 "Architecture: all"
dpkg_root root -i tool.deb
cp --sparse=always tool/usr/bin/sparse root/usr/bin/sparse

cat >policy.yaml <<'POLICY'
policy: packages
sources:
  - {name: programs, files: {paths: [/usr/bin], packages: true}}
POLICY
new_case case
look() { # STATUS [POLICY]
	expect_exit "$1" vestige -C case snapshot "${2:-policy.yaml}" --root root
	expect_exit 0 vestige -C case --json ls -i analyst.key latest
	cp "$out" ls.json
}
expect() { assert_equal "$2" "$(package_of ls.json "$1")" "$1"; }
expect_exit 0 vestige -C case snapshot policy.yaml --root root --dry-run
assert_not_in "$out" packages/dpkg

# A changed program that has a first name of no package, and one that repeats a whole one.
flip root/usr/bin/two 100000
ln root/usr/bin/two root/usr/bin/a-name
ln root/usr/bin/one root/usr/bin/z-name
look 0
expect /usr/bin/one "tool 1 true"
expect /usr/bin/two "tool 1 false"
expect /usr/bin/three "tool 1 true"
expect /usr/bin/sparse "tool 1 true"
expect /usr/bin/a-name none
expect /usr/bin/z-name none
any_json ls.json '.item.path == "/usr/bin/two" and .item.hardlink != null' || fail "a second name is no link any more"
expect_exit 0 vestige -C case cat -i analyst.key latest /usr/bin/sparse
cmp "$out" root/usr/bin/sparse
expect_exit 0 vestige -C case verify --deep -i analyst.key

# Not all of it read: not compared. Holes without end are not hashed.
{ cat policy.yaml; echo 'limits: {item: 200000}'; } >limited.yaml
truncate -s 1T root/usr/bin/sparse
look 3 limited.yaml
expect /usr/bin/three "tool 1 null"
expect /usr/bin/sparse "tool 1 null"

# Odd lines are counted, and hide nothing; a name that leads out is none.
list=root/var/lib/dpkg/info/tool.md5sums
cp "$list" list
{ echo "no line of a list"; printf '\0\n'; echo "0123456789abcdef0123456789abcdef  ../../../../etc/passwd"; cat list; } >"$list"
printf 'Package: ../../../evil\nStatus: install ok installed\nVersion: 1\n\n' >>root/var/lib/dpkg/status
look 0
expect /usr/bin/two "tool 1 false"
expect /usr/bin/three "tool 1 true"
any_json ls.json '.item.path == "/packages/dpkg" and .item.details.packages.odd_lines == 4' || fail "odd lines: $(grep packages/dpkg ls.json)"
# A list that cannot be read is told; a FIFO holds nobody.
rm "$list"
mkfifo "$list"
look 3
any_json ls.json '.item.path == "/packages/dpkg" and .item.status == "error" and (.item.reason // .item.rule | contains("tool.md5sums"))' ||
	fail "an unread list: $(grep packages/dpkg ls.json)"
rm "$list"
# A link that leads out of the evidence leads into it.
ln -s /etc/passwd "$list"
look 0
expect /usr/bin/two none
rm "$list"
cp list "$list"

# A package that dpkg has in hands, by its journal.
printf 'Package: tool\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 1\n' >root/var/lib/dpkg/updates/0000
look 0
expect /usr/bin/two none
rm root/var/lib/dpkg/updates/0000
look 0
expect /usr/bin/two "tool 1 false"

# No database: said, and no harm.
mv root/var/lib/dpkg root/var/lib/rpm
look 0
expect /usr/bin/two none
any_json ls.json '.item.path == "/packages/dpkg" and .item.status == "absent"' || fail "no database: $(grep packages/dpkg ls.json)"
mv root/var/lib/rpm root/var/lib/dpkg

# In policies.
sed 's/files:/content: metadata, files:/' policy.yaml >wrong.yaml
expect_exit 2 vestige policy check wrong.yaml
assert_in "$err" "packages: with content: metadata"
sed 's/packages: true/packages: yes please/' policy.yaml >wrong.yaml
expect_exit 2 vestige policy check wrong.yaml
assert_in "$err" "packages" "wrong.yaml:3"
expect_exit 0 vestige policy show policy.yaml
grep -q 'packages *yes' "$out" || fail "policy show: $(cat "$out")"
expect_exit 0 vestige policy show baseline
grep -q 'packages *yes' "$out" || fail "baseline does not compare"
