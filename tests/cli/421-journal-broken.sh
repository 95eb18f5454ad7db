#!/usr/bin/env bash
# Broken journals are archived as they are and named; the others are exported.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/journal.sh
. "$TESTS/cli/journal.sh"

logs=image/var/log/journal/$machine
make_journal "$logs/good.journal" 0 30
cp "$logs/good.journal" pristine
head -c 5000000 pristine >"$logs/cut.journal"
head -c 100 pristine >"$logs/cut-header.journal"
: >"$logs/empty.journal"
head -c 100000 /dev/zero >"$logs/zero.journal"
echo "only text" >"$logs/text.journal"
cp pristine "$logs/flag.journal"
printf '\377' | dd of="$logs/flag.journal" bs=1 seek=12 conv=notrunc status=none
cp pristine "$logs/entry.journal"
journal wipe-entry "$logs/entry.journal" 12
mkfifo "$logs/fifo.journal"
mkdir "$logs/directory.journal"
ln -s /etc/shadow "$logs/escape.journal"
ln -s loop.journal "$logs/loop.journal"
error() { # NAME WANTED
	assert_equal "$2" "$(jq -r "select(.path == \"/journal/export\") | .details.files[] | select(.path == \"/var/log/journal/$machine/$1\") | .error" \
		items.json)" "error of $1"
}

snapshot_journal 3 image '{}'
item /journal/export '[.status, .rule]' '["error","10 of 11 journal files could not be read whole and are not in it"]'
item /journal/export '.details.export | [.entries, .files_left_out]' '[30,10]'
error good.journal null
error cut.journal "cut: 5000000 of 8388608 bytes and 30 of 30 entries are here"
error cut-header.journal "cut within its header"
error empty.journal empty
error zero.journal "not a journal file"
error text.journal "not a journal file"
error flag.journal "uses what this program does not know: incompatible flags 0xff"
error fifo.journal "not a regular file"
error escape.journal "open: No such file or directory"
[[ $(jq -r 'select(.path == "/journal/export") | .details.files[].error' items.json) == *"1 of 30 entries cannot be read"* ]] ||
	fail "an entry that is wiped"
journalctl --file "$logs/good.journal" -o export --no-pager | cmp - exported || fail "the good one"
for name in good cut cut-header empty zero text flag entry; do
	item "/var/log/journal/$machine/$name.journal" '[.type, .status]' '["file","collected"]'
	vestige -C case cat -i analyst.key latest "/var/log/journal/$machine/$name.journal" | cmp - "$logs/$name.journal" ||
		fail "$name as it is"
done
expect_exit 0 vestige -C case verify -i analyst.key

# None is good: nothing to export, and the reason.
rm "$logs/good.journal"
snapshot_journal 3 image '{raw: false}'
item /journal/export '[.status, .details.export.entries]' '["error",0]'
item "/var/log/journal/$machine/fifo.journal" '[.status, .rule]' '["error","not a regular file"]'

# A field that is wiped: its entry goes on without it and is counted; what follows is there.
rm -rf "${logs:?}"/*
cp pristine "$logs/data.journal"
journal wipe-data "$logs/data.journal" "MESSAGE=message number 12"
snapshot_journal 3 image '{raw: false}'
item /journal/export '[.status, .details.export.entries, .details.export.incomplete]' '["error",30,1]'
assert_not_in exported "message number 12"
assert_in exported "message number 11" "message number 13" "message number 29"

# An entry that says another boot than its field does.
cp pristine "$logs/data.journal"
journal wipe-boot "$logs/data.journal" 7
snapshot_journal 3 image '{raw: false}'
item /journal/export '[.status, .rule]' '["error","the fields of 1 entries are not all there as they were written"]'

# A limit cuts the export, and the facts are whole.
cp pristine "$logs/data.journal"
printf 'policy: cut\nlimits: {item: 1KiB}\nsources:\n  - name: journal\n    journal: {raw: false}\n' >policy.yaml
expect_exit 3 vestige -C case snapshot policy.yaml --root image --operator tester
vestige -C case --json ls -i analyst.key latest | jq -c 'select(.item.source == "journal") | .item' >items.json
item /journal/export '[.status, .rule, .size, .details.seqnums[0].present]' '["truncated","limits.item",1024,30]'
