#!/usr/bin/env bash
# `content: digest`: a keyed digest and nothing that could be guessed at; the same in two snapshots of one case, another after one byte.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq openssl python3

mkdir -p image/data
head -c 3000000 /dev/urandom >image/data/big
echo "123-45-6789" >image/data/short
: >image/data/empty
ln image/data/short image/data/short-too
ln -s short image/data/link
python3 - <<'PYTHON'
with open("image/data/sparse", "wb") as f:  # holes at both ends, small enough to be hashed as zeros
    f.seek(1 << 20); f.write(b"middle" * 1000); f.truncate(8 << 20)
with open("image/data/huge", "wb") as f:    # holes of a TiB
    f.seek(1 << 30); f.write(b"x" * 8192); f.truncate(1 << 40)
PYTHON
cat >policy.yaml <<'POLICY'
policy: digests
hashes: [sha256, sha1, md5]
sources:
  - {name: data, content: digest, files: {paths: [/data]}}
POLICY
new_case case
[[ -e case/private/digest.key ]] || fail "init made no digest key"
assert_equal "600 65" "$(stat -c '%a %s' case/private/digest.key)" "mode and size of the key"
expect_exit 0 vestige -C case verify
key=$(cat case/private/digest.key)
[[ $key =~ ^[0-9a-f]{64}$ ]] || fail "the key is not 64 hex digits"

expect_exit 0 vestige -C case snapshot policy.yaml --root image --dry-run
assert_in "$out" "/data/big  (digest)"
expect_exit 0 vestige -C case snapshot policy.yaml --root image
assert_not_in "$err" "$key"
assert_not_in "$err" "digest.key"
expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" first.json
assert_not_in first.json "$key"
detail() { # FILE PATH FILTER
	jq -r "select(.item.source == \"data\" and .item.path == \"$2\") | .item | $3" "$1"
}
hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" | sed 's/^.*= //'; }
for name in big short empty short-too sparse; do
	assert_equal "$(hmac <"image/data/$name")" "$(detail first.json "/data/$name" .details.digest.hmac_sha256)" "digest of $name"
	assert_equal "$(stat -c %s "image/data/$name")" "$(detail first.json "/data/$name" .details.digest.bytes)" "bytes of $name"
	assert_equal "$(stat -c %s "image/data/$name")" "$(detail first.json "/data/$name" .size)" "size of $name"
	assert_not_in first.json "$(sha256_of "image/data/$name")" "$(md5sum <"image/data/$name" | cut -d' ' -f1)"
done
# Data, then its map: offset and length of each extent, the size, their number, in 64 bits little-endian.
python3 - image/data/huge >mapped <<'PYTHON'
import os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
size, at, extents = os.fstat(fd).st_size, 0, []
while True:
    try:
        start = os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        break
    at = os.lseek(fd, start, os.SEEK_HOLE)
    extents.append((start, at - start))
out = sys.stdout.buffer
for start, length in extents:
    out.write(os.pread(fd, length, start))
for extent in extents:
    out.write(struct.pack("<QQ", *extent))
out.write(struct.pack("<QQ", size, len(extents)))
PYTHON
assert_equal "$(hmac <mapped)" "$(detail first.json /data/huge .details.digest.map_hmac_sha256)" "digest of a file of a TiB"
assert_equal 1099511627776 "$(detail first.json /data/huge .size)" "its size"
jq -se '[.[].item | select(.source == "data" and .type == "file")] | length == 6 and all(.[]; .status == "collected" and
	.content == "digest" and .sha256 == null and .sha1 == null and .md5 == null and .sparse == null and .hardlink == null and
	.read.start != null and .read.before.size == .size and .read.after.size == .size)' first.json >/dev/null ||
	fail "items with digests: $(cat first.json)"

# The key is in the exhibit, for who can open it.
expect_exit 0 vestige -C case cat -i analyst.key latest digest.key
assert_equal "$key" "$(cat "$out")" "the key as sealed"
expect_exit 0 vestige -C case ls -i analyst.key latest
assert_in "$out" "data:/data/big  (digest)"
expect_exit 2 vestige -C case cat -i analyst.key latest /data/big
assert_in "$err" "/data/big" "the policy asked for a digest of it only"
expect_exit 0 vestige -C case extract -i analyst.key latest -o extracted
assert_in "$err" "6 files" "the policy asked for no content of them"
expect_exit 0 vestige -C case verify --deep -i analyst.key
expect_exit 0 vestige recover -i analyst.key -o recovered case/exhibits/EX0001.tar.zst.age

# Again: the same; after one byte of each, another.
expect_exit 0 vestige -C case snapshot policy.yaml --root image
expect_exit 0 vestige -C case --json ls -i analyst.key latest
jq -c '.item | select(.details) | [.path, .details]' first.json >before
jq -c '.item | select(.details) | [.path, .details]' "$out" | diff before - || fail "digests of the same bytes differ"
flip image/data/big 2999999
flip image/data/huge 1073741824
expect_exit 0 vestige -C case snapshot policy.yaml --root image
expect_exit 0 vestige -C case --json ls -i analyst.key latest
changed=$(jq -c '.item | select(.details) | [.path, .details]' "$out" | diff before - | grep -c '^>' || true)
assert_equal 2 "$changed" "digests that differ after two files were changed"

# Limits count what is read.
{ cat policy.yaml; echo 'limits: {item: 1MiB}'; } >limited.yaml
expect_exit 3 vestige -C case snapshot limited.yaml --root image
expect_exit 0 vestige -C case --json ls -i analyst.key latest
assert_equal "truncated limits.item 1048576" "$(detail "$out" /data/big '"\(.status) \(.rule) \(.details.digest.bytes)"')" "a cut digest"
assert_equal "$(head -c 1048576 image/data/big | hmac)" "$(detail "$out" /data/big .details.digest.hmac_sha256)" "digest of what was read"

# Another case has another key; a policy without digests seals none.
new_case other
[[ $key != "$(cat other/private/digest.key)" ]] || fail "two cases have one key"
write_policy full.yaml /data/short
expect_exit 0 vestige -C other snapshot full.yaml --root image
expect_exit 2 vestige -C other cat -i analyst.key latest digest.key
# Lost: made anew, which is said where there is something to compare with.
rm other/private/digest.key
expect_exit 0 vestige -C other snapshot policy.yaml --root image
assert_in "$err" "private/digest.key was not there" "cannot be compared"
expect_exit 0 vestige -C other snapshot policy.yaml --root image
assert_not_in "$err" "digest.key"
new_case third
rm third/private/digest.key
expect_exit 0 vestige -C third snapshot policy.yaml --root image
assert_not_in "$err" "digest.key"
expect_exit 0 vestige -C third verify --deep -i analyst.key
# Damaged: never used, never replaced.
echo nonsense >third/private/digest.key
expect_exit 2 vestige -C third snapshot policy.yaml --root image
assert_in "$err" "private/digest.key" "is no key" "hint:"
assert_equal nonsense "$(cat third/private/digest.key)" "a damaged key"
expect_exit 0 vestige -C third snapshot full.yaml --root image
expect_exit 0 vestige -C third verify
assert_in "$out" "private/digest.key"
