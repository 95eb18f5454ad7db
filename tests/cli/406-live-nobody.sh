#!/usr/bin/env bash
# Who may not see all says so: the fields, the processes and the items that could not be had.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need setpriv
own_namespaces "$0" "$@"
public_directory
make_identity
printf 'policy: live\nsources:\n  - name: live\n    live: [processes, deleted_files]\n' >"$public/live.yaml"
chmod 777 "$public"

# as_nobody_snapshot: with findings.jsonl, processes.jsonl and manifest.jsonl afterwards.
as_nobody_snapshot() {
	rm -rf "$public/case"
	expect_exit 0 as_nobody "$public/vestige" init "$public/case" --title T -r "$recipient"
	expect_exit 3 as_nobody "$public/vestige" -C "$public/case" snapshot "$public/live.yaml" --operator nobody
	unpack "$public/case"
}

sleep 600 &
other=$!
wait_for 10 grep -qs sleep "/proc/$other/comm"
as_nobody_snapshot
assert_equal '["exe","cwd","root","environ","namespaces","fds","maps"]' "$(process "$other" '[.errors[].field] | tojson')" "fields"
assert_equal EACCES "$(process "$other" '[.errors[].errno] | unique | join(" ")')" "reason"
assert_equal sleep "$(process "$other" .comm)" "what may be seen"
assert_equal "denied EACCES" "$(manifest_of /deleted_files.jsonl '"\(.status) \(.errno)"')" "deleted files of others"
assert_empty findings.jsonl "findings"

# A mount over a process, which nobody can look below.
mkdir "$public/nothing"
mount --bind "$public/nothing" "/proc/$other"
as_nobody_snapshot
umount "/proc/$other"
assert_equal "error EXDEV" "$(process "$other" '"\(.status) \(.errors[0].errno)"')" "a process below a mount"
assert_equal "proc_overmounted /proc/$other" "$(jq -r '"\(.finding) \(.details.mount_point)"' findings.jsonl)" "finding"

# Processes that are not shown are not all hidden by an intruder; root sees them all the same.
mount -t proc -o hidepid=2 proc /proc
as_nobody_snapshot
assert_equal denied "$(manifest_of /processes.jsonl .status)" "processes that are not shown"
assert_empty findings.jsonl "findings"
live_snapshot case processes
assert_equal "collected sleep" "$(process "$other" '"\(.status) \(.comm)"')" "what root sees"
assert_empty findings.jsonl "findings"
