#!/usr/bin/env bash
# What may stand where the index of a series should: each is a finding and a full snapshot, and none stops it. And files that are to be
# trusted are read where the policy asks for more than it did.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"

mkdir -p root/var/log root/etc
echo one >root/var/log/a.log
echo root:x:0:0:root:/root:/bin/sh >root/etc/passwd
cat >policy.yaml <<'YAML'
policy: series
sources:
  - name: logs
    files: {paths: [/var/log/**]}
  - name: etc
    files: {paths: [/etc/**]}
YAML
"$VESTIGE" keygen -q -o case.key >/dev/null
"$VESTIGE" init case --title Series -r "$(sed -n 's/^# public key: //p' case.key)" >/dev/null
incremental() { "$VESTIGE" -C case snapshot -q "${1:-policy.yaml}" --root root --incremental "${@:2}" >out 2>&1; }
newest() { "$VESTIGE" -C case --json list | jq -s 'map(.exhibit) | max'; }
full() { "$VESTIGE" -C case --json show "$(newest)" | jq -s '[.. | objects | select(has("full")) | .full] | first'; }

incremental || fail "the first: $(cat out)"
incremental || fail "the second: $(cat out)"
[[ $(full) == 1 ]] || fail "the second is not incremental: $(full)"

for what in directory symlink fifo garbage; do
	mv case/private/series.index kept
	case $what in
	directory) mkdir case/private/series.index ;;
	symlink) ln -s "$PWD/kept" case/private/series.index ;;
	fifo) mkfifo case/private/series.index ;;
	garbage) echo garbage >case/private/series.index ;;
	esac
	incremental || fail "$what: $(cat out)"
	[[ $(full) == $(newest) ]] || fail "$what: not full"
	grep -q series_index_changed out || fail "$what: no finding: $(cat out)"
	rm -rf case/private/series.index kept
	[[ ! -f case/private/series.index.new ]] || mv case/private/series.index.new case/private/series.index
	incremental || fail "after $what: $(cat out)"
done

# Not read again only under the policy that it was read under.
sleep 3
incremental || fail "before trusting: $(cat out)"
incremental policy.yaml --trust-ctime || fail "trusting: $(cat out)"
list() { "$VESTIGE" -C case --json ls -i case.key "$(newest)" 2>/dev/null | jq -c 'select(.item.source == "etc").item'; }
list | grep -q '"trusted":true' || fail "nothing was trusted: $(list)"
sed 's/^policy: series/&\nhashes: [sha256, sha1]/' policy.yaml >more.yaml
incremental more.yaml --trust-ctime || fail "another policy: $(cat out)"
"$VESTIGE" -C case verify --deep -i case.key >out 2>&1 || fail "verify: $(cat out)"
list >ls.json
grep -q '"sha1":"[0-9a-f]*"' ls.json || fail "no sha1 of a file that was trusted: $(cat ls.json)"
! grep -q '"trusted":true' ls.json || fail "trusted under another policy"
