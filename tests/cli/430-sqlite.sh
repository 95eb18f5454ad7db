#!/usr/bin/env bash
# A SQLite database as a file, by tables and by a query: the rows are those that sqlite3 reads back, and odd names stay in place.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 jq python3
new_case case
mkdir data
sqlite3 data/shop.db <<'SQL'
CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT, note TEXT, score REAL, photo BLOB);
INSERT INTO customers VALUES(3, 'c@example.org', 'says "hello", twice', 0.1, x'00ff10');
INSERT INTO customers VALUES(1, 'a@example.org', '', 1e300, NULL);
INSERT INTO customers VALUES(2, 'b@example.org', NULL, -2.5, x'');
INSERT INTO customers VALUES(4, 'd@example.org', 'two
lines', 3, zeroblob(300000));
CREATE TABLE "a/b"("x,y" TEXT, "" TEXT, "q""r" TEXT);
INSERT INTO "a/b" VALUES('\x00', ' ', '"');
CREATE TABLE ".."(k TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO ".." VALUES('b'), ('a');
CREATE TABLE "two words; ""quoted"" ünd"(v);
INSERT INTO "two words; ""quoted"" ünd" VALUES(hex(zeroblob(1000000)));
CREATE VIEW trap AS SELECT * FROM customers;
SQL
cat >policy.yaml <<POLICY
policy: databases
sources:
  - name: whole
    sqlite: {database: $here/data/shop.db}
  - name: tables
    sqlite:
      database: $here/data/shop.db
      tables: [customers, a/b, .., 'two words; "quoted" ünd', missing]
    subject: id
    columns: {email: email, phone: phone}
  - name: question
    sqlite: {database: $here/data/shop.db, query: "SELECT count(*) AS n FROM customers WHERE note IS NOT NULL"}
  - name: counts
    sqlite: {database: $here/data/shop.db}
    content: metadata
  - name: gone
    sqlite: {database: $here/data/none.db}
POLICY
listing data >before
snapshot case
listing data >after
cmp before after || fail "the snapshot left a trace beside the database"
expect_exit 0 vestige -C case verify --deep -i analyst.key 1
expect_exit 0 vestige -C case --json ls -i analyst.key 1
cp "$out" ls.json
item() { # SOURCE SUFFIX FILTER
	jq -r --arg s "$1" --arg p "$here/data/$2" 'select(.item.source == $s and .item.path == $p) | .item | '"$3" ls.json
}
take() { # SOURCE SUFFIX
	vestige -C case cat -i analyst.key 1 "$here/data/$2" --source "$1" 2>"$err"
}
vestige -C case cat --help >help
grep -q -- --source help || take() { age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -dq | tar -xO --wildcards "items/$1$here/data/$2/part-*"; }

take whole shop.db.backup >backup.db
assert_equal ok "$(sqlite3 backup.db 'PRAGMA integrity_check')" "integrity of the backup"
sqlite3 data/shop.db .dump >original.sql
sqlite3 backup.db .dump >backup.sql
cmp original.sql backup.sql || fail "the backup has other rows"
take whole shop.db.schema.json >schema.json
assert_equal 4 "$(jq '.tables[] | select(.name == "customers") | .rows' schema.json)" "rows by the schema item"
assert_equal id "$(jq -r '.tables[] | select(.name == "customers") | .columns[] | select(.key == 1) | .name' schema.json)" "key"
assert_equal ok "$(jq -r '.quick_check[0]' schema.json)" "quick check"

take tables shop.db.tables/customers.csv >customers.csv
printf '%s\n' .mode\ csv ".import customers.csv c" "SELECT id, email, note FROM c ORDER BY rowid;" >script
sqlite3 -noheader back.db <script >imported
sqlite3 -csv data/shop.db "SELECT id, email, ifnull(note, '') FROM customers ORDER BY id" >wanted
diff <(tr -d '\r' <wanted) <(tr -d '\r' <imported) || fail "sqlite3 reads other rows from the CSV"
python3 - <<'PYTHON' || fail "rows by Python's csv"
import csv, sqlite3
csv.field_size_limit(10**9)
text = open("customers.csv", newline="", encoding="utf-8").read()
rows = list(csv.reader(text.splitlines(keepends=True)))
assert rows[0] == ["id", "email", "note", "score", "photo"], rows[0]
wanted = sqlite3.connect("file:data/shop.db?mode=ro", uri=True).execute("SELECT * FROM customers ORDER BY id").fetchall()
assert len(rows) == len(wanted) + 1
for row, want in zip(rows[1:], wanted):
    assert int(row[0]) == want[0] and row[1] == want[1] and row[2] == (want[2] or "")
    assert float(row[3]) == want[3]
    assert row[4] == ("" if want[4] is None else "\\x" + want[4].hex())
lines = text.split("\n")
assert lines[1] == '1,a@example.org,"",1e+300,', lines[1]
assert lines[2] == '2,b@example.org,,-2.5,\\x', lines[2]
PYTHON
assert_equal $'"x,y","","q""r"\n"\\x00"," ",""""' "$(take tables 'shop.db.tables/a%2Fb.csv')" "odd columns"
assert_equal $'k\na\nb' "$(take tables 'shop.db.tables/%2E%2E.csv')" "a table named .."
assert_equal 2000003 "$(take tables 'shop.db.tables/two words; "quoted" ünd.csv' | wc -c)" "a huge row"
assert_equal absent "$(item tables shop.db.tables/missing.csv .status)" "status of a table that is not there"
assert_equal '{"email":"email"} ["phone"] id 4' \
	"$(item tables shop.db.tables/customers.csv '.details | "\(.categories) \(.missing) \(.subject) \(.rows)"')" "details"
assert_equal $'n\n3' "$(take question shop.db.query.csv)" "rows of the query"
assert_equal 'metadata 4 null' "$(item counts shop.db.tables/customers.csv '"\(.content) \(.details.rows) \(.size)"')" "metadata"
assert_equal absent "$(item gone none.db .status)" "status of a database that is not there"

# A query that does more than read is refused, and nothing happens.
cat >policy.yaml <<POLICY
policy: writes
sources:
  - {name: a, sqlite: {database: $here/data/shop.db, query: "DELETE FROM customers"}}
  - {name: b, sqlite: {database: $here/data/shop.db, query: "ATTACH '$here/data/new.db' AS n"}}
POLICY
expect_exit 3 vestige -C case snapshot policy.yaml
expect_exit 0 vestige -C case --json ls -i analyst.key 2
assert_equal 2 "$(jq -r 'select(.item.path | endswith("query.csv")) | "\(.item.status) \(.item.rule)"' "$out" |
	grep -c '^error query: refused')" "refused queries"
listing data >after
cmp before after || fail "a query left a trace"
