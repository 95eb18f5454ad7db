#!/usr/bin/env bash
# A new case: what is printed, what is there, and what is refused without a trace.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need age-keygen ssh-keygen jq git
make_identity
ssh_key examiner

expect_exit 0 vestige init c1 --title "Web shop intrusion" --number 2026/114 -r "$recipient" --examiner "ada@example.org=examiner.pub"
assert_in "$out" "c1, log vestige/" "signer    collector@" "SHA256:" "genesis   " "write this down off this host"
printed=$(sed -n '/^genesis/,/write this/p' "$out" | sed 's/^genesis//; /write this/d' | tr -d ' \n')
assert_equal "$(sha256_of c1/trail/events/0000/00/00000000.json)" "$printed" "printed fingerprint and the first event's digest"
for place in c1 c1/private c1/exhibits; do assert_equal 700 "$(stat -c %a "$place")" "mode of $place"; done
for key in c1/private/*.key; do assert_equal 600 "$(stat -c %a "$key")" "mode of $key"; done
assert_equal "$recipient" "$(cat c1/trail/recipients)" "recipients file"
assert_in c1/trail/allowed_signers "ada@example.org namespaces=\"git\"" "$(cut -d' ' -f2 examiner.pub)"
jq -e '.format == 1 and .title == "Web shop intrusion" and .number == "2026/114"' c1/trail/case.json >/dev/null || fail "case.json"
assert_equal 1 "$(git -C c1/trail rev-list --count HEAD)" "commits"
expect_exit 0 vestige -C c1 verify

# In an empty directory, too; in no other.
mkdir empty full
: >full/mine
expect_exit 0 vestige --json init empty --title T -r "$recipient"
assert_json_lines "$out" init
assert_equal "$(sha256_of empty/trail/events/0000/00/00000000.json)" "$(jq -r .genesis "$out")" "genesis as JSON"
expect_exit 2 vestige init full --title T -r "$recipient"
assert_in "$err" "full: exists and is not empty" "nothing is ever overwritten"
assert_equal mine "$(ls -A full)" "what is in the directory that was refused"
expect_exit 2 vestige init c1 --title T -r "$recipient"
assert_in "$err" "c1: exists and is not empty"
: >file
expect_exit 2 vestige init file --title T -r "$recipient"
assert_in "$err" "file: exists"

refused() { # TEXT ARG…: usage, one clear line, nothing written
	local text=$1
	shift
	expect_exit 64 vestige init refused "$@"
	assert_in "$err" "$text"
	[[ ! -e refused ]] || fail "something was written though: $text"
}
refused "--title is missing" -r "$recipient"
refused "at least one recipient" --title T
refused "wants NAME=FILE.pub" --title T -r "$recipient" --examiner ada
refused "are for hosts" --title T -r "$recipient" --examiner collector@evil=examiner.pub
refused "it cannot be combined with recipients" --title T -r "$recipient" -p

# A wrong checksum, a secret key given by mistake, and nonsense: which argument, and why.
not_taken() { # TEXT ARG…
	local text=$1 status=0
	shift
	vestige init refused --title T "$@" >"$out" 2>"$err" || status=$?
	((status == 2 || status == 64)) || fail "exit status $status of init $*"
	assert_in "$err" "$text"
	[[ ! -e refused ]] || fail "something was written though: $text"
}
last=${recipient: -1}
[[ $last == q ]] && wrong=${recipient%?}p || wrong=${recipient%?}q
not_taken "checksum" -r "$wrong"
assert_in "$err" "recipient -r"
not_taken "this is an identity, a secret" -r "$(grep AGE-SECRET-KEY analyst.key)"
assert_not_in "$err" "$(grep AGE-SECRET-KEY analyst.key)"
printf '# a comment\n%s\n%s\n' "$recipient" "$wrong" >recipients.txt
not_taken "recipients.txt" -R recipients.txt
assert_in "$err" checksum
not_taken "nosuchfile" -R nosuchfile
not_taken "--examiner ada" -r "$recipient" --examiner ada=analyst.key

# -R with several, and both kinds.
printf '# both\n%s\n%s\n' "$recipient" "$(cat examiner.pub)" >both.txt
expect_exit 0 vestige init c2 --title T -R both.txt
assert_equal 2 "$(grep -c . c2/trail/recipients)" "recipients of a file"
