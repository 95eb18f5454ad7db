#!/usr/bin/env bash
# Two snapshots at once: the second says locked, the first is not disturbed, readers never wait.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3
make_tree tree
write_policy small.yaml "$here/tree/**"
mkdir large
head -c 120000000 /dev/urandom >large/file
write_policy policy.yaml "$here/large/**"
new_case case

pid=$(start_and_signal case 1000000 STOP "$VESTIGE" -C case snapshot policy.yaml)
expect_exit 11 vestige -C case snapshot small.yaml
assert_in "$err" "another snapshot of this case is running" "hint: wait for it to end"
assert_equal 1 "$(find case/exhibits -type f | wc -l)" "files in exhibits/ while one snapshot runs"
# What is being written is not unfinished.
expect_exit 11 vestige -C case recover case/exhibits/EX0001.tar.zst.age.partial
expect_exit 0 vestige -C case verify
assert_in "$out" "exhibits/EX0001.tar.zst.age.partial: temporary file of a snapshot that runs or was interrupted"
expect_exit 0 vestige -C case list
kill -CONT "$pid"
wait_for 20 test -e case/exhibits/EX0001.tar.zst.age
wait_for 20 is_over "$pid"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "2 events"
expect_exit 0 vestige -C case snapshot small.yaml
expect_exit 0 vestige -C case verify
assert_in "$out" "3 events"
