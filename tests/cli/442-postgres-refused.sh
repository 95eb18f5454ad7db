#!/usr/bin/env bash
# Servers that refuse: a password wanted, no permission, row security, no server; and that nothing is written.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
secret=Never-Seen-77081
sql <<SQL
CREATE ROLE auditor LOGIN PASSWORD '$secret';
CREATE TABLE open (id int PRIMARY KEY);
CREATE TABLE shut (id int PRIMARY KEY);
CREATE TABLE ours (id int PRIMARY KEY, tenant text);
CREATE TABLE half (id int PRIMARY KEY, card text);
INSERT INTO open VALUES (1), (2);
INSERT INTO ours VALUES (1, 'auditor'), (2, 'other');
INSERT INTO half VALUES (1, 'x');
ALTER TABLE ours ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON ours USING (tenant = current_user);
GRANT SELECT ON open, ours TO auditor;
GRANT SELECT (id) ON half TO auditor;
CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO open VALUES (99) RETURNING id';
SQL
echo kept >kept.txt

# The server asks for a password and there is none: said, and the rest is sealed.
cat >"$pgdir/data/pg_hba.conf" <<'HBA'
local all postgres trust
local all all scram-sha-256
HBA
pg_as "$pgbin/pg_ctl" -D "$pgdir/data" reload >/dev/null
auditor="postgresql:///shop?host=$pgdir&user=auditor"
cat >policy.yaml <<POLICY
policy: refused
sources:
  - {name: shop, postgres: {uri: "$auditor", tables: [open, public.ours]}}
  - {name: files, files: {paths: ["$here/kept.txt"]}}
POLICY
wait_for 10 sh -c "! psql -w -U auditor -c 'SELECT 1' >/dev/null 2>&1"
take 3
assert_status shop /shop/server.json denied
assert_status shop /shop/open.csv denied
assert_status shop /shop/public/ours.csv denied
[[ $(item shop /shop/server.json .rule) == "the server asks for a password"*PGPASSFILE* ]] || fail "no hint: $(item shop /shop/server.json .rule)"
assert_status files "$here/kept.txt" collected

# A wrong one.
printf '*:*:*:auditor:wrong\n' >pass
chmod 600 pass
export PGPASSFILE=$here/pass
take 3
[[ $(item shop /shop/server.json .rule) == *"password authentication failed"* ]] || fail "rule: $(item shop /shop/server.json .rule)"

# The right one; what is denied is denied alone, and rows that a policy hides are never left out in silence.
printf '*:*:*:auditor:%s\n' "$secret" >pass
pg_policy_uri=$auditor pg_policy policy.yaml "shop:"
take 3
assert_status shop /shop/public/open.csv collected
assert_status shop /shop/public/shut.csv denied
assert_status shop /shop/public/half.csv denied
assert_status shop /shop/public/ours.csv denied
assert_equal EACCES "$(item shop /shop/public/shut.csv .errno)" "errno of a table"
assert_in <(item shop /shop/public/ours.csv .rule) "row-level security"
assert_equal "$(printf 'id\n1\n2')" "$(content shop /shop/public/open.csv)" "rows"
# The secret is nowhere: not in what is printed, not in the exhibit, not in the case.
vestige -q -C case extract -i analyst.key latest -o opened
if grep -rqF -e "$secret" -e "$(printf %s "$secret" | base64)" opened "$out" "$err" ls.jsonl case; then fail "the password is in the exhibit"; fi

# A password in a policy is refused, as URI and as parameter.
for uri in "postgresql://auditor:$secret@/shop?host=$pgdir" "postgresql:///shop?host=$pgdir&user=auditor&%70assword=$secret"; do
	pg_policy_uri=$uri pg_policy policy.yaml "shop:"
	status=0
	vestige -C case snapshot policy.yaml >"$out" 2>"$err" || status=$?
	((status != 0)) || fail "a policy with a password was taken"
	assert_not_in "$err" "$secret"
done

# Read-only holds: for a function that writes, a statement that writes, and for whoever wants out of the transaction.
unset PGPASSFILE
cat >policy.yaml <<POLICY
policy: writers
sources:
  - {name: function, postgres: {uri: "$pguri", query: "SELECT public.write()"}}
  - {name: insert, postgres: {uri: "$pguri", query: "INSERT INTO public.open VALUES (98) RETURNING id"}}
  - {name: with, postgres: {uri: "$pguri", query: "WITH w AS (INSERT INTO public.open VALUES (97) RETURNING id) SELECT * FROM w"}}
  - {name: commit, postgres: {uri: "$pguri", query: "SELECT 1) TO STDOUT; COMMIT; BEGIN READ WRITE; INSERT INTO open VALUES (96); COMMIT; COPY (SELECT 1"}}
  - {name: nextval, postgres: {uri: "$pguri", query: "SELECT set_config('transaction_read_only', 'off', false), public.write()"}}
  - {name: program, postgres: {uri: "$pguri", query: "SELECT 1) TO PROGRAM 'touch $pgdir/was-here' --"}}
  - {name: after, postgres: {uri: "$pguri", tables: [open]}}
POLICY
take 3
for source in function insert with commit nextval program; do assert_status "$source" /shop/query.csv error; done
assert_equal EROFS "$(item function /shop/query.csv .errno)" "errno of a function that writes"
assert_status after /shop/public/open.csv collected
assert_equal "1 2" "$(sql -c 'SELECT id FROM open ORDER BY id' | paste -sd' ')" "rows afterwards"
[[ ! -e $pgdir/was-here ]] || fail "a program was run on the server"

# A dry run names what would be taken.
pg_policy policy.yaml "shop:"
expect_exit 0 vestige -C case snapshot policy.yaml --dry-run
assert_in "$out" /shop/public/open.csv

# No such database, no server, no service.
cat >policy.yaml <<POLICY
policy: nobody
sources:
  - {name: missing, postgres: {uri: "postgresql:///ghost?host=$pgdir&user=postgres"}}
  - {name: down, postgres: {uri: "postgresql:///shop?host=$here/nowhere", tables: [a]}}
  - {name: service, postgres: {service: unknown-service, query: SELECT 1}}
  - {name: files, files: {paths: ["$here/kept.txt"]}}
POLICY
take 3
assert_status missing /ghost/server.json error
assert_in <(item missing /ghost/server.json .rule) 'database "ghost" does not exist'
assert_status down /shop/a.csv error
assert_status service /unknown-service/query.csv error
assert_status files "$here/kept.txt" collected
