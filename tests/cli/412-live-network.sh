#!/usr/bin/env bash
# Interfaces, addresses, routes, rules and neighbours of every network namespace, as ip tells of them.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need ip
own_namespaces "$0" "$@"

unshare --net sleep 600 &
holder=$!
wait_for 10 grep -qs sleep "/proc/$holder/comm"
inside() {
	nsenter -t "$holder" -n "$@"
}
inside ip link set lo up
inside ip link add left type veth peer name right || skip "no veth here"
inside ip link set left address 02:00:00:00:00:01 alias 'a name' up
inside ip link set right promisc on up
inside ip addr add 192.0.2.1/24 dev left
inside ip -6 addr add 2001:db8::1/64 dev left nodad
inside ip route add 198.51.100.0/24 via 192.0.2.9 dev left table 77 metric 5
inside ip rule add from 192.0.2.0/25 lookup 77 priority 1000
inside ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:99 dev left nud permanent
live_snapshot case network
content_of /network.jsonl >network.jsonl
assert_equal collected "$(manifest_of /network.jsonl .status)" "status"
netns=$(stat -Lc %i "/proc/$holder/ns/net")
of() { # KIND FILTER
	jq -r "select(.netns == $netns and .kind == \"$1\") | $2" network.jsonl | LC_ALL=C sort
}
assert_equal "$(inside ip -j link | jq -r '.[] | "\(.ifindex) \(.ifname) \(.mtu) \(.address | gsub(":"; ""))"' | LC_ALL=C sort)" \
	"$(of interface '"\(.index) \(.name) \(.mtu) \(.mac)"')" "interfaces"
assert_equal "$(inside ip -j addr | jq -r '.[] | .ifindex as $i | .addr_info[] | "\($i) \(.local) \(.prefixlen)"' | LC_ALL=C sort)" \
	"$(of address '"\(.index) \(.local // .address) \(.prefix)"')" "addresses"
assert_equal "$(inside ip -4 -j route show table 77 | jq -r '.[] | "\(.dst) \(.gateway) \(.metric)"')" \
	"$(of route 'select(.table == 77) | "\(.destination)/\(.prefix) \(.gateway) \(.priority)"')" "routes of a table"
assert_equal "$(inside ip -4 route show table all | wc -l)" "$(of route 'select(.family == "inet") | .table' | wc -l)" "routes"
assert_equal "$(inside ip -4 rule | cut -d: -f1 | LC_ALL=C sort)" "$(of rule 'select(.family == "inet") | .priority // 0')" "rules"
assert_equal "192.0.2.0 25 77" "$(of rule 'select(.priority == 1000) | "\(.source) \(.source_prefix) \(.table)"')" "the rule"
assert_equal "020000000099 permanent" "$(of neighbour 'select(.address == "192.0.2.9") | "\(.mac) \(.states[0])"')" "the neighbour"
assert_equal "a name" "$(of interface 'select(.name == "left") | .alias')" "the alias"
assert_equal veth "$(of interface 'select(.name == "left") | .info.kind')" "the kind"
assert_equal "promiscuous_interface medium right" \
	"$(jq -r "select(.details.netns == $netns) | \"\(.finding) \(.severity) \(.details.name)\"" findings.jsonl)" "findings"
kill "$holder"
