#!/usr/bin/env bash
# The README's script of stock tools: accepts a good case, and refuses what was changed.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git ssh-keygen sha256sum
# shellcheck disable=SC2016 # a fence, not a command
sed -n '/<!-- stock-check begin -->/,/<!-- stock-check end -->/p' "$TESTS/../README.md" | sed -n '/^```sh$/,/^```$/p' | sed '1d;$d' >stock-check
[[ -s stock-check ]] || fail "README.md has no script between its markers"
ssh_key examiner
sealed_case case --examiner "ada@example.org=$here/examiner.pub"
snapshot case
expect_exit 0 vestige -C case cat -i analyst.key --signing-key examiner 1 "$here/tree/app.log"

expect_exit 0 sh stock-check case
assert_in "$out" "good: EX0001.tar.zst.age is what event 1 sealed" "good: EX0002.tar.zst.age is what event 2 sealed"
assert_in "$out" "good: 4 events, signed and chained, the last is $(sha256_of case/trail/events/0000/00/00000003.json)"

copy_case case bad
flip bad/exhibits/EX0002.tar.zst.age 5000
expect_exit 1 sh stock-check bad
assert_not_in "$out" "good: 4 events"

copy_case case bad
rm bad/exhibits/EX0001.tar.zst.age
expect_exit 1 sh stock-check bad

# An event more, by somebody whom nobody allowed.
copy_case case bad
git -C bad/trail -c user.name=x -c user.email=x -c commit.gpgsign=false commit -q --allow-empty -m "Vestige-Event: 4"
expect_exit 1 sh stock-check bad
assert_not_in "$out" "good: 5 events"
