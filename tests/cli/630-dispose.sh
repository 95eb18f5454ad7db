#!/usr/bin/env bash
# By an examiner's request exhibits are disposed of: the event first, then the files; all readers know of it.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq git ssh-keygen sha256sum
ssh_key ada
ssh_key eve
sealed_case case --examiner "ada=$here/ada.pub"
for _ in 1 2 3; do snapshot case; done
item=$here/tree/app.log
events() { git -C case/trail rev-list --count HEAD; }

# Refused, and nothing is touched.
listing case | grep -v private >before
expect_exit 12 vestige -C case custody dispose EX0001
assert_in "$err" "only an examiner disposes of exhibits by request" "hint: give --signing-key"
expect_exit 2 vestige -C case custody dispose EX0004 --signing-key ada
assert_in "$err" "EX0004 belongs to the newest generation, which is never disposed of"
expect_exit 2 vestige -C case custody dispose latest --signing-key ada
expect_exit 2 vestige -C case custody dispose EX0001 EX0004 --signing-key ada
expect_exit 2 vestige -C case custody dispose EX0009 --signing-key ada
assert_in "$err" "the log has no exhibit EX0009"
expect_exit 12 vestige -C case custody dispose EX0001 --signing-key eve
assert_in "$err" "may not sign in this case"
expect_exit 12 vestige -C case custody dispose EX0001 --signing-key "$(echo case/private/collector-*.key)"
assert_in "$err" "is a host's"
for wrong in "" "--keep 1s EX0001" "--keep 90" "--keep 0d" "--keep x"; do
	# shellcheck disable=SC2086 # words
	expect_exit 64 vestige -C case custody dispose $wrong
done
expect_exit 64 vestige -C case custody
expect_exit 64 vestige -C case custody destroy EX0001
expect_exit 0 vestige -C case custody dispose EX0001 EX0002 --dry-run
assert_in "$out" "would dispose of EX0001: 1 exhibit" "would dispose of EX0002: 1 exhibit"
expect_exit 0 vestige -C case --json custody dispose -n 1
assert_json_lines "$out" "custody dispose"
jq -e '.type == "disposal" and .exhibits == [1] and .event == null and .dry_run and .cause == "request"' "$out" >/dev/null || fail "dry run: $(cat "$out")"
sealed=$(stat -c %s case/exhibits/EX0001.tar.zst.age)
assert_equal "$sealed" "$(jq .bytes "$out")" "bytes that a disposal would free"
# Keys that were made for what was then refused are erased; all else is as before.
listing case | grep -v private >after
cmp before after || fail "a refused or dry disposal changed the case"

# Done, by the log: what, who, why; no words.
seal=$(vestige -C case --json show 1 | jq -r .seal_sha256)
expect_exit 0 vestige -C case --json custody dispose EX0001 --signing-key ada
assert_json_lines "$out" "custody dispose"
jq -e '.generation == 1 and .exhibits == [1] and .event == 5 and (.dry_run | not) and .cause == "request"' "$out" >/dev/null || fail "disposal: $(cat "$out")"
expect_exit 0 vestige -C case custody dispose 3 EX0003 --signing-key ada
assert_in "$err" "disposing of EX0003"
assert_in "$out" "disposed of EX0003: 1 exhibit" "event 6"
assert_equal 7 "$(events)" "events after two disposals"
[[ ! -e case/exhibits/EX0001.tar.zst.age && ! -e case/exhibits/EX0003.tar.zst.age ]] || fail "the files are still there"
assert_equal '{"generation":1,"exhibits":[{"exhibit":1,"seal_sha256":"'"$seal"'"}],"cause":"request"}' \
	"$(jq -c '{generation,exhibits,cause}' case/trail/events/0000/00/00000005.json)" "the event"
assert_equal "ada" "$(jq -r .actor case/trail/events/0000/00/00000005.json)" "who disposed of it"
expect_exit 0 vestige -C case log
assert_in "$out" "dispose   EX0001 disposed of (request), 1 exhibit" "by ada"
assert_equal "Event 5: dispose EX0001" "$(git -C case/trail log -1 --format=%s HEAD~1)" "subject of the commit"

# Every reader.
expect_exit 0 vestige -C case list
assert_equal 4 "$(wc -l <"$out")" "exhibits listed"
grep -q '^EX0001 .*  disposed of by event 5$' "$out" || fail "list: $(cat "$out")"
if grep -q '^EX0002 .*disposed' "$out"; then fail "list: $(cat "$out")"; fi
expect_exit 0 vestige -C case --json list
assert_equal "5 null 6 null" "$(jq -r .disposed "$out" | paste -sd' ')" "disposed in JSON"
expect_exit 0 vestige -C case show EX0001
assert_in "$out" "disposed of 20" "event 5: its file is gone" "$seal"
expect_exit 0 vestige -C case --json show EX0001
assert_equal 5 "$(jq .disposed "$out")" "disposed in JSON of show"
expect_exit 0 vestige -C case --json show latest~1
assert_equal 2 "$(jq .seal.exhibit "$out")" "latest~1 when EX0003 is gone"
expect_exit 2 vestige -C case show latest~2
for verb in "cat -i analyst.key 1 $item" "ls -i analyst.key EX0001" "extract -i analyst.key EX0001 -o out"; do
	# shellcheck disable=SC2086 # words
	expect_exit 2 vestige -C case $verb
	assert_in "$err" "EX0001 was disposed of at 20" "by event 5" "its seal stays"
	assert_empty "$out" "content of what was disposed of"
done
expect_exit 2 vestige -C case custody dispose EX0001 --signing-key ada
assert_in "$err" "EX0001 was disposed of at 20" "by event 5"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "good       EX0001: disposed of by event 5; its seal stays" "good       EX0003: disposed of by event 6; its seal stays" \
	"EX0002: contents:" "EX0004: contents:"
expect_exit 0 vestige -C case verify EX0003
assert_in "$out" "EX0003: disposed of by event 6"
expect_exit 0 vestige -C case --json verify
any_json "$out" '.type == "summary" and .good and .exhibits == 2 and .disposed == 2' || fail "summary: $(cat "$out")"
expect_exit 0 vestige -C case verify --receipt receipt.txt --signing-key ada
assert_in receipt.txt "exhibits   2 checked" "disposed   2 more" "EX0001: disposed of by event 5"

# Numbers go on, and the chain of seals.
snapshot case
expect_exit 0 vestige -C case --json list
assert_equal "1 2 3 4 5" "$(jq -r .exhibit "$out" | paste -sd' ')" "numbers"
expect_exit 0 vestige -C case custody dispose 4 --signing-key ada
expect_exit 0 vestige -C case cat -i analyst.key --signing-key ada latest "$item"
cmp "$out" tree/app.log
expect_exit 0 vestige -C case verify
vestige -C case signers >all-signers
git -C case/trail -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$here/all-signers" log --format='%G? %GS' >"$out"
assert_equal "$(events)" "$(grep -c '^G' "$out")" "good signatures"
