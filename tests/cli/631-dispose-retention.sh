#!/usr/bin/env bash
# --keep: the host itself disposes of what is older, never of the newest, and never of what verify has something to say about.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq git ssh-keygen
ssh_key ada
sealed_case base --examiner "ada=$here/ada.pub"
for _ in 1 2; do snapshot base; done
sleep 1.2
snapshot base
copy_case base case

listing case >before
expect_exit 0 vestige -C case custody dispose --keep 90d
assert_in "$err" "no generation but the newest is wholly older than 90d"
expect_exit 0 vestige -C case custody dispose --keep 1s --dry-run
assert_in "$out" "would dispose of EX0001" "would dispose of EX0002" "would dispose of EX0003"
assert_not_in "$out" EX0004
listing case >after
cmp before after || fail "a dry run, or one with nothing to do, wrote to the case"

expect_exit 0 vestige -C case custody dispose --keep 1s
assert_equal 3 "$(grep -c '^disposed of EX000[123]: 1 exhibit, .* freed, event [567]$' "$out")" "disposals"
assert_equal "EX0004.tar.zst.age" "$(ls case/exhibits)" "what is left"
for n in 5 6 7; do
	event=case/trail/events/0000/00/0000000$n.json
	assert_equal "$((n - 4)) retention" "$(jq -r '"\(.generation) \(.cause)"' $event)" "event $n"
	jq -e '(.actor | startswith("collector@")) and (.next_key | startswith("ssh-ed25519 "))' $event >/dev/null || fail "event $n is not the host's"
done
assert_equal 1 "$(find case/private -name 'collector-*.key' | wc -l)" "collector keys"
expect_exit 0 vestige -C case verify --deep -i analyst.key
# Only the newest is left, however old it is.
sleep 1.1
expect_exit 0 vestige -C case custody dispose --keep 1s
assert_in "$err" "no generation but the newest"
snapshot case

# An examiner may sign it too.
copy_case base case
expect_exit 0 vestige -C case --json custody dispose --keep 1s --signing-key ada
assert_json_lines "$out" "custody dispose"
assert_equal "3" "$(jq -s 'map(select(.type == "disposal" and .cause == "retention" and .event > 0)) | length' "$out")" "disposals in JSON"
assert_equal "ada" "$(jq -r .actor case/trail/events/0000/00/00000005.json)" "who signed"

# A loss stays a loss, and keeps no other from going.
copy_case base case
rm case/exhibits/EX0001.tar.zst.age
echo x >>case/exhibits/EX0002.tar.zst.age
expect_exit 1 vestige -C case custody dispose --keep 1s --dry-run
expect_exit 1 vestige -C case custody dispose --keep 1s
assert_in "$err" "the generation of EX0001 is kept" "EX0001.tar.zst.age is missing" "the generation of EX0002 is kept" "is not the file that the log speaks of"
assert_in "$out" "disposed of EX0003"
assert_not_in "$out" EX0001 EX0002
expect_exit 1 vestige -C case verify
assert_in "$out" "missing    EX0001" "tampered   EX0002" "good       EX0003: disposed of"
# A person can decide, and is told.
expect_exit 0 vestige -C case custody dispose EX0001 EX0002 --signing-key ada
assert_in "$err" "EX0001: its file is missing already" "EX0002: its file is not the one that was recorded"
expect_exit 0 vestige -C case verify

# Without the host's keys there is no retention; nor with an older log.
copy_case base case
rm -r case/private
expect_exit 12 vestige -C case custody dispose --keep 1s
assert_equal 4 "$(find case/exhibits -type f | wc -l)" "files after a refused retention"
