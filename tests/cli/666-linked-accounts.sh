#!/usr/bin/env bash
# A hard link that the walk meets first takes the content of /etc/passwd along, and nobody looks into it under that name: this is told at
# once, and what was added meanwhile is found in the night that it is looked into again.
# shellcheck source=tests/cli/lib.sh
source "$TESTS/cli/lib.sh"
need age-keygen jq

age-keygen -o analyst.key 2>/dev/null
cat >policy.yaml <<'YAML'
policy: accounts
sources:
  - name: etc
    files: {paths: [/etc]}
YAML
mkdir -p root/etc
echo 'root:x:0:0::/root:/bin/bash' >root/etc/passwd
expect_exit 0 vestige init case --title t -r "$(age-keygen -y analyst.key)"

rules() { # of the newest exhibit: rule/severity
	vestige -C case cat -i analyst.key latest findings.jsonl 2>/dev/null | jq -r '"\(.rule)/\(.severity)"' | sort | paste -sd' '
}
night() {
	expect_exit 0 vestige -C case snapshot policy.yaml --root root --incremental
}

night
ln root/etc/passwd root/etc/.a
night
assert_equal content_not_observed/medium "$(rules)" "the link is told"
night
assert_equal "" "$(rules)" "and not told again"
echo 'evil:x:0:0::/root:/bin/bash' >>root/etc/passwd
night
assert_equal "" "$(rules)" "nobody looks into it yet"
rm root/etc/.a
night
assert_equal account_uid_zero/high "$(rules)" "what was added while nobody looked"
expect_exit 0 vestige -C case verify --deep -i analyst.key
