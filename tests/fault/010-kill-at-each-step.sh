#!/usr/bin/env bash
# SIGKILL at each named step of a snapshot: the case verifies, the next snapshot carries on, and what was captured comes back.
# shellcheck source=tests/fault/lib.sh
. "$TESTS/fault/lib.sh"
has_faults
make_image image
make_policy
make_case base

VESTIGE_FAULT_COUNT=steps "$VESTIGE" -C base snapshot -q policy.yaml --root image >/dev/null
mapfile -t steps < <(sed -n 's/^step=\([^ ]*\) .*/\1/p' steps)
((${#steps[@]} >= 10)) || fail "only ${#steps[@]} steps: ${steps[*]}"

for step in "${steps[@]}"; do
	rm -rf case case.key out
	cp -a base case
	cp base.key case.key
	status=0
	VESTIGE_FAULT="step=$step:1:kill" snapshot case >/dev/null 2>&1 || status=$?
	((status == 137)) || fail "step $step: exit $status instead of a kill"
	check_case case "killed at $step"

	# Captured bytes are never lost: they are in a sealed exhibit, a pending one, or a partial file that recover reads.
	partial=$(find case/exhibits -name '*.partial')
	if [[ -n $partial ]] && ! grep -q pending verify.log; then
		case $step in
		partial-created) ;; # nothing was written yet
		*)
			status=0
			"$VESTIGE" -C case recover -i case.key -o out "$partial" >recover.log 2>&1 || status=$?
			((status <= 1)) || { cat recover.log; fail "killed at $step: recover exits $status"; }
			;;
		esac
		if [[ $step == exhibit-written || $step == exhibit-durable ]]; then
			cmp image/var/log/auth.log out/whole/items/logs/var/log/auth.log || fail "killed at $step: recovered bytes differ"
		fi
	fi
	check_goes_on case "killed at $step"
	numbers=$("$VESTIGE" -C case --json list | jq -s 'map(.exhibit)')
	jq -en --argjson n "$numbers" '$n | length == (unique | length)' >/dev/null || fail "killed at $step: a number twice: $numbers"
	keys=$(find case/private -name 'collector-*.key' | wc -l)
	((keys == 1)) || fail "killed at $step: $keys collector keys are left"
done
echo "killed at ${#steps[@]} steps: ${steps[*]}"
