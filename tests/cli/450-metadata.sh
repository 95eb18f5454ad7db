#!/usr/bin/env bash
# `content: metadata`: what stat tells of every path, by the side of find's word for it; nothing is opened for reading, no atime moves.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

mkdir -p image/data/dir image/data/other
echo hello >image/data/file
echo spaced >"image/data/a name"
ln image/data/file image/data/second-name
ln -s file image/data/link
mkfifo image/data/fifo
truncate -s 1T image/data/sparse
: >image/data/unreadable
chmod 0000 image/data/unreadable
chmod 4755 "image/data/a name"
touch -d '2001-02-03T04:05:06.123456789Z' image/data/dir/old
((EUID == 0)) && chown 4242:4343 image/data/dir/old
flags=
if ((EUID == 0)) && chattr +i image/data/dir/old 2>/dev/null; then
	flags=1
	trap 'chattr -i image/data/dir/old' EXIT
fi
find image/data ! -type l -exec touch -a -d 2000-01-01Z {} + 2>/dev/null || true
cat >policy.yaml <<'POLICY'
policy: body
sources:
  - {name: body, content: metadata, files: {paths: [/data]}}
POLICY
new_case case
# Size, mode, owner, link count, inode, and times to the ns, of all but what is read anyway.
find image/data -printf '/%P\t%y\t%s\t%#m\t%U\t%G\t%n\t%i\t%T@\t%C@\t%A@\n' | LC_ALL=C sort >wanted
find image/data -type f -printf '%P %A@\n' | LC_ALL=C sort >atimes
if command -v strace >/dev/null; then
	expect_exit 0 env ASAN_OPTIONS=detect_leaks=0 strace -f -y -qq -o trace -e trace=%file,read,pread64 "$VESTIGE" -C case snapshot policy.yaml --root image
	grep -E 'open' trace | grep -E '"(file|second-name|a name|sparse|unreadable|old|fifo)"' | grep -v O_PATH >opened || true
	assert_empty opened "a file was opened for more than a look at it"
	grep -E '^[0-9]+ +p?read(64)?\([0-9]+</.*/image/data/' trace >reads || true
	assert_empty reads "a file was read"
else
	expect_exit 0 vestige -C case snapshot policy.yaml --root image
fi
find image/data -type f -printf '%P %A@\n' | LC_ALL=C sort | diff atimes - || fail "an atime moved"

expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.json
jq -r 'select(.item.source == "body") | .item
	| [.path, {file: "f", directory: "d", symlink: "l", fifo: "p"}[.type], .mode, .uid, .gid, .nlink, .ino] | @tsv' ls.json |
	LC_ALL=C sort >found
while IFS=$'\t' read -r path type _ mode uid gid nlink ino _; do
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "/data${path%/}" "$type" "$(printf '%04o' "$((mode))")" "$uid" "$gid" "$nlink" "$ino"
done <wanted | LC_ALL=C sort | diff - found || fail "metadata differ from find's"
# Sizes and times, by the same form.
jq -r 'select(.item.source == "body" and .item.type == "file") | .item | "\(.path) \(.size) \(.mtime)"' ls.json | LC_ALL=C sort >found
find image/data -type f -print0 | while IFS= read -r -d '' name; do
	printf '%s %s %s\n' "${name#image}" "$(stat -c %s "$name")" "$(TZ=UTC stat -c %y "$name" | sed 's/ /T/; s/ +0000/Z/')"
done | LC_ALL=C sort >stats
# RFC 3339 may leave out zeros at the end of a fraction.
sed -E 's/(\.[0-9]*[1-9])0+Z$/\1Z/; s/\.0+Z$/Z/' -i found stats
diff stats found || fail "sizes or times differ from stat's"
jq -se '[.[] | .item | select(.source == "body" and .type == "file")] | length == 6 and all(.[];
	.status == "collected" and .content == "metadata" and .sha256 == null and .read == null and .hardlink == null)' ls.json >/dev/null ||
	fail "items of metadata: $(cat ls.json)"
[[ -z $flags ]] || any_json ls.json '.item.path == "/data/dir/old" and .item.flags == "i"' || fail "the immutable flag is not there"

# No entry in the tar, and each verb says why.
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age 2>/dev/null | zstd -dc 2>/dev/null | tar -t >names 2>/dev/null || true
[[ ! -s names ]] || assert_not_in names "items/body/data/file" "items/body/data/sparse"
expect_exit 0 vestige -C case ls -i analyst.key latest
assert_in "$out" "body:/data/file  (metadata)"
expect_exit 2 vestige -C case cat -i analyst.key latest /data/file
assert_in "$err" "/data/file" "the policy asked for its metadata only"
expect_exit 0 vestige -C case extract -i analyst.key latest -o out
assert_in "$err" "6 files" "the policy asked for no content of them"
[[ -d out/items/body/data/dir && ! -e out/items/body/data/file ]] || fail "what came out: $(find out)"
expect_exit 0 vestige -C case verify --deep -i analyst.key
expect_exit 0 vestige -C case snapshot policy.yaml --root image --dry-run
assert_in "$out" "/data/file  (metadata)"
assert_in "$err" "0 B to read"

# A million paths are a matter of seconds: here some thousands, names with every byte among them.
mkdir -p many
python3 - <<'PYTHON'
import os
for i in range(5000):
    open(os.path.join(b"many", b"n%05d" % i), "wb").close()
open(b"many/\xff\n\x1b[31m", "wb").close()
PYTHON
sed 's|/data|/many|' policy.yaml >many.yaml
expect_exit 0 vestige -C case snapshot many.yaml --root .
expect_exit 0 vestige -C case --json ls -i analyst.key latest
assert_equal 5002 "$(jq -c 'select(.item.source == "body") | .item.path' "$out" | sort -u | wc -l)" "items of a large directory"
any_json "$out" '.item.path_base64 != null and .item.content == "metadata"' || fail "a name that is not UTF-8"
expect_exit 0 vestige -C case verify --deep -i analyst.key

# What a crash left is taken out of such an exhibit too.
cp case/exhibits/EX0001.tar.zst.age cut.partial
truncate -s -3000 cut.partial
status=0
vestige -C case recover -i analyst.key -o recovered cut.partial >"$out" 2>"$err" || status=$?
((status == 0 || status == 1 || status == 3)) || fail "recover: exit status $status: $(cat "$err")"
