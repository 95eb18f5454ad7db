#!/usr/bin/env bash
# extract: what is asked for, nowhere but below -o, over nothing that is there.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
make_tree tree
echo "hidden" >tree/.hidden
sealed_case case
place=items/files$here/tree

files() { (cd "$1" && find . -type f | sed "s|^\./||" | LC_ALL=C sort | paste -sd' '); }
expect_exit 0 vestige -C case extract -i analyst.key latest -o all
diff -r --no-dereference tree "all/$place" || fail "the extracted tree differs"
[[ -s all/exhibit.json && -s all/policy.yaml ]] || fail "the exhibit's records were not taken out: $(files all)"
assert_equal "$(stat -c %Y tree/app.log)" "$(stat -c %Y "all/$place/app.log")" "time of an extracted file"
assert_in "$err" "not recorded" "items, " "into all"

expect_exit 0 vestige -C case extract -i analyst.key latest "$here/tree/sub/deeper" -o dir
assert_equal "$place/sub/deeper/empty $place/sub/deeper/note.txt" "$(files dir)" "a directory means all below it"
expect_exit 0 vestige -C case extract -i analyst.key latest "*.bin" -o bins
assert_equal "$place/sub/random.bin $place/sub/zero.bin" "$(files bins)" "a name at any depth"
expect_exit 0 vestige -C case extract -i analyst.key latest "$here/**/{note,none}.txt" "app.log" -o globs
assert_equal "$place/app.log $place/sub/deeper/note.txt" "$(files globs)" "braces and **"
expect_exit 0 vestige -C case --json extract -i analyst.key latest "app.log" -o json
assert_json_lines "$out" extract
any_json "$out" '.type == "extracted" and .outcome == "out" and .status == "collected"' || fail "$(cat "$out")"

expect_exit 2 vestige -C case extract -i analyst.key latest "no-such-*" -o none
assert_in "$err" "nothing in the exhibit matches"
expect_exit 64 vestige -C case extract -i analyst.key latest
assert_in "$err" "-o DIR is missing"
expect_exit 2 vestige -C case extract -i analyst.key latest "[a-" -o none
assert_in "$err" "[a-"

# What is there stays.
mkdir -p "there/$place"
echo "mine" >"there/$place/app.log"
expect_exit 1 vestige -C case extract -i analyst.key latest -o there
assert_in "$err" "app.log"
assert_equal mine "$(cat "there/$place/app.log")" "the file that was there"
cmp tree/sub/random.bin "there/$place/sub/random.bin"
expect_exit 1 vestige -C case extract -i analyst.key latest -o all
diff -r --no-dereference tree "all/$place" || fail "a second extraction changed the first"

# Links that lie in wait lead nowhere.
mkdir -p outside "trap/items/files"
ln -s "$here/outside" "trap/items/files/$(cut -d/ -f2 <<<"$here")"
expect_exit 1 vestige -C case extract -i analyst.key latest -o trap
assert_equal "" "$(find outside -mindepth 1)" "what was written through a link"
mkdir trap2
ln -s "$here/outside" trap2/items
expect_exit 1 vestige -C case extract -i analyst.key latest "app.log" -o trap2
assert_equal "" "$(find outside -mindepth 1)" "what was written through a link"
mkdir -p "trap3/$place"
ln -s "$here/outside/file" "trap3/$place/app.log"
expect_exit 1 vestige -C case extract -i analyst.key latest "app.log" -o trap3
[[ ! -e outside/file ]] || fail "written through a link in place of a file"

# Without --preserve: the caller's plain files, no set-id bits, no devices.
if ((EUID == 0)); then
	mkdir -p image/d
	echo x >image/d/setuid
	chown 12345 image/d/setuid
	chmod 6755 image/d/setuid
	mkfifo image/d/fifo
	write_policy image.yaml "/d/**"
	expect_exit 0 vestige -C case snapshot image.yaml --root image --operator tester
	expect_exit 0 vestige -C case extract -i analyst.key latest -o plain
	assert_equal "0 755" "$(stat -c '%u %a' plain/items/image/d/setuid 2>/dev/null || stat -c '%u %a' plain/items/files/d/setuid)" "owner and mode without --preserve"
	[[ -z $(find plain -type p) ]] || fail "a FIFO was made without --preserve"
	expect_exit 0 vestige -C case extract -i analyst.key latest --preserve -o preserved
	assert_equal "12345 6755" "$(stat -c '%u %a' preserved/items/files/d/setuid)" "owner and mode with --preserve"
fi
# Damage: what is as sealed comes out, what is not is named and does not.
copy_case case bad
size=$(stat -c %s bad/exhibits/EX0001.tar.zst.age)
flip bad/exhibits/EX0001.tar.zst.age $((size / 3))
status=0
vestige -C bad extract -i analyst.key EX0001 -o damaged >"$out" 2>"$err" || status=$?
assert_equal 1 "$status" "exit status of a damaged exhibit"
assert_in "$err" "EX0001: " "is damaged" "vestige recover"
[[ ! -e damaged/$place/sub/random.bin ]] || fail "a damaged item came out as a whole one"
