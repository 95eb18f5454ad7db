#!/usr/bin/env bash
# A disposal waits for no reader: a check that runs meanwhile never calls missing what an event took away.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need ssh-keygen python3
ssh_key ada
mkdir tree
head -c 60000000 /dev/urandom >tree/large
write_policy policy.yaml "$here/tree/**"
new_case case --examiner "ada=$here/ada.pub"
snapshot case
rm tree/large
echo small >tree/small
for _ in {1..9}; do snapshot case; done

# stopped_verify NUMBER: a verify is stopped while it digests the large EX0001, exhibit NUMBER is disposed of, and the verify goes on. Fails if it
# was over before it could be stopped.
stopped_verify() {
	python3 - "$VESTIGE" "$1" <<'PYTHON'
import os, signal, subprocess, sys
program, number = sys.argv[1:]
process = subprocess.Popen([program, "-C", "case", "verify"], stdout=open("stdout", "wb"), stderr=open("stderr", "wb"))
fds = f"/proc/{process.pid}/fd"

def reads_first():
    try:
        return any(os.readlink(f"{fds}/{fd}").endswith("EX0001.tar.zst.age") for fd in os.listdir(fds))
    except FileNotFoundError:
        return False

while process.poll() is None and not reads_first():
    pass
if process.poll() is not None:
    sys.exit(3)
process.send_signal(signal.SIGSTOP)
stopped = reads_first()
done = subprocess.run([program, "-C", "case", "-q", "custody", "dispose", number, "--signing-key", "ada"], stdout=subprocess.DEVNULL)
process.send_signal(signal.SIGCONT)
status = process.wait()
sys.exit(done.returncode or status or (0 if stopped else 3))
PYTHON
}

for n in 2 3 4 5 6; do
	status=0
	stopped_verify "$n" || status=$?
	((status != 3)) || continue # too late on a busy machine: with the next one
	((status == 0)) || { cat stdout stderr; fail "exit status $status when EX000$n was disposed of meanwhile"; }
	break
done
((status == 0)) || skip "no verify could be stopped in time"
assert_not_in stdout missing tampered
assert_in stdout "note       EX000$n: disposed of by event" "while this check ran"

# Any moment.
(
	for n in 1 7 8 9; do vestige -C case -q custody dispose "$n" --signing-key ada || exit 1; done
) >disposals 2>&1 &
disposing=$!
while ! is_over "$disposing"; do
	expect_exit 0 vestige -C case verify
	assert_not_in "$out" missing tampered
done
wait "$disposing" || fail "a disposal failed: $(cat disposals)"
expect_exit 0 vestige -C case verify
assert_in "$out" "EX0009: disposed of by event"
# What is gone without an event is missing, also then.
rm case/exhibits/EX0010.tar.zst.age
expect_exit 1 vestige -C case verify
assert_in "$out" "missing    EX0010: event 10 seals exhibits/EX0010.tar.zst.age, and it is not there"
