#!/usr/bin/env bash
# What reading a database does to the host: nothing is written, made, deleted or given away outside the case.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 python3 strace
strace -o /dev/null true 2>/dev/null || skip "processes cannot be traced here"
new_case case
mkdir data
cat >hold.py <<'PYTHON'
import os, sqlite3, time
db = sqlite3.connect("data/wal.db", isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("CREATE TABLE t(a, b)")
db.executemany("INSERT INTO t VALUES(?, hex(zeroblob(500)))", [(i,) for i in range(200)])
open("ready", "w").close()
while not os.path.exists("stop"):
    time.sleep(0.05)
PYTHON
sqlite3 data/plain.db "CREATE TABLE t(a, b); INSERT INTO t VALUES(2, 'x'), (1, 'y')"
python3 hold.py &
wait_for 20 test -e ready
cat >policy.yaml <<POLICY
policy: traces
sources:
  - {name: wal, sqlite: {database: $here/data/wal.db}}
  - {name: ordered, sqlite: {database: $here/data/wal.db, query: "SELECT * FROM t ORDER BY b, a DESC"}}
  - {name: plain, sqlite: {database: $here/data/plain.db, tables: [t]}}
POLICY
listing data >before
expect_exit 0 strace -f -s 300 -e trace=open,openat,openat2,unlink,unlinkat,mkdir,mkdirat,chown,fchown,fchownat,chmod,fchmod,fchmodat,rename,renameat,renameat2,link,linkat,truncate,ftruncate,utimensat \
	-o trace "$VESTIGE" -C "$here/case" snapshot policy.yaml
listing data >after
: >stop
cmp before after || fail "the snapshot left a trace beside a database"
# Names of databases, and of directories where SQLite usually puts what it sorts.
grep -E '(wal|plain)\.db|/var/tmp|/usr/tmp|"/tmp/[^"]*etilqs' trace >touched || true
[[ -s touched ]] || fail "the trace shows nothing of the databases"
if grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC)|unlink|chown|chmod|rename|truncate|utimens|mkdir' touched; then
	fail "something of the evidence was opened for writing, or changed"
fi
wait
