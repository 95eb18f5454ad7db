#!/usr/bin/env bash
# The exhibits, one seal, and the custody log, for people and for programs.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq git ssh-keygen
make_identity
make_tree tree
write_policy policy.yaml "$here/tree/**"
ssh_key examiner
new_case case --examiner "ada=$here/examiner.pub"
expect_exit 0 vestige -C case list
assert_empty "$out" "exhibits of an empty case"
assert_in "$err" "no exhibits yet"
expect_exit 2 vestige -C case show
assert_in "$err" "the case has no such exhibit yet"
snapshot case
echo more >>tree/app.log
snapshot case
expect_exit 0 vestige -C case ls -i analyst.key --signing-key examiner EX0001

expect_exit 0 vestige -C case list
assert_equal 2 "$(wc -l <"$out")" "exhibits listed"
grep -qE '^EX0001  [0-9T:-]{16,19}Z .* (items  event 1|full .*)$' "$out" || fail "line of EX0001: $(cat "$out")"
expect_exit 0 vestige -C case --json list
for n in 1 2; do
	file=case/exhibits/EX000$n.tar.zst.age
	assert_equal "$(sha256_of "$file")" "$(jq -r "select(.exhibit == $n) | .file_sha256" "$out")" "digest of EX000$n"
	assert_equal "$(stat -c %s "$file")" "$(jq -r "select(.exhibit == $n) | .file_bytes" "$out")" "length of EX000$n"
done

expect_exit 0 vestige -C case show EX0001
assert_in "$out" "EX0001, event 1" "$(sha256_of case/exhibits/EX0001.tar.zst.age)" "$(sha256_of policy.yaml)" "sources" "collected"
assert_not_in "$out" predecessor
expect_exit 0 vestige -C case --json show latest~1
cp "$out" first.json
assert_equal 1 "$(jq .seal.exhibit first.json)" "latest~1"
expect_exit 0 vestige -C case --json show
assert_equal 2 "$(jq .seal.exhibit "$out")" "the latest"
assert_equal "$(jq -r .seal_sha256 first.json)" "$(jq -r .seal.predecessor "$out")" "predecessor"
assert_equal "$(jq -c .seal first.json | tr -d '\n' | sha256sum | cut -d' ' -f1)" "$(jq -r .seal_sha256 first.json)" "digest of a seal"
for name in EX0002 2 latest; do
	expect_exit 0 vestige -C case show "$name"
	assert_in "$out" "EX0002, event 2" predecessor
done
# The payload behind the age header has the digest of its own.
length=$(jq -r .seal.payload.bytes first.json)
assert_equal "$(tail -c "$length" case/exhibits/EX0001.tar.zst.age | sha256sum | cut -d' ' -f1)" "$(jq -r .seal.payload.sha256 first.json)" "payload digest"
expect_exit 2 vestige -C case show EX0003
assert_in "$err" "the log has no exhibit EX0003" "hint: vestige list"
expect_exit 64 vestige -C case show EX
assert_in "$err" "'EX' is not an exhibit"
expect_exit 2 vestige -C case show latest~2
expect_exit 64 vestige -C case show latest~x

expect_exit 0 vestige -C case log
assert_in "$out" "the case was made, by vestige" "EX0001 sealed" "EX0002 sealed" "EX0001 opened (ls)" "by ada" "by collector@"
expect_exit 0 vestige -C case --json log
assert_equal "0 1 2 3" "$(jq -r .number "$out" | paste -sd' ')" "numbers of events"
assert_equal "genesis acquire acquire extract" "$(jq -r .event_type "$out" | paste -sd' ')" "types of events"
for n in 0 1 2 3; do
	jq -r "select(.number == $n) | .sha256" "$out" >digest
	assert_equal "$(sha256_of "case/trail/events/0000/00/0000000$n.json")" "$(cat digest)" "digest of event $n"
	assert_equal "$(jq -cS . "case/trail/events/0000/00/0000000$n.json")" "$(jq -cS "select(.number == $n) | .record" "$out")" "record of event $n"
done
assert_equal "$(git -C case/trail rev-list --reverse HEAD | paste -sd' ')" "$(jq -r .commit "$out" | paste -sd' ')" "commits"
