#!/usr/bin/env bash
# SIGKILL in the middle of a snapshot: the case verifies, the file is recorded, and what was captured comes out whole.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 jq
mkdir tree
for i in {10..79}; do head -c 1000000 /dev/urandom >"tree/a$i"; done
head -c 120000000 /dev/urandom >tree/z-large
write_policy policy.yaml "$here/tree/**"
new_case case
partial=case/exhibits/EX0001.tar.zst.age.partial
start_and_signal case 100000000 KILL "$VESTIGE" -C case snapshot policy.yaml >/dev/null
[[ -e $partial && ! -e ${partial%.partial} ]] || fail "the snapshot was not interrupted"

expect_exit 0 vestige -C case verify
assert_in "$out" "temporary file of a snapshot that runs or was interrupted" "hint: vestige recover"
expect_exit 0 vestige -C case recover "$partial"
assert_in "$out" "recorded   the unfinished file by digest and length, as event 1"
assert_in "$err" "its contents need an identity"
expect_exit 0 vestige -C case --json log
assert_equal "recover $(sha256_of "$partial") $(stat -c %s "$partial")" \
	"$(jq -r 'select(.number == 1) | .record | "\(.type) \(.file.sha256) \(.file.bytes)"' "$out")" "the recover event"
expect_exit 0 vestige -C case verify
assert_in "$out" "EX0001: unfinished file is as event 1 recorded it; it has no seal"
expect_exit 0 vestige -C case list
assert_in "$out" "unfinished, recorded by event 1"
expect_exit 2 vestige -C case ls -i analyst.key 1
assert_in "$err" "was never finished and has no seal" "hint: vestige recover"

expect_exit 1 vestige -C case recover -i analyst.key -o saved "$partial"
assert_in "$err" "the log already speaks of this file"
assert_in "$out" "recovered  "
whole=$(find saved/whole -type f -name 'a??' | wc -l)
((whole >= 60)) || fail "only $whole of 70 items came out whole: $(cat "$out")"
find saved/whole -type f -name 'a??' | while read -r file; do cmp "$file" "tree/$(basename "$file")"; done
expect_exit 1 vestige -C case --json recover -i analyst.key "$partial"
assert_json_lines "$out" recover
assert_equal "$whole" "$(jq -s '[.[] | select(.type == "item" and .state == "whole") | select(.path | test("/a[0-9]+$"))] | length' "$out")" "whole items as JSON"
any_json "$out" '.type == "damage" and (.what | startswith("cut short"))' || fail "no damage named"

# The number is used up; the record is changed by nobody unseen.
snapshot_small() { write_policy policy.yaml "$here/tree/a1*"; snapshot case; }
snapshot_small
[[ -e case/exhibits/EX0002.tar.zst.age ]] || fail "the next exhibit is not EX0002"
expect_exit 0 vestige -C case verify --deep -i analyst.key
copy_case case bad
flip "bad/exhibits/EX0001.tar.zst.age.partial" 1000
expect_exit 1 vestige -C bad verify
assert_in "$out" "unfinished file differs from what event 1 recorded"

# A sealed exhibit with a hole in it: chunks and items around the damage are given back, and it is named with its place.
python3 - bad/exhibits/EX0002.tar.zst.age <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(4_000_000)
    f.write(b"damage" * 100)
PYTHON
expect_exit 1 vestige -C bad recover -i analyst.key -o mended bad/exhibits/EX0002.tar.zst.age
assert_in "$out" "damaged" "bytes "
whole=$(find mended/whole -type f -name 'a??' | wc -l)
((whole >= 4 && whole <= 9)) || fail "$whole of 10 items are whole: $(cat "$out")"
find mended/whole -type f -name 'a??' | while read -r file; do cmp "$file" "tree/$(basename "$file")"; done
expect_exit 0 vestige -C case recover -i analyst.key case/exhibits/EX0002.tar.zst.age
assert_in "$out" "0 partial · 0 unverified · 0 missing"

# Interrupted by hand: the same, and it says what to do. (Once the writing threads outlived the file that they wrote to: seen by
# AddressSanitizer only, so run this script with the sanitized program too.)
head -c 60000000 /dev/urandom >tree/a1-large
write_policy policy.yaml "$here/tree/a1*"
for signal in INT:130 TERM:143 HUP:129; do
	before=$(find case/exhibits -type f | wc -l)
	start_and_signal case 1000000 "${signal%:*}" "$VESTIGE" -C case snapshot policy.yaml >/dev/null
	assert_equal "${signal#*:}" "$(cat background.status)" "exit status after SIG${signal%:*}"
	assert_in background.log "hint: what was captured so far is kept: vestige recover"
	assert_equal $((before + 1)) "$(find case/exhibits -type f | wc -l)" "files after SIG${signal%:*}"
	assert_not_in background.log "Sanitizer"
done
expect_exit 0 vestige -C case verify
expect_exit 1 vestige -C case recover -i analyst.key -o interrupted case/exhibits/EX0003.tar.zst.age.partial
piece=$(find interrupted -type f -name a1-large)
[[ -s $piece ]] || fail "nothing of the file that was read: $(cat "$out")"
# No manifest segment was written yet: what is there is said to be unverified, and its first bytes are right all the same.
[[ $piece == interrupted/unverified/* ]] || fail "an item without its digest is called $piece"
cmp -n 1000000 "$piece" tree/a1-large

# Without an identity only an unfinished file of a case can be recorded.
cp case/exhibits/EX0002.tar.zst.age elsewhere.age
expect_exit 12 vestige recover elsewhere.age
assert_in "$err" "can be recorded without an identity" "hint: give -i FILE"
vestige -q keygen -o stranger.key >/dev/null
expect_exit 12 vestige recover -i stranger.key elsewhere.age
expect_exit 2 vestige recover -i analyst.key nosuchfile
assert_in "$err" nosuchfile
