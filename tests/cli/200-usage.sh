#!/usr/bin/env bash
# Exit statuses of what was called wrongly or in the wrong place: 64 and 10, with a hint; --help of every verb.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
make_identity
write_policy policy.yaml "$here/**"

expect_exit 64 vestige
assert_in "$out" "usage: vestige"
expect_exit 0 vestige --help
assert_in "$out" "usage: vestige" "A first case:"
verbs=$(sed -n '/A first case/,$d; s/^  \([a-z]\{2,\}\) .*/\1/p' "$out")
for verb in keygen init snapshot list show log ls cat extract verify recover schedule signers policy; do
	grep -qx "$verb" <<<"$verbs" || fail "--help does not name $verb"
done
expect_exit 0 vestige --version
grep -qE '^vestige [0-9]+\.[0-9]+\.[0-9]+( static)?$' "$out" || fail "--version: $(cat "$out")"
for verb in $verbs; do
	expect_exit 0 vestige "$verb" --help
	assert_in "$out" "usage: vestige $verb" "example:"
	(($(wc -L <"$out") <= 80)) || fail "$verb --help is wider than 80 columns"
	cp "$out" help
	expect_exit 0 vestige help "$verb"
	cmp "$out" help
	expect_exit 64 vestige "$verb" --no-such-option
	assert_in "$err" "--no-such-option" "hint:"
	assert_empty "$out" "results of a wrong call of $verb"
done

expect_exit 64 vestige verfiy
assert_in "$err" "'verfiy' is not a verb" "did you mean 'vestige verify'?"
expect_exit 64 vestige xyzzy
assert_in "$err" "hint: vestige --help"
expect_exit 64 vestige --nonsense list
assert_in "$err" "'--nonsense' is not an option"
expect_exit 64 vestige snapshot
assert_in "$err" "an argument is missing" "hint: vestige snapshot --help"
expect_exit 64 vestige list one
assert_in "$err" "'one' is one argument too many"
expect_exit 64 vestige init case --title
assert_in "$err" "needs a value"
expect_exit 64 vestige cat -i analyst.key
expect_exit 64 vestige list $'\e[31m'
if grep -q $'\e' "$err"; then fail "an escape sequence of an argument reached the terminal"; fi

# No case: here, there, in a git repository that is none.
no_case() {
	expect_exit 10 vestige "$@"
	assert_in "$err" "vestige: " "hint:"
	assert_empty "$out" "results without a case"
}
mkdir none
for verb in list show log verify signers "ls -i analyst.key" "cat -i analyst.key 1 /x" "extract -i analyst.key 1 -o o" "snapshot policy.yaml"; do
	# shellcheck disable=SC2086 # words
	no_case -C none $verb
done
assert_in "$err" "no case here or above"
[[ ! -e o ]] || fail "a directory was made without a case"
assert_equal "" "$(ls -A none)" "what was written without a case"
expect_exit 10 vestige -C missing list
assert_in "$err" "missing"
VESTIGE_CASE=none no_case list
git init -q none/trail
expect_exit 2 vestige -C none list
assert_in "$err" "vestige: "
(
	cd none
	rm -rf trail
	expect_exit 10 vestige list
)
# -C wins over VESTIGE_CASE, behind the verb as well.
sealed_case case
VESTIGE_CASE=none expect_exit 0 vestige -C case list
VESTIGE_CASE=none expect_exit 0 vestige list -C case
