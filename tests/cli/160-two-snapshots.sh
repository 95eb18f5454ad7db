#!/usr/bin/env bash
# Two snapshots at once: the second says locked, the first is not disturbed, readers never wait.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 ssh-keygen
ssh_key ada
make_tree tree
write_policy small.yaml "$here/tree/**"
mkdir large
head -c 120000000 /dev/urandom >large/file
write_policy policy.yaml "$here/large/**"
new_case case --examiner "ada=$here/ada.pub"
expect_exit 0 vestige -C case snapshot small.yaml

pid=$(start_and_signal case 1000000 STOP "$VESTIGE" -C case snapshot policy.yaml)
expect_exit 11 vestige -C case snapshot small.yaml
assert_in "$err" "another snapshot of this case is running" "hint: wait for it to end"
assert_equal 2 "$(find case/exhibits -type f | wc -l)" "files in exhibits/ while one snapshot runs"
# What is being written is not unfinished.
expect_exit 11 vestige -C case recover case/exhibits/EX0002.tar.zst.age.partial
expect_exit 0 vestige -C case verify
assert_in "$out" "exhibits/EX0002.tar.zst.age.partial: temporary file of a snapshot that runs or was interrupted"
expect_exit 0 vestige -C case list
# An examiner goes on meanwhile: the log grows under the snapshot that runs.
expect_exit 0 vestige -C case cat -i analyst.key --signing-key ada 1 "$here/tree/app.log"
assert_in "$err" "recorded as event 2"
kill -CONT "$pid"
wait_for 20 test -e case/exhibits/EX0002.tar.zst.age
wait_for 20 is_over "$pid"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "4 events"
expect_exit 0 vestige -C case snapshot small.yaml
expect_exit 0 vestige -C case verify
assert_in "$out" "5 events"

# Many examiners at once: each opening is an event of its own.
for i in {1..8}; do
	vestige -C case cat -i analyst.key --signing-key ada 1 "$here/tree/app.log" >"out-$i" 2>"err-$i" &
done
wait
for i in {1..8}; do
	cmp "out-$i" tree/app.log
	assert_in "err-$i" "recorded as event "
done
assert_equal "5 6 7 8 9 10 11 12" "$(sed -n 's/recorded as event //p' err-? | sort -n | paste -sd' ')" "events of eight at once"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "13 events"
