#!/usr/bin/env bash
# Contents of which only keyed digests are sealed: the same or not, how many rows; and unknown where the keys differ.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 jq
new_case case
mkdir data
db=$here/data/cards.db
sqlite3 "$db" <<'SQL'
CREATE TABLE cards(id INTEGER PRIMARY KEY, pan TEXT);
INSERT INTO cards VALUES(1, '4111111111111111'), (2, '5500005555555559');
CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO names VALUES(1, 'ann'), (2, 'bob'), (3, 'cyd');
CREATE TABLE still(id INTEGER PRIMARY KEY, v);
INSERT INTO still VALUES(1, 'x');
SQL
echo secret one >data/changes.key
echo secret two >data/stays.key
cat >policy.yaml <<POLICY
policy: digests
sources:
  - name: cards
    sqlite: {database: $db, tables: [cards, names, still]}
    content: digest
  - name: keys
    files: {paths: ["$here/data/*.key"]}
    content: digest
POLICY
snapshot case
sqlite3 "$db" "UPDATE cards SET pan = '4111111111111112' WHERE id = 1; DELETE FROM names WHERE id = 2"
echo secret ONE >data/changes.key
snapshot case

rows() { # TABLE FILTER
	jq -r --arg p "$db.tables/$1.csv" "select(.type == \"rows\" and .path == \$p) | $2" "$out"
}
change() { # PATH
	jq -r --arg p "$1" 'select(.type == "change" and .path == $p) | "\(.change) \(.fields | index("content") != null)"' "$out"
}
expect_exit 0 vestige -C case --json diff --rows -i analyst.key 1 2
assert_json_lines "$out" diff
assert_equal "changed digest 2 2" "$(rows cards '"\(.change) \(.by) \(.before) \(.after)"')" "a table with another cell"
assert_equal "changed digest 3 2" "$(rows names '"\(.change) \(.by) \(.before) \(.after)"')" "a table with a row less"
assert_equal "" "$(rows still .)" "a table that is the same"
assert_equal "changed true" "$(change "$db.tables/cards.csv")" "the item of a table"
assert_equal "changed true" "$(change "$here/data/changes.key")" "a file with other content"
assert_equal "" "$(change "$here/data/stays.key")" "a file that is the same"
assert_equal '{"comparable":true,"unchanged":2,"changed":3,"unknown":0}' \
	"$(jq -c 'select(.type == "summary").digests' "$out")" "digests"
assert_equal 2 "$(jq -c 'select(.type == "summary").rows.not_compared' "$out")" "tables without rows"
expect_exit 0 vestige -C case diff -i analyst.key 1 2
assert_in "$out" "  digests   unchanged 2 · changed 3 · unknown 0" "rows      3 → 2" "of 2 of 2 tables rows were not compared"
assert_not_in "$out" 4111 secret

# In another case the digests are by another key: nobody can say what changed, and nobody does.
sqlite3 "$db" "INSERT INTO still VALUES(2, 'y')"
make_identity
vestige init fresh --title Other -r "$recipient" >/dev/null 2>&1
snapshot fresh
expect_exit 0 vestige -C case --json diff --rows -i analyst.key "$here/case:2" "$here/fresh:1"
assert_equal '{"comparable":false,"unchanged":0,"changed":0,"unknown":5}' \
	"$(jq -c 'select(.type == "summary").digests' "$out")" "digests by different keys"
assert_equal 5 "$(jq -r 'select(.type == "summary").changes.unknown' "$out")" "unknown items"
assert_equal "$db.schema.json" "$(jq -r 'select(.type == "change" and .change == "changed").path' "$out")" "changed items: how many rows a table has"
assert_equal 5 "$(jq -r 'select(.type == "change" and .change == "unknown").path' "$out" | sort -u | wc -l)" "what is told of them"
assert_equal "unknown nothing 1 2" "$(rows still '"\(.change) \(.by) \(.before) \(.after)"')" "a table of which only the rows can be counted"
assert_equal 0 "$(jq -c 'select(.type == "finding")' "$out" | wc -l)" "findings"
expect_exit 0 vestige diff -i analyst.key case:2 fresh:1
assert_in "$out" "digests   not comparable" "unknown 5" "unknown  cards:$db.tables/cards.csv  content unknown: digests by different keys" \
	"rows      1 → 2: not compared"
assert_equal 1 "$(grep -c "not comparable" "$out" "$err" | awk -F: '{ n += $2 } END { print n }')" "how often it is said"

# A policy that asked for content of the one and for a digest of the other.
sed -i '/content: digest/d' policy.yaml
snapshot case
expect_exit 0 vestige -C case --json diff --rows -i analyst.key 2 3
assert_equal "unknown" "$(jq -r --arg p "$here/data/stays.key" 'select(.type == "change" and .path == $p).change' "$out")" "digest and content"
assert_equal "unknown nothing 2 2" "$(rows cards '"\(.change) \(.by) \(.before) \(.after)"')" "digest and rows"
