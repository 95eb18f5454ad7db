#!/usr/bin/env bash
# verify says good of what is good, names what it did not check, and one exhibit or all can be asked for.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq age-keygen
sealed_case case
genesis=$(sha256_of case/trail/events/0000/00/00000000.json)
cp case/trail/checkpoint checkpoint-2
snapshot case

expect_exit 0 vestige -C case verify
assert_in "$out" "3 events, chain and signatures from genesis" "EX0001: ciphertext" "EX0002: ciphertext" \
	"repository, index and work tree hold the log and nothing else" "contents (no identity given: --deep -i FILE)" \
	"a cut tail cannot be seen from inside: compare with --expect CHECKPOINT" "compare with --fingerprint"
assert_equal 2 "$(grep -c '^unchecked' "$out")" "unchecked lines"
assert_empty "$err" "messages of a good verify"

expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_equal 2 "$(grep -c "each as its manifest line says" "$out")" "exhibits of which each item is good"
assert_not_in "$out" unchecked tampered
VESTIGE_IDENTITY=analyst.key expect_exit 0 vestige -C case verify --deep
assert_not_in "$out" unchecked

expect_exit 0 vestige -C case verify EX0001
assert_not_in "$out" EX0002
expect_exit 0 vestige -C case verify 2 latest~1
assert_in "$out" EX0001 EX0002
expect_exit 1 vestige -C case verify EX0009
assert_in "$out" "EX0009: the log does not speak of it"
expect_exit 64 vestige -C case verify nonsense
assert_in "$err" "'nonsense' is not an exhibit"

expect_exit 0 vestige -C case --json verify --deep -i analyst.key
assert_json_lines "$out" verify
jq -e -s 'any(.[]; .type == "finding" and .verdict == "good" and .subject == "EX0001") and
	(.[-1] | .type == "summary" and .good == true and .events == 3 and .exhibits == 2 and .genesis == "'"$genesis"'")' "$out" >/dev/null ||
	fail "the summary: $(tail -n 1 "$out")"

# The fingerprint, as 64 digits and in the groups that init prints.
expect_exit 0 vestige -C case verify --fingerprint "$genesis"
assert_in "$out" "genesis: has the fingerprint that was given"
expect_exit 0 vestige -C case verify --fingerprint "$(fold -w 8 <<<"$genesis" | paste -sd" ")"
other=$(tr 0-9a-f 1-9a-f0 <<<"$genesis")
expect_exit 1 vestige -C case verify --fingerprint "$other"
assert_in "$out" "has another fingerprint than the one given: the log was re-created"
expect_exit 64 vestige -C case verify --fingerprint "${genesis%?}"
assert_in "$err" "wants the 64 hexadecimal digits that init printed"

# An earlier checkpoint, this one, and one of another case.
expect_exit 0 vestige -C case verify --expect checkpoint-2
assert_in "$out" "extends the expected checkpoint of 2 events"
assert_not_in "$out" "a cut tail cannot be seen"
expect_exit 0 vestige -C case verify --expect case/trail/checkpoint
expect_exit 0 vestige -C case verify --expect - <checkpoint-2
sealed_case other
expect_exit 1 vestige -C case verify --expect other/trail/checkpoint
assert_in "$out" "expected checkpoint: is not signed by this log's key"
echo nonsense >nonsense
expect_exit 1 vestige -C case verify --expect nonsense
assert_in "$out" "expected checkpoint"
expect_exit 2 vestige -C case verify --expect missing
assert_in "$err" "--expect missing"

# An identity that opens nothing.
vestige -q keygen -o stranger.key >/dev/null
expect_exit 12 vestige -C case verify --deep -i stranger.key
assert_in "$err" "the identity given opens none of the exhibits"
expect_exit 12 vestige -C case verify --deep
assert_in "$err" "an identity is needed to open an exhibit" "hint:"
expect_exit 2 vestige -C case verify --deep -i missing.key
assert_in "$err" "missing.key" "hint:"

# A copy for a court has no private/ and needs none.
copy_case case court
rm -r court/private
expect_exit 0 vestige -C court verify --deep -i analyst.key
assert_not_in "$out" tampered missing unrecorded
# From inside the case, too, and by VESTIGE_CASE.
(cd case/trail/events && expect_exit 0 vestige verify)
VESTIGE_CASE=case expect_exit 0 vestige verify
