#!/usr/bin/env bash
# Several recipients, age and SSH: each opens alone, with age and with us; nobody else does.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need age ssh-keygen zstd tar jq
make_tree tree
write_policy policy.yaml "$here/tree/**"
ssh_key id_one "one@example.org"
ssh-keygen -q -t ed25519 -N "key phrase" -C two -f id_two
age-keygen -o theirs.key 2>/dev/null
vestige -q keygen -o ours.key >/dev/null
vestige -q keygen -o stranger.key >/dev/null
ssh_key id_stranger
printf '# the firm\n%s\n' "$(cat id_two.pub)" >firm.txt

expect_exit 0 vestige init case --title T -r "$(age-keygen -y theirs.key)" -r "$(age-keygen -y ours.key)" -r "$(cat id_one.pub)" -R firm.txt
assert_equal 4 "$(grep -c . case/trail/recipients)" "recipients"
snapshot case
exhibit=case/exhibits/EX0001.tar.zst.age
assert_equal 4 "$(LC_ALL=C sed '/^---/q' "$exhibit" | grep -ac '^-> [Xs]')" "stanzas of the age header"

for key in theirs.key ours.key id_one; do
	age -d -i "$key" "$exhibit" | zstd -d -q | tar -xO "items/files$here/tree/app.log" | cmp - tree/app.log || fail "age with $key"
	expect_exit 0 vestige -C case cat -i "$key" latest "$here/tree/app.log"
	cmp "$out" tree/app.log
	expect_exit 0 vestige -C case verify --deep -i "$key"
done
# An SSH key under a passphrase: not opened, and what to do is said.
expect_exit 12 vestige -C case cat -i id_two latest "$here/tree/app.log"
assert_in "$err" id_two "protected by a passphrase" "hint:" "ssh-keygen -p"
assert_empty "$out" "content by a key under a passphrase"
cp id_two copy
ssh-keygen -q -p -P "key phrase" -N '' -f copy >/dev/null
expect_exit 0 vestige -C case cat -i copy latest "$here/tree/app.log"
cmp "$out" tree/app.log
for key in stranger.key id_stranger; do
	expect_exit 12 vestige -C case cat -i "$key" latest "$here/tree/app.log"
	assert_empty "$out" "content for $key"
	assert_in "$err" "vestige: "
done
# One that fits among some that do not; an identity on stdin.
expect_exit 0 vestige -C case cat -i stranger.key -i id_one latest "$here/tree/app.log"
expect_exit 0 vestige -C case cat -i - latest "$here/tree/app.log" <ours.key
cmp "$out" tree/app.log
# `age -R` takes the trail's own file.
echo hello | age -R case/trail/recipients | age -d -i ours.key | grep -qx hello

# The seal binds to them: fingerprints of the texts in the file's order.
wanted=$(while read -r line; do printf '%s' "$(cut -d' ' -f1,2 <<<"$line")" | sha256sum | cut -d' ' -f1; done <case/trail/recipients | paste -sd' ')
expect_exit 0 vestige -C case --json show
assert_equal "$wanted" "$(jq -r '.seal.recipients | join(" ")' "$out")" "recipients in the seal"

# Not an age recipient, and keys of other kinds.
ssh-keygen -q -t ecdsa -N '' -f id_ecdsa
status=0
vestige init other --title T -r "$(cat id_ecdsa.pub)" >"$out" 2>"$err" || status=$?
((status == 2 || status == 64)) || fail "exit status $status for an ECDSA recipient"
assert_in "$err" "recipient -r"
[[ ! -e other ]] || fail "a case was made for an ECDSA recipient"
