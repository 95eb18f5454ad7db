#!/usr/bin/env bash
# Reading leaves no trace where it may leave none, and keeps to one file system when asked.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
make_tree image/data
# Old enough that any ordinary reading would set it anew.
find image -print0 >names
xargs -0 touch -h -a -d '2000-01-01Z' <names
# Not by find: it would read the directories.
atimes() { xargs -0 stat -c '%n %x %z' <names; }
atimes >before
write_policy policy.yaml "/data/**"
new_case case
expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
atimes >after
# Links have no O_NOATIME; what reads them does not read their contents here.
diff <(grep -v '/link ' before) <(grep -v '/link ' after) || fail "a snapshot changed times of access"
expect_exit 0 vestige -C case --json ls -i analyst.key latest
assert_equal "2000-01-01T00:00:00Z" "$(jq -r 'select(.item.path == "/data/app.log") | .item.atime' "$out")" "atime in the manifest"

# Nothing of a FIFO or a device is read, nobody waits for it.
mkfifo image/data/fifo
expect_exit 0 timeout 20 "$VESTIGE" -C case snapshot policy.yaml --root image --operator tester

need_root
mkdir image/data/mounted
mount -t tmpfs -o size=1m none image/data/mounted 2>/dev/null || exit 0
trap 'umount "$here/image/data/mounted"' EXIT
echo inside >image/data/mounted/file
expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
expect_exit 0 vestige -C case cat -i analyst.key latest /data/mounted/file
assert_equal inside "$(cat "$out")" "a file behind a mount point"
cat >one.yaml <<'POLICY'
policy: one
sources:
  - name: files
    files: {paths: ["/data/**"], one_file_system: true}
POLICY
expect_exit 0 vestige -C case snapshot one.yaml --root image --operator tester
expect_exit 0 vestige -C case --json ls -i analyst.key latest
if any_json "$out" '.item.path == "/data/mounted/file"'; then fail "a mount point was crossed"; fi
any_json "$out" '.item.path == "/data/mounted" and .item.status == "excluded" and (.item.rule | length) > 0' ||
	fail "the mount point is not said to be left out: $(grep mounted "$out")"
any_json "$out" '.item.path == "/data/app.log" and .item.status == "collected"' || fail "the file system itself is not there"
