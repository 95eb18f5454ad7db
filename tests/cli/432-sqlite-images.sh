#!/usr/bin/env bash
# Databases of an image, with logs that a crash left, and damaged ones: nothing of the image changes, and what can be had is had.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 jq python3 age zstd tar
new_case case
mkdir -p image/etc image/srv
python3 - <<'PYTHON'
import os, shutil, sqlite3
def make(name, mode):
    db = sqlite3.connect(name, isolation_level=None)
    db.execute("PRAGMA journal_mode=" + mode)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=1")
    db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("CREATE TABLE other(v)")
    db.execute("INSERT INTO other VALUES('well')")
    db.execute("BEGIN")
    db.executemany("INSERT INTO t VALUES(?, 'committed')", [(i,) for i in range(3000)])
    db.execute("COMMIT")
    return db
def keep(name, suffixes):
    for suffix in suffixes:
        shutil.copyfile("live.db" + suffix, "image/srv/" + name + suffix)
db = make("live.db", "wal")
keep("wal.db", ["", "-wal"])
db.close()
os.remove("live.db")
db = make("live.db", "delete")
db.execute("BEGIN")
db.execute("UPDATE t SET v = 'half done'")
keep("hot.db", ["", "-journal"])
db.execute("ROLLBACK")
db.close()
keep("header.db", [""])
keep("middle.db", [""])
keep("short.db", [""])
with open("image/srv/header.db", "r+b") as f:
    f.write(b"\xff" * 100)
with open("image/srv/middle.db", "r+b") as f:
    f.seek(4096 * 10)
    f.write(b"\x5a" * 4096)
os.truncate("image/srv/short.db", 10000)
PYTHON
{
	printf 'policy: image\nsources:\n'
	for name in wal hot header middle short; do
		printf '  - {name: %s, sqlite: {database: /srv/%s.db, tables: [t, other]}}\n' $name $name
	done
	printf '  - {name: raw, sqlite: {database: /srv/wal.db, raw: true}}\n'
} >policy.yaml
listing image >before
expect_exit 3 vestige -C case snapshot --root "$here/image" policy.yaml
listing image >after
cmp before after || fail "the image was changed"
expect_exit 0 vestige -C case verify --deep -i analyst.key 1
expect_exit 0 vestige -C case --json ls -i analyst.key 1
cp "$out" ls.json
status() { # SOURCE PATH
	jq -r --arg s "$1" --arg p "$2" 'select(.item.source == $s and .item.path == $p) | .item | "\(.status) \(.rule)"' ls.json
}
take() { # SOURCE PATH
	age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -dq | tar -xO "items/$1$2"
}
assert_equal "collected null" "$(status wal /srv/wal.db.tables/t.csv)" "a WAL of an image"
assert_equal 3000 "$(take wal /srv/wal.db.tables/t.csv/part-000001 | grep -c committed)" "rows that are only in the WAL"
# A hot journal is rolled back, in a copy.
assert_equal "collected null" "$(status hot /srv/hot.db.tables/t.csv)" "a database with a hot journal"
assert_equal 3000 "$(take hot /srv/hot.db.tables/t.csv/part-000001 | grep -c committed)" "rows before the half-done change"
assert_equal "error SQLite: file is not a database" "$(status header /srv/header.db.tables/t.csv)" "a damaged header"
take header /srv/header.db | cmp - image/srv/header.db
assert_equal "error SQLite: database disk image is malformed" "$(status middle /srv/middle.db.tables/t.csv)" "a damaged page"
assert_equal "collected null" "$(status middle /srv/middle.db.tables/other.csv)" "a table beside a damaged one"
assert_equal $'v\nwell' "$(take middle /srv/middle.db.tables/other.csv/part-000001)" "rows of a table beside a damaged one"
assert_equal "error SQLite: database disk image is malformed" "$(status short /srv/short.db.tables/t.csv)" "a file cut short"
take short /srv/short.db | cmp - image/srv/short.db
take raw /srv/wal.db-wal | cmp - image/srv/wal.db-wal
