#!/usr/bin/env bash
# The same tree with nothing but age, zstd and tar.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/everything.sh
. "$TESTS/cli/everything.sh"
need_root
need age zstd tar rsync getfacl setfattr setcap getcap chattr python3

make_everything image/data
write_policy policy.yaml "/data/**"
new_case case
expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
mkdir stock
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -d -q |
	tar -x -C stock --xattrs --xattrs-include='*' --acls --numeric-owner --same-owner -p 2>"$err"
grep -v -e 'Ignoring unknown extended header keyword' -e 'implausibly old time stamp' -e 's in the future$' "$err" >complaints || true
assert_empty complaints "tar complained"
same_everything image/data stock/items/files/data
for name in exhibit.json policy.yaml closing.json manifest/000001.jsonl index leaves trailer; do
	[[ -s stock/$name ]] || fail "$name is not in the tar"
done
cmp policy.yaml stock/policy.yaml

# No path twice; the seek table is there and stock zstd tests the whole stream.
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age >exhibit.tar.zst
zstd -q -t exhibit.tar.zst
assert_equal b1ea928f "$(tail -c 4 exhibit.tar.zst | od -An -tx1 | tr -d ' \n')" "magic of the seek table at the end"
zstd -d -q -c exhibit.tar.zst | tar -t --quoting-style=escape | sort | uniq -d >twice
assert_empty twice "paths that are in the tar twice"
# sha256sum of what stock tar gives is what the manifest says.
jq -r 'select(.type == "file" and .sha256 != null and .hardlink == null and .sparse == null and .path_base64 == null
	and (.path | test("[\n\\\\]") | not)) | "\(.sha256)  stock/items/\(.source)\(.path)"' stock/manifest/000001.jsonl >sums
(($(wc -l <sums) > 20)) || fail "only $(wc -l <sums) digests in the manifest"
grep -v sparse sums | grep -v -e only-a-hole -e hole-at-end | sha256sum -c --quiet || fail "a digest of the manifest is not the file's"
