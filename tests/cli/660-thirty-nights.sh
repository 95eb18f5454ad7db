#!/usr/bin/env bash
# A month of a host that lives and is honest: nothing of severity high in any night, nor between the first and the last.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/host.sh
. "$TESTS/cli/host.sh"

begin_host
nothing_high
for _ in {2..31}; do
	live day
	cat found.jsonl >>all.jsonl
	nothing_high
done

# It did live: what is to be told from tampering has been there.
for name in syslog.1 syslog.7.gz auth.log.2.gz wtmp.1 btmp.1 dmesg.1.gz app/app.log.3.gz app/worker.log.2 audit/audit.log.3 dpkg.log.1 apt/term.log.1.gz; do
	[[ -s root/var/log/$name ]] || fail "no $name"
done
assert_equal 5 "$(find root/var/log/nginx -name 'access.log-????????*' | wc -l)" "rotated access logs"
find root/var/log/journal -name 'system@*.journal' | grep -q . || fail "no archived journal"
assert_equal "tool 2.24" "$(awk '/^Package: tool/ {p = $2} /^Version:/ && p {print p, $2; exit}' root/var/lib/dpkg/status)" "the package"
grep -q ^carol: root/etc/passwd || fail "no new user"
# And it was seen.
for finding in "account_added medium" "authorized_key_added medium" "set_id_added low" "sudoers_line_added medium" "job_changed medium"; do
	read -r rule severity <<<"$finding"
	any_json all.jsonl ".rule == \"$rule\" and .severity == \"$severity\"" || fail "not found: $finding"
done

for pair in "EX0001 EX0031" "EX0014 EX0017" "EX0003 EX0030"; do
	# shellcheck disable=SC2086 # two arguments
	expect_exit 0 vestige -C case diff --findings -i analyst.key $pair
done
expect_exit 0 vestige -C case verify --deep -i analyst.key
