#!/usr/bin/env bash
# A tail cut off cleanly cannot be seen from inside; with an earlier checkpoint it is.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git
sealed_case case
cp case/trail/checkpoint two-events
snapshot case
cp case/trail/checkpoint three-events
genesis=$(sha256_of case/trail/events/0000/00/00000000.json)

# As an intruder with git would do it: no trace in refs, index, work tree, objects.
copy_case case cut
branch=$(git -C cut/trail symbolic-ref HEAD)
git -C cut/trail update-ref "$branch" HEAD~1
git -C cut/trail read-tree HEAD
rm -r cut/trail/events cut/trail/checkpoint
git -C cut/trail checkout-index -a -f
rm -rf cut/trail/.git/logs cut/trail/.git/ORIG_HEAD
git -C cut/trail prune --expire=now
rm cut/exhibits/EX0002.tar.zst.age

# The host itself notices: its collector key is that of the event that was cut.
expect_exit 1 vestige -C cut verify
assert_in "$out" "is older than the collector's key in private/"
expect_exit 1 vestige -C cut snapshot policy.yaml
assert_in "$err" "the log is older than the collector's key in private/"

# A copy has no such key.
rm -r cut/private
expect_exit 0 vestige -C cut verify
assert_in "$out" "2 events, chain and signatures" "a cut tail cannot be seen from inside: compare with --expect CHECKPOINT"
expect_exit 0 vestige -C cut verify --fingerprint "$genesis"
expect_exit 0 vestige -C cut verify --expect two-events
assert_in "$out" "extends the expected checkpoint of 2 events"
expect_exit 1 vestige -C cut verify --expect three-events
assert_in "$out" "has 2 good events, the expected checkpoint was over 3" "hint: events were cut from its end"

# A case re-created as a whole: another genesis.
sealed_case other
snapshot other
expect_exit 0 vestige -C other verify
expect_exit 1 vestige -C other verify --fingerprint "$genesis"
expect_exit 1 vestige -C other verify --expect three-events

# Cut and continued, by one who holds an older copy of everything: does not extend what was seen.
copy_case case fork
rm -rf fork
mkdir old
cp -a case/. old/
snapshot old
cp old/trail/checkpoint seen
snapshot case
expect_exit 1 vestige -C case verify --expect seen
assert_in "$out" "does not extend the expected checkpoint"
