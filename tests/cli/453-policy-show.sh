#!/usr/bin/env bash
# `policy show`: every kind's keys, and what each path pattern leads to on this host, without going down a tree.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

mkdir -p "tree/logs/deep/er" tree/empty "tree/sp ace"
touch tree/logs/{1,2,3,4,5}.log tree/logs/other.txt tree/logs/deep/er/6.log
ln -s logs tree/link
printf 'x' >tree/$'esc\e[31m.log'
mkdir definitions
cat >definitions/test.yaml <<'DEFINITION'
name: TestLogs
doc: Logs of a test.
sources:
- type: FILE
  attributes: {paths: ['/var/log/test.log']}
supported_os: [Linux]
DEFINITION
cat >policy.yaml <<POLICY
policy: kinds
about: One source of every kind.
regimes: [gdpr]
limits: {item: 1MiB, source: 2MiB, exhibit: 3MiB, source_time: 90min, read_rate: 5MiB/s, cpu: 150%, io: idle}
sources:
  - name: some
    content: digest
    files:
      paths:
        - "$here/tree/logs/1.log"
        - "$here/tree/logs/*.log"
        - "$here/tree/{logs,empty}/*"
        - "$here/tree/logs/**/*.log"
        - "$here/tree/link/2.log"
        - "$here/tree/none"
        - "$here/tree/*.log"
      exclude: ["*.tmp"]
      one_file_system: true
  - {name: volatile, live: [processes, sockets]}
  - name: said
    journal: {since: 30d, boots: 3, units: [ssh.service], raw: false, directories: [/var/log/journal]}
  - name: lite
    sqlite: {database: /srv/shop.db, tables: [customers], raw: true}
    subject: customer_id
    columns: {email: email, iban: bank_account}
  - {name: post, postgres: {service: vault, schemas: [public]}}
  - {name: defined, artifacts: [TestLogs], definitions: "$here/definitions", commands: allow}
POLICY
expect_exit 0 vestige policy show policy.yaml
assert_in "$out" "tree/logs/1.log  is here" "5 here: $here/tree/logs/1.log, $here/tree/logs/2.log, $here/tree/logs/3.log, …" \
	"1 directory to search here: $here/tree/logs" "1 here: $here/tree/logs/2.log" "tree/none  not here" \
	"source_time: 90min" "read_rate: 5.0 MiB/s" "cpu: 150%" "io: idle" "processes, sockets" "30d" "ssh.service" \
	"/srv/shop.db" "customer_id" "iban: bank_account" "vault" "TestLogs" "/var/log/test.log" "allowed" "digest"
if grep -q $'\e' "$out"; then fail "a name's escape sequence went to the terminal"; fi
assert_not_in "$out" "deep/er/6.log"

expect_exit 0 vestige --json policy show policy.yaml
assert_json_lines "$out" "policy show"
assert_equal '["files","live","journal","sqlite","postgres","artifacts"]' "$(jq -c '[.sources[].kind]' "$out")" "kinds"
assert_equal '[1048576,2097152,3145728,5400,5242880,150,"idle"]' \
	"$(jq -c '[.item_limit, .source_limit, .exhibit_limit, .source_time, .read_rate, .cpu, .io]' "$out")" "limits"
assert_equal '[1,5,7,1,1,0,1]' "$(jq -c '[.sources[0].resolved[].matches]' "$out")" "matches"
assert_equal '[false,false,false,true,false,false,false]' "$(jq -c '[.sources[0].resolved[].any_depth]' "$out")" "searches"
assert_equal "[\"$here/tree/logs/2.log\"]" "$(jq -c '.sources[0].resolved[4].first' "$out")" "a link in a prefix"
assert_equal '[0,0]' "$(jq -c '[.sources[0].resolved[] | .denied + .failed] | [add, max]' "$out")" "failures"
assert_equal '["processes","sockets"]' "$(jq -c '.sources[1].live' "$out")" "kinds of live state"
assert_equal '[2592000,3,false,true]' "$(jq -c '.sources[2] | [.since, .boots, .raw, .export]' "$out")" "journal"
assert_equal '{"email":"email","iban":"bank_account"}' "$(jq -c '.sources[3].columns' "$out")" "columns"
assert_equal '["vault",null]' "$(jq -c '.sources[4] | [.service, .uri]' "$out")" "postgres"
assert_equal "[true,[\"TestLogs\"],\"$here/definitions\"]" "$(jq -c '.sources[5] | [.commands, .artifacts, .definitions]' "$out")" "artifacts"

# What may not be looked at is said.
if ((EUID == 0)); then
	public_directory
	mkdir -m 700 "$public/closed"
	write_policy "$public/closed.yaml" "$public/closed/*"
	chmod 644 "$public/closed.yaml"
	expect_exit 0 as_nobody "$public/vestige" policy show "$public/closed.yaml"
	assert_in "$out" "(1 denied)"
fi
# Every shipped policy is shown, at once.
for policy in "$TESTS"/../policies/*.yaml; do
	expect_exit 0 timeout 20 "$VESTIGE" policy show "$policy"
	expect_exit 0 timeout 20 "$VESTIGE" --json policy show "$policy"
done
