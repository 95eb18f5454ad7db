#!/usr/bin/env bash
# An incremental exhibit goes with all of its generation, and the newest generation stays as a whole.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq ssh-keygen
ssh_key ada
sealed_case base --examiner "ada=$here/ada.pub"
for word in one two; do
	echo "$word" >>tree/app.log
	snapshot base --incremental
done
snapshot base # full: EX0004 opens the next
echo three >>tree/app.log
snapshot base --incremental
copy_case base case

expect_exit 64 vestige -C case custody dispose EX0002 --signing-key ada
assert_in "$err" "EX0001 to EX0003 are one generation, and go together or not at all" "hint: name all of them" "--generation"
expect_exit 64 vestige -C case custody dispose EX0001 EX0003 --signing-key ada
expect_exit 2 vestige -C case custody dispose EX0004 EX0005 --signing-key ada
assert_in "$err" "EX0004 belongs to the newest generation"
expect_exit 2 vestige -C case custody dispose EX0005 --generation --signing-key ada
assert_equal 5 "$(find case/exhibits -type f | wc -l)" "files after refusals"

expect_exit 0 vestige -C case --json custody dispose EX0003 2 1 --signing-key ada
jq -e '.generation == 1 and .exhibits == [1,2,3] and .event == 6' "$out" >/dev/null || fail "disposal: $(cat "$out")"
assert_equal "1 2 3" "$(jq -r '.exhibits[].exhibit' case/trail/events/0000/00/00000006.json | paste -sd' ')" "exhibits of the event"
expect_exit 0 vestige -C case log
assert_in "$out" "EX0001 to EX0003 disposed of (request), 3 exhibits"
expect_exit 0 vestige -C case verify
assert_in "$out" "EX0001: disposed of by event 6" "EX0003: disposed of by event 6" "EX0005: ciphertext"
expect_exit 0 vestige -C case cat -i analyst.key EX0004 "$here/tree/sub/deeper/note.txt"
cmp "$out" tree/sub/deeper/note.txt
expect_exit 2 vestige -C case diff -i analyst.key EX0003 EX0005
assert_in "$err" "EX0003 was disposed of"
# The series goes on from where it was.
echo four >>tree/app.log
snapshot case --incremental
assert_equal 4 "$(jq -r .seal.series.full case/trail/events/0000/00/00000007.json)" "generation of the next snapshot"

copy_case base case
expect_exit 0 vestige -C case custody dispose EX0002 --generation --signing-key ada
assert_in "$out" "disposed of EX0001 to EX0003: 3 exhibits"
# Retention counts from the newest exhibit of a generation.
copy_case base case
sleep 1.1
expect_exit 0 vestige -C case custody dispose --keep 1s
assert_in "$out" "disposed of EX0001 to EX0003: 3 exhibits"
assert_equal "EX0004.tar.zst.age EX0005.tar.zst.age" "$(find case/exhibits -type f -printf '%f\n' | sort | paste -sd' ')" "what is left"
# One file that is lost keeps all of them.
copy_case base case
rm case/exhibits/EX0002.tar.zst.age
expect_exit 1 vestige -C case custody dispose --keep 1s
assert_in "$err" "the generation of EX0001 is kept" "EX0002.tar.zst.age is missing"
assert_equal 4 "$(find case/exhibits -type f | wc -l)" "files that are kept"
