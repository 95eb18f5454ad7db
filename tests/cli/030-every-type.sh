#!/usr/bin/env bash
# Every type of file and piece of metadata, sealed and taken out again by our own extract.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/everything.sh
. "$TESTS/cli/everything.sh"
need_root
need age rsync getfacl setfattr setcap getcap chattr python3 jq

make_everything image/data
# What stock tar cannot take from libarchive's pax, and we can: a space in the name of an attribute.
setfattr -n "user.with space" -v x image/data/xattr 2>/dev/null || true
touch -d '2001-02-03 04:05:06.123456789Z' image/data/xattr
write_policy policy.yaml "/data/**"
new_case case
begin=$SECONDS
expect_exit 0 vestige -C case snapshot policy.yaml --root image --reason "every type" --operator tester
((SECONDS - begin < 20)) || fail "a sparse file of 1 TiB was read as 1 TiB: $((SECONDS - begin)) s"
(($(stat -c %s case/exhibits/EX0001.tar.zst.age) < 8 * 1024 * 1024)) || fail "the exhibit is $(stat -c %s case/exhibits/EX0001.tar.zst.age) bytes"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "each as its manifest line says"

expect_exit 0 vestige -C case extract -i analyst.key latest -o ours --preserve
same_everything image/data ours/items/files/data
assert_equal "$(cd image/data && lsattr -d immutable append nodump empty | sed 's/^\([^ ]*\)/\1/')" \
	"$(cd ours/items/files/data && lsattr -d immutable append nodump empty)" "inode flags"
assert_equal "$(stat -c '%F %a' image/data/socket)" "$(stat -c '%F %a' ours/items/files/data/socket)" "the socket"
assert_equal "$(stat -c %i ours/items/files/data/hard-a)" "$(stat -c %i ours/items/files/data/modes/hard-c)" "hard links"

# The manifest has all of it, one line an item.
expect_exit 0 vestige -C case --json ls -i analyst.key latest
assert_json_lines "$out" ls
cp "$out" ls.json
assert_equal "$(find image/data -printf x | wc -c)" \
	"$(jq -s '[.[] | select(.item.source == "files")] | length' ls.json)" "items and files"
item() { # NAME FILTER WANTED
	assert_equal "$3" "$(jq -c "select(.item.source == \"files\" and .item.path == \"/data/$1\") | .item | $2" ls.json)" "$1 $2"
}
item socket .type '"socket"'
item fifo .type '"fifo"'
item owned '[.uid, .gid]' '[12345,54321]'
item sparse-1TiB .size 1099511627776
item dangling .target '"/nowhere/at/all"'
[[ $left_out == *devices* ]] || item null '[.type, .rdev]' "$(jq -c 'select(.item.path == "/data/null") | .item | ["char_device", .rdev]' ls.json)"
[[ $left_out == *flags* ]] || assert_in <(jq -r 'select(.item.path == "/data/immutable") | .item.flags' ls.json) i
# Birth time by statx, where the file system keeps it.
birth=$(stat -c %W image/data/empty)
if ((birth > 0)); then
	found=$(jq -r 'select(.item.path == "/data/empty") | .item.btime' ls.json)
	assert_equal "$birth" "$(date -d "$found" +%s)" "birth time"
fi
# A FIFO and a device were described and not opened: it would still hang there. Names that are not UTF-8 stand in base64 as well.
any_json ls.json '.item.path_base64 != null' || fail "no base64 of a name that is not UTF-8"
# On a terminal's way out, control characters of names are made harmless.
expect_exit 0 vestige -C case ls -i analyst.key latest
if grep -q $'\e' "$out"; then fail "an escape sequence of a file name reached the output"; fi
[[ -z $left_out ]] || echo "left out here:$left_out"
