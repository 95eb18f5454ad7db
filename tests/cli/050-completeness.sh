#!/usr/bin/env bash
# What was asked for and not had is said: denied, absent, excluded, cut. Exit status 3 where something is lacking.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq setpriv
need_root
public_directory
cd "$public"
make_identity
mkdir -p tree/closed tree/logs
echo open >tree/open
echo secret >tree/secret
chmod 600 tree/secret
echo x >tree/closed/x
chmod 700 tree/closed
echo iso >tree/logs/disk.iso
echo log >tree/logs/app.log
mkdir cases
chown 65534:65534 cases
cat >policy.yaml <<POLICY
policy: completeness
sources:
  - name: tree
    files: {paths: ["$public/tree/**"], exclude: ["*.iso"]}
  - name: nothing
    files: {paths: [$public/not-there, "$public/tree/*.none"]}
POLICY
chmod 644 policy.yaml
as_nobody ./vestige -C cases init cases/own --title T -r "$recipient" >/dev/null
expect_exit 3 as_nobody ./vestige -C cases/own snapshot policy.yaml --operator nobody
assert_in "$out" "sealed EX0001" "denied 2" "excluded 1" "absent 2"
assert_in "$err" "hint: not all was had: vestige ls -i ID --status denied,error,truncated EX0001"

# Counts by source and status stand in the seal, for everybody.
expect_exit 0 vestige -C cases/own --json show
assert_json_lines "$out" show
counts() {
	jq -c ".seal.counts.$1" "$out"
}
assert_equal '{"collected":4,"denied":2,"excluded":1}' "$(counts tree | jq -cS .)" "counts of tree"
assert_equal '{"absent":2}' "$(counts nothing | jq -cS .)" "counts of nothing"
expect_exit 0 vestige -C cases/own show
assert_in "$out" "denied 2" "absent 2"

expect_exit 0 vestige -C cases/own --json ls -i "$here/analyst.key" --status denied,absent,excluded latest
cp "$out" ls.json
assert_equal 5 "$(wc -l <ls.json)" "items that were not had"
assert_equal EACCES "$(jq -r "select(.item.path == \"$public/tree/secret\") | .item.errno" ls.json)" "why secret was denied"
assert_equal denied "$(jq -r "select(.item.path == \"$public/tree/closed\") | .item.status" ls.json)" "the closed directory"
assert_equal '"excluded"' "$(jq -c "select(.item.path == \"$public/tree/logs/disk.iso\") | .item.status" ls.json)" "the excluded file"
any_json ls.json ".item.path == \"$public/tree/logs/disk.iso\" and (.item.rule | contains(\"*.iso\"))" || fail "no rule: $(cat ls.json)"
any_json ls.json ".item.status == \"absent\" and .item.path == \"$public/not-there\"" || fail "not-there: $(cat ls.json)"

# Absent and excluded alone are complete; a limit that cut an item is not.
cat >complete.yaml <<POLICY
policy: complete
sources:
  - name: nothing
    files: {paths: [$public/not-there, "$public/tree/logs/**"], exclude: ["*.iso"]}
POLICY
expect_exit 0 as_nobody ./vestige -C cases/own snapshot complete.yaml --operator nobody
head -c 300000 /dev/urandom >tree/logs/large
sed -e 's/complete/limited/' -e '1a limits: {item: 64KiB}' complete.yaml >limited.yaml
expect_exit 3 as_nobody ./vestige -C cases/own snapshot limited.yaml --operator nobody
assert_in "$out" "truncated 1"
expect_exit 0 vestige -C cases/own cat -i "$here/analyst.key" latest "$public/tree/logs/large"
assert_equal 65536 "$(stat -c %s "$out")" "bytes under a limit of 64 KiB"
cmp -n 65536 "$out" tree/logs/large
expect_exit 0 vestige -C cases/own --json ls -i "$here/analyst.key" --status truncated latest
assert_equal 1 "$(wc -l <"$out")" "truncated items"

expect_exit 0 vestige -C cases/own list
assert_in "$out" "2 denied" "1 truncated"
expect_exit 0 vestige -C cases/own verify --deep -i "$here/analyst.key"

# Our own case directory is left out by device and inode, and that is recorded.
sed "s|$public/tree/logs/\*\*|$public/cases/**|" complete.yaml >own.yaml
expect_exit 0 as_nobody ./vestige -C cases/own snapshot own.yaml --operator nobody
expect_exit 0 vestige -C cases/own --json ls -i "$here/analyst.key" latest
any_json "$out" ".item.path == \"$public/cases/own\" and .item.status == \"excluded\" and (.item.rule | contains(\"case directory\"))" ||
	fail "the case directory was not left out by a rule"
if any_json "$out" ".item.path | startswith(\"$public/cases/own/\")"; then fail "a file of the case was taken"; fi
