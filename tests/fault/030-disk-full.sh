#!/usr/bin/env bash
# A small file system fills up under a snapshot: a clear error, the log still good, and what was captured can be recovered.
# shellcheck source=tests/fault/lib.sh
. "$TESTS/fault/lib.sh"
make_image image
make_policy
head -c 8000000 /dev/urandom >image/var/log/big.bin
mkdir disk
mount -t tmpfs -o size=6m tmpfs disk 2>/dev/null || { echo 'no file system can be mounted here'; exit 77; }
trap 'umount disk' EXIT

"$VESTIGE" keygen -q -o disk/case.key >/dev/null
"$VESTIGE" init disk/case --title Full -r "$(sed -n 's/^# public key: //p' disk/case.key)" >/dev/null
status=0
snapshot disk/case >out.log 2>err.log || status=$?
((status == 2)) || { cat err.log; fail "exit $status instead of 2"; }
grep -q 'No space left on device' err.log || { cat err.log; fail "the reason is not said"; }
grep -q '^hint: .*recover' err.log || { cat err.log; fail "no hint how to go on"; }
check_case disk/case "disk full"

partial=$(find disk/case/exhibits -name '*.partial')
[[ -n $partial ]] || fail "what was captured is gone"
status=0
"$VESTIGE" recover -i disk/case.key -o out "$partial" >recover.log 2>&1 || true
grep -q 'recovered' recover.log || { cat recover.log; fail "nothing was recovered"; }
cmp image/var/log/auth.log "$(find out -name auth.log | head -n 1)" || fail "the captured log is not what it was"
