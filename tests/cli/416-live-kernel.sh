#!/usr/bin/env bash
# What the kernel tells of itself, mounts of every mount namespace, BPF programs and sessions.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need python3 findmnt
own_namespaces "$0" "$@"

mkdir -p "$here/with blank
and line"
cat >mounted.sh <<'SCRIPT'
mount -t tmpfs -o size=64k 'a source' "$1"
touch "$1/ready"
exec sleep 600
SCRIPT
unshare --mount bash mounted.sh "$here/with blank
and line" &
holder=$!
wait_for 10 test -e "/proc/$holder/root$here/with blank
and line/ready"
# A socket filter that lets all pass: r0 = 1; exit.
cat >filter.py <<'PYTHON'
import ctypes, struct, sys, time
program = ctypes.create_string_buffer(bytes([0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]), 16)
license = ctypes.create_string_buffer(b"GPL")
attr = ctypes.create_string_buffer(struct.pack("=IIQQIIQII16s", 1, 2, ctypes.addressof(program), ctypes.addressof(license), 0, 0, 0, 0, 0, b"let_pass"), 128)
fd = ctypes.CDLL(None).syscall(321, 5, attr, 72)
print(fd >= 0, file=open("filter", "w"))
open("filter.done", "w").close()
time.sleep(600)
PYTHON
[[ $(uname -m) != x86_64 ]] || python3 filter.py &
filter=$!
[[ $(uname -m) != x86_64 ]] || wait_for 10 test -e filter.done
mount -t tmpfs none /run
mkdir -p /run/systemd/sessions /run/systemd/users
printf '# comment\nUID=1000\nUSER=ann\nACTIVE=1\nUSER=twice\n' >/run/systemd/sessions/c1
python3 - <<'PYTHON'
import struct
def record(kind, pid, line, user, host, seconds):
    return struct.pack("=hhi32s4s32s256shhiii4s12s20s", kind, 0, pid, line, b"ts/0", user, host, 0, 0, pid, seconds, 5, b"\xc0\0\2\7", b"", b"")
with open("/run/utmp", "wb") as f:
    f.write(record(2, 0, b"~", b"reboot", b"6.1", 1700000000) + bytes(384) + record(7, 4321, b"pts/0", b"ann", b"198.51.100.9", 1700000100) + b"tail")
PYTHON
live_snapshot case kernel mounts bpf modules sessions
for kind in kernel sysctl binfmt mounts bpf modules sessions; do
	content_of "/$kind.jsonl" >"$kind.jsonl"
	assert_equal collected "$(manifest_of "/$kind.jsonl" .status)" "status of $kind"
	jq -es 'all(.[]; .format == 1)' "$kind.jsonl" >/dev/null || fail "lines of $kind"
done

fact() {
	jq -r "select(.fact == \"$1\") | $2" kernel.jsonl
}
assert_equal "$(cat /proc/version)" "$(fact version .value)" "version"
assert_equal "$(cat /proc/cmdline)" "$(fact cmdline .value)" "command line"
assert_equal "$(sed -n 's/^btime //p' /proc/stat)" "$(fact boot_time .seconds)" "boot time"
assert_equal "$(cat /proc/sys/kernel/tainted)" "$(fact taint .bits)" "taint"
assert_equal "$(cat /proc/sys/kernel/ostype)" "$(jq -r 'select(.path == "kernel/ostype").value' sysctl.jsonl)" "a setting"
assert_equal EACCES "$(jq -r 'select(.path == "vm/drop_caches") | .error' sysctl.jsonl)" "a setting that is only written"
any_json sysctl.jsonl '.path == "vm/stat_refresh"' && fail "a setting whose reading acts was read"

theirs=$(stat -Lc %i "/proc/$holder/ns/mnt")
assert_equal "a source tmpfs $here/with blank
and line" "$(jq -r "select(.mntns == $theirs and .source == \"a source\") | \"\(.source) \(.type) \(.point)\"" mounts.jsonl)" "the mount of another namespace"
assert_equal "$(wc -l <"/proc/$holder/mountinfo")" "$(jq -r "select(.mntns == $theirs and .id) | .id" mounts.jsonl | wc -l)" "mounts of the other namespace"

if [[ $(cat filter 2>/dev/null) == True ]]; then
	any_json bpf.jsonl '.kind == "program" and .name == "let_pass" and .type == "socket_filter" and .xlated_len == 16 and (.xlated_sha256 | length) == 64 and .uid == 0' ||
		fail "the program is not there"
fi
if [[ -e /proc/modules ]]; then
	assert_equal "$(cut -d' ' -f1 /proc/modules | LC_ALL=C sort)" "$(jq -r 'select(.from == "/proc/modules").name' modules.jsonl | LC_ALL=C sort)" "modules"
else
	any_json modules.jsonl '.error == "ENOENT" and (.what | startswith("/proc/modules"))' || fail "that there is no list of modules is not said"
fi

any_json sessions.jsonl '.from == "/run/utmp" and .type == "user_process" and .record == 2 and .pid == 4321 and .user == "ann" and .line == "pts/0" and .address == "192.0.2.7" and .time == "2023-11-14T22:15:00.000005000Z"' ||
	fail "the record of utmp"
any_json sessions.jsonl ".from == \"/run/utmp\" and .base64 == \"$(printf tail | base64)\"" || fail "what is behind the last record"
any_json sessions.jsonl '.from == "run/systemd/sessions" and .name == "c1" and (.values | map(select(.key == "USER")) | .[0].value == "ann" and .[1].repeated)' ||
	fail "the session"
kill "$holder" "$filter" 2>/dev/null || true
