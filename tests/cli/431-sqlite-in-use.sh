#!/usr/bin/env bash
# A database that others write to while it is taken: what is sealed is one state of it, and nobody is kept from writing.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 jq python3 age zstd tar
new_case case

cat >writer.py <<'PYTHON'
# Moves money between two tables until "stop" is there; the sum stays. Any error ends it with status 1.
import os, random, sqlite3, sys
mode = sys.argv[1]
db = sqlite3.connect("data/bank.db", timeout=20, isolation_level=None)
db.execute("PRAGMA journal_mode=" + mode)
db.execute("PRAGMA synchronous=OFF")
db.execute("CREATE TABLE a(id INTEGER PRIMARY KEY, v INTEGER, pad BLOB)")
db.execute("CREATE TABLE b(id INTEGER PRIMARY KEY, v INTEGER, pad BLOB)")
db.execute("BEGIN")
for i in range(2000):
    db.execute("INSERT INTO a VALUES(?, 1000, zeroblob(1000))", (i,))
    db.execute("INSERT INTO b VALUES(?, 1000, zeroblob(1000))", (i,))
db.execute("COMMIT")
open("ready", "w").close()
count = 0
while not os.path.exists("stop"):
    amount, one, other = random.randrange(500), random.randrange(2000), random.randrange(2000)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE a SET v = v - ? WHERE id = ?", (amount, one))
    db.execute("UPDATE b SET v = v + ? WHERE id = ?", (amount, other))
    db.execute("COMMIT")
    count += 1
print(count)
PYTHON

sum_of() { # CSV
	python3 -c 'import csv, sys
print(sum(int(row[1]) for row in list(csv.reader(open(sys.argv[1])))[1:]))' "$1"
}

number=0
for mode in wal delete; do
	rm -rf data ready stop
	mkdir data
	python3 writer.py "$mode" >written 2>writer.log &
	writer=$!
	wait_for 20 test -e ready
	cat >policy.yaml <<POLICY
policy: bank
sources:
  - name: whole
    sqlite: {database: $here/data/bank.db}
  - name: tables
    sqlite: {database: $here/data/bank.db, tables: [a, b]}
POLICY
	for _ in 1 2; do
		snapshot case
		number=$((number + 1))
		rm -rf out
		vestige -C case extract -q -i analyst.key "$number" -o out >"$out" 2>"$err" || { cat "$err"; fail "extract"; }
		backup=$(find out -path '*bank.db.backup*' -type f)
		assert_equal ok "$(sqlite3 "$backup" 'PRAGMA integrity_check')" "integrity of the backup in mode $mode"
		assert_equal 4000000 "$(sqlite3 "$backup" 'SELECT (SELECT sum(v) FROM a) + (SELECT sum(v) FROM b)')" "sum in the backup"
		a=$(find out -path '*bank.db.tables/a.csv*' -type f)
		b=$(find out -path '*bank.db.tables/b.csv*' -type f)
		assert_equal 4000000 "$(($(sum_of "$a") + $(sum_of "$b")))" "sum in the tables in mode $mode"
	done
	: >stop
	wait "$writer" || { cat writer.log; fail "the writer was disturbed in mode $mode"; }
	(($(cat written) > 0)) || fail "the writer wrote nothing"
	assert_equal "bank.db" "$(ls data)" "files of the database in mode $mode, once its user is gone"
	assert_equal ok "$(sqlite3 data/bank.db 'PRAGMA integrity_check')" "integrity of the database itself"
done
