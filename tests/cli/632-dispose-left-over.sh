#!/usr/bin/env bash
# Files that outlived their disposal, unfinished exhibits, and the check by stock tools.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq git ssh-keygen sha256sum python3
# shellcheck disable=SC2016 # a fence, not a command
sed -n '/<!-- stock-check begin -->/,/<!-- stock-check end -->/p' "$TESTS/../README.md" | sed -n '/^```sh$/,/^```$/p' | sed '1d;$d' >stock-check
ssh_key ada
sealed_case case --examiner "ada=$here/ada.pub"
for _ in 1 2; do snapshot case; done
mkdir kept
cp -a case/exhibits/* kept/
expect_exit 0 vestige -C case custody dispose EX0001 --signing-key ada

# A copy put back is a note, also for stock tools, and the next command that writes takes it away.
cp -a kept/EX0001.tar.zst.age case/exhibits/
expect_exit 0 vestige -C case verify
assert_in "$out" "note       EX0001: disposed of by event 4, and its file is still there"
expect_exit 0 sh stock-check case
assert_in "$out" "good: EX0001.tar.zst.age is what event 1 sealed"
expect_exit 2 vestige -C case cat -i analyst.key EX0001 "$here/tree/app.log"
assert_in "$err" "was disposed of"
expect_exit 0 vestige -C case list
[[ -e case/exhibits/EX0001.tar.zst.age ]] || fail "a command that only reads took a file away"
expect_exit 0 vestige -C case cat -i analyst.key --signing-key ada EX0002 "$here/tree/app.log"
[[ ! -e case/exhibits/EX0001.tar.zst.age ]] || fail "the file is there after a command that writes"
# Nothing else goes with it.
assert_equal "EX0002.tar.zst.age EX0003.tar.zst.age" "$(find case/exhibits -type f -printf '%f\n' | sort | paste -sd' ')" "exhibits"
expect_exit 0 vestige -C case verify
expect_exit 0 sh stock-check case
assert_in "$out" "good: EX0001.tar.zst.age was disposed of by event 4" "good: EX0002.tar.zst.age is what event 2 sealed" "good: 6 events"
# Stock tools find a loss next to a disposal.
copy_case case bad
rm bad/exhibits/EX0002.tar.zst.age
expect_exit 1 sh stock-check bad
expect_exit 1 vestige -C bad verify
assert_in "$out" "missing    EX0002" "good       EX0001"
# Without its directory of exhibits a case lacks those that were not disposed of.
copy_case case bad
rm -r bad/exhibits
expect_exit 1 vestige -C bad verify
assert_in "$out" "good       EX0001: disposed of" "missing    EX0002" "missing    EX0003"

# A file that cannot be unlinked keeps nobody from writing.
copy_case case bad
mkdir bad/exhibits/EX0001.tar.zst.age
expect_exit 0 vestige -C bad cat -i analyst.key --signing-key ada EX0002 "$here/tree/app.log"
expect_exit 0 vestige -C bad verify
assert_in "$out" "note       EX0001: disposed of by event 4, and its file is still there"
rm -r bad/exhibits/EX0002.tar.zst.age
mkdir bad/exhibits/EX0002.tar.zst.age
expect_exit 1 vestige -C bad custody dispose EX0002 --signing-key ada
assert_in "$err" "EX0002.tar.zst.age is a directory"
if ((EUID == 0)) && chattr +i case/exhibits/EX0002.tar.zst.age 2>/dev/null; then
	copy_case case bad
	chattr +i bad/exhibits/EX0002.tar.zst.age
	expect_exit 2 vestige -C bad custody dispose EX0002 --signing-key ada
	assert_in "$err" "event 6 is recorded, but: exhibits/EX0002.tar.zst.age: remove"
	assert_in "$out" "disposed of EX0002"
	expect_exit 0 vestige -C bad verify
	chattr -i bad/exhibits/EX0002.tar.zst.age case/exhibits/EX0002.tar.zst.age
	snapshot bad
	[[ ! -e bad/exhibits/EX0002.tar.zst.age ]] || fail "the file is there after a snapshot"
fi

# An unfinished exhibit that was recorded is a generation of its own.
start_and_signal case 1 KILL "$VESTIGE" -C case snapshot policy.yaml >/dev/null
partial=$(find case/exhibits -name '*.partial' -printf '%f\n')
assert_equal "EX0004.tar.zst.age.partial" "$partial" "the unfinished exhibit"
expect_exit 0 vestige -C case recover "case/exhibits/$partial"
expect_exit 0 vestige -C case custody dispose EX0004 --signing-key ada
assert_in "$out" "disposed of EX0004"
[[ ! -e case/exhibits/$partial ]] || fail "the unfinished file is still there"
expect_exit 0 vestige -C case verify
assert_in "$out" "EX0004: disposed of by event 7; what event 6 recorded of it stays"
expect_exit 0 vestige -C case list
grep -q '^EX0004 .*unfinished, recorded by event 6  disposed of by event 7$' "$out" || fail "list: $(cat "$out")"
expect_exit 2 vestige -C case show EX0004
assert_in "$err" "EX0004 was disposed of"
snapshot case
expect_exit 0 vestige -C case --json list
assert_equal "1 2 3 4 5" "$(jq -r .exhibit "$out" | paste -sd' ')" "numbers"
expect_exit 0 sh stock-check case
