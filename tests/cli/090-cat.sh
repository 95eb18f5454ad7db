#!/usr/bin/env bash
# One item out of many: its bytes, without reading the rest, and said so.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3
mkdir -p tree/a tree/b
for i in {1..20}; do head -c 1500000 /dev/urandom >"tree/b/random-$i"; done
seq 100000 >tree/a/numbers
echo first >tree/a/first
ln tree/a/numbers tree/a/same-numbers
ln -s numbers tree/a/link
: >tree/a/empty
truncate -s 5M tree/a/sparse
printf end | dd of=tree/a/sparse bs=1 seek=$((5 * 1024 * 1024 - 3)) conv=notrunc status=none
cat >policy.yaml <<POLICY
policy: cat
sources:
  - name: one
    files: {paths: ["$here/tree/a/**", "$here/tree/b/**"]}
  - name: two
    files: {paths: ["$here/tree/a/first"]}
POLICY
new_case case
snapshot case

for file in a/numbers a/same-numbers a/empty a/sparse b/random-7; do
	expect_exit 0 vestige -C case cat -i analyst.key latest "$here/tree/$file"
	cmp "$out" "tree/$file" || fail "cat of $file"
	assert_in "$err" "of the exhibit was not looked at" "not recorded"
done
grep -qE 'this item is as sealed; [0-9.]+ [KMGi]*B of 2[0-9.]+ MiB were read' "$err" || fail "no coverage: $(cat "$err")"
expect_exit 0 vestige -q -C case cat -i analyst.key latest "$here/tree/a/numbers"
assert_empty "$err" "messages with -q"

# Two sources have it.
expect_exit 64 vestige -C case cat -i analyst.key latest "$here/tree/a/first"
assert_in "$err" "more than one source has it" "hint: say which: one, two"
assert_empty "$out" "content of one of two"
for source in one two; do
	expect_exit 0 vestige -C case cat -i analyst.key EX0001 "$source:$here/tree/a/first"
	assert_equal first "$(cat "$out")" "content by $source"
done
# The exhibit's own records, by the name that ls prints.
expect_exit 0 vestige -C case cat -i analyst.key latest exhibit.json
cp "$out" exhibit.json
expect_exit 0 vestige -C case cat -i analyst.key latest exhibit:exhibit.json
cmp "$out" exhibit.json

for path in "$here/tree/none" "three:$here/tree/a/first" relative; do
	expect_exit 2 vestige -C case cat -i analyst.key latest "$path"
	assert_in "$err" "no such item" "hint: vestige ls shows what the exhibit has"
	assert_empty "$out" "content of what is not there"
done
expect_exit 2 vestige -C case cat -i analyst.key latest "$here/tree/a/link"
assert_in "$err" symlink
assert_empty "$out" "content of a link"
expect_exit 2 vestige -C case cat -i analyst.key EX0002 /x
assert_in "$err" "the log has no exhibit EX0002"
vestige -q keygen -o stranger.key >/dev/null
expect_exit 12 vestige -C case cat -i stranger.key latest "$here/tree/a/numbers"
assert_empty "$out" "content for a stranger"

# Damage elsewhere does not keep an item back; damage in the item does, and nothing false comes out as good.
copy_case case bad
python3 - bad/exhibits/EX0001.tar.zst.age <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(12_000_000)
    f.write(bytes(4096))
PYTHON
expect_exit 0 vestige -C bad cat -i analyst.key latest "$here/tree/a/numbers"
cmp "$out" tree/a/numbers
broken=0
for i in {1..20}; do
	status=0
	vestige -C bad cat -i analyst.key latest "$here/tree/b/random-$i" >"$out" 2>"$err" || status=$?
	((status == 0)) && cmp -s "$out" "tree/b/random-$i" && continue
	assert_equal 1 "$status" "exit status for the damaged item"
	assert_in "$err" "vestige: "
	broken=$((broken + 1))
done
((broken >= 1 && broken <= 8)) || fail "$broken items are said to be damaged"
truncate -s -100 bad/exhibits/EX0001.tar.zst.age
expect_exit 1 vestige -C bad cat -i analyst.key latest "$here/tree/a/numbers"
assert_in "$err" "bytes long, sealed were" "hint: vestige recover"
assert_empty "$out" "content of a cut exhibit"
