#!/usr/bin/env bash
# What became of the rows of a SQLite database between two snapshots: by count, and with --rows by key.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 jq
new_case case
mkdir data
db=$here/data/app.db
sqlite3 "$db" <<'SQL'
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, mail TEXT);
INSERT INTO users VALUES(1,'ann','a@x'),(2,'bob','b@x'),(3,'cyd','c@x'),(4,'dan','d@x');
CREATE TABLE pairs(a TEXT, b INTEGER, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
INSERT INTO pairs VALUES('x,y',1,'p'),('x',1,'q'),('',2,'r');
CREATE TABLE words(w TEXT);
INSERT INTO words VALUES('one'),('two'),('two');
CREATE TABLE still(id INTEGER PRIMARY KEY);
INSERT INTO still VALUES(1);
CREATE TABLE dropped(id TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO dropped VALUES('k1'),('k2');
CREATE TABLE wider(id INTEGER PRIMARY KEY, was);
INSERT INTO wider VALUES(1,'a'),(2,'b');
CREATE TABLE unnamed(id INTEGER PRIMARY KEY);
INSERT INTO unnamed VALUES(1),(2),(3);
CREATE TABLE named(id INTEGER PRIMARY KEY, v);
INSERT INTO named VALUES(1,'x'),(NULL,'y');
SQL
cat >policy.yaml <<POLICY
policy: app
sources:
  - name: app
    sqlite: {database: $db, tables: [users, pairs, words, still, dropped, fresh, wider, unnamed]}
POLICY
snapshot case
sqlite3 "$db" <<'SQL'
INSERT INTO users VALUES(17,'eve','e@x');
DELETE FROM users WHERE id = 3;
UPDATE users SET name = 'robert', mail = NULL WHERE id = 2;
UPDATE pairs SET v = 'Q' WHERE a = 'x,y';
INSERT INTO words VALUES('three');
DELETE FROM words WHERE w = 'one';
DROP TABLE dropped;
CREATE TABLE fresh(id INTEGER PRIMARY KEY, v);
INSERT INTO fresh VALUES(5,'v'),(6,'v');
ALTER TABLE wider ADD COLUMN isnow;
UPDATE wider SET was = 'B' WHERE id = 2;
SQL
sed -i 's/unnamed/named/' policy.yaml
snapshot case

diff() {
	expect_exit 0 vestige -C case diff -i analyst.key "$@"
}
rows() { # TABLE FILTER
	jq -r --arg p "$db.tables/$1.csv" "select(.type == \"rows\" and .path == \$p) | $2" "$out"
}
row_lines() { # TABLE
	jq -r --arg p "$db.tables/$1.csv" 'select(.type == "row" and .path == $p) |
		"\(.change) \(.key)\(if .columns then ": " + (.columns | join(",")) else "" end)"' "$out"
}
counts='"\(.by) \(.before) \(.after) \(.same) \(.added) \(.removed) \(.changed) \(.unknown)"'

diff --json --rows 1 2
assert_json_lines "$out" diff
assert_equal "key 4 4 2 1 1 1 0" "$(rows users "$counts")" users
assert_equal "key 3 3 2 0 0 1 0" "$(rows pairs "$counts")" pairs
assert_equal "row 3 3 2 1 1 0 0" "$(rows words "$counts")" words
assert_equal "key 2 0 0 0 2 0 0" "$(rows dropped "$counts")" dropped
assert_equal "key 0 2 0 2 0 0 0" "$(rows fresh "$counts")" fresh
assert_equal "key 2 2 1 0 0 1 0" "$(rows wider "$counts")" wider
assert_equal '["isnow"]' "$(rows wider '.columns_added | tostring')" "columns added"
assert_equal "" "$(rows still .)" "a table that stayed as it was"
assert_equal "key 3 0 0 0 3 0 0 removed" "$(rows unnamed "$counts + \" \" + .change")" "a table that was named before"
assert_equal "key 0 2 0 2 0 0 0 added" "$(rows named "$counts + \" \" + .change")" "a table that is named now"
assert_equal "$(printf 'changed 2: name,mail\nremoved 3\nadded 17')" "$(row_lines users)" "rows of users"
assert_equal 'changed "x,y",1: v' "$(row_lines pairs)" "a key of two columns"
assert_equal "" "$(row_lines words)" "rows without a key have no names"
assert_equal "$(printf 'removed k1\nremoved k2')" "$(row_lines dropped)" "rows of a table that is gone"
assert_equal "$(printf 'added 5\nadded 6')" "$(row_lines fresh)" "rows of a new table"
assert_equal '{"tables":8,"added":6,"removed":7,"changed":3,"unknown":0,"not_compared":0}' \
	"$(jq -c 'select(.type == "summary").rows' "$out")" "totals"
assert_equal summary "$(head -n 1 "$out" | jq -r .type)" "what comes first"

diff --json 1 2
assert_equal 0 "$(jq -c 'select(.type == "row")' "$out" | wc -l)" "rows that nobody asked for"
assert_equal 8 "$(jq -c 'select(.type == "rows")' "$out" | wc -l)" "tables"

diff --rows 1 2
assert_in "$out" "  rows      added 6 · removed 7 · changed 3 · unknown 0" "rows      4 → 4: added 1 · removed 1 · changed 1" \
	"         added     17" "         removed   3" "         changed   2: name, mail" "columns   added isnow" \
	"no key: a changed row is one removed and one added"
assert_not_in "$out" robert eve@x

# Nothing differs; and the same rows in another order are the same rows.
diff --json 2 2
assert_equal '{"tables":0,"added":0,"removed":0,"changed":0,"unknown":0,"not_compared":0}' \
	"$(jq -c 'select(.type == "summary").rows' "$out")" "an exhibit and itself"

# A side that a limit cut: what the other has alone is unknown.
sqlite3 "$db" "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO users SELECT i, 'n', 'm' FROM n"
snapshot case
sed -i 's/^sources:/limits: {item: 20KiB}\nsources:/' policy.yaml
expect_exit 3 vestige -C case snapshot policy.yaml
diff --json --rows 3 4
assert_equal "0 0 0" "$(rows users '"\(.added) \(.removed) \(.changed)"')" "rows that a limit cut"
(($(rows users .unknown) > 2000)) || fail "unknown: $(rows users .)"
assert_equal 0 "$(row_lines users | wc -l)" "rows that nobody knows of"
assert_equal "$(rows users .before)" "$(rows users '.same + .unknown')" "same and unknown"
[[ $(rows users .after_why) == truncated* ]] || fail "why: $(rows users .)"
diff 3 4
assert_in "$out" "EX0004    not all of it: truncated"
diff --json 4 3
(($(rows users .unknown) > 2000)) || fail "unknown backwards: $(rows users .)"

# Rows that lie in an earlier exhibit of the generation.
sed -i '/^limits/d' policy.yaml
snapshot case --incremental
sqlite3 "$db" "DELETE FROM users WHERE id > 4990"
snapshot case --incremental
sqlite3 "$db" "INSERT INTO pairs VALUES('z', 9, 'new')"
snapshot case --incremental
diff --json --rows 5 7
assert_equal "key 4905 4895 4895 0 10 0 0" "$(rows users "$counts")" "rows of a table that the newest exhibit does not store"
assert_equal "added z,9" "$(row_lines pairs)" "a row of this exhibit"
assert_equal 10 "$(row_lines users | wc -l)" "rows that went"
diff --json 6 7
assert_equal "" "$(rows users .)" "a table that stayed as it was, stored earlier"

# There is room for rows, or it is said that there is none.
TMPDIR=/nowhere expect_exit 2 vestige -C case diff -i analyst.key 1 2
assert_in "$err" "/nowhere" "TMPDIR"

# Rows that are there and cannot be read are not compared, and that is said.
new_case damaged
sqlite3 data/big.db "CREATE TABLE t(id INTEGER PRIMARY KEY, v);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO t SELECT i, hex(randomblob(520)) FROM n"
printf 'policy: big\nsources:\n  - name: big\n    sqlite: {database: %s, tables: [t]}\n' "$here/data/big.db" >policy.yaml
snapshot damaged
sqlite3 data/big.db "DELETE FROM t WHERE id = 7"
snapshot damaged
flip damaged/exhibits/EX0002.tar.zst.age "$(($(stat -c %s damaged/exhibits/EX0002.tar.zst.age) / 2))"
expect_exit 0 vestige -C damaged --json diff -i analyst.key 1 2
assert_equal "nothing 9000 8999" "$(jq -r 'select(.type == "rows") | "\(.by) \(.before) \(.after)"' "$out")" "damaged rows"
assert_equal 1 "$(jq 'select(.type == "summary").rows.not_compared' "$out")" "tables that were not compared"
assert_in "$err" "rows of 1 tables could not be read" "big:$here/data/big.db.tables/t.csv: "
