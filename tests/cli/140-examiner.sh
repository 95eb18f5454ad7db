#!/usr/bin/env bash
# Opening an exhibit is recorded before plaintext is released, signed by the examiner's key from a file or an agent; else it says so.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need ssh-keygen ssh-agent ssh-add jq git
ssh_key ada
ssh_key eve
ssh-keygen -q -t ed25519 -N "key phrase" -f locked
echo "key phrase" >phrase.txt
sealed_case case --examiner "ada@example.org=$here/ada.pub" --examiner "bob=$here/locked.pub"
events() { git -C case/trail rev-list --count HEAD; }
item=$here/tree/app.log

expect_exit 0 vestige -C case cat -i analyst.key latest "$item"
assert_in "$err" "not recorded: no examiner's key was given (--signing-key)"
assert_equal 2 "$(events)" "events without a key"

expect_exit 0 vestige -C case cat -i analyst.key --signing-key ada latest "$item"
cmp "$out" tree/app.log
assert_in "$err" "recorded as event 2"
VESTIGE_SIGNING_KEY=ada expect_exit 0 vestige -C case ls -i analyst.key latest
assert_in "$err" "recorded as event 3"
expect_exit 0 vestige -C case extract -i analyst.key --signing-key ada latest "*.bin" -o out
assert_in "$err" "recorded as event 4"
# A key under a passphrase is the agent's to open.
expect_exit 12 vestige -C case cat -i analyst.key --signing-key locked latest "$item"
assert_in "$err" "signing key locked" "protected by a passphrase" "hint:" "ssh-add"
assert_empty "$out" "plaintext though the opening could not be recorded"
eval "$(ssh-agent -s)" >/dev/null
trap 'kill "$SSH_AGENT_PID"' EXIT
printf '#!/bin/sh\ncat %s/phrase.txt\n' "$here" >askpass
chmod 755 askpass
SSH_ASKPASS=$here/askpass SSH_ASKPASS_REQUIRE=force ssh-add -q locked
expect_exit 0 vestige -C case cat -i analyst.key --signing-key locked latest "$item"
assert_in "$err" "recorded as event 5"

expect_exit 0 vestige -C case --json log
jq -c 'select(.event_type == "extract") | .record' "$out" >events
assert_equal "cat ls extract cat" "$(jq -r .verb events | paste -sd' ')" "verbs"
assert_equal "ada@example.org ada@example.org ada@example.org bob" "$(jq -r .actor events | paste -sd' ')" "actors"
assert_equal "1 2" "$(jq -r .items events | sed -n '1p;3p' | paste -sd' ')" "numbers of items"
# Which items: SHA-256 over their leaf hashes, in order.
expect_exit 0 vestige -C case --json ls -i analyst.key latest
jq -r 'select(.item.path | endswith(".bin")) | .leaf' "$out" | python3 -c \
	'import sys, hashlib; print(hashlib.sha256(b"".join(bytes.fromhex(l) for l in sys.stdin.read().split())).hexdigest())' >selection
assert_equal "$(cat selection)" "$(sed -n 3p events | jq -r .selection_sha256)" "selection of extract"

# By agent: only the public key is here.
ssh-add -q ada
mkdir away
mv ada away/
expect_exit 0 vestige -C case cat -i analyst.key --signing-key ada.pub latest "$item"
assert_in "$err" "recorded as event 6"
ssh-add -q -D
expect_exit 12 vestige -C case cat -i analyst.key --signing-key ada.pub latest "$item"
assert_in "$err" "ada.pub"
assert_empty "$out" "plaintext though the opening could not be recorded"
assert_equal 7 "$(events)" "events after an agent without the key"
mv away/ada .

# A key that may not sign gets no plaintext and leaves no event.
expect_exit 12 vestige -C case cat -i analyst.key --signing-key eve latest "$item"
assert_in "$err" "may not sign in this case" "hint:"
assert_empty "$out" "plaintext for a key that nobody allowed"
expect_exit 12 vestige -C case extract -i analyst.key --signing-key eve latest -o for-eve
assert_equal 0 "$(find for-eve -type f 2>/dev/null | wc -l)" "files for a key that nobody allowed"
assert_equal 7 "$(events)" "events after a key that nobody allowed"
# Also the collector's own: it belongs to the host and opens nothing.
expect_exit 12 vestige -C case cat -i analyst.key --signing-key "$(echo case/private/collector-*.key)" latest "$item"
assert_in "$err" "is a host's"
assert_empty "$out" "plaintext for the collector's key"
expect_exit 2 vestige -C case cat -i analyst.key --signing-key missing latest "$item"
assert_in "$err" "signing key missing"

# A copy without private/: readable, and not recorded.
copy_case case court
rm -r court/private
expect_exit 0 vestige -C court cat -i analyst.key --signing-key ada latest "$item"
assert_in "$err" "not recorded: the case cannot be written from here"
cmp "$out" tree/app.log
expect_exit 0 vestige -C case verify
# Each of these events in the eyes of git.
vestige -C case signers >all-signers
git -C case/trail -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$here/all-signers" log --format='%G? %GS' >"$out"
assert_equal 7 "$(grep -c '^G' "$out")" "good signatures"
assert_equal 4 "$(grep -c '^G ada@example.org' "$out")" "signatures of ada"
