#!/usr/bin/env bash
# An interrupted check is no good check: 130, said so, and never status 0. (Once an interrupted verify ended with 0.)
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 ssh-keygen
ssh_key clerk
mkdir tree
head -c 60000000 /dev/urandom >tree/large
for ((i = 0; i < 300; i++)); do echo "$i" >"tree/small-$i"; done
write_policy policy.yaml "$here/tree/**"
new_case case
snapshot case
snapshot case

# interrupted COMMAND…: SIGINT as soon as the program would catch it, then what it says. On a busy machine the program may be done before
# the signal comes: then again, but not for ever.
interrupted() {
	local attempt
	for attempt in 1 2 3 4 5; do
		interrupt "$@"
		[[ $(cat status) == 0 ]] || break
		echo "attempt $attempt came too late"
	done
	assert_equal 130 "$(cat status)" "exit status of an interrupted: $*"
	assert_in stderr-of "vestige: " "interrupted"
	assert_not_in stderr-of "for a reason that was not given"
}
interrupt() {
	python3 - "$@" >status 2>"$err" <<'PYTHON'
import os, pathlib, signal, subprocess, sys, time
process = subprocess.Popen(sys.argv[1:], stdout=open("stdout", "wb"), stderr=open("stderr-of", "wb"))
caught = 0
while not caught & 1 << signal.SIGINT - 1:
    line = [l for l in pathlib.Path("/proc", str(process.pid), "status").read_text().splitlines() if l.startswith("SigCgt")]
    if not line or process.poll() is not None:
        break
    caught = int(line[0].split()[1], 16)
if process.poll() is None:
    process.send_signal(signal.SIGINT)
print(process.wait())
PYTHON
}
interrupted "$VESTIGE" -C case verify
interrupted "$VESTIGE" -C case verify --deep -i analyst.key
interrupted "$VESTIGE" -C case --json verify --deep -i analyst.key
if any_json stdout '.type == "summary"'; then fail "an interrupted verify gives a summary"; fi
interrupted "$VESTIGE" -C case verify --receipt receipt.txt --signing-key clerk
[[ ! -e receipt.txt && ! -e receipt.txt.sig ]] || fail "an interrupted verify gives a receipt"
interrupted "$VESTIGE" -C case ls -i analyst.key
interrupted "$VESTIGE" -C case extract -i analyst.key latest -o out
interrupted "$VESTIGE" -C case recover -i analyst.key case/exhibits/EX0001.tar.zst.age
