#!/usr/bin/env bash
# --trust-ctime: what has size, inode, mtime and ctime as sealed is not opened; what only pretends to is read all the same.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq strace
vestige snapshot --help | grep -q -e --trust-ctime || skip "this program trusts no ctime"
mkdir -p root/d
for n in $(seq 300); do echo "file $n" >"root/d/file-$n"; done
echo 'policy: trust
sources: [{name: all, files: {paths: [/]}}]' >policy.yaml
new_case case
sleep 3 # a ctime as young as the reading is not trusted
expect_exit 0 vestige -C case snapshot policy.yaml --root root
printf "fake 7!" >root/d/file-7 # as long as it was
touch -r root/d/file-8 root/d/file-7

ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 expect_exit 0 strace -f -qq -e trace=openat -o opened "$VESTIGE" -C case snapshot policy.yaml --root root --incremental --trust-ctime
expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.jsonl
assert_equal 299 "$(jq -s 'map(select(.item.whole.trusted)) | length' ls.jsonl)" "items that were trusted"
assert_equal collected "$(jq -r 'select(.item.path == "/d/file-7") | .item.status' ls.jsonl)" "the one that was altered"
assert_equal '"file-7"' "$(sed -nE 's/.*openat\([0-9]+, ("file-[0-9]+"), [^)]*\) = [0-9].*/\1/p' opened | sort -u)" "files that were opened"
expect_exit 0 vestige -C case cat -i analyst.key latest /d/file-300
assert_equal "file 300" "$(cat "$out")" "content that was trusted"
expect_exit 0 vestige -C case verify --deep -i analyst.key
