#!/usr/bin/env bash
# Many events: directories of events do not grow past 100 files, and everything stays good for git.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git ssh-keygen
ssh_key ada
mkdir tree
echo x >tree/x
write_policy policy.yaml "$here/tree/**"
new_case case --examiner "ada=$here/ada.pub"
snapshot case
for ((i = 0; i < 110; i++)); do
	vestige -q -C case cat -i analyst.key --signing-key ada latest "$here/tree/x" >/dev/null
done
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_in "$out" "112 events, chain and signatures" "repository, index and work tree hold the log and nothing else"
assert_equal "100 12" "$(find case/trail/events/0000/00 -type f | wc -l) $(find case/trail/events/0000/01 -type f | wc -l)" "events by directory"
assert_equal "events/0000/01/00000111.json" "$(cd case/trail && find events -name '*111.json')" "place of event 111"
git -C case/trail fsck --strict --full >"$out" 2>&1 || fail "git fsck: $(cat "$out")"
assert_equal "" "$(git -C case/trail status --porcelain)" "git status"

# Packed by stock git meanwhile: still good, and the next event goes on.
git -C case/trail repack -q -a -d
git -C case/trail pack-refs --all
expect_exit 0 vestige -C case verify
snapshot case
expect_exit 0 vestige -C case verify
assert_in "$out" "113 events"
git clone -q --no-local case/trail clone
assert_equal 113 "$(git -C clone rev-list --count HEAD)" "commits of a clone"
