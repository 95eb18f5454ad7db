#!/usr/bin/env bash
# The rules of nf_tables, as nft tells of them.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need nft ip python3
own_namespaces "$0" "$@"

unshare --net sleep 600 &
holder=$!
wait_for 10 grep -qs sleep "/proc/$holder/comm"
inside() {
	nsenter -t "$holder" -n "$@"
}
inside nft list ruleset >/dev/null 2>&1 || {
	live_snapshot case packet_filter
	content_of /packet_filter.jsonl >filter.jsonl
	any_json filter.jsonl '.error and (.what | startswith("nf_tables"))' || fail "it is not said that the kernel has no nf_tables"
	skip "the kernel has no nf_tables: only that this is said was tested"
}
cat >rules.nft <<'RULES'
table inet shop {
	set bad { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.7 } }
	map ports { type inet_service : verdict; elements = { 22 : accept, 23 : drop } }
	chain web {
		counter accept
	}
	chain in {
		type filter hook input priority -5; policy drop;
		ct state established,related accept
		ip saddr @bad counter drop comment "known"
		tcp dport vmap @ports
		tcp dport 80 log prefix "web " jump web
	}
}
table ip addresses {
	chain out {
		type nat hook postrouting priority 100;
		ip daddr 192.0.2.0/24 snat to 198.51.100.1
	}
}
RULES
inside nft -f rules.nft
# Asking for a legacy table makes it, where the kernel has them.
inside python3 - <<'PYTHON' || true
import ctypes, socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
info = ctypes.create_string_buffer(b"filter", 84)
ctypes.CDLL(None).getsockopt(s.fileno(), 0, 64, info, ctypes.byref(ctypes.c_uint(84)))
PYTHON
live_snapshot case packet_filter
content_of /packet_filter.jsonl >filter.jsonl
assert_equal collected "$(manifest_of /packet_filter.jsonl .status)" "status"
netns=$(stat -Lc %i "/proc/$holder/ns/net")
of() { # KIND FILTER
	jq -r "select(.netns == $netns and .kind == \"$1\") | $2" filter.jsonl | LC_ALL=C sort
}
theirs() { # FILTER
	inside nft -j list ruleset | jq -r ".nftables[] | $1" | LC_ALL=C sort
}
assert_equal "$(theirs '.table // empty | "\(.family) \(.name) \(.handle)"')" "$(of table '"\(.family) \(.name) \(.handle)"')" "tables"
assert_equal "$(theirs '.chain // empty | "\(.family) \(.table) \(.name) \(.handle) \(.type) \(.policy)"')" \
	"$(of chain '"\(.family) \(.table) \(.name) \(.handle) \(.chain_type) \(.policy)"')" "chains"
assert_equal "$(theirs '.rule // empty | "\(.family) \(.table) \(.chain) \(.handle)"')" \
	"$(of rule '"\(.family) \(.table) \(.chain) \(.handle)"')" "rules"
assert_equal "$(theirs '(.set // .map) // empty | "\(.family) \(.table) \(.name) \(.handle)"')" \
	"$(of set '"\(.family) \(.table) \(.name) \(.handle)"')" "sets"
assert_equal -5 "$(of chain 'select(.name == "in") | .hook.priority')" "the priority"
assert_equal "0016 0017" "$(of elements 'select(.set == "ports") | .elements[].key.value' | paste -sd' ')" "elements of the map"
of elements 'select(.set == "bad") | .elements[].key.value' | grep -qx c0000207 || fail "an element of the set"
of rule '.expressions[] | select(.name == "lookup") | .data.set' | grep -qx bad || fail "the set's use"
of rule '.expressions[] | select(.name == "log") | .data.prefix' | grep -qx 'web ' || fail "the prefix of the log"
of rule '.expressions[] | select(.name == "immediate") | .data.data.verdict.chain // empty' | grep -qx web || fail "the jump"
of rule '.expressions[] | select(.name == "nat") | .data.type' | grep -qx snat || fail "the address translation"
of rule '.userdata_base64 // empty' | base64 -d 2>/dev/null | grep -qa known || fail "the comment"
if inside grep -qx filter /proc/thread-self/net/ip_tables_names 2>/dev/null; then
	assert_equal "ip filter 4 true ACCEPT ACCEPT ACCEPT" \
		"$(of legacy_table '"\(.family) \(.name) \(.entries) \(.consistent) \(.policies.INPUT) \(.policies.FORWARD) \(.policies.OUTPUT)"')" "the legacy table"
	assert_equal 4 "$(of legacy_table '.rules | length')" "entries of the legacy table"
fi
kill "$holder"
