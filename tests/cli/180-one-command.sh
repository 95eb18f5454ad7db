#!/usr/bin/env bash
# The bad day: case and exhibit at once; operator and reason inside the exhibit; the warning about the evidence's own disk.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
make_tree tree
write_policy policy.yaml "$here/tree/**"
make_identity
record() { # CASE FILTER
	vestige -q -C "$1" cat -i analyst.key latest exhibit.json | jq -r "$2"
}

SUDO_USER=grace expect_exit 0 vestige snapshot policy.yaml --new case -r "$recipient" --reason "alert 4471"
assert_in "$out" "case      case, log vestige/" "genesis   " "sealed EX0001"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_equal "grace" "$(record case .operator)" "operator behind sudo"
assert_equal "alert 4471" "$(record case .reason)" "reason"
[[ $(jq -r .title case/trail/case.json) == "Snapshot of 20"*Z ]] || fail "title: $(jq .title case/trail/case.json)"
if grep -rqF -e "alert 4471" -e grace case/trail --exclude-dir=.git; then fail "the trail names the operator or the reason"; fi

expect_exit 0 vestige snapshot policy.yaml --new titled -r "$recipient" --title "My case" --number 7/2026 --operator "Grace H."
assert_equal "My case 7/2026" "$(jq -r '"\(.title) \(.number)"' titled/trail/case.json)" "title and number"
assert_equal "Grace H." "$(record titled .operator)" "operator as given"
assert_equal null "$(record titled .reason)" "no reason"
env -u SUDO_USER "$VESTIGE" -C titled snapshot policy.yaml >"$out" 2>"$err"
# Without sudo: who logged in, else who runs it.
login=$(cat /proc/self/loginuid 2>/dev/null || echo 4294967295)
[[ $login != 4294967295 ]] || login=$(id -u)
assert_equal "$(getent passwd "$login" | cut -d: -f1)" "$(record titled .operator)" "operator without sudo"

# What exhibit.json says of this host.
vestige -q -C case cat -i analyst.key latest exhibit.json >record.json
assert_equal "$(uname -n) $(uname -r) $(uname -m)" "$(jq -r '.host | "\(.name) \(.kernel) \(.machine)"' record.json)" "host"
assert_equal "/" "$(jq -r .root record.json)" "root"
assert_equal "$(sha256_of "$VESTIGE")" "$(jq -r .program.sha256 record.json)" "digest of the program"
assert_equal "$(cat /proc/sys/kernel/random/boot_id)" "$(jq -r .clocks.boot_id record.json)" "boot id"
assert_equal "$(sha256_of policy.yaml) policy" "$(jq -r '.policy | "\(.sha256) \(.name)"' record.json)" "policy"
jq -e '.mapped | length > 0 and all(.[]; .path | startswith("/"))' record.json >/dev/null || fail "no mapped objects"
assert_equal "$(jq -r .id case/trail/case.json)" "$(jq -r .case record.json)" "case id"

# Not twice, not without a recipient, and the words of a new case go with --new.
expect_exit 2 vestige snapshot policy.yaml --new case -r "$recipient"
assert_in "$err" "case: exists and is not empty"
expect_exit 64 vestige snapshot policy.yaml --new none
assert_in "$err" "at least one recipient" "hint: vestige keygen"
[[ ! -e none ]] || fail "a case without recipients was made"
expect_exit 64 vestige -C case snapshot policy.yaml -r "$recipient"
assert_in "$err" "they go with --new DIR"

# Dry run: lists, reads nothing, writes nothing, needs no case.
listing case >before
expect_exit 0 vestige -C case snapshot policy.yaml --dry-run
assert_in "$out" "$here/tree/app.log"
assert_in "$err" "nothing was read or written"
listing case >after
diff before after || fail "a dry run wrote into the case"
(cd / && expect_exit 0 vestige snapshot "$here/policy.yaml" -n)
assert_in "$out" "$here/tree/app.log"

# The case on the evidence's own file system: a warning. Elsewhere: none.
expect_exit 0 vestige -C case snapshot policy.yaml
assert_in "$err" "warning: the case lies on the file system that it collected from"
if [[ -w /dev/shm && $(stat -c %d /dev/shm) != $(stat -c %d "$here") ]]; then
	elsewhere=$(mktemp -d /dev/shm/vestige-test.XXXXXX)
	# shellcheck disable=SC2064 # now, not later
	trap "rm -rf '$elsewhere'" EXIT
	expect_exit 0 vestige snapshot policy.yaml --new "$elsewhere/case" -r "$recipient"
	assert_not_in "$err" "warning"
fi
