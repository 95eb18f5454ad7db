#!/usr/bin/env bash
# Files without a length of their own, as in /proc and /sys: their content as it is read, in parts, for us and for stock tar.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq age zstd tar
[[ -r /proc/version && -r /proc/self/mounts ]] || skip "no /proc"
cat >policy.yaml <<'POLICY'
policy: made-up
sources:
  - name: proc
    files: {paths: [/proc/version, /proc/sys/kernel/ostype, /proc/cmdline, /proc/filesystems]}
POLICY
new_case case
expect_exit 0 vestige -C case snapshot policy.yaml
expect_exit 0 vestige -C case verify --deep -i analyst.key
for file in /proc/version /proc/sys/kernel/ostype /proc/cmdline /proc/filesystems; do
	expect_exit 0 vestige -C case cat -i analyst.key latest "$file"
	cmp "$out" "$file"
done
expect_exit 0 vestige -C case --json ls -i analyst.key latest
assert_equal '["stream",1,"collected"]' "$(jq -c 'select(.item.path == "/proc/version") | .item | [.type, .parts, .status]' "$out")" "the item of /proc/version"
assert_equal "$(sha256_of /proc/version)" "$(jq -r 'select(.item.path == "/proc/version") | .item.sha256' "$out")" "its digest"
expect_exit 0 vestige -C case extract -i analyst.key latest -o ours
cmp ours/items/proc/proc/version /proc/version
mkdir stock
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -d -q | tar -x -C stock
cmp stock/items/proc/proc/version/part-000001 /proc/version
