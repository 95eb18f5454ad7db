#!/usr/bin/env bash
# While writers move money between two tables, two sources seal one moment: the sum is what it always was.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
sql <<'SQL'
CREATE TABLE savings (id int PRIMARY KEY, amount bigint NOT NULL);
CREATE TABLE giro (id int PRIMARY KEY, amount bigint NOT NULL);
INSERT INTO savings SELECT i, 1000 FROM generate_series(1, 20000) i;
INSERT INTO giro SELECT i, 0 FROM generate_series(1, 20000) i;
CREATE TABLE moved (n bigserial PRIMARY KEY, amount int);
SQL
cat >"$pgdir/transfer.sql" <<'SQL'
\set id random(1, 20000)
\set amount random(1, 100)
BEGIN;
UPDATE savings SET amount = amount - :amount WHERE id = :id;
UPDATE giro SET amount = amount + :amount WHERE id = :id;
INSERT INTO moved (amount) VALUES (:amount);
COMMIT;
SQL
"$pgbin/pgbench" -n -c 3 -j 1 -T 60 -f "$pgdir/transfer.sql" shop >"$pgdir/pgbench.log" 2>&1 &
writer=$!
moves() { (($(sql -c 'SELECT count(*) FROM moved') > ${1:-100})); }
wait_for 20 moves

cat >"$pgdir/service.conf" <<CONF
[bank]
host=$pgdir
user=postgres
dbname=shop
CONF
export PGSERVICEFILE=$pgdir/service.conf
cat >policy.yaml <<POLICY
policy: bank
sources:
  - {name: first, postgres: {uri: "$pguri", tables: [savings]}}
  - {name: between, files: {paths: ["$pgbin/postgres"]}}
  - {name: second, postgres: {service: bank, tables: [giro, moved]}}
POLICY
for round in 1 2 3; do
	take 0
	content first /shop/public/savings.csv >savings.csv
	content second /shop/public/giro.csv >giro.csv
	content second /shop/public/moved.csv >moved.csv
	sum() { awk -F, 'NR > 1 { n += $2 } END { printf "%d\n", n }' "$1"; }
	assert_equal 20000000 "$(($(sum savings.csv) + $(sum giro.csv)))" "the sum of both tables, round $round"
	assert_equal "$(sum moved.csv)" "$(sum giro.csv)" "what was moved, round $round"
	assert_equal "$(item first /shop/public/savings.csv .details.snapshot)" "$(item second /shop/public/giro.csv .details.snapshot)" \
		"one snapshot for both sources, round $round"
	moves "$(($(wc -l <moved.csv) + 10))" || wait_for 20 moves "$(($(wc -l <moved.csv) + 10))"
done
kill "$writer" 2>/dev/null || true
wait "$writer" || true
# Nothing of ours is left open.
assert_equal 0 "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vestige'")" "sessions that stay"

# A table that was truncated while we were on the way to it is said to be, and not taken for empty.
sql -c "CREATE TABLE a_big AS SELECT i AS id, repeat(md5(i::text), 40) AS text FROM generate_series(1, 60000) i" \
	-c "ALTER TABLE a_big ADD PRIMARY KEY (id)"
pg_policy policy.yaml 'only: tables: [a_big, giro]'
start_and_signal case 1000000 STOP "$VESTIGE" -C case snapshot policy.yaml >pid
sql -c 'TRUNCATE giro'
kill -CONT "$(cat pid)"
wait_for 60 is_over "$(cat pid)"
vestige --json -C case ls -i analyst.key latest | jq -c 'select(.type == "item").item' >items.jsonl
assert_status only /shop/public/a_big.csv collected
assert_status only /shop/public/giro.csv error
assert_equal "the table was truncated or rewritten after the snapshot was taken: rows may be missing" \
	"$(item only /shop/public/giro.csv .rule)" "what is said of a truncated table"
