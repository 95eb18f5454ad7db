#!/usr/bin/env bash
# --json of every verb that prints data is JSON Lines, each with a type; and nothing else is on stdout.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq ssh-keygen
make_tree tree
write_policy policy.yaml "$here/tree/**"
ssh_key examiner

json() { # TYPES COMMAND…
	local types=$1
	shift
	expect_exit 0 vestige --json "$@"
	assert_json_lines "$out" "$*"
	assert_equal "$types" "$(jq -r .type "$out" | sort -u | paste -sd,)" "types of $*"
}
json identity keygen -o id.key
recipient=$(jq -r .recipient "$out")
json case init case --title "T with \"quotes\" and ü" -r "$recipient" --examiner "ada=examiner.pub"
json sealed -C case snapshot policy.yaml --reason "why \"not\""
json planned -C case snapshot policy.yaml --dry-run
json exhibit -C case list
json seal -C case show
json event -C case log
json finding,summary -C case verify --deep -i id.key
json item -C case ls -i id.key latest
json extracted -C case extract -i id.key latest -o out
json signer -C case signers
json policy policy list
json policy_check policy check policy.yaml
json case,sealed snapshot policy.yaml --new case2 -r "$recipient"
jq -e -s '.[0].type == "case" and .[1].type == "sealed" and (.[1].seal.file.sha256 | length) == 64' "$out" >/dev/null || fail "$(cat "$out")"
: >case/exhibits/EX0002.tar.zst.age.partial
json recorded -C case recover case/exhibits/EX0002.tar.zst.age.partial
json item,summary -C case recover -i id.key -o rec case/exhibits/EX0001.tar.zst.age
# After the verb, too.
expect_exit 0 vestige -C case list --json
assert_json_lines "$out" "list --json"
