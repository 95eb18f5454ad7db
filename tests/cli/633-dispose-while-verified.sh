#!/usr/bin/env bash
# A disposal waits for no reader: a check that runs meanwhile never calls missing what an event took away.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq ssh-keygen
ssh_key ada
mkdir tree
head -c 3000000 /dev/urandom >tree/random
write_policy policy.yaml "$here/tree/**"
new_case case --examiner "ada=$here/ada.pub"
for _ in {1..13}; do snapshot case; done
(
	for n in {1..12}; do vestige -C case custody dispose "$n" --signing-key ada || exit 1; done
) >disposals 2>&1 &
disposing=$!
rounds=0 met=0
while ((rounds < 3)) || ! is_over "$disposing"; do
	expect_exit 0 vestige -C case verify
	assert_not_in "$out" missing tampered
	if grep -q "while this check ran" "$out"; then met=$((met + 1)); fi
	rounds=$((rounds + 1))
done
wait "$disposing" || fail "a disposal failed: $(cat disposals)"
echo "verified $rounds times meanwhile, met a disposal $met times"
expect_exit 0 vestige -C case verify
assert_equal 12 "$(grep -c 'disposed of by event' "$out")" "exhibits disposed of"
