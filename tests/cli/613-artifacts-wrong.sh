#!/usr/bin/env bash
# Definitions with errors: told with file and line, they hide no others, and matter only where they were asked for.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

mkdir definitions other
echo evidence >evidence
cat >definitions/a.yaml <<YAML
# Some good, some not.
name: Good
doc: Good.
sources:
- type: FILE
  attributes: {paths: ['$here/evidence']}
---
name: Broken
doc: [
---
name: Misspelled
doc: d
sources:
- type: FILE
  attributes: {path: ['/x']}
---
name: Group
doc: d
sources:
- type: ARTIFACT_GROUP
  attributes: {names: [Good, Missing, Misspelled, Group]}
YAML
cat >definitions/b.yaml <<YAML
name: Good
doc: Another of that name.
sources:
- type: FILE
  attributes: {paths: ['/never']}
YAML
cat >other/a.yaml <<YAML
name: Good
doc: Of another directory.
sources:
- type: FILE
  attributes: {paths: ['$here/evidence', '%%users.appdata%%/x']}
YAML
policy() { # FILE NAMES
	printf 'policy: p\nsources:\n  - {name: s, artifacts: [%s], definitions: definitions}\n' "$2" >"$1"
}
new_case case

policy good.yaml Good
expect_exit 0 vestige -C case snapshot good.yaml
assert_in "$err" "definitions/a.yaml:" "Broken: not YAML" "definitions/a.yaml:15: Misspelled: sources[0].attributes: unknown key 'path'" \
	"definitions/b.yaml:1: Good is defined in a.yaml:1 already"
expect_exit 0 vestige -C case cat -i analyst.key latest "$here/evidence"
assert_equal evidence "$(cat "$out")" "content"

policy broken.yaml "Good, Broken, Group"
expect_exit 3 vestige -C case snapshot broken.yaml
expect_exit 0 vestige -C case --json ls -i analyst.key latest
jq -c 'select(.item.source == "s") | .item' "$out" >items.json
item() { # PATH FILTER WANTED
	assert_equal "$3" "$(jq -c "select(.path == \"$1\") | $2" items.json)" "$1 $2"
}
item /artifacts/Broken '[.status, (.rule | startswith("the definition of Broken is wrong: a.yaml:"))]' '["error",true]'
item /artifacts/Group/1/2 '[.status, .rule]' '["error","unknown artifact Missing"]'
item /artifacts/Group/1/4 '[.status, .rule]' '["excluded","group Group names itself"]'
item /artifacts/Misspelled .status '"error"'
item "$here/evidence" .status '"collected"'
expect_exit 0 vestige -C case cat -i analyst.key latest exhibit:definitions/a.yaml
cmp "$out" definitions/a.yaml || fail "the definitions were not sealed as they stand"

# What a policy names and nobody defines is an error before anything is collected.
policy typo.yaml "Good, Groop"
expect_exit 2 vestige -C case snapshot typo.yaml
assert_in "$err" "source s: unknown artifact 'Groop' (did you mean 'Group'?)"
expect_exit 2 vestige policy check typo.yaml
expect_exit 0 vestige -C case --json list
assert_equal 2 "$(jq -c 'select(.type == "exhibit")' "$out" | wc -l)" "exhibits"

# Two directories: each source has its own, and both are sealed. The environment is for those that name none.
cat >two.yaml <<'POLICY'
policy: two
sources:
  - {name: first, artifacts: [Good], definitions: definitions}
  - {name: second, artifacts: [Good]}
POLICY
expect_exit 0 env VESTIGE_ARTIFACTS=other "$VESTIGE" -C case snapshot two.yaml
expect_exit 0 vestige -C case --json ls -i analyst.key latest
any_json "$out" '.item.path == "/artifacts/Good/1/2" and .item.source == "second" and .item.rule == "the variable %%users.appdata%% has no meaning on Linux"' ||
	fail "a variable of Windows was not told"
expect_exit 0 vestige -C case cat -i analyst.key latest exhibit:definitions/2/a.yaml
cmp "$out" other/a.yaml || fail "the second directory was not sealed"
expect_exit 2 env VESTIGE_ARTIFACTS=nowhere "$VESTIGE" -C case snapshot two.yaml
assert_in "$err" "source second: artifact definitions in nowhere: no such directory"
