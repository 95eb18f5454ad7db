# shellcheck shell=bash
# What the tests of live state share. They run in process and mount namespaces of their own: what else runs on the machine is no
# business of theirs, and cannot disturb them.
# shellcheck disable=SC2154 # what lib.sh sets

# own_namespaces "$0" "$@": starts the script again as the first process of new namespaces, unless it is.
own_namespaces() {
	need unshare jq age zstd tar
	need_root
	if [[ -z ${VESTIGE_TEST_INSIDE:-} ]]; then
		unshare --mount --pid --fork --mount-proc true 2>/dev/null || skip "no namespaces here"
		exec env VESTIGE_TEST_INSIDE=1 unshare --mount --pid --fork --kill-child --mount-proc bash "$@"
	fi
}

# live_snapshot CASE KIND…: a new case with one exhibit, unpacked by stock tools into items/.
live_snapshot() {
	local case=$1 status=0
	shift
	printf 'policy: live\nsources:\n  - name: live\n    live: [%s]\n' "$(IFS=,; echo "$*")" >live.yaml
	new_case "$case"
	vestige -C "$case" snapshot live.yaml --operator tester >"$out" 2>"$err" || status=$?
	((status == 0 || status == 3)) || { cat "$err"; fail "snapshot: exit status $status"; }
	unpack "$case"
}

# unpack CASE: its first exhibit.
unpack() {
	rm -rf items manifest
	age -d -i analyst.key "$1/exhibits/EX0001.tar.zst.age" | zstd -dq | tar -x
	cat manifest/*.jsonl >manifest.jsonl
	cat items/live/findings.jsonl/part-* >findings.jsonl
	[[ ! -d items/live/processes.jsonl ]] || cat items/live/processes.jsonl/part-* >processes.jsonl
}

# process PID FILTER
process() {
	jq -r "select(.pid == $1) | $2" processes.jsonl
}

# manifest_of PATH FILTER
manifest_of() {
	jq -r --arg path "$1" "select(.path == \$path) | $2" manifest.jsonl
}

# content_of PATH: the item's bytes.
content_of() {
	cat "items/live$1"/part-*
}

# finding NAME PID: one line of it.
finding() {
	jq -c --arg name "$1" --argjson pid "$2" 'select(.finding == $name and .details.pid == $pid)' findings.jsonl
}
