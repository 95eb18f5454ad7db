#!/usr/bin/env bash
# Incremental exhibits come out as full ones would: by cat, extract, verify --deep, and by the README's script of stock tools.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq age zstd tar
vestige snapshot --help >help 2>&1 || true
grep -qF -- --incremental help || skip "this program makes no incremental snapshots"
# shellcheck disable=SC2016 # a fence, not a command
sed -n '/<!-- stock-rebuild begin -->/,/<!-- stock-rebuild end -->/p' "$TESTS/../README.md" | sed -n '/^```sh$/,/^```$/p' | sed '1d;$d' >stock-rebuild
[[ -s stock-rebuild ]] || fail "README.md has no script between its markers"

mkdir tree
echo "never changes" >tree/same
seq 10000 >tree/grows
seq 20000 >tree/rotated
printf 'Name \n of two lines\n' >$'tree/odd\nname'
truncate -s 100000 tree/sparse
echo data | dd status=none conv=notrunc bs=4096 seek=3 of=tree/sparse
ln tree/same tree/same-link
ln tree/grows tree/grows-link
write_policy policy.yaml "$here/tree/**"
new_case case
expect_exit 0 vestige -C case snapshot policy.yaml
for night in 1 2; do
	seq "$night" 3000 >>tree/grows
	echo "night $night" >>tree/rotated
	expect_exit 0 vestige -C case snapshot policy.yaml --incremental
done
mv tree/rotated tree/rotated.1
echo "a new one" >tree/rotated
# A file by the name that the entry of a tail has.
echo "taken" >"tree/grows@$(stat -c %s tree/grows)"
echo "more" >>tree/grows
expect_exit 0 vestige -C case snapshot policy.yaml --incremental

expect_exit 0 vestige -C case ls -i analyst.key --status unchanged,tail 4
assert_in "$out" "tail" "unchanged"
expect_exit 0 vestige -C case extract -i analyst.key 4 -o ours
source=$(basename "$(echo ours/items/*)")
diff -r "ours/items/$source$here/tree" tree || fail "extract gives another tree than the host had"
expect_exit 0 sh stock-rebuild case 4 analyst.key theirs
diff -r ours/items theirs/items || fail "stock tools give another tree than extract"
for file in grows rotated rotated.1 same-link grows-link sparse; do
	expect_exit 0 vestige -C case cat -i analyst.key 4 "$here/tree/$file"
	cmp "$out" "tree/$file" || fail "cat $file"
done
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "items in earlier exhibits, all found"

# Without the second exhibit: said, and what does not need it still comes out.
copy_case case lacking
rm lacking/exhibits/EX0002.tar.zst.age
expect_exit 0 vestige -C lacking cat -i analyst.key 4 "$here/tree/same"
vestige -C lacking cat -i analyst.key 4 "$here/tree/grows" >cat-out 2>cat-err && fail "cat gives content that is not there"
assert_in cat-err "EX0002"
expect_exit 1 vestige -C lacking verify --deep -i analyst.key 4
assert_in "$out" "EX0002"
