#!/usr/bin/env bash
# PostgreSQL: rows as psql's own \copy gives them, odd names, every sort of table, the schema and the roles.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
sql <<'SQL'
CREATE ROLE clerk LOGIN PASSWORD 'never-to-be-seen-4711';
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text, born date, seen timestamptz, weight float8, spent numeric(12,2),
	photo bytea, tags text[], extra jsonb, stay interval, price money);
INSERT INTO customers SELECT i, 'Name ' || i, CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN '' ELSE 'x' || i || '@example.org' END,
	date '1970-01-01' + i, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour', 0.1 + i / 3.0, i * 1.01, decode(md5(i::text), 'hex'),
	ARRAY['a', NULL, 'b,"c' || i], jsonb_build_object('k', i), i * interval '1 hour', 12.5
	FROM generate_series(3000, 1, -1) i;
INSERT INTO customers (id, name, email) VALUES (0, E'line\nbreak "quote" , comma \\ back\tslash \r', E'\\N'), (-1, '\.', 'Zoë 日本');
CREATE TABLE keyless (a text, b int);
INSERT INTO keyless VALUES ('z', 1), ('a', 2), (NULL, 3), ('', 4), ('a', 2);
CREATE TABLE two_keys (b int, a text, v text, PRIMARY KEY (a, b));
INSERT INTO two_keys VALUES (2, 'x', 'x2'), (1, 'y', 'y1'), (1, 'x', 'x1');
CREATE SCHEMA "Odd/..";
CREATE TABLE "Odd/.."."A ""quoted"" / name" ("Group" int PRIMARY KEY, "r" text, "a,b" text, E text);
INSERT INTO "Odd/.."."A ""quoted"" / name" VALUES (2, 'two', ',', NULL), (1, 'one', '"', '');
CREATE TABLE "Odd/..".".." (x int);
CREATE TABLE "Odd/..".U&"\000Aline\0009" (x int PRIMARY KEY);
CREATE TABLE "Odd/.."."日本" (x int PRIMARY KEY);
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE empty (id int PRIMARY KEY, note text);
CREATE TABLE parts (day date NOT NULL, n int NOT NULL, PRIMARY KEY (day, n)) PARTITION BY RANGE (day);
CREATE TABLE parts_2025 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (n);
CREATE TABLE parts_2026_low PARTITION OF parts_2026 FOR VALUES FROM (0) TO (100);
INSERT INTO parts VALUES ('2025-05-05', 1), ('2026-06-06', 7), ('2026-06-07', 3);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 'of the child');
CREATE VIEW names AS SELECT id, name FROM customers;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM customers;
CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY);
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER other FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE remote (x int) SERVER other;
CREATE FUNCTION noisy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER watch BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION noisy();
CREATE SEQUENCE counter;
SELECT nextval('counter') > nextval('counter') AS no \gset
COMMENT ON TABLE customers IS 'our customers';
GRANT SELECT (id, name) ON customers TO clerk;
CREATE TYPE mood AS ENUM ('sad', 'happy');
SQL

pg_policy policy.yaml "all:"
sed -i '$a\    subject: id\n    columns: {email: email, phone: phone}' policy.yaml
take 0

# Each table's rows are psql's, with its settings as ours are.
export PGOPTIONS='-c datestyle=ISO,YMD -c timezone=UTC'
same_as_psql() { # PATH QUERY
	content all "$1" >ours
	sql -c "\\copy ($2) TO theirs CSV HEADER"
	cmp ours theirs || fail "$1 is not what psql gives"
	assert_status all "$1" collected
}
same_as_psql /shop/public/customers.csv 'SELECT * FROM customers ORDER BY id'
same_as_psql /shop/public/keyless.csv 'SELECT * FROM keyless ORDER BY keyless::text COLLATE "C"'
same_as_psql /shop/public/two_keys.csv 'SELECT * FROM two_keys ORDER BY a, b'
same_as_psql /shop/public/nothing.csv 'SELECT * FROM nothing'
same_as_psql /shop/public/empty.csv 'SELECT * FROM empty'
same_as_psql /shop/public/parts_2025.csv 'SELECT * FROM parts_2025 ORDER BY day, n'
same_as_psql /shop/public/parts_2026_low.csv 'SELECT * FROM parts_2026_low ORDER BY day, n'
same_as_psql /shop/public/parent.csv 'SELECT * FROM ONLY parent ORDER BY id'
same_as_psql /shop/public/child.csv 'SELECT * FROM ONLY child ORDER BY id'
same_as_psql /shop/public/totals.csv 'SELECT * FROM totals'
same_as_psql '/shop/Odd%2F../A "quoted" %2F name.csv' 'SELECT * FROM "Odd/.."."A ""quoted"" / name" ORDER BY 1'
same_as_psql '/shop/Odd%2F../%2E%2E.csv' 'SELECT * FROM "Odd/..".".."'
assert_equal x "$(content all $'/shop/Odd%2F../\nline\t.csv')" "a table with a line feed in its name"
same_as_psql '/shop/Odd%2F../日本.csv' 'SELECT * FROM "Odd/.."."日本"'
unset PGOPTIONS
assert_status all /shop/public/parts.csv excluded
assert_status all /shop/public/parts_2026.csv excluded
assert_status all /shop/public/remote.csv excluded
assert_equal "a foreign table: reading it acts on another host" "$(item all /shop/public/remote.csv .rule)" "rule of a foreign table"

details() { item all /shop/public/customers.csv ".details | $1"; }
assert_equal 3002 "$(details .rows)" "rows"
assert_equal "id" "$(details '.key | join(",")')" "key"
assert_equal "primary key" "$(details .ordered_by)" "order"
assert_equal "numeric(12,2)" "$(details '.columns[] | select(.name == "spent").type')" "a type"
assert_equal "id email phone" "$(details '[.subject, (.categories | keys[])] | join(" ")')" "what the policy says of columns"
assert_equal phone "$(details '.missing_columns | join(",")')" "columns that are not there"
[[ $(details .lsn) =~ ^[0-9A-F]+/[0-9A-F]+$ && $(details .snapshot) =~ ^[0-9]+:[0-9]+: ]] || fail "no position: $(details .)"
assert_equal "row text" "$(item all /shop/public/keyless.csv .details.ordered_by)" "order of a keyless table"
assert_equal 2 "$(item all /shop/public/parts_2026_low.csv .details.rows)" "rows of a partition"

# The server, the schema, the roles.
content all /shop/server.json | jq -e --arg id "$(pg_as "$pgbin/pg_controldata" "$pgdir/data" | sed -n 's/^Database system identifier: *//p')" '
	.format == 1 and .control.system_identifier == $id and .transaction.read_only == "on" and .server.in_recovery == false
	and .transaction.isolation == "repeatable read" and .client_encoding == "UTF8" and .database.encoding == "UTF8"
	and (.settings.settings | any(.name == "fsync" and .setting == "off")) and .missing == {}' >/dev/null ||
	fail "server.json: $(content all /shop/server.json)"
content all /shop/schema.jsonl >schema.jsonl
jq -es 'any(.type == "error") | not' schema.jsonl >/dev/null || fail "schema.jsonl: $(grep '"error"' schema.jsonl)"
for filter in '.type == "table" and .name == "customers" and .comment == "our customers" and (.columns | length) == 12' \
	'.type == "table" and .name == "customers" and (.columns | any(.name == "id" and (.acl | any(startswith("clerk=r")))))' \
	'.type == "partitioned table" and .name == "parts" and .partition_key == "RANGE (day)"' \
	'.type == "table" and .name == "parts_2025" and .parents == ["public.parts"]' \
	'.type == "constraint" and .table == "two_keys" and .definition == "PRIMARY KEY (a, b)"' \
	'.type == "view definition" and .name == "names"' '.type == "foreign table" and .foreign_server == "other"' \
	'.type == "index" and .name == "customers_pkey" and .is_primary' '.type == "trigger" and .name == "watch"' \
	'.type == "function" and .name == "noisy" and .source_sha256 == "'"$(printf 'BEGIN RETURN NEW; END' | sha256sum | cut -d' ' -f1)"'"' \
	'.type == "sequence" and .name == "counter" and .last_value == 2' '.type == "type" and .labels == ["sad", "happy"]' \
	'.type == "schema" and .name == "Odd/.."'; do
	any_json schema.jsonl "$filter" || fail "not in schema.jsonl: $filter"
done
content all /shop/roles.jsonl >roles.jsonl
any_json roles.jsonl '.type == "role" and .name == "clerk" and .can_login and (.superuser | not)' || fail "no role clerk"
assert_not_in roles.jsonl SCRAM never-to-be-seen

# By name: a schema, tables with and without theirs, one that is not there, a query.
cat >policy.yaml <<POLICY
policy: named
sources:
  - {name: schema, postgres: {uri: "$pguri", schemas: ["Odd/..", missing]}}
  - {name: tables, postgres: {uri: "$pguri", tables: [customers, public.parts, names, '"Odd/..".".."', ghost, public.ghost, 'a..b', counter]}}
  - {name: query, postgres: {uri: "$pguri", query: "SELECT name, id AS \"Id\" FROM customers WHERE id > 2990 ORDER BY id DESC ; -- end"}}
  - {name: semicolon, postgres: {uri: "$pguri", query: "TABLE two_keys ; "}, subject: nobody}
POLICY
take 3
assert_equal '["/shop/Odd%2F../\nline\t.csv","/shop/Odd%2F../%2E%2E.csv","/shop/Odd%2F../A \"quoted\" %2F name.csv","/shop/Odd%2F../日本.csv"]' \
	"$(jq -sc '[.[] | select(.source == "schema" and (.path // "" | endswith(".csv"))).path] | sort' items.jsonl)" "tables of a schema"
assert_status schema /shop/missing absent
assert_status tables /shop/public/customers.csv collected
assert_status tables /shop/public/parts_2025.csv collected
assert_status tables /shop/public/parts_2026_low.csv collected
assert_status tables /shop/public/names.csv excluded
assert_status tables /shop/Odd%2F../%2E%2E.csv collected
assert_status tables /shop/ghost.csv absent
assert_status tables /shop/public/ghost.csv absent
assert_status tables /shop/a..b.csv error
assert_status query /shop/query.csv error
assert_equal '["nobody"]' "$(item semicolon /shop/query.csv .details.missing_columns | jq -c .)" "missing subject of a query"
assert_equal "b,a,v" "$(content semicolon /shop/query.csv | head -n 1)" "a query's header"
pg_policy policy.yaml 'query: query: "SELECT name, id AS \"Id\" FROM customers WHERE id > 2990 ORDER BY id DESC"'
take 0
assert_equal "Name 3000,3000" "$(content query /shop/query.csv | sed -n 2p)" "the query's own order"
assert_equal '[{"name":"name","type":"text"},{"name":"Id","type":"integer"}]' "$(item query /shop/query.csv .details.columns | jq -c .)" "a query's columns"
