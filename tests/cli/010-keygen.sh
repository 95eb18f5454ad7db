#!/usr/bin/env bash
# An identity as age-keygen makes it: private, never overwritten, and good for age.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need age

expect_exit 0 vestige keygen -o id.key
assert_equal 600 "$(stat -c %a id.key)" "mode of the identity"
assert_equal 1 "$(wc -l <"$out")" "lines on stdout"
recipient=$(cat "$out")
[[ $recipient =~ ^age1[a-z0-9]{58}$ ]] || fail "not a recipient: $recipient"
assert_equal "$recipient" "$(sed -n 's/^# public key: //p' id.key)" "recipient in the file"
assert_in "$err" "keep it off the hosts"
assert_equal "$recipient" "$(age-keygen -y id.key)" "recipient by age-keygen"
echo secret | age -r "$recipient" | age -d -i id.key | grep -qx secret

before=$(sha256_of id.key)
expect_exit 2 vestige keygen -o id.key
assert_in "$err" "id.key exists, and an identity is never overwritten" "hint:"
assert_equal "$before" "$(sha256_of id.key)" "the identity that was there"

expect_exit 0 vestige keygen
cp "$out" stream.key
assert_equal "$(sed -n 's/^# public key: //p' stream.key)" "$(age-keygen -y stream.key)" "identity on stdout"
assert_in "$err" "recipient: age1"
assert_not_in "$err" AGE-SECRET-KEY
[[ $(sed -n 3p stream.key) != "$(sed -n 3p id.key)" ]] || fail "two identities are one"

expect_exit 2 vestige keygen -o missing/id.key
assert_in "$err" "missing"
