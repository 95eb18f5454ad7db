#!/usr/bin/env bash
# Policies: shipped ones are listed, shown and sound; what is wrong in one is said with line and key, and nothing is written.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

expect_exit 0 vestige policy list
assert_in "$out" linux-logs
expect_exit 0 vestige --json policy list
assert_json_lines "$out" "policy list"
expect_exit 0 vestige policy show linux-logs
assert_in "$out" linux-logs "$(sha256_of "$TESTS/../policies/linux-logs.yaml")" /var/log /etc /root
expect_exit 0 vestige --json policy show linux-logs
assert_json_lines "$out" "policy show"
assert_equal "$(sha256_of "$TESTS/../policies/linux-logs.yaml")" "$(jq -r .sha256 "$out")" "digest of a policy"
for policy in "$TESTS"/../policies/*.yaml; do
	expect_exit 0 vestige policy check "$policy"
	expect_exit 0 vestige policy check "$(basename "$policy" .yaml)"
done
# Beside the program, where neither the environment nor the place of installation names them.
mkdir -p prefix/bin prefix/share/vestige
cp "$VESTIGE" prefix/bin/vestige
cp -r "$TESTS/../policies" prefix/share/vestige/
expect_exit 0 env -u VESTIGE_POLICIES prefix/bin/vestige policy check linux-logs
# And in the program itself, where the file is all that there is.
mkdir alone
cp "$VESTIGE" alone/vestige
expect_exit 0 env -u VESTIGE_POLICIES alone/vestige --json policy show linux-logs
assert_equal "built in $(sha256_of "$TESTS/../policies/linux-logs.yaml")" "$(jq -r '"\(.file) \(.sha256)"' "$out")" "a policy in the program"
expect_exit 0 env -u VESTIGE_POLICIES alone/vestige --json policy list
for policy in "$TESTS"/../policies/*.yaml; do
	any_json "$out" ".name == \"$(basename "$policy" .yaml)\" and .file == \"built in\"" || fail "not listed: $policy"
done
expect_exit 2 env VESTIGE_POLICIES=/nonexistent "$VESTIGE" policy check linux-logs-of-nobody
assert_in "$err" "linux-logs-of-nobody" "hint: vestige policy list"

write_policy good.yaml "/var/log/**"
expect_exit 0 vestige policy check good.yaml

new_case case
# bad NAME TEXT… : reads the policy on stdin; each TEXT is in the one message.
bad() {
	local name=$1
	shift
	cat >"$name.yaml"
	expect_exit 2 vestige policy check "$name.yaml"
	assert_in "$err" "$name.yaml" "$@"
	expect_exit 2 vestige -C case snapshot "$name.yaml"
	assert_in "$err" "$@"
	expect_exit 2 vestige snapshot "$name.yaml" --new other -r "$recipient"
	[[ ! -e other ]] || fail "a case was made though the policy is bad"
	assert_equal 0 "$(find case/exhibits -type f | wc -l)" "exhibits after a bad policy"
}
bad unknown-key ":5:" "path" "paths" <<'POLICY'
policy: p
sources:
  - name: a
    files:
      path: [/etc]
POLICY
bad unknown-top ":2:" colour <<'POLICY'
policy: p
colour: red
sources:
  - {name: a, files: {paths: [/etc]}}
POLICY
bad wrong-type ":5:" paths <<'POLICY'
policy: p
sources:
  - name: a
    files:
      paths: {a: b}
POLICY
bad wrong-boolean ":4:" append_only <<'POLICY'
policy: p
sources:
  - name: a
    files: {paths: [/etc], append_only: perhaps}
POLICY
bad wrong-size ":2:" item <<'POLICY'
policy: p
limits: {item: lots}
sources:
  - {name: a, files: {paths: [/etc]}}
POLICY
bad bad-glob ":4:" "[" <<'POLICY'
policy: p
sources:
  - name: a
    files: {paths: ["/etc/[a-"]}
POLICY
bad relative "etc" <<'POLICY'
policy: p
sources:
  - {name: a, files: {paths: [etc/passwd]}}
POLICY
bad twice ":4:" "a" <<'POLICY'
policy: p
sources:
  - {name: a, files: {paths: [/etc]}}
  - {name: a, files: {paths: [/var]}}
POLICY
bad twice-a-key ":2:" policy <<'POLICY'
policy: p
policy: q
sources:
  - {name: a, files: {paths: [/etc]}}
POLICY
bad two-documents "document" <<'POLICY'
policy: p
sources:
  - {name: a, files: {paths: [/etc]}}
---
policy: q
POLICY
bad alias "alias" <<'POLICY'
policy: p
sources:
  - {name: a, files: {paths: &x [/etc], exclude: *x}}
POLICY
bad no-sources "sources" <<'POLICY'
policy: p
POLICY
bad not-yaml "not-yaml.yaml:" <<'POLICY'
policy: [p
POLICY
bad empty "empty.yaml" </dev/null
bad not-utf8 "not-utf8.yaml" <<<$'policy: \xff'

expect_exit 2 vestige policy check no-such-policy
assert_in "$err" "no-such-policy" "hint: vestige policy list"
expect_exit 2 vestige -C case snapshot no-such-policy
assert_in "$err" "no-such-policy" "hint: vestige policy list"
expect_exit 2 vestige policy check missing/policy.yaml
assert_in "$err" "missing/policy.yaml"
expect_exit 64 vestige policy
expect_exit 64 vestige policy nonsense
assert_in "$err" "hint:"

# A policy from a pipe is sealed as it came.
expect_exit 0 vestige -C case snapshot - --root "$TESTS/cli" <<<'{policy: piped, sources: [{name: a, files: {paths: [/lib.sh]}}]}'
expect_exit 0 vestige -C case cat -i analyst.key latest policy.yaml
assert_equal '{policy: piped, sources: [{name: a, files: {paths: [/lib.sh]}}]}' "$(cat "$out")" "the policy inside the exhibit"
