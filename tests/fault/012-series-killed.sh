#!/usr/bin/env bash
# SIGKILL at each named step of an incremental snapshot: the next one goes on in the same generation, compares with the newest exhibit,
# and does not take what the crash left for tampering.
# shellcheck source=tests/fault/lib.sh
. "$TESTS/fault/lib.sh"
has_faults
make_image image
make_policy
make_case base

incremental() { # CASE
	"$VESTIGE" -C "$1" snapshot -q policy.yaml --root image --incremental
}

echo 'Nov 22 04:00:00 web1 sshd[411]: one more line' >>image/var/log/auth.log
VESTIGE_FAULT_COUNT=steps incremental base >/dev/null
mapfile -t steps < <(sed -n 's/^step=\([^ ]*\) .*/\1/p' steps)
((${#steps[@]} >= 10)) || fail "only ${#steps[@]} steps: ${steps[*]}"

for step in "${steps[@]}"; do
	rm -rf case case.key
	cp -a base case
	cp base.key case.key
	echo "Nov 22 05:00:00 web1 sshd[411]: before $step" >>image/var/log/auth.log
	status=0
	VESTIGE_FAULT="step=$step:1:kill" incremental case >/dev/null 2>&1 || status=$?
	((status == 137)) || fail "step $step: exit $status instead of a kill"
	check_case case "killed at $step"
	echo "Nov 22 06:00:00 web1 sshd[411]: after $step" >>image/var/log/auth.log
	incremental case >next.log 2>&1 || { cat next.log; fail "killed at $step: the next snapshot"; }
	! grep -q 'series_index\|full:' next.log || { cat next.log; fail "killed at $step: not continued"; }
	last=$("$VESTIGE" -C case --json list | jq -s 'map(.exhibit) | max')
	"$VESTIGE" -C case --json show "$last" | jq -se 'any(.. | objects | select(has("full")); .full == 1)' >/dev/null ||
		fail "killed at $step: exhibit $last opened a generation"
	"$VESTIGE" -C case verify --deep -i case.key >verify.log 2>&1 || { cat verify.log; fail "killed at $step: verify"; }
	"$VESTIGE" -C case cat -i case.key "$last" /var/log/auth.log | cmp - image/var/log/auth.log || fail "killed at $step: content"
	[[ ! -e case/private/series.index.new ]] || fail "killed at $step: an index is left over"
done
echo "killed at ${#steps[@]} steps: ${steps[*]}"
