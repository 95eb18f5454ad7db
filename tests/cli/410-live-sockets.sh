#!/usr/bin/env bash
# Sockets of a second network namespace, as ss tells of them there: listening, connected, abstract names, packet filters, and what no
# list has.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need python3 ip ss
own_namespaces "$0" "$@"

cat >sockets.py <<'PYTHON'
import os, socket, time
keep = []
def listen(family, address):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen(7)
    keep.append(s)
    return s
tcp = listen(socket.AF_INET, ("127.0.0.1", 4431))
listen(socket.AF_INET6, ("::1", 4432, 0, 0))
client = socket.create_connection(("127.0.0.1", 4431))
keep += [client, tcp.accept()[0]]
client.send(b"waiting")
for family, address in ((socket.AF_INET, ("127.0.0.1", 4433)), (socket.AF_INET6, ("::1", 4434, 0, 0))):
    keep.append(socket.socket(family, socket.SOCK_DGRAM))
    keep[-1].bind(address)
listen(socket.AF_UNIX, b"\0odd\0name\xff")
listen(socket.AF_UNIX, "a path")
keep += socket.socketpair(socket.AF_UNIX)
keep.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, 47))
keep.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
never = socket.socket(socket.AF_INET)
with open("never", "w") as f:
    f.write(str(os.fstat(never.fileno()).st_ino))
os.rename("never", "ready")
time.sleep(600)
PYTHON
unshare --net bash -c 'ip link set lo up && exec python3 sockets.py' &
holder=$!
wait_for 10 test -s ready
# One without any process: it is kept by a mount alone.
touch "$here/kept"
unshare --net sh -c "mount --bind /proc/self/ns/net '$here/kept'; ip link set lo up"
kept=$(stat -Lc %i "$here/kept")
live_snapshot case sockets
content_of /sockets.jsonl >sockets.jsonl
jq -es 'all(.[]; .format == 1)' sockets.jsonl >/dev/null || fail "lines"
assert_equal collected "$(manifest_of /sockets.jsonl .status)" "status"
netns=$(stat -Lc %i "/proc/$holder/ns/net")

# All that ss lists, by inode. Sockets of a kernel without an own inode, as in time-wait, are not there.
ours() { # FILTER
	jq -r "select(.netns == $netns) | $1" sockets.jsonl | LC_ALL=C sort -u
}
inodes() { # ss's arguments
	nsenter -t "$holder" -n ss -aneH "$@" | grep -o 'ino:[0-9]*' | cut -d: -f2 | LC_ALL=C sort -u
}
assert_equal "$(inodes -t)" "$(ours 'select(.protocol == "tcp" and .inode > 0) | .inode')" "TCP sockets"
assert_equal "$(inodes -u)" "$(ours 'select(.protocol == "udp") | .inode')" "UDP sockets"
assert_equal "$(nsenter -t "$holder" -n ss -xaH | wc -l)" "$(ours 'select(.family == "unix") | .inode' | wc -l)" "unix sockets"

one() { # FILTER WHAT
	jq -es "any(.[]; .netns == $netns and ($1))" sockets.jsonl >/dev/null || fail "not there: $2"
}
owned=".processes[0].pid == $holder and .processes[0].comm == \"python3\" and (.unowned | not)"
one ".family == \"inet\" and .state == \"listen\" and .local == \"127.0.0.1\" and .local_port == 4431 and .send_queue == 7 and $owned" "TCP"
one ".family == \"inet6\" and .state == \"listen\" and .local == \"::1\" and .local_port == 4432 and $owned" "TCP of IPv6"
one ".state == \"established\" and .remote_port == 4431 and $owned" "the client"
one ".state == \"established\" and .local_port == 4431 and .receive_queue == 7 and $owned" "what waits to be read"
one ".protocol == \"udp\" and .local_port == 4433 and $owned" "UDP"
one ".family == \"inet6\" and .protocol == \"udp\" and .local_port == 4434 and $owned" "UDP of IPv6"
one ".family == \"unix\" and .state == \"listen\" and .abstract_base64 == \"$(printf 'odd\0name\377' | base64)\" and $owned" "an abstract name"
one ".family == \"unix\" and .state == \"listen\" and .path == \"a path\" and .path_inode == $(stat -c %i 'a path') and $owned" "a path"
one ".family == \"unix\" and .state == \"established\" and .peer_inode > 0 and $owned" "a pair"
one ".protocol == \"raw\" and .ip_protocol == 47 and $owned" "a raw socket"
one ".family == \"packet\" and .type == \"raw\" and .ethertype == 3 and $owned" "a packet socket"
one ".family == \"netlink\" and .portid == 0 and (.unowned | not)" "the kernel's own netlink"
jq -es "any(.[]; .inode == $(cat ready) and .from == \"processes\" and .processes[0].pid == $holder)" sockets.jsonl >/dev/null ||
	fail "a socket that was never used is not there"
jq -es "any(.[]; .netns == $kept)" sockets.jsonl >/dev/null || fail "the namespace without a process is not there"
assert_empty findings.jsonl "findings where nothing is hidden"
umount "$here/kept"
kill "$holder"
