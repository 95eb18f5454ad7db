#!/usr/bin/env bash
# What opposing counsel would try with the program itself, each of which once went wrong.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git jq
sealed_case case
snapshot case

# A fingerprint with digits too many is not the fingerprint.
genesis=$(sha256_of case/trail/events/0000/00/00000000.json)
expect_exit 0 vestige -C case verify --fingerprint "$(tr a-f A-F <<<"$genesis" | sed 's/......../& /g')"
expect_exit 64 vestige -C case verify --fingerprint "${genesis}00"
assert_in "$err" "wants the 64 hexadecimal digits"

# A copy that lost its trail, kept inside a case: the case around it is not verified in its stead.
cp -a case copy
mv copy case/copy
rm -rf case/copy/trail/.git
expect_exit 10 vestige -C case/copy verify
assert_in "$err" "case/copy: not a case"
rm -rf case/copy
(cd case/exhibits && expect_exit 0 vestige list) # without -C it is looked for upwards

# An exhibit that was replaced by a FIFO is not waited for.
copy_case case fifo
rm fifo/exhibits/EX0001.tar.zst.age
mkfifo fifo/exhibits/EX0001.tar.zst.age
expect_exit 1 timeout -s KILL 20 "$VESTIGE" -C fifo verify
expect_exit 2 timeout -s KILL 20 "$VESTIGE" recover -i analyst.key fifo/exhibits/EX0001.tar.zst.age
assert_in "$err" "not a regular file"

# Opening by recover is not recorded for a sealed exhibit, and that is said.
expect_exit 0 vestige recover -i analyst.key case/exhibits/EX0001.tar.zst.age
assert_in "$err" "not recorded"

# A wrong identity does not hide a missing exhibit; a receipt claims no more than was opened.
copy_case case lost
rm lost/exhibits/EX0001.tar.zst.age
vestige -q keygen -o wrong.key >/dev/null
expect_exit 12 vestige -C case verify --deep -i wrong.key
expect_exit 1 vestige -C lost verify --deep -i wrong.key
assert_in "$out" "missing"
ssh-keygen -q -t ed25519 -N '' -f clerk
expect_exit 1 vestige -C lost verify --deep -i wrong.key --receipt receipt --signing-key clerk
assert_in receipt "contents   0 of these exhibits opened" "NOT GOOD"

# Snapshots go on while the case is verified: that is no tampering.
write_policy busy.yaml /etc/hostname
(for _ in 1 2 3 4 5 6; do "$VESTIGE" -q -C case snapshot busy.yaml >/dev/null 2>&1 || :; done) &
writer=$!
while kill -0 "$writer" 2>/dev/null; do
	expect_exit 0 vestige -C case verify
done
wait "$writer"
expect_exit 0 vestige -C case verify

# What a passphrase sealed is recovered with the passphrase.
echo "correct horse" >passphrase
export VESTIGE_PASSPHRASE_FILE=$here/passphrase
expect_exit 0 vestige snapshot busy.yaml --new secret -p --title Secret
expect_exit 0 vestige recover -o saved secret/exhibits/EX0001.tar.zst.age
assert_in "$out" "0 partial"
