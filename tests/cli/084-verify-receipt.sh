#!/usr/bin/env bash
# A dated, signed receipt that ssh-keygen accepts, of good and of bad news.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need ssh-keygen ssh-agent
ssh_key clerk
printf 'clerk namespaces="vestige-receipt" %s\n' "$(cut -d' ' -f1,2 clerk.pub)" >allowed
sealed_case case

check_receipt() { # FILE
	ssh-keygen -Y verify -f allowed -I clerk -n vestige-receipt -s "$1.sig" <"$1" >"$out" 2>&1 || {
		cat "$out"
		fail "ssh-keygen does not accept the signature of $1"
	}
}
expect_exit 0 vestige -C case verify --deep -i analyst.key --receipt good.txt --signing-key clerk
check_receipt good.txt
assert_in good.txt "RECEIPT OF A VERIFICATION" "result     GOOD" "Test case" "$(sha256_of case/trail/events/0000/00/00000000.json)" \
	"opened with an identity and each item checked" "WHAT THIS DOES NOT PROVE" "$(ssh-keygen -lf clerk.pub | cut -d' ' -f2)" \
	"$(date -u +%Y-%m-%dT)"
sed -i s/GOOD/BAD/ good.txt
if ssh-keygen -Y verify -f allowed -I clerk -n vestige-receipt -s good.txt.sig <good.txt >"$out" 2>&1; then
	fail "a changed receipt is accepted"
fi

copy_case case bad
flip bad/exhibits/EX0001.tar.zst.age 4000
expect_exit 1 vestige -C bad verify --receipt bad.txt --signing-key clerk
check_receipt bad.txt
assert_in bad.txt "result     NOT GOOD" "tampered" "EX0001" "not opened"

# By ssh-agent and the public key alone.
eval "$(ssh-agent -s)" >/dev/null
trap 'kill "$SSH_AGENT_PID"' EXIT
ssh-add -q clerk
mv clerk clerk.away
expect_exit 0 vestige -C case verify --receipt agent.txt --signing-key clerk.pub
check_receipt agent.txt
mv clerk.away clerk

expect_exit 64 vestige -C case verify --receipt nokey.txt
assert_in "$err" "--receipt needs a key to sign it with" "hint:"
[[ ! -e nokey.txt ]] || fail "a receipt without a signature was written"
expect_exit 64 vestige -C case verify --receipt case/receipt.txt --signing-key clerk
assert_in "$err" "lies inside the case"
[[ ! -e case/receipt.txt ]] || fail "verify wrote into the case"
expect_exit 2 vestige -C case verify --receipt bad.txt --signing-key clerk
assert_in "$err" "nothing is overwritten"
check_receipt bad.txt
