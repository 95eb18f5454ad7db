#!/usr/bin/env bash
# A source's time ends what the server is busy with, in whatever state it is; the database's next source goes on. So does a signal.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
sql -c "CREATE TABLE tiny (id int PRIMARY KEY)" -c "INSERT INTO tiny VALUES (7)"
cat >policy.yaml <<POLICY
policy: slow
limits: {source_time: 2s}
sources:
  - {name: sleeps, postgres: {uri: "$pguri", query: "SELECT pg_sleep(60)"}}
  - {name: trickles, postgres: {uri: "$pguri", query: "SELECT repeat('x', 4000) AS x, pg_sleep(0.05) FROM generate_series(1, 100000) i"}}
  - {name: counts, postgres: {uri: "$pguri", query: "SELECT pg_sleep(60)"}, content: metadata}
  - {name: digests, postgres: {uri: "$pguri", query: "SELECT pg_sleep(60)"}, content: digest}
  - {name: rest, postgres: {uri: "$pguri", tables: [tiny]}}
POLICY
before=$SECONDS
take 3
((SECONDS - before < 30)) || fail "it took $((SECONDS - before)) s"
for source in sleeps trickles counts digests; do
	assert_equal "truncated limits.source_time" "$(item "$source" /shop/query.csv '"\(.status) \(.rule)"')" "a slow query: $source"
done
(($(content trickles /shop/query.csv | wc -l) > 1)) || fail "nothing is left of the rows that came"
assert_equal "$(printf 'id\n7')" "$(content rest /shop/public/tiny.csv)" "the next source"
assert_equal "$(item sleeps /shop/query.csv .details.snapshot)" "$(item rest /shop/public/tiny.csv .details.snapshot)" "still one snapshot"
assert_equal 0 "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()")" "statements that go on"

# Ctrl-C while the server sleeps.
pg_policy policy.yaml 'sleeps: query: "SELECT pg_sleep(60)"'
"$VESTIGE" -C case snapshot policy.yaml >background.log 2>&1 &
pid=$!
sleeping() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()") == 1 ]]; }
wait_for 20 sleeping
kill -TERM "$pid"
wait_for 10 is_over "$pid"
