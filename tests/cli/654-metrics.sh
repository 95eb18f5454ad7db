#!/usr/bin/env bash
# Figures for Prometheus after each snapshot, good or not, read by promtool where it is installed and by a strict reader everywhere.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq python3
vestige snapshot --help | grep -q -e --metrics || skip "this program writes no metrics"
make_tree tree
write_policy policy.yaml "$here/tree/**"
new_case 'a "case"'

cat >read.py <<'PYTHON'
"""The text format of Prometheus, strictly: every series declared before, once; labels escaped. Prints NAME{sorted labels} VALUE."""
import re
import sys

declared, seen, last = {}, set(), None
text = open(sys.argv[1], encoding="utf-8", newline="").read()
assert text.endswith("\n")
for line in text[:-1].split("\n"):
    if line.startswith("#"):
        _, kind, name, rest = line.split(" ", 3)
        assert kind in ("HELP", "TYPE") and (kind, name) not in declared, line
        declared[kind, name] = rest
        assert kind == "HELP" or rest == "gauge"
        continue
    match = re.fullmatch(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} ([0-9]+(?:\.[0-9]+)?)', line)
    assert match, line
    name, labels, value = match.groups()
    assert ("HELP", name) in declared and ("TYPE", name) in declared, line
    assert last in (None, name) or name not in {n for n, _ in seen}, f"{name} stands in two places"
    pairs = re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', labels)
    key = tuple(sorted((k, re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), v)) for k, v in pairs))
    assert (name, key) not in seen, line
    seen.add((name, key))
    last = name
    print(name, " ".join(f"{k}={v}" for k, v in key if k not in ("case", "policy")), value, sep="|")
    assert dict(key)["case"].endswith('/a "case"'), key
PYTHON
figures() {
	assert_equal 644 "$(stat -c %a v.prom)" "mode of the file"
	if command -v promtool >/dev/null; then promtool check metrics <v.prom || fail "promtool does not like it"; fi
	python3 read.py v.prom >figures || fail "not the format: $(cat v.prom)"
}
figure() { sed -n "s/^vestige_$1|$2|//p" figures; }

begin=$(date +%s)
expect_exit 0 vestige -C 'a "case"' snapshot policy.yaml --incremental --metrics v.prom
figures
assert_equal 0 "$(figure last_exit_status '')" "exit status"
success=$(figure last_success_timestamp_seconds '')
((${success%.*} >= begin && ${success%.*} <= $(date +%s))) || fail "last success: $success"
assert_equal "$(stat -c %s a*/exhibits/EX0001.tar.zst.age)" "$(figure exhibit_bytes kind=stored)" "bytes stored"
vestige -C 'a "case"' --json show | jq .seal >seal.json
assert_equal "$(jq '[.counts[].collected // 0] | add' seal.json)" "$(figure exhibit_items status=collected)" "items collected"
assert_equal "$(jq .series.described seal.json)" "$(figure exhibit_bytes kind=described)" "bytes described"
for severity in high medium low info; do
	assert_equal "$(jq ".series.findings.$severity" seal.json)" "$(figure findings severity=$severity)" "findings: $severity"
done
[[ -n $(figure snapshot_duration_seconds '') ]] || fail "no duration"

# A failure: the time of the last success stays, the exhibit's figures go.
sleep 1.1
mv 'a "case"/exhibits' away
status=0
vestige -C 'a "case"' snapshot policy.yaml --incremental --metrics v.prom >"$out" 2>"$err" || status=$?
((status != 0)) || fail "a snapshot without a place for it succeeded"
mv away 'a "case"/exhibits'
figures
assert_equal "$status" "$(figure last_exit_status '')" "exit status of the failure"
assert_equal "$success" "$(figure last_success_timestamp_seconds '')" "last success after a failure"
[[ $(figure last_run_timestamp_seconds '') > $success ]] || fail "the last run is no later than the last success"
assert_not_in figures exhibit_ findings
assert_equal "" "$(find . -maxdepth 1 -name '.v.prom*')" "temporary files"

expect_exit 0 vestige -C 'a "case"' snapshot policy.yaml --incremental --metrics v.prom
figures
[[ $(figure last_success_timestamp_seconds '') > $success ]] || fail "no new success"
