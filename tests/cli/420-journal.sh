#!/usr/bin/env bash
# The journal of an image: what is exported is what journalctl exports, imports again, and the manifest tells boots and gaps.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/journal.sh
. "$TESTS/cli/journal.sh"

logs=image/var/log/journal
make_journal "$logs/$machine/system.journal" 0 30
is_exported() { # journalctl's ARG…: its export is ours
	journalctl --directory "$logs" -o export --no-pager "$@" >wanted
	cmp wanted exported || fail "not what journalctl exports: $*"
}

snapshot_journal 0 image '{}'
is_exported
item /journal/export '[.type, .status, .details.export.entries, .details.boot_count]' '["stream","collected",30,3]'
item "/var/log/journal/$machine/system.journal" '[.type, .status]' '["file","collected"]'
item /run/log/journal .status '"absent"'
item /journal/export '.details.boots[1]' \
	'{"boot_id":"0000000000000000000000000000b002","first":"2023-11-14T22:13:30Z","last":"2023-11-14T22:13:39Z","entries":10}'
item /journal/export '.details.seqnums[0] | [.first, .last, .present, .gaps]' '[1,30,30,[]]'
item /journal/export '.details.files[0] | [.path, .state, .head_seqnum, .tail_seqnum, .entries, .read, .error]' \
	"[\"/var/log/journal/$machine/system.journal\",\"offline\",1,30,30,30,null]"
assert_equal "$(journalctl --header --directory "$logs" | sed -n 's/^File ID: //p')" \
	"$(jq -r 'select(.path == "/journal/export") | .details.files[0].file_id' items.json)" "file id"

"$remote" -o again.journal - <exported 2>remote.log || fail "not imported: $(cat remote.log)"
as_json --directory "$logs" >before.json
as_json --file again.journal >after.json
cmp before.json after.json || fail "what was imported is not what was there"
vestige -C case cat -i analyst.key latest "/var/log/journal/$machine/system.journal" | cmp - "$logs/$machine/system.journal" ||
	fail "the raw file"

snapshot_journal 0 image '{raw: false, boots: 2}'
is_exported _BOOT_ID=0000000000000000000000000000b002 _BOOT_ID=0000000000000000000000000000b003
item /journal/export '.details.export.boots' '["0000000000000000000000000000b002","0000000000000000000000000000b003"]'
snapshot_journal 0 image '{raw: false, units: [cron]}'
is_exported -u cron
snapshot_journal 0 image '{raw: false, units: [cron.service, ssh.service], boots: 1}'
is_exported -u cron -u ssh _BOOT_ID=0000000000000000000000000000b003
# Of an image, back from its last entry.
snapshot_journal 0 image '{raw: false, since: 10s}'
is_exported --since "2023-11-14 22:13:39"
snapshot_journal 0 image '{raw: false, units: [nothing.service]}'
assert_empty exported "a unit that nothing is of"
snapshot_journal 0 image '{export: false}'
item /journal/export .status ''
item /journal/facts '[.status, .details.boot_count]' '["collected",3]'
vestige -C case cat -i analyst.key latest /journal/facts | jq -e '.seqnums[0].present == 30' >/dev/null || fail "facts as a stream"

# Two files of one sequence, between which ten entries are missing; what is missing in one file alone is no gap.
mkdir -p two/logs/deep two/run
cp "$logs/$machine/system.journal" two/logs/a.journal
cp "$logs/$machine/system.journal" two/logs/deep/b.journal~
journal renumber two/logs/deep/b.journal~ 40
ln -s ../logs two/run/link
snapshot_journal 0 two '{directories: [/logs, /run/link], raw: false}'
item /journal/export '.details | [.file_count, .export.entries]' '[2,60]'
item /journal/export '.details.seqnums | map([.first, .last, .present, .gap_count, .gaps])' '[[1,70,60,1,[[31,40]]]]'

# A dry run opens nothing and says what there would be; without a journal there is none.
expect_exit 0 vestige snapshot policy.yaml --root two --dry-run
snapshot_journal 0 two/run '{}'
item /journal/export .status '"absent"'
