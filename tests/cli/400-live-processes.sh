#!/usr/bin/env bash
# Processes of many kinds, as /proc and the stock tools tell of them.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need python3 ps
own_namespaces "$0" "$@"

# Arguments and variables with line ends, nothing in them, and bytes that are no text.
python3 - <<'PYTHON' &
import os
os.execve("/bin/sleep", [b"an odd\nname", b"600", b"0", b"0"], {b"LINES": b"one\ntwo", b"EMPTY": b"", b"BYTES": b"\xff\xfe=x"})
PYTHON
odd=$!
python3 - <<'PYTHON' &
import ctypes, time
ctypes.CDLL(None).prctl(15, b") R 1 (\n x")
time.sleep(600)
PYTHON
named=$!
mkdir "$here/with blank"
(cd "$here/with blank" && exec setpriv --reuid 65534 --regid 65533 --groups 65531,65532 --bounding-set -all --inh-caps -all --no-new-privs sleep 600) &
dropped=$!
unshare --net --ipc --uts sleep 600 &
apart=$!
exec 7<"$TESTS/cli/lib.sh"
dd bs=1 count=100 status=none <&7 >/dev/null
python3 -c 'import socket, threading, time
s = socket.socket(socket.AF_UNIX)
for i in range(3): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
open("ready", "w").close()
time.sleep(600)' &
threads=$!
wait_for 10 test -e ready
wait_for 10 grep -qs sleep "/proc/$apart/comm"
wait_for 10 grep -qs sleep "/proc/$dropped/comm"
wait_for 10 grep -qs sleep "/proc/$odd/comm"
wait_for 10 grep -qs ')' "/proc/$named/comm"
# One that has ended and was not asked for.
python3 -c 'import os, time
if os.fork() == 0: os._exit(3)
open("zombie", "w").close()
time.sleep(600)' &
parent=$!
wait_for 10 test -e zombie
live_snapshot case processes

assert_equal collected "$(manifest_of /processes.jsonl .status)" "status"
jq -es 'all(.[]; .format == 1 and (.pid | type) == "number") and (map(.pid) | length == (unique | length))' processes.jsonl >/dev/null ||
	fail "lines"
for pid in $odd $named $dropped $apart $threads $parent $$; do
	assert_equal collected "$(process "$pid" .status)" "status of $pid"
	assert_equal "$(ps -o ppid=,pgid=,sid= -p "$pid" | tr -s ' ' | sed 's/^ //')" "$(process "$pid" '"\(.ppid) \(.pgrp) \(.session)"')" "family of $pid"
	assert_equal "$(readlink "/proc/$pid/exe")" "$(process "$pid" .exe.path)" "program of $pid"
	assert_equal "$(stat -Lc '%i %s' "/proc/$pid/exe")" "$(process "$pid" '"\(.exe.ino) \(.exe.size)"')" "inode and size of the program of $pid"
	assert_equal "$(sha256_of "/proc/$pid/exe")" "$(process "$pid" .exe.sha256)" "digest of the program of $pid"
	assert_equal "$(readlink "/proc/$pid/cwd")" "$(process "$pid" .cwd)" "directory of $pid"
	for kind in net pid mnt uts ipc user cgroup; do
		assert_equal "$(readlink "/proc/$pid/ns/$kind")" "$kind:[$(process "$pid" ".namespaces.$kind")]" "namespace of $pid"
	done
	assert_equal "$(cut -d: -f3- "/proc/$pid/cgroup")" "$(process "$pid" '.cgroup[].path')" "cgroups of $pid"
	assert_equal "$(cat "/proc/$pid/loginuid")" "$(process "$pid" .loginuid)" "login of $pid"
	now=$(ps -o lstart= -p "$pid" | date -f - +%s)
	then=$(date -d "$(process "$pid" .start)" +%s)
	((now - then >= -2 && now - then <= 2)) || fail "start of $pid: $now, $then"
done

assert_equal '["an odd\nname","600","0","0"]' "$(process "$odd" '.cmdline | tojson')" "arguments"
assert_equal '["LINES=one\ntwo","EMPTY=","BYTES=\ufffd\ufffd=x"]' "$(process "$odd" '.environ | tojson' | sed 's/\xef\xbf\xbd/\\ufffd/g')" "variables"
process "$odd" '.environ_base64[2]' | base64 -d | cmp - <(printf 'BYTES=\xff\xfe=x')
assert_equal '") R 1 (\n x"' "$(process "$named" '.comm | tojson')" "name"
assert_equal S "$(process "$named" .state)" "state behind an odd name"

assert_equal "[65534,65534,65534,65534] [65533,65533,65533,65533] [65531,65532]" \
	"$(process "$dropped" '.credentials | "\(.uids | tojson) \(.gids | tojson) \(.groups | tojson)"')" "credentials"
assert_equal 0000000000000000 "$(process "$dropped" .credentials.capabilities.effective)" "capabilities"
assert_equal "$(sed -n 's/^CapBnd:\t//p' "/proc/$dropped/status")" "$(process "$dropped" .credentials.capabilities.bounding)" "bounding set"
assert_equal 1 "$(process "$dropped" .no_new_privs)" "no new privileges"
[[ $(process "$apart" .namespaces.net) != $(process $$ .namespaces.net) ]] || fail "network namespace"

assert_equal "$(find "/proc/$threads/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | jq -sc .)" "$(process "$threads" '.threads | sort | tojson')" "threads"
assert_equal 4 "$(process "$threads" '.threads | length')" "number of threads"
socket=$(find "/proc/$threads/fd" -lname 'socket:*' -printf '%l\n' | tr -dc 0-9)
assert_equal "$socket" "$(process "$threads" '.fds[] | select(.socket) | .socket')" "socket"
assert_equal "$TESTS/cli/lib.sh 100" "$(process $$ '.fds[] | select(.fd == 7) | "\(.target) \(.pos)"')" "open file"
assert_equal "$(sed -n 's/^flags:\t//p' "/proc/$$/fdinfo/7")" "$(process $$ '.fds[] | select(.fd == 7) | .flags')" "flags of an open file"
assert_equal "$(awk '$6 ~ /^\// { n++ } END { print n }' "/proc/$threads/maps")" "$(process "$threads" '[.maps[].ranges[]] | length')" "mappings"

zombie=$(ps -o pid= --ppid "$parent" | tr -d ' ')
assert_equal "Z null" "$(process "$zombie" '"\(.state) \(.exe)"')" "ended process"
assert_empty findings.jsonl "findings on an honest host"
expect_exit 0 vestige -C case verify --deep -i analyst.key
