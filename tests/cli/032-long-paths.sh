#!/usr/bin/env bash
# Paths of 4,096 bytes and more are ordinary: sealed, listed, read, verified, taken out.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need age zstd tar jq python3

# 250 bytes a component: what fits into PATH_MAX with our prefix, what just fits without, and what no path can name.
mkdir image
python3 - <<'PYTHON'
import os
os.chdir("image")
path = ""
for depth in range(20):
    name = "%02d" % depth + "d" * 248
    os.mkdir(name)
    os.chdir(name)
    path += "/" + name
    with open("file", "w") as f:
        f.write("at depth %d\n" % depth)
# Exactly 4,096 bytes with the leading slash, in the directory that leaves room for it.
os.chdir("../" * 4)
path = path[: -4 * 251]
left = 4096 - len(path) - 1
with open("x" * left, "w") as f:
    f.write("4096 bytes\n")
print(path + "/" + "x" * left)
PYTHON
write_policy policy.yaml "/**"
new_case case
expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
expect_exit 0 vestige -C case verify --deep -i analyst.key
expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.json
assert_equal 42 "$(jq -s '[.[] | select(.item.source == "files")] | length' ls.json)" "items: the root, 20 directories, 21 files"
jq -r '.item.path' ls.json >paths
longest=$(awk '{ if (length($0) > n) n = length($0) } END { print n }' paths)
assert_equal 5025 "$longest" "bytes of the longest path"
exact=$(awk 'length($0) == 4096' paths)
assert_equal 4096 "${#exact}" "the path of 4,096 bytes"
expect_exit 0 vestige -C case cat -i analyst.key latest "$exact"
assert_equal "4096 bytes" "$(cat "$out")" "content at 4,096 bytes"
expect_exit 0 vestige -C case cat -i analyst.key latest "$(awk 'length($0) == 5025' paths)"
assert_equal "at depth 19" "$(cat "$out")" "content at 5,025 bytes"

# Stock tar takes all of it: what does not fit into a name is items/long/N, its true name in the manifest.
mkdir stock
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -d -q | tar -x -C stock 2>"$err" || {
	cat "$err"
	fail "stock tar"
}
(($(find stock/items/long -type f | wc -l) >= 4)) || fail "no items/long"
assert_equal "$(find stock/items/files -type f | wc -l)" "$((21 - $(find stock/items/long -type f | wc -l)))" "files under their names"
grep -rqx "at depth 19" stock/items/long || fail "the deepest file is not in items/long"
expect_exit 0 vestige -C case extract -i analyst.key latest -o ours
assert_equal 21 "$(find ours -type f -path '*items*' ! -path '*/exhibit/*' -name '*' | grep -vc -e 'exhibit.json' -e 'policy.yaml' -e 'closing.json')" "files taken out"
grep -rqx "4096 bytes" ours || fail "the file at 4,096 bytes was not taken out"
