#!/usr/bin/env bash
# The items of an exhibit: all, by status, long, as JSON.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
mkdir tree
printf 12345 >tree/five
chmod 640 tree/five
touch -d '2020-02-03 04:05:06Z' tree/five
ln -s five tree/link
mkfifo tree/fifo
: >tree/left-out.iso
cat >policy.yaml <<POLICY
policy: ls
sources:
  - name: files
    files: {paths: ["$here/tree/**", $here/absent], exclude: ["*.iso"]}
POLICY
new_case case
snapshot case

expect_exit 0 vestige -C case ls -i analyst.key
assert_in "$out" "files:$here/tree/five" "files:$here/tree/link -> five" "left-out.iso  (" "exhibit:exhibit.json" "exhibit:policy.yaml"
grep -qE "^collected +5 B +files:$here/tree/five$" "$out" || fail "the line of five: $(grep five "$out")"
all=$(wc -l <"$out")
assert_in "$err" "not recorded"
expect_exit 0 vestige -C case ls -i analyst.key EX0001
assert_equal "$all" "$(wc -l <"$out")" "lines of EX0001 and of the latest"

expect_exit 0 vestige -C case ls -i analyst.key --status absent
assert_equal "files:$here/absent" "$(awk '{ print $2 }' "$out")" "what is absent"
expect_exit 0 vestige -C case ls -i analyst.key --status absent,excluded
assert_equal 2 "$(wc -l <"$out")" "absent and excluded"
expect_exit 0 vestige -C case ls -i analyst.key --status denied
assert_empty "$out" "denied items"
expect_exit 64 vestige -C case ls -i analyst.key --status denied,nonsense
assert_in "$err" "--status 'nonsense'" "collected, changed, truncated, excluded, denied, absent" "hint: vestige ls --help"

expect_exit 0 vestige -C case ls -i analyst.key --long
grep -qE "^-0640 +[^ ]+:[^ ]+ +2020-02-03T04:05:06 +collected +5 B +files:$here/tree/five$" "$out" || fail "the long line: $(grep five "$out")"
grep -qE "^l" "$out" || fail "no link in the long form"
grep -qE "^p" "$out" || fail "no FIFO in the long form"
grep -qE "^d" "$out" || fail "no directory in the long form"

expect_exit 0 vestige -C case --json ls -i analyst.key
assert_json_lines "$out" ls
assert_equal "$all" "$(wc -l <"$out")" "items as JSON"
# Each line is the sealed manifest line, and its leaf hash that of RFC 6962.
jq -c 'select(.item.path == "'"$here/tree/five"'")' "$out" >one
leaf=$({ printf '\0'; sed 's/^.*,"item"://; s/}$//' one | tr -d '\n'; } | sha256sum | cut -d' ' -f1)
assert_equal "$leaf" "$(jq -r .leaf one)" "leaf hash of a manifest line"
assert_equal "$(printf 12345 | sha256sum | cut -d' ' -f1)" "$(jq -r .item.sha256 one)" "digest in the manifest"
expect_exit 12 vestige -C case ls
assert_in "$err" "an identity is needed to open an exhibit"
