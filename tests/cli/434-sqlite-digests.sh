#!/usr/bin/env bash
# Tables that must be proved the same without being copied: their digests are the same in two snapshots of one case while nothing
# changes, differ once one cell does, and no content is in the exhibit.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need sqlite3 jq age zstd
new_case case
mkdir data
sqlite3 data/cards.db <<'SQL'
CREATE TABLE cards(id INTEGER PRIMARY KEY, pan TEXT);
CREATE TABLE keyless(pan TEXT, n);
INSERT INTO cards VALUES(1, '4111111111111111'), (2, '5500005555555559');
INSERT INTO keyless VALUES('4111111111111111', 1), ('5500005555555559', 2), ('5500005555555559', 2);
SQL
cat >policy.yaml <<POLICY
policy: cards
sources:
  - name: cards
    sqlite: {database: $here/data/cards.db}
    content: digest
POLICY
digest() { # EXHIBIT TABLE
	vestige -C case --json ls -i analyst.key "$1" | jq -r --arg p "$here/data/cards.db.tables/$2.csv" \
		'select(.item.path == $p) | .item | "\(.status) \(.content) \(.details.rows) \(.details.digest.ordered) \(.details.digest.root)"'
}
snapshot case
[[ $(digest 1 cards) =~ ^collected\ digest\ 2\ [0-9a-f]{64}\ [0-9a-f]{64}$ ]] || fail "digest of a table: $(digest 1 cards)"
[[ $(digest 1 keyless) =~ ^collected\ digest\ 3\  ]] || fail "digest of a table without a key: $(digest 1 keyless)"
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -dq >plain.tar
assert_not_in plain.tar 4111111111111111 5500005555555559

# The same rows, stored in another order.
sqlite3 data/cards.db "DELETE FROM keyless; INSERT INTO keyless VALUES('5500005555555559', 2), ('4111111111111111', 1), ('5500005555555559', 2); VACUUM"
snapshot case
assert_equal "$(digest 1 cards)" "$(digest 2 cards)" "digests of the same rows"
assert_equal "$(digest 1 keyless)" "$(digest 2 keyless)" "digests of the same rows in another order"

sqlite3 data/cards.db "UPDATE cards SET pan = '4111111111111112' WHERE id = 1; UPDATE keyless SET n = '1' WHERE n = 1"
snapshot case
[[ $(digest 1 cards) != "$(digest 3 cards)" ]] || fail "one changed cell does not show"
[[ $(digest 1 keyless) != "$(digest 3 keyless)" ]] || fail "a number that became a text does not show"
