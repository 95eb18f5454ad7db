#!/usr/bin/env bash
# Each shipped policy as it is, over an image: live state is told to be none there, and all else is as by its files alone.
# shellcheck source=tests/cli/policy_tree.sh
. "$TESTS/cli/policy_tree.sh"

whole() { # POLICY MAKER FILE
	local name=$1 maker=$2 file=$3 status=0
	rm -rf tree
	"$maker"
	new_case "whole-$name"
	vestige -C "whole-$name" snapshot "$name" --root tree >"$out" 2>"$err" || status=$?
	((status == 0 || status == 3)) || fail "snapshot by $name: exit status $status: $(cat "$err")"
	expect_exit 0 vestige -C "whole-$name" --json ls -i analyst.key latest
	jq -c .item "$out" >items.json
	if grep -qF "a kind of source that this program does not collect" items.json; then
		skip "$name has a kind of source that this program does not collect"
	fi
	any_json items.json ".path == \"$file\" and .status == \"collected\"" || fail "$name: $file is not collected"
	if grep -q '^    live:' "$policies/$name.yaml"; then
		any_json items.json '.source == "live" and ((.rule // "") | contains("not a running host"))' ||
			fail "$name: live state of an image: $(jq -c 'select(.source == "live")' items.json | head -n 3)"
		jq -e -s 'any(.[]; .source == "live" and .status == "collected")' items.json >/dev/null && fail "$name: live state of an image was collected"
	fi
	expect_exit 0 vestige -C "whole-$name" verify --deep -i analyst.key
}
whole personal-data-store make_personal /srv/records/alice.json
whole linux-incident make_linux /etc/cron.d/job
whole baseline make_linux /usr/bin/tool
whole web-server make_web /var/www/shop/public/uploads/shell.php
whole database-server make_database /srv/app/shop.sqlite3
whole container-host make_containers /etc/docker/daemon.json
