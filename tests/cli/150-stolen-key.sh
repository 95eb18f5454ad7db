#!/usr/bin/env bash
# A collector's key signs one event: an old one that was stolen is of no use.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git ssh-keygen
sealed_case case
cp -a case/private stolen
assert_equal 1 "$(find stolen -name 'collector-*.key' | wc -l)" "collector keys at rest"
old=$(basename stolen/collector-*.key)
copy_case case earlier
snapshot case
# The key that signed is gone, one new key is there.
[[ ! -e case/private/$old ]] || fail "the key that signed is still there"
assert_equal 1 "$(find case/private -name 'collector-*.key' | wc -l)" "collector keys after a snapshot"
if grep -rqF "$(sed -n 2,4p "stolen/$old" | tail -n 1)" case; then fail "the old key's secret lies somewhere in the case"; fi

# The old key in place of the new one: it may not sign the next event.
copy_case case bad
rm -r bad/private
cp -a stolen bad/private
expect_exit 12 vestige -C bad snapshot policy.yaml
assert_in "$err" "no collector key in private/ may sign the next event" "hint:"
expect_exit 0 vestige -C bad verify
assert_in "$out" "3 events"
assert_equal 2 "$(find bad/exhibits -type f | wc -l)" "exhibits after a refused snapshot"

# Beside the new one: the new one signs, the old one is erased when it is seen.
copy_case case beside
cp -a "stolen/$old" beside/private/
snapshot beside
[[ ! -e beside/private/$old ]] || fail "a key that may not sign was left"
expect_exit 0 vestige -C beside verify

# A thief who has all of the case as it was then makes another EX0002: whoever saw the true log tells them apart.
snapshot earlier --reason "a false one"
expect_exit 0 vestige -C earlier verify
expect_exit 1 vestige -C earlier verify --expect case/trail/checkpoint
assert_in "$out" "does not extend the expected checkpoint"

# An event by hand, on top of the true log, signed with the old key by stock git: not accepted.
copy_case case forged
chmod 600 "stolen/$old"
ssh-keygen -y -f "stolen/$old" >/dev/null
git -C forged/trail show HEAD:events/0000/00/00000002.json | sed 's/"event":2/"event":3/' >forged/trail/events/0000/00/00000003.json
git -C forged/trail add events
git_as_host forged -c user.signingkey="$here/stolen/$old" commit -q -S -m "acquire: EX0003"
expect_exit 1 vestige -C forged verify
assert_in "$out" "event 3" tampered
expect_exit 1 vestige -C forged snapshot policy.yaml

# Nor can the collector's key add a signer: the next event would not be its own to make.
ssh_key eve
copy_case case forged
key=$(echo forged/private/collector-*.key)
printf 'eve namespaces="git" %s\n' "$(cut -d' ' -f1,2 eve.pub)" >>forged/trail/allowed_signers
git -C forged/trail add allowed_signers
git_as_host forged -c user.signingkey="$here/$key" commit -q -S -m "signers"
expect_exit 1 vestige -C forged verify
assert_in "$out" "event 3" tampered
