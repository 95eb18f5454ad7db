#!/usr/bin/env bash
# What a limit left out makes a snapshot incomplete, as what a limit cut does; what a pattern excludes does not.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
mkdir -p image/data
printf '0123456789' >image/data/a
printf 'x' >image/data/b
new_case case
policy() { # LIMITS
	printf 'policy: p\nlimits: %s\nsources:\n  - {name: one, files: {paths: [/data], exclude: ["*.tmp"]}}\n' "$1" >policy.yaml
}
touch image/data/c.tmp
policy '{exhibit: 11}'
expect_exit 0 vestige -C case snapshot policy.yaml --root image
for limit in exhibit source; do
	policy "{$limit: 10}"
	expect_exit 3 vestige -C case snapshot policy.yaml --root image
	assert_in "$err" "hint: not all was had" "excluded"
	expect_exit 0 vestige -C case --json ls -i analyst.key latest
	assert_equal "excluded limits.$limit" "$(jq -r 'select(.item.path == "/data/b") | .item | "\(.status) \(.rule)"' "$out")" "what did not fit"
	assert_equal collected "$(jq -r 'select(.item.path == "/data/a") | .item.status' "$out")" "what just fitted"
	expect_exit 3 vestige -C case --json snapshot policy.yaml --root image
	assert_equal false "$(jq .complete "$out")" "complete"
done
expect_exit 0 vestige -C case verify --deep -i analyst.key
