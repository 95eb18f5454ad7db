#!/usr/bin/env bash
# A journal that is written to all the while: a snapshot has what was there when it looked, and ends.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/journal.sh
. "$TESTS/cli/journal.sh"

logs=image/var/log/journal/$machine
mkdir -p "$logs"
(for ((i = 0; i < 60; i++)); do journal stream $((i * 10)) 10; done) | "$remote" -o "$logs/system.journal" - >remote.log 2>&1 &
writer=$!
trap 'kill $writer 2>/dev/null || true; wait $writer || true' EXIT
has_entries() { [[ -s $logs/system.journal ]] && journalctl --file "$logs/system.journal" -n 1 -o cat 2>/dev/null | grep -q message; }
wait_for 20 has_entries
for _ in 1 2; do
	snapshot_journal 0 image '{raw: false}'
	item /journal/export .status '"collected"'
	entries=$(jq 'select(.path == "/journal/export") | .details.export.entries' items.json)
	((entries > 0)) || fail "no entries"
	item /journal/export '.details.seqnums[0].present' "$entries"
	rm -f again.journal
	"$remote" -o again.journal - <exported 2>import.log || fail "not imported: $(cat import.log)"
	assert_equal "$entries" "$(journalctl --file again.journal -o cat --output-fields=_PID --no-pager | wc -l)" "entries imported"
done
