#!/usr/bin/env bash
# diff of two exhibits, of one case and of two: summary first, then findings, then each change with what was and what is; names that a
# hostile host chose reach no terminal as they stand.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
tree=$here/tree
mkdir -p "$tree/d"
echo same >"$tree/same"
echo was >"$tree/content"
echo was >"$tree/longer"
echo mode >"$tree/mode"
echo gone >"$tree/gone"
head -c 3000 /dev/urandom >"$tree/d/moves"
ln -s here "$tree/link"
hostile=$tree/$'evil\e[31m\r\nchanged  x\u202e\xff'
write_policy policy.yaml "$tree/**"
sealed_case case
chmod 4755 "$tree/mode"
echo isx >"$tree/content"
echo "is now longer" >"$tree/longer"
rm "$tree/gone"
echo new >"$tree/new"
mv "$tree/d/moves" "$tree/d/moved"
ln -sfn there "$tree/link"
echo x >"$hostile"
((EUID != 0)) || chown 65534:65534 "$tree/longer"
snapshot case

status=0
vestige -C case --json diff -i analyst.key 1 2 >"$out" 2>"$err" || status=$?
assert_json_lines "$out" diff
high=$(jq 'select(.type == "summary").findings.high' "$out")
assert_equal "$((high > 0))" "$status" "exit status with $high findings of severity high"
assert_equal summary "$(head -n 1 "$out" | jq -r .type)" "what comes first"
change() { # NAME FILTER
	jq -r --arg p "$tree/$1" "select(.type == \"change\" and .path == \$p) | $2" "$out"
}
has() { # NAME FIELD…
	local name=$1 field
	shift
	for field in "$@"; do
		[[ $(change "$name" ".fields | index(\"$field\") != null") == true ]] || fail "$name: $field is not told: $(change "$name" .)"
	done
}
assert_equal added "$(change new .change)" new
assert_equal removed "$(change gone .change)" gone
assert_equal "" "$(change same .)" same
assert_equal "moved $tree/d/moves" "$(change d/moved '"\(.change) \(.before.path)"')" moved
assert_equal changed "$(change content .change)" content
has content content mtime
has longer content size
has mode mode
[[ $(change mode '.fields | index("content")') == null ]] || fail "a mode is no content"
assert_equal "0644 4755" "$(change mode '"\(.before.mode) \(.after.mode)"')" modes
assert_equal "4 14" "$(change longer '"\(.before.size) \(.after.size)"')" sizes
assert_equal "$(sha256_of "$tree/content")" "$(change content .after.sha256)" digest
assert_equal "here there" "$(change link '"\(.before.target) \(.after.target)"')" targets
((EUID != 0)) || assert_equal "0 65534" "$(change longer '"\(.before.uid) \(.after.uid)"')" owners
jq -r 'select(.type == "change" and .path_base64 != null).path_base64' "$out" | base64 -d >name
assert_equal "$hostile" "$(cat name)" "the bytes of a name"
for kind in added removed moved changed; do
	assert_equal "$(jq -r "select(.type == \"summary\").changes.$kind" "$out")" \
		"$(jq -c "select(.type == \"change\" and .change == \"$kind\")" "$out" | wc -l)" "number of $kind"
done
[[ $(jq 'select(.type == "summary").changes.unchanged' "$out") -ge 1 ]] || fail "nothing is unchanged"

# For people.
expect_exit "$status" vestige -C case diff -i analyst.key 1 2
[[ $(head -n 1 "$out") == "EX0001 → EX0002 "* ]] || fail "the summary does not come first"
assert_in "$out" "added    files:$tree/new" "removed  files:$tree/gone" "moved    files:$tree/d/moves → files:$tree/d/moved" "mode 0644→4755" \
	"size 4→14" "target here→there" "content  " "changed  files:$tree/longer  content, size"
((EUID != 0)) || assert_in "$out" "owner "
! grep -q $'[\e\r]' "$out" || fail "a name disturbs the terminal"
! grep -q '^changed  x' "$out" || fail "a name makes a line of its own"
! grep -q $'\u202e' "$out" || fail "a name turns the line round"
assert_in "$out" '\x1b[31m'
expect_exit "$status" vestige -C case diff --findings -i analyst.key 1 2
assert_not_in "$out" "added    files:"
VESTIGE_IDENTITY=$here/analyst.key expect_exit 0 vestige -C case diff 2 latest
assert_in "$out" "added 0 · removed 0 · moved 0 · changed 0"
# An identity from a pipe serves both exhibits.
expect_exit 0 vestige -C case diff -i - 2 2 <analyst.key

# Findings of severity high, and only they, are status 1.
echo 'root2:x:0:0::/root:/bin/sh' >passwd.new
mkdir -p root/etc
printf 'root:x:0:0:root:/root:/bin/bash\n' >root/etc/passwd
write_policy accounts.yaml "/etc/passwd"
new_case accounts
vestige -C accounts snapshot accounts.yaml --root root >/dev/null 2>&1
cat passwd.new >>root/etc/passwd
vestige -C accounts snapshot accounts.yaml --root root >/dev/null 2>&1
expect_exit 1 vestige -C accounts --json diff -i analyst.key 1 2
any_json "$out" '.type == "finding" and .finding.severity == "high"' || fail "an account with uid 0 is no finding"
expect_exit 0 vestige -C accounts diff -i analyst.key 2 1

# Two cases, one of which has a colon in its directory, sealed to different identities.
vestige -q keygen -o other.key >/dev/null
mkdir "with:colon"
vestige init "with:colon/EX0001" --title Other -r "$(sed -n 's/^# public key: //p' other.key)" >/dev/null
vestige -C "with:colon/EX0001" snapshot policy.yaml >/dev/null 2>&1
expect_exit 0 vestige --json diff -i analyst.key -i other.key case:2 "with:colon/EX0001:EX0001"
assert_equal "0 0 0" "$(jq -r 'select(.type == "summary").changes | "\(.added) \(.removed) \(.changed)"' "$out")" "one tree in two cases"
[[ $(jq -r 'select(.type == "summary") | .before.case != .after.case' "$out") == true ]] || fail "two cases have one id"
expect_exit 0 vestige -C "with:colon/EX0001" diff -i analyst.key -i other.key "$here/case:2" 1
expect_exit 12 vestige diff -i analyst.key case:2 "with:colon/EX0001:1"
expect_exit 10 vestige diff -i analyst.key case:2 "nowhere:1"
expect_exit 2 vestige diff -i analyst.key case:2 case:99
expect_exit 64 vestige diff -i analyst.key case:2

# Progress and colour are for terminals.
on_terminal screen "" "$VESTIGE" -C case diff -i analyst.key 1 2 || true
grep -q $'\e\\[32madded' screen || fail "no colour on a terminal"
