#!/usr/bin/env bash
# A year of baselines, and an intruder who at its end has everything on the host: the case, private/ with the log key and the collector's
# key of the day, and every tool. What was recorded before cannot be changed unnoticed. Where that cannot be seen from inside, verify says
# so, and a checkpoint or the fingerprint from off the host shows it.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need age git ssh-keygen python3
export PYTHONDONTWRITEBYTECODE=1

intruder() {
	python3 "$TESTS/cli/intruder.py" "$@" || fail "the intruder cannot even: $*"
}

# copy FROM TO: a case by links, for speed: all who write here put a new file in place of an old one, but for keys, which are overwritten.
copy() {
	rm -rf "$2"
	mkdir "$2"
	cp -al "$1/exhibits" "$1/trail" "$2/"
	cp -a "$1/private" "$2/"
}

# attack COMMAND ARG…: the intruder's work on a copy of the year, bad/.
attack() {
	local command=$1
	shift
	copy year bad
	intruder "$command" bad "$@"
}

# seen TEXT…: verify finds it by bad/ alone.
seen() {
	expect_exit 1 vestige -C bad verify
	assert_in "$out" "tampered " "$@"
}

# anyhow TEXT…: and what was kept off the host does not make it good: genesis is the same, and so are the first 301 events or they are not there.
anyhow() {
	expect_exit 1 vestige -C bad verify --expect seen-300 --fingerprint "$genesis"
	assert_in "$out" "has the fingerprint that was given" "tampered " "$@"
}

# What is said of a key that did not exist yet when the event was signed, and of one that had signed already.
unknown="rule 3: signed by a key that the log does not know"
used="rule 5: signed by a collector key that was used or replaced before"

# broken EVENT TEXT: the same, and it is that event that is named, with all behind it unchecked.
broken() {
	local later=$(($(git -C bad/trail rev-list --count HEAD) - $1 - 1))
	seen "event $1: $2" "good       log: $1 events"
	((later == 0)) || assert_in "$out" "unchecked  log: $later later events, because they stand on a bad one"
}

# hidden: nothing to be seen from inside, which is said.
hidden() {
	expect_exit 0 vestige -C bad verify
	assert_in "$out" "a cut tail cannot be seen from inside: compare with --expect CHECKPOINT" \
		"a log that was wholly re-created cannot be seen from inside: compare with --fingerprint"
	assert_not_in "$out" tampered
}

# day: one baseline by the program. What private/ held before is kept in used/, as no intruder can.
day() {
	cp year/private/collector-*.key used/
	vestige -q -C year snapshot policy.yaml --root root >"$out" 2>"$err" || fail "a day's snapshot: $(cat "$err")"
	local keys=(year/private/collector-*.key)
	assert_equal 1 "${#keys[@]}" "collector keys after a snapshot"
	[[ ! -e used/${keys[0]##*/} ]] || fail "the key that signed is still there"
	assert_in year/trail/allowed_signers "$(ssh-keygen -y -f "${keys[0]}" | cut -d' ' -f1,2)"
}

# ---- the year: 365 days, the first and the last by the program, those between by the intruder's tool, which so proves that it can forge

mkdir -p root/etc used
echo "127.0.0.1 localhost" >root/etc/hosts
write_policy policy.yaml "/etc/**"
new_case year
genesis=$(sha256_of year/trail/events/0000/00/00000000.json)
for ((i = 1; i <= 3; i++)); do day; done
intruder live year 97
cp -a year/private backup-100 # by somebody who did not know better
intruder live year 200
cp year/trail/checkpoint seen-300
copy year restored-300
intruder live year 62
# What an intruder may put into the evidence: records and exhibits of ours.
cp year/exhibits/EX0003.tar.zst.age year/trail/events/0000/00/00000003.json year/trail/checkpoint root/etc
mkdir root/etc/manifest
: >root/etc/manifest/000000.jsonl
echo '{"format":1,"exhibit":3}' >root/etc/exhibit.json
cp root/etc/exhibit.json root/etc/trailer
for ((i = 363; i <= 365; i++)); do day; done
cp year/trail/checkpoint seen-365
git -C year/trail repack -q -a -d
today=$here/$(echo year/private/collector-*.key)
log_key=$here/year/private/log.key
old_key=$here/$(echo backup-100/collector-*.key)

expect_exit 0 vestige -C year verify --expect seen-300 --fingerprint "$genesis"
assert_in "$out" "366 events, chain and signatures" "extends the expected checkpoint of 301 events" "has the fingerprint"
git -C year/trail fsck --strict --full >"$out" 2>&1 || fail "git fsck: $(cat "$out")"
for commit in HEAD HEAD~100; do
	git -C year/trail show "$commit~1:allowed_signers" >allowed
	git -C year/trail -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$here/allowed" verify-commit "$commit" 2>"$err" || fail "stock git on $commit: $(cat "$err")"
done
# None of the keys that signed lies anywhere in the case.
assert_equal 6 "$(find used -type f | wc -l)" "keys used by the program"
assert_equal "" "$(intruder search year used/*.key)" "files that hold the secret of a used key"
assert_equal "$today" "$here/$(intruder search year "$today")" "files that hold the secret of today's key"
# The one thing that the key of the day can do: the next event.
attack continue 366 "$today" 1
expect_exit 0 vestige -C bad verify --expect seen-365 --fingerprint "$genesis"
assert_in "$out" "367 events"

# ---- 1 and 2: an earlier exhibit replaced; chain, roots, checkpoints made anew and rightly signed by the log key

copy year bad
age -R bad/trail/recipients -o forged.age policy.yaml
cp --remove-destination forged.age bad/exhibits/EX0200.tar.zst.age
seen "EX0200: "
for key in "$today" "$log_key"; do
	attack resign 200 "$key"
	broken 200 "$unknown"
	anyhow "$unknown" "has 200 good events, the expected checkpoint was over 301"
done
# Nothing of such a log is shown, and nothing added to it.
expect_exit 1 vestige -C bad list
assert_empty "$out" "exhibits listed by a forged log"
expect_exit 1 vestige -C bad snapshot policy.yaml --root root
# It is the event's signer that stops it, not the log key: of the forged checkpoint the true log does not say that it is not its log's.
expect_exit 1 vestige -C year verify --expect bad/trail/checkpoint
assert_in "$out" "does not extend the expected checkpoint: its first 366 events have another root"
assert_not_in "$out" "is not signed by this log's key"
# A key that a backup kept is no better, nor is one made for the purpose, nor is it if nothing but that one event is signed anew.
attack resign 200 "$old_key"
broken 200 "$used"
attack resign-one 200 own
broken 200 "$unknown"
# Today's key smuggled into the list of the day before: then that day is broken.
attack sign-in 200 "$today"
broken 199 "rule 1: allowed_signers is not the file that the event states"
# And so on, back to genesis: then all is good from inside, and another log. (That this passes shows that resign forges all the rest rightly.)
attack recreate
hidden
expect_exit 1 vestige -C bad verify --fingerprint "$genesis"
assert_in "$out" "has another fingerprint than the one given: the log was re-created"
expect_exit 1 vestige -C bad verify --expect seen-300
assert_in "$out" "does not extend the expected checkpoint"
# The host whose key it was notices too.
rm -r bad/private
cp -a year/private bad/private
expect_exit 1 vestige -C bad verify
assert_in "$out" "is older than the collector's key in private/, which it does not know"

# ---- 3: the tail cut, and continued

# With today's key: see CVE-2023-31438 below.
attack continue 200 "$log_key" 30
broken 200 "$unknown"
# With a key that a backup kept: from the day of that backup on, and no day earlier or later.
attack continue 200 "$old_key" 30
broken 200 "$used"
attack continue 100 "$old_key" 30
broken 100 "$unknown"
attack continue 101 "$old_key" 265 # as long as it was
hidden
expect_exit 0 vestige -C bad verify --fingerprint "$genesis"
assert_in "$out" "366 events" "a cut tail cannot be seen from inside"
expect_exit 1 vestige -C bad verify --expect seen-365
assert_in "$out" "does not extend the expected checkpoint: its first 366 events have another root"
# The host's own key does not fit: neither is it called good there, nor continued.
rm -r bad/private
cp -a year/private bad/private
seen "is older than the collector's key in private/"
expect_exit 1 vestige -C bad snapshot policy.yaml --root root
assert_in "$err" "the log is older than the collector's key in private/"
[[ -e bad/private/${today##*/} ]] || fail "the key that shows it was erased"

# ---- 4: a copy of all, put back

copy restored-300 bad
hidden
expect_exit 1 vestige -C bad verify --expect seen-365
assert_in "$out" "has 301 good events, the expected checkpoint was over 366"
for ((i = 0; i < 2; i++)); do vestige -q -C bad snapshot policy.yaml --root root >"$out" 2>"$err"; done
hidden
expect_exit 0 vestige -C bad verify --expect seen-300 --fingerprint "$genesis" # of that day it still is the continuation
expect_exit 1 vestige -C bad verify --expect seen-365
assert_in "$out" "has 303 good events, the expected checkpoint was over 366"
intruder live bad 70
expect_exit 1 vestige -C bad verify --expect seen-365
assert_in "$out" "does not extend the expected checkpoint"
# Put back without private/: the host's key is newer.
copy restored-300 bad
rm -r bad/private
cp -a year/private bad/private
expect_exit 1 vestige -C bad verify
assert_in "$out" "is older than the collector's key in private/"
expect_exit 1 vestige -C bad snapshot policy.yaml --root root
assert_in "$err" "the log is older than the collector's key in private/"

# ---- 5: an exhibit of an earlier day passed off as today's

attack replay 3 same "$today"
broken 366 "rule 7: the exhibit's payload is that of an earlier exhibit"
anyhow "extends the expected checkpoint of 301 events" # the false event comes later
attack replay 3 header "$today"
broken 366 "rule 7: the exhibit's payload is that of an earlier exhibit"
attack replay 3 rewrap "$today" analyst.key
broken 366 "rule 7: the exhibit's payload is that of an earlier exhibit"
cmp <(age -d -i analyst.key bad/exhibits/EX0366.tar.zst.age) <(age -d -i analyst.key year/exhibits/EX0003.tar.zst.age) || fail "the re-wrapped header is none"
cmp -s bad/exhibits/EX0366.tar.zst.age year/exhibits/EX0003.tar.zst.age && fail "the header was not re-wrapped"
# With other bytes it is another payload. Nobody without the identity can tell what is in it, which is said; with it, it is found.
for how in spoilt again; do
	attack replay 3 "$how" "$today" analyst.key
	hidden
	assert_in "$out" "unchecked  EX0366: contents (no identity given: --deep -i FILE)"
	expect_exit 1 vestige -C bad verify --deep -i analyst.key EX0366
	assert_in "$out" "tampered   EX0366"
done
assert_in "$out" "exhibit.json"

# ---- 6: exhibits swapped, events taken out, moved, renumbered

copy year bad
mv bad/exhibits/EX0100.tar.zst.age x
mv bad/exhibits/EX0200.tar.zst.age bad/exhibits/EX0100.tar.zst.age
mv x bad/exhibits/EX0200.tar.zst.age
seen "EX0100: " "EX0200: "
anyhow "EX0100: " "EX0200: "
# As they are: the numbers do not fit. Renumbered: then they have to be signed.
attack drop 200
broken 200 "rule 1: the event calls itself number 201"
attack drop 200 "$today"
broken 200 "$unknown"
anyhow "$unknown" "has 200 good events, the expected checkpoint was over 301"
attack reorder 200
broken 200 "rule 1: the event calls itself number 201"
attack reorder 200 "$today"
broken 200 "$unknown"
# Taken out for stock git's eyes alone.
copy year bad
git -C bad/trail replace --graft "$(git -C year/trail rev-parse HEAD~165)" "$(git -C year/trail rev-parse HEAD~167)"
expect_exit 1 vestige -C bad verify
assert_in "$out" "366 events" "a replace reference hides an object from git"

# ---- 7: what was found in others

# CVE-2023-31439, journald: contents of past, sealed events changed, and the file adjusted so that its check shows nothing: the seals were made
# anew with a newer key. Here each key signs one event, and the log says which one.
attack resign 365 "$today" # the newest there is
broken 365 "$unknown"

# CVE-2023-31438, journald: a sealed file truncated and its sealing resumed, with nothing shown. Here what was cut is the key's predecessor.
attack continue 300 "$today" 66
broken 300 "$unknown"
anyhow "$unknown" "has 300 good events, the expected checkpoint was over 301"

# CVE-2023-31437, journald: sealed entries that some views do not show. Here no view shows a log of which something is hidden.
copy year bad
git -C bad/trail rm -q --cached events/0000/02/00000200.json
rm bad/trail/events/0000/02/00000200.json
seen "events/0000/02/00000200.json"

# CVE-2023-36811, borg: archives faked from what was put into the backup, because the object at the root of an archive was not authenticated as
# such. Here records and exhibits in the evidence are items and nothing else, and the root stands in the signed event.
expect_exit 0 vestige -C year verify --deep -i analyst.key EX0365 --expect seen-365
assert_in "$out" "good       EX0365: contents: "
vestige -C year cat -i analyst.key EX0365 /etc/EX0003.tar.zst.age 2>"$err" | cmp - root/etc/EX0003.tar.zst.age
vestige -C year cat -i analyst.key EX0365 /etc/exhibit.json 2>"$err" | cmp - root/etc/exhibit.json
copy year bad
cp root/etc/EX0003.tar.zst.age bad/exhibits/EX0366.tar.zst.age
expect_exit 1 vestige -C bad verify
assert_in "$out" "unrecorded exhibits/EX0366.tar.zst.age: no event of the log speaks of it"
copy year bad
vestige -q -C bad snapshot policy.yaml --root root >"$out" 2>"$err"
intruder other-root bad 3 "$today"
hidden
assert_in "$out" "unchecked  EX0366: contents"
expect_exit 1 vestige -C bad verify --deep -i analyst.key EX0366
assert_in "$out" "tampered   EX0366: the root of the manifest lines is not the seal's"

# All this was done to copies.
expect_exit 0 vestige -C year verify --expect seen-365 --fingerprint "$genesis"
