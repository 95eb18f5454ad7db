#!/usr/bin/env bash
# content: digest proves rows unchanged without a copy; content: metadata counts them.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/postgres.sh
. "$TESTS/cli/postgres.sh"
pg_start
sql <<'SQL'
CREATE TABLE cards (id int PRIMARY KEY, pan text, note bytea);
INSERT INTO cards SELECT i, '4111' || lpad(i::text, 12, '7'), NULL FROM generate_series(1, 500) i;
INSERT INTO cards VALUES (1000, E'tab\there \\ line\nend', '\x0001ff');
CREATE TABLE keyless (v text);
INSERT INTO keyless VALUES ('b'), (NULL), (''), ('a');
SQL
pg_policy policy.yaml 'counted: tables: [cards, keyless] | content: metadata'
take 0
assert_equal "collected metadata 501 null" "$(item counted /shop/public/cards.csv '"\(.status) \(.content) \(.details.rows) \(.sha256)"')" "metadata"
assert_equal 4 "$(item counted /shop/public/keyless.csv .details.rows)" "rows of a keyless table"

cat >policy.yaml <<POLICY
policy: digests
sources:
  - {name: cards, postgres: {uri: "$pguri", tables: [cards, keyless]}, content: digest}
  - {name: bad, postgres: {uri: "$pguri", query: "SELECT pan::int FROM public.cards"}, content: digest}
POLICY
take 3
if [[ $(item cards /shop/public/cards.csv .rule) == "there is no digest key" ]]; then skip "this program makes no digests"; fi
digest() { item "$1" "$2" '.details.digest | "\(.rows) \(.ordered) \(.root)"'; }
first=$(digest cards /shop/public/cards.csv)
keyless=$(digest cards /shop/public/keyless.csv)
[[ $first =~ ^501\ [0-9a-f]{64}\ [0-9a-f]{64}$ ]] || fail "no digest: $first"
[[ $keyless =~ ^4\  ]] || fail "no digest: $keyless"
# A message of the server's that quotes a card stays out.
assert_status bad /shop/query.csv error
vestige -q -C case extract -i analyst.key latest -o opened
if grep -rqF -e 41117777 opened ls.jsonl; then fail "a card number is in the exhibit"; fi

# Rows that were only rewritten have the digest that they had; changed ones have not.
sql -c "UPDATE cards SET id = id" -c "DELETE FROM keyless WHERE v = 'b'" -c "INSERT INTO keyless VALUES ('b')"
take 3
assert_equal "$first" "$(digest cards /shop/public/cards.csv)" "digest of the same rows"
assert_equal "$keyless" "$(digest cards /shop/public/keyless.csv)" "digest of the same rows without a key"
sql -c "UPDATE cards SET pan = pan || '0' WHERE id = 250" -c "UPDATE keyless SET v = NULL WHERE v = ''"
take 3
[[ $first != "$(digest cards /shop/public/cards.csv)" ]] || fail "a changed row has the same digest"
[[ $keyless != "$(digest cards /shop/public/keyless.csv)" ]] || fail "NULL and the empty text have the same digest"
