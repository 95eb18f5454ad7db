#!/usr/bin/env bash
# What the live state of a host shows on the second night and did not on the first: found once, sealed with the findings and shown by diff,
# and not again on the third.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
own_namespaces "$0" "$@"

printf 'policy: nights\nsources:\n  - name: live\n    live: [processes, modules]\n' >policy.yaml
new_case case

# night WANTED: the rules of severity high that the comparison finds.
night() {
	local status=0
	vestige -C case snapshot policy.yaml --incremental --operator tester >"$out" 2>"$err" || status=$?
	((status == 0 || status == 3)) || fail "snapshot: exit status $status: $(cat "$err")"
	vestige -C case cat -i analyst.key latest findings.jsonl >sealed.jsonl 2>"$err" || [[ -z $1 ]] || fail "no findings: $(cat "$err")"
	assert_equal "$1" "$(jq -r 'select(.severity == "high") | .rule' sealed.jsonl | xargs)" "findings"
}

sleep 614 &
masked=$!
wait_for 10 grep -qs sleep "/proc/$masked/comm"
night ""
mkdir nothing
mount --bind nothing "/proc/$masked"
night proc_overmounted
expect_exit 1 vestige -C case --json diff --findings -i analyst.key latest~1 latest
any_json "$out" '(.finding // .) | .rule == "proc_overmounted" and .severity == "high"' || fail "diff does not show it: $(cat "$out")"
night ""
expect_exit 0 vestige -C case diff --findings -i analyst.key latest~1 latest
# Another one is new.
sleep 615 &
second=$!
wait_for 10 grep -qs sleep "/proc/$second/comm"
mount --bind nothing "/proc/$second"
night proc_overmounted
umount "/proc/$masked" "/proc/$second"
kill "$masked" "$second"
