#!/usr/bin/env bash
# A series of snapshots at a glance: list and log --graph show what each stored, describes, changed and found; missed and failed nights.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/clock.sh
. "$TESTS/cli/clock.sh"
need jq python3
vestige snapshot --help | grep -q -e --incremental || skip "this program makes no series"
make_clock trial
make_tree tree
write_policy policy.yaml "$here/tree/**"
begin=1793491200 # 2026-11-01
day=86400
at $begin "$VESTIGE" -q init case --title "A series" -r "$recipient" >/dev/null

night() { # N [ARG…]: the snapshot of that day
	local n=$1 status=0
	shift
	echo "night $n" >>tree/app.log
	at $((begin + n * day)) "$VESTIGE" -C case snapshot policy.yaml --incremental "$@" >"$out" 2>"$err" || status=$?
	((status == 0)) || fail "night $n: $status: $(cat "$out" "$err")"
}
at_night() { # N COMMAND…
	local n=$1
	shift
	at $((begin + n * day)) "$VESTIGE" "$@"
}

# A snapshot by hand long before, and one night: neither is a series whose end could be late.
night 0
expect_exit 0 at_night 40 -C case verify
assert_not_in "$out" "no snapshot for"
for n in 1 2 3; do night $n; done
night 4
expect_exit 0 at_night 5 -C case verify
assert_not_in "$out" "no snapshot for" "never finished"

# ---- the columns ----

expect_exit 0 vestige -C case list
assert_equal 5 "$(wc -l <"$out")" "lines of list"
grep -qE '^EX0001  2026-11-01T00:00Z  full  ' "$out" || fail "EX0001 is not shown as full: $(cat "$out")"
grep -qE '^EX0005  2026-11-05T00:00Z  EX0001  .*\+[0-9.,kM]+ -[0-9.,kM]+ ~[0-9.,kM]+' "$out" || fail "EX0005 does not stand on EX0001: $(cat "$out")"
widest() { python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")))' "$1"; }
(($(widest "$out") <= 100)) || fail "list is $(widest "$out") columns wide"
expect_exit 0 vestige -C case --json list
cp "$out" list.jsonl
assert_json_lines list.jsonl "list"
for n in 1 2 5; do
	vestige -C case --json show $n | jq -cS '.seal | {f: .series.full, d: .series.described, c: .series.changes, g: .series.findings, b: .file.bytes, i: .merkle.size}' >wanted
	jq -cS "select(.exhibit == $n) | {f: .full, d: .described_bytes, c: .changes, g: .findings, b: .file_bytes, i: .items}" list.jsonl >found
	cmp wanted found || fail "list of EX000$n: $(cat wanted found)"
done
assert_equal "false true true true true" "$(jq -r .incremental list.jsonl | paste -sd' ')" "incremental"

# ---- a missed night, a failed one, and a new generation ----

night 7 # none on days 5 and 6
expect_exit 0 vestige -C case log
grep -qx '       no snapshot for 3 d (usual: 1 d)' "$out" || fail "the gap is not in the log: $(cat "$out")"
line_of() { grep -nF -e "$1" "$out" | head -n 1 | cut -d: -f1; }
(($(line_of "EX0005 sealed") < $(line_of "no snapshot for"))) || fail "the gap stands too early"
(($(line_of "no snapshot for") < $(line_of "EX0006 sealed"))) || fail "the gap stands too late"
printf 'cut short' >case/exhibits/EX0007.tar.zst.age.partial
expect_exit 0 vestige -C case log
assert_in "$out" "EX0007 was begun and never finished"
night 9
expect_exit 0 vestige -C case --json list
assert_equal "1 2 3 4 5 6 8" "$(jq -r .exhibit "$out" | paste -sd' ')" "numbers"
night 10 --full-every 1
night 11 --full-every 30d
expect_exit 0 vestige -C case log
assert_in "$out" "EX0007 was begun and never finished" "no snapshot for 2 d (usual: 1 d)"
expect_exit 0 vestige -C case --json log
any_json "$out" '.type == "hole" and .hole == "unfinished" and .first == 7 and .last == 7' || fail "no hole of EX0007 in JSON"
any_json "$out" '.type == "hole" and .hole == "gap" and .after == 5 and (.from | startswith("2026-11-05T00:00:0")) and .usual_seconds > 86000' ||
	fail "no gap in JSON: $(cat "$out")"

expect_exit 0 vestige -C case log --graph
cp "$out" graph
(($(widest graph) <= 104)) || fail "the graph is $(widest graph) columns wide"
grep -q '^●   EX0001  2026-11-01' graph || fail "no node for EX0001: $(cat graph)"
grep -q '^├─○ EX0002  2026-11-02' graph || fail "no branch for EX0002: $(cat graph)"
grep -q '^└─○ EX0008  ' graph || fail "the generation does not end with EX0008: $(cat graph)"
grep -q '^●   EX0009  ' graph || fail "no second generation: $(cat graph)"
grep -q '^└─○ EX0010  ' graph || fail "EX0010 does not stand on EX0009: $(cat graph)"
grep -q '^┆ ✗ EX0007 was begun and never finished$' graph || fail "the failed night is not in the graph: $(cat graph)"
grep -q '^┆   no snapshot for 3 d (usual: 1 d)$' graph || fail "the missed nights are not in the graph: $(cat graph)"
expect_exit 0 vestige -C case --json log --graph
assert_json_lines "$out" "log --graph"
assert_equal "9 3" "$(jq -s -r '"\(map(select(.type == "exhibit")) | length) \(map(select(.type == "hole" and .hole != "late")) | length)"' "$out")" "graph in JSON"

# ---- verify says it with both times, as a note ----

expect_exit 0 at_night 11 -C case verify
assert_in "$out" "series: no snapshot for 3 d (usual: 1 d), from 2026-11-05T00:00:00Z to 2026-11-08T00:00:00Z"
assert_not_in "$out" "until now"
grep -q '^note .*no snapshot for 2 d' "$out" || fail "the second gap is no note: $(cat "$out")"
rm case/exhibits/EX0007.tar.zst.age.partial
expect_exit 0 at_night 14 -C case verify
assert_in "$out" "no snapshot for 3 d until now (usual: 1 d), from 2026-11-12T00:00:00Z to 2026-11-15T00:00:00Z" \
	"EX0007 was begun and never finished"
expect_exit 0 at_night 14 -C case verify EX0001
assert_not_in "$out" "no snapshot for"
