#!/usr/bin/env bash
# A server that goes away in the middle of a table, a backend that is killed, a table that somebody locks, limits.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
sql -c "CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 40) AS text FROM generate_series(1, 60000) i" \
	-c "ALTER TABLE big ADD PRIMARY KEY (id)" -c "CREATE TABLE small AS SELECT 1 AS id" -c "CREATE TABLE tiny (id int PRIMARY KEY)"
echo kept >kept.txt
cat >policy.yaml <<POLICY
policy: lost
limits: {read_rate: 8MiB/s} # so that it is in the middle for long enough
sources:
  - {name: shop, postgres: {uri: "$pguri", tables: [tiny, big, small]}}
  - {name: again, postgres: {uri: "$pguri", tables: [small]}}
  - {name: files, files: {paths: ["$here/kept.txt"]}}
POLICY
new_case case

check_lost() { # HOW
	vestige --json -C case ls -i analyst.key latest | jq -c 'select(.type == "item").item' >items.jsonl
	assert_status shop /shop/public/tiny.csv collected
	assert_status shop /shop/public/big.csv error
	assert_in <(item shop /shop/public/big.csv .rule) "the connection was lost"
	(($(item shop /shop/public/big.csv .size) > 100000)) || fail "nothing was kept of the table that was being read: $1"
	assert_equal "error ECONNRESET" "$(item shop /shop/public/small.csv '"\(.status) \(.errno)"')" "the next table: $1"
	assert_equal error "$(jq -r 'select(.source == "again" and .status == "error").status' items.jsonl | head -n 1)" "the next source: $1"
	assert_status files "$here/kept.txt" collected
	expect_exit 0 vestige -C case verify --deep -i analyst.key
}
start_and_signal case 300000 STOP "$VESTIGE" -C case snapshot policy.yaml >pid
pg_stop immediate
kill -CONT "$(cat pid)"
wait_for 60 is_over "$(cat pid)"
assert_not_in background.log "panic"
check_lost "the server stopped"

pg_launch
start_and_signal case 300000 STOP "$VESTIGE" -C case snapshot policy.yaml >pid
kill -KILL "$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'vestige'")"
sleep 0.2
kill -CONT "$(cat pid)"
wait_for 60 is_over "$(cat pid)"
check_lost "the backend was killed"
ready() { psql -qAtX -c 'SELECT 1' >/dev/null 2>&1; }
wait_for 20 ready

# Somebody holds a lock: that table alone is missing.
(
	printf 'BEGIN; LOCK TABLE tiny IN ACCESS EXCLUSIVE MODE;\n'
	sleep 25
) | psql -qX >/dev/null 2>&1 &
holder=$!
locked() { [[ $(sql -c "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'tiny'::regclass") == 1 ]]; }
wait_for 10 locked
pg_policy policy.yaml 'shop: tables: [tiny, small]'
take 3
assert_equal "error EBUSY" "$(item shop /shop/public/tiny.csv '"\(.status) \(.errno)"')" "a locked table"
assert_status shop /shop/public/small.csv collected
assert_status shop /shop/schema.jsonl collected
content shop /shop/schema.jsonl >schema.jsonl
any_json schema.jsonl '.type == "index" and .name == "tiny_pkey" and .locked and .definition == null' || fail "a locked index"
kill "$holder" 2>/dev/null || true

# Limits cut a table and stop the server's statement; the next source of the database goes on.
cat >policy.yaml <<POLICY
policy: limits
limits: {item: 1MiB}
sources:
  - {name: shop, postgres: {uri: "$pguri", tables: [big, small]}}
  - {name: rest, postgres: {uri: "$pguri", tables: [small]}}
POLICY
take 3
assert_equal "truncated limits.item 1048576" "$(item shop /shop/public/big.csv '"\(.status) \(.rule) \(.size)"')" "a table over the limit"
assert_status shop /shop/public/small.csv collected
assert_status rest /shop/public/small.csv collected
