#!/usr/bin/env bash
# Every kind of call that we make fails once, at many places of a snapshot: a clear error or success, never a crash, and the case verifies.
# shellcheck source=tests/fault/lib.sh
. "$TESTS/fault/lib.sh"
has_faults
make_image image
make_policy
make_case base

VESTIGE_FAULT_COUNT=counts "$VESTIGE" -C base snapshot -q policy.yaml --root image >/dev/null
count_of() { sed -n "s/^$1 \([0-9]*\)$/\1/p" counts; }

try() { # KIND N WHAT
	rm -rf case
	cp -a base case
	cp base.key case.key
	local status=0
	VESTIGE_FAULT="$1:$2:$3" snapshot case >out.log 2>err.log || status=$?
	! crashed "$status" || { cat err.log; fail "$1 $2 $3: crashed with $status"; }
	case $3 in
	EINTR | short) ((status == 0)) || { cat err.log; fail "$1 $2 $3: exit $status, though nothing was lost"; } ;;
	esac
	if ((status != 0 && status != 3)); then
		grep -q '^vestige: ..*' err.log || { cat err.log; fail "$1 $2 $3: exit $status without a word"; }
	fi
	check_case case "$1 $2 $3 (exit $status)"
	tried=$((tried + 1))
}

tried=0
sample() { # KIND MOST WHAT…: up to MOST places, spread evenly
	local kind=$1 most=$2 total step n what
	shift 2
	total=$(count_of "$kind")
	[[ -n $total && $total -gt 0 ]] || fail "no occasion of $kind was counted"
	step=$(((total + most - 1) / most))
	for what in "$@"; do
		for ((n = 1; n <= total; n += step)); do try "$kind" "$n" "$what"; done
	done
}

sample write 14 ENOSPC
sample write 6 EIO short EINTR
sample read 10 EIO short EINTR
sample fsync 10 EIO
sample rename 8 EIO
sample malloc 40 ENOMEM
check_goes_on case "after the last fault"
echo "$tried faults"
