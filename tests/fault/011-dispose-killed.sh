#!/usr/bin/env bash
# SIGKILL at each named step of a disposal, by the host and by an examiner: the case verifies, nothing is missing without an event, and
# the next command that writes takes away what is left.
# shellcheck source=tests/fault/lib.sh
. "$TESTS/fault/lib.sh"
has_faults
make_image image
make_policy
ssh-keygen -q -t ed25519 -N '' -f ada
"$VESTIGE" keygen -q -o base.key >/dev/null
"$VESTIGE" init base --title Faults -r "$(sed -n 's/^# public key: //p' base.key)" --examiner "ada=ada.pub" >/dev/null
for _ in 1 2 3; do snapshot base >/dev/null 2>&1 || fail "a snapshot"; done
sleep 1.1

dispose() { # CASE HOW
	case $2 in
	host) "$VESTIGE" -C "$1" -q custody dispose --keep 1s ;;
	examiner) "$VESTIGE" -C "$1" -q custody dispose 1 2 --signing-key ada ;;
	esac
}

for how in host examiner; do
	rm -rf case
	cp -a base case
	rm -f steps
	VESTIGE_FAULT_COUNT=steps dispose case "$how" >/dev/null || fail "$how: a disposal"
	sed -n 's/^step=\([^ ]*\) .*/\1/p' steps >"steps-$how"
	for step in disposal-recorded disposed-file-unlinked disposal-done; do
		grep -qx "$step" "steps-$how" || fail "$how: no step $step: $(paste -sd' ' "steps-$how")"
	done
	while read -r step; do
		for nth in 1 2; do
			# The second time is of interest where a disposal is between two files or two events.
			[[ $nth == 1 || $step == dispos* || $step == pending ]] || continue
			rm -rf case case.key
			cp -a base case
			cp base.key case.key
			status=0
			VESTIGE_FAULT="step=$step:$nth:kill" dispose case "$how" >/dev/null 2>&1 || status=$?
			((status == 137 || (status == 0 && nth == 2))) || fail "$how, step $step: exit $status instead of a kill"
			# An examiner's commit leaves nothing pending that could excuse a work tree that is behind: the next writer restores it.
			[[ $how$step == examinertrail-* ]] || check_case case "$how, killed at $step"
			check_goes_on case "$how, killed at $step"
			! grep -q 'still there' verify.log || fail "$how, killed at $step: a file that was disposed of is still there"
			gone=$("$VESTIGE" -C case --json list | jq -c 'select(.disposed) | .exhibit')
			for n in $gone; do
				[[ ! -e case/exhibits/EX000$n.tar.zst.age ]] || fail "$how, killed at $step: EX000$n is there"
			done
			keys=$(find case/private -name 'collector-*.key' | wc -l)
			((keys == 1)) || fail "$how, killed at $step: $keys collector keys are left"
			# And once more to the end.
			status=0
			dispose case host >/dev/null 2>again.log || status=$?
			((status == 0)) || { cat again.log; fail "$how, killed at $step: the next disposal exits $status"; }
			check_case case "$how, after killed at $step and disposed of again"
		done
	done <"steps-$how"
done
echo "killed at $(cat steps-host steps-examiner | sort -u | wc -l) steps: $(sort -u steps-host steps-examiner | paste -sd' ')"
