#!/usr/bin/env bash
# Whatever was changed, taken away or put in is found and named; exit status 1.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git python3
sealed_case case
snapshot case
exhibit=exhibits/EX0001.tar.zst.age

# found VERDICT TEXT…: verify of bad/ finds it, exit status 1.
found() {
	local verdict=$1
	shift
	expect_exit 1 vestige -C bad verify
	assert_in "$out" "$@"
	grep -q "^$verdict" "$out" || fail "no finding '$verdict': $(cat "$out")"
	expect_exit 1 vestige -C bad --json verify
	tail -n 1 "$out" | jq -e '.type == "summary" and .good == false' >/dev/null || fail "the summary calls it good"
}

size=$(stat -c %s "case/$exhibit")
for offset in 0 100 300 $((size / 2)) $((size - 1)); do
	copy_case case bad
	flip "bad/$exhibit" "$offset"
	found tampered EX0001
	grep '^good' "$out" | grep -q EX0001 && fail "called good as well"
	expect_exit 0 vestige -C bad verify EX0002
	expect_exit 1 vestige -C bad verify --deep -i analyst.key
	grep -q "^tampered .*EX0001" "$out" || fail "deep verify does not name EX0001: $(cat "$out")"
	grep -q "^good .*EX0002: contents" "$out" || fail "EX0002 was not checked because EX0001 is bad: $(cat "$out")"
done
copy_case case bad
truncate -s -1 "bad/$exhibit"
found tampered EX0001
copy_case case bad
echo >>"bad/$exhibit"
found tampered EX0001
copy_case case bad
rm "bad/$exhibit"
found missing EX0001
copy_case case bad
rm "bad/$exhibit"
ln -s "$here/case/$exhibit" "bad/$exhibit"
expect_exit 1 vestige -C bad verify
assert_in "$out" EX0001
copy_case case bad
mv "bad/$exhibit" bad/x
mv bad/exhibits/EX0002.tar.zst.age "bad/$exhibit"
mv bad/x bad/exhibits/EX0002.tar.zst.age
found tampered EX0001 EX0002
copy_case case bad
rm -r bad/exhibits
found missing EX0001 EX0002

# What nobody recorded.
copy_case case bad
cp "bad/$exhibit" bad/exhibits/EX0003.tar.zst.age
found unrecorded "exhibits/EX0003.tar.zst.age" "no event of the log speaks of it"
copy_case case bad
: >bad/exhibits/notes.txt
found unrecorded "exhibits/notes.txt"
copy_case case bad
: >bad/trail/events/0000/00/00000009.json
found unrecorded "00000009.json"
copy_case case bad
: >bad/trail/README
found unrecorded "trail/README"
copy_case case bad
mkdir -p bad/trail/.git/refs/replace
git -C bad/trail replace HEAD HEAD~1
expect_exit 1 vestige -C bad verify
copy_case case bad
git -C bad/trail update-ref refs/heads/other HEAD~1
expect_exit 1 vestige -C bad verify

# The work tree and the index against HEAD.
for file in case.json recipients allowed_signers checkpoint events/0000/00/00000001.json; do
	copy_case case bad
	flip "bad/trail/$file" 3
	found tampered "trail/$file"
	copy_case case bad
	rm "bad/trail/$file"
	expect_exit 1 vestige -C bad verify
	assert_in "$out" "$file"
done
# A copy on a stick that knows no modes is no other evidence.
copy_case case good
find good -type f -exec chmod 777 {} +
expect_exit 0 vestige -C good verify
copy_case case bad
git -C bad/trail rm -q --cached recipients
expect_exit 1 vestige -C bad verify

# The log itself: a commit by nobody, one that was re-signed by a key that may not, a changed object, a lost object.
copy_case case bad
git -C bad/trail -c user.name=x -c user.email=x -c commit.gpgsign=false commit -q --allow-empty -m more
found tampered "commit is not signed" "unchecked"
ssh_key intruder
copy_case case bad
git -C bad/trail cat-file commit HEAD | sed '/^gpgsig /,/-----END/d' >payload
ssh-keygen -q -Y sign -f intruder -n git payload 2>"$err"
{
	sed '/^$/,$d' payload
	sed '1s/^/gpgsig /; 2,$s/^/ /' payload.sig
	sed -n '/^$/,$p' payload
} >object
git -C bad/trail update-ref HEAD "$(git -C bad/trail hash-object -t commit -w --stdin <object)"
found tampered "event 2"
assert_in "$out" "event 2"
copy_case case bad
object=$(git -C bad/trail rev-parse HEAD:events/0000/00/00000001.json)
loose=bad/trail/.git/objects/${object:0:2}/${object:2}
chmod u+w "$loose"
flip "$loose" 20
expect_exit 1 vestige -C bad verify
assert_in "$out" tampered
copy_case case bad
rm -f "bad/trail/.git/objects/${object:0:2}/${object:2}"
expect_exit 1 vestige -C bad verify
assert_in "$out" tampered
# Nothing of a log that is not good is shown.
expect_exit 1 vestige -C bad list
assert_empty "$out" "exhibits listed by a bad log"
assert_in "$err" "hint: vestige verify says more"
expect_exit 1 vestige -C bad snapshot policy.yaml
assert_equal 2 "$(find bad/exhibits -type f | wc -l)" "exhibits after a snapshot into a bad case"

# git's own configuration and hooks are neither evidence nor obeyed.
copy_case case odd
mkdir -p odd/trail/.git/hooks
git -C odd/trail config core.fsmonitor "touch $here/pwned"
git -C odd/trail config core.sshCommand "touch $here/pwned"
git -C odd/trail config gpg.ssh.program "touch $here/pwned"
printf '#!/bin/sh\ntouch %s/pwned\n' "$here" >odd/trail/.git/hooks/post-commit
chmod 755 odd/trail/.git/hooks/post-commit
cp odd/trail/.git/hooks/post-commit odd/trail/.git/hooks/reference-transaction
expect_exit 0 vestige -C odd verify
snapshot odd
expect_exit 0 vestige -C odd verify
[[ ! -e pwned ]] || fail "a program that the repository's configuration names was run"
