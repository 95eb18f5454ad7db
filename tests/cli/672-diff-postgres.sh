#!/usr/bin/env bash
# What became of the rows of a PostgreSQL database between two snapshots.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
sql -f - <<'SQL'
CREATE TABLE users (id int PRIMARY KEY, name text, data bytea);
INSERT INTO users SELECT i, 'user ' || i, decode(lpad(to_hex(i), 4, '0'), 'hex') FROM generate_series(1, 3000) i;
CREATE TABLE odd ("the key" text PRIMARY KEY, "a,b" text);
INSERT INTO odd VALUES (E'one\ntwo', 'x'), ('"', 'y'), (E'\x1b[31mred', 'z'), ('ü', NULL);
CREATE TABLE keyless (v text);
INSERT INTO keyless VALUES ('a'), ('a'), ('b'), (NULL);
CREATE TABLE gone (id int PRIMARY KEY);
INSERT INTO gone VALUES (1), (2);
CREATE TABLE counted (id int PRIMARY KEY);
INSERT INTO counted VALUES (1);
SQL
pg_policy policy.yaml 'all:tables: [users, odd, keyless]' 'more:schemas: [public]' \
	'query:query: "SELECT id, name FROM public.users WHERE id < 10"' 'counts:tables: [counted] | content: metadata'
take 0
sql -f - <<'SQL'
DELETE FROM users WHERE id BETWEEN 11 AND 20;
UPDATE users SET name = 'root' WHERE id = 7;
UPDATE users SET data = '\xff' WHERE id = 8;
INSERT INTO users VALUES (90001, 'new', NULL);
UPDATE odd SET "a,b" = '' WHERE "the key" = 'ü';
UPDATE odd SET "a,b" = 'Z' WHERE "the key" LIKE '%red';
DELETE FROM odd WHERE "the key" LIKE 'one%';
DELETE FROM keyless WHERE v IS NULL;
INSERT INTO keyless VALUES ('a');
DROP TABLE gone;
CREATE TABLE fresh (id int PRIMARY KEY);
INSERT INTO fresh VALUES (1), (2), (3);
INSERT INTO counted VALUES (2), (3);
SQL
take 0

rows() { # SOURCE PATH FILTER
	jq -r --arg s "$1" --arg p "$2" "select(.type == \"rows\" and .source == \$s and .path == \$p) | $3" "$out"
}
row_lines() { # SOURCE PATH
	jq -r --arg s "$1" --arg p "$2" 'select(.type == "row" and .source == $s and .path == $p) |
		"\(.change) \(.key | tojson)\(if .columns then ": " + (.columns | join("|")) else "" end)"' "$out"
}
counts='"\(.change) \(.by) \(.before) \(.after) \(.same) \(.added) \(.removed) \(.changed) \(.unknown)"'

expect_exit 0 vestige -C case --json diff --rows -i analyst.key 1 2
assert_json_lines "$out" diff
assert_equal summary "$(head -n 1 "$out" | jq -r .type)" "what comes first"
assert_equal "changed key 3000 2991 2988 1 10 2 0" "$(rows all /shop/public/users.csv "$counts")" users
assert_equal "changed key 4 3 1 0 1 2 0" "$(rows all /shop/public/odd.csv "$counts")" odd
assert_equal "changed row 4 4 3 1 1 0 0" "$(rows all /shop/public/keyless.csv "$counts")" keyless
assert_equal "removed key 2 0 0 0 2 0 0" "$(rows more /shop/public/gone.csv "$counts")" gone
assert_equal "added key 0 3 0 3 0 0 0" "$(rows more /shop/public/fresh.csv "$counts")" fresh
assert_equal "changed row 9 9 8 1 1 0 0" "$(rows query /shop/query.csv "$counts")" "a query"
assert_equal "changed count 1 3" "$(rows counts /shop/public/counted.csv '"\(.change) \(.by) \(.before) \(.after)"')" "a table of which the rows are counted"
assert_equal 13 "$(row_lines all /shop/public/users.csv | wc -l)" "rows of users"
assert_equal "$(printf 'added "90001"\nchanged "7": name\nchanged "8": data')" \
	"$(row_lines all /shop/public/users.csv | grep -v removed | sort)" "rows of users that were added or changed"
assert_equal "$(row_lines all /shop/public/odd.csv | sort)" \
	"$(printf '%s\n' 'changed "\u001b[31mred": a,b' 'changed "ü": a,b' 'removed "\"one\ntwo\""' | sort)" "odd keys"

# What a database says does not reach the terminal as it stands.
expect_exit 0 vestige -C case diff --rows -i analyst.key 1 2
! grep -q $'\x1b' "$out" || fail "an escape reached the terminal"
assert_in "$out" '         changed   \x1b[31mred: a,b' '"one\ntwo"' "rows      1 → 3"
