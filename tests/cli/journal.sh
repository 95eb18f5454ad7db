# shellcheck shell=bash
# Sourced by the journal's tests, after lib.sh.
need jq python3 journalctl
remote=/lib/systemd/systemd-journal-remote
[[ -x $remote ]] || skip "systemd-journal-remote is not installed"
need_root

# shellcheck disable=SC2034 # used by the scripts
machine=0123456789abcdef0123456789abcdef

journal() {
	python3 "$TESTS/cli/journal.py" "$@"
}

# make_journal FILE FIRST COUNT
make_journal() {
	mkdir -p "$(dirname "$1")"
	journal stream "$2" "$3" | "$remote" -o "$1" - 2>/dev/null
}

# snapshot_journal STATUS ROOT KEYS: into a fresh case; items in items.json, the export in the file exported.
snapshot_journal() {
	local status=$1 root=$2
	printf 'policy: journal\nsources:\n  - name: journal\n    journal: %s\n' "$3" >policy.yaml
	rm -rf case
	new_case case
	expect_exit "$status" vestige -C case snapshot policy.yaml --root "$root" --operator tester
	vestige -C case --json ls -i analyst.key latest | jq -c 'select(.item.source == "journal") | .item' >items.json
	vestige -C case cat -i analyst.key latest /journal/export >exported 2>/dev/null || true
}

item() { # PATH FILTER WANTED
	assert_equal "$3" "$(jq -c "select(.path == \"$1\") | $2" items.json)" "$1 $2"
}

# Entries as sorted JSON, without what an import must change.
as_json() {
	journalctl "$@" -o json --all --no-pager | jq -cS 'del(.__CURSOR, .__SEQNUM, .__SEQNUM_ID)'
}
