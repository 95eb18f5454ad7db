#!/usr/bin/env bash
# More items than a manifest segment holds, overlapping patterns, two sources, nothing at all.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 jq age zstd tar
mkdir tree
python3 - <<'PYTHON'
import os
for i in range(10000):
    if i % 500 == 0:
        os.makedirs(f"tree/d{i // 500:02}")
    with open(f"tree/d{i // 500:02}/file-{i:05}", "w") as f:
        f.write(f"content {i}\n" * (i % 7))
PYTHON
cat >policy.yaml <<POLICY
policy: many
sources:
  - name: all
    files: {paths: ["$here/tree/**", "$here/tree/d00/*", $here/tree/d01/file-00501]}
  - name: again
    files: {paths: ["$here/tree/d0[0-1]/**"]}
  - name: nothing
    files: {paths: ["$here/tree/*.none"]}
POLICY
new_case case
snapshot case
expect_exit 0 vestige -C case verify --deep -i analyst.key
expect_exit 0 vestige -C case --json ls -i analyst.key
cp "$out" ls.json
assert_equal "10021 1002" "$(jq -s '[([.[] | select(.item.source == "all")] | length), ([.[] | select(.item.source == "again")] | length)] | join(" ")' -r ls.json)" \
	"items of the two sources, each path once in each"
assert_equal "$(jq -r .item.seq ls.json | sort -n | uniq | wc -l)" "$(wc -l <ls.json)" "sequence numbers"
# The second source's files are the first's inodes: hard links to them, or copies, but the right content either way.
for i in 0 499 501 4095 4096 8191 9999; do
	path=$(printf '%s/tree/d%02d/file-%05d' "$here" $((i / 500)) "$i")
	expect_exit 0 vestige -C case cat -i analyst.key latest "all:$path"
	cmp "$out" "$path"
done
expect_exit 0 vestige -C case cat -i analyst.key latest "again:$here/tree/d01/file-00999"
cmp "$out" tree/d01/file-00999
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -d -q >exhibit.tar
tar -tf exhibit.tar | grep -c '^manifest/' >segments
(($(cat segments) >= 3)) || fail "$(cat segments) manifest segments for 11,000 items"
mkdir stock
tar -xf exhibit.tar -C stock
diff -r tree "stock/items/all$here/tree" || fail "stock tar gives other files"
# Merkle root by hand, from the leaves that stock tar gives.
python3 - stock >root <<'PYTHON'
import hashlib, pathlib, sys
stock = pathlib.Path(sys.argv[1])
lines = b"".join(p.read_bytes() for p in sorted(stock.glob("manifest/*.jsonl"))).splitlines()
level = [hashlib.sha256(b"\0" + line).digest() for line in lines]
assert b"".join(level) == (stock / "leaves").read_bytes(), "leaves are not those of the lines"
def tree(hashes):
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(hashes[:k]) + tree(hashes[k:])).digest()
print(tree(level).hex())
PYTHON
expect_exit 0 vestige -C case --json show
assert_equal "$(jq -r .seal.merkle.root "$out")" "$(cat root)" "Merkle root"
assert_equal "$(wc -l <ls.json)" "$(jq -r .seal.merkle.size "$out")" "leaves"

# Nothing at all is an exhibit too: it says what was asked for and is absent.
write_policy none.yaml "$here/nowhere/**"
expect_exit 0 vestige -C case snapshot none.yaml
assert_in "$out" "absent 1"
expect_exit 0 vestige -C case verify --deep -i analyst.key
