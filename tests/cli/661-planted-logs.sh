#!/usr/bin/env bash
# Logs whose traces an intruder removes, after some honest nights: each is found, sealed and shown by diff, and nothing else is of
# severity high.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/host.sh
. "$TESTS/cli/host.sh"
logs=root/var/log
machine=0123456789abcdef0123456789abcdef

begin_host
for _ in 1 2 3 4; do
	live day
	nothing_high
done

# ---- text logs ----

night
intruder replace $logs/auth.log "198.51.100.9" "198.51.100.1"
caught "log_rewritten high /var/log/auth.log"

night # lines that the earlier exhibit has are gone, newer ones make up for their length
intruder cut-lines $logs/auth.log "Failed password"
seq 9000 >>$logs/auth.log
caught "log_rewritten high /var/log/auth.log"

night # to the same size, with the time put back: by an editor for logs
intruder replace $logs/dmesg "is ready" "is READY"
caught "content_changed_mtime_same high /var/log/dmesg" "log_rewritten low /var/log/dmesg"

night
: >$logs/cron.log
caught "log_truncated high /var/log/cron.log"

night
rm $logs/app/app.log
caught "log_removed high /var/log/app/app.log"

night # sed -i makes a new file
sed -i 3,5d $logs/auth.log
caught "log_replaced high /var/log/auth.log"

tonight=$(host day) # by rotation its old lines are elsewhere; but one of them is not
sed -i 5d $logs/syslog.1
caught "log_replaced high /var/log/syslog"

night
zcat $logs/syslog.3.gz | sed 7d | gzip >new.gz
mv new.gz $logs/syslog.3.gz
caught "log_replaced high /var/log/syslog.3.gz"

night # from the middle: rotation drops the oldest
rm $logs/syslog.3.gz
caught "log_removed high /var/log/syslog.3.gz"

# ---- silence and disorder: medium ----

night # nine hours that no exhibit has
today=$(date -u -d "@$((tonight - 12 * 3600))" '+%b %e')
for hour in 08 09 10 11 12 13 14 15 16; do intruder cut-lines $logs/cron.log "$today $hour:"; done
caught "log_silent medium /var/log/cron.log"

night
touch -d "@$((tonight - 8 * 3600)).5" $logs/app/app.log
caught "line_newer_than_mtime medium /var/log/app/app.log"

night
date -u -d "@$((tonight - 8 * 3600))" '+%Y-%m-%dT%H:%M:%S.5+00:00 host sshd[7]: Accepted publickey for alice' >>$logs/syslog
caught "lines_out_of_order medium /var/log/syslog"

# ---- logins ----

night
intruder cut-records $logs/wtmp 3 2
caught "login_records_removed high /var/log/wtmp" "log_truncated high /var/log/wtmp"

night
intruder zero-records $logs/wtmp 4 1
caught "login_records_zeroed high /var/log/wtmp" "log_rewritten high /var/log/wtmp"

night
: >$logs/btmp
caught "login_records_removed high /var/log/btmp" "log_truncated high /var/log/btmp"

night
intruder zero $logs/lastlog $((292 * 1000)) 292
caught "lastlog_entry_gone high /var/log/lastlog"

# ---- the audit system ----

while (($(stat -c %s $logs/audit/audit.log) > 60000)); do # it is rotated soon
	night
	caught
done
serial=$(sed -n 's/^type=USER_START msg=audit([0-9.]*:\([0-9]*\)).*/\1/p' $logs/audit/audit.log | sed -n 9p)
night
intruder cut-lines $logs/audit/audit.log ":$serial)"
caught "audit_records_gone high /var/log/audit/audit.log" "log_rewritten high /var/log/audit/audit.log"

host jump 40 0
night # what was taken out before any exhibit had it
caught "audit_serials_missing high /var/log/audit/audit.log"

# ---- the journal ----

journal=$logs/journal/$machine
night
host jump 0 25
night
caught "journal_gap medium"

night # not the oldest, which would go first
archived=$(find $journal -name 'system@*.journal' | sort -t- -k2)
assert_equal 2 "$(wc -l <<<"$archived")" "archived journals"
rm "$(tail -n 1 <<<"$archived")"
removed=$(tail -n 1 <<<"$archived")
caught "journal_file_removed high ${removed#root}" "journal_entries_missing high /journal/facts"

night
archived=$(head -n 1 <<<"$archived")
sealed_as=3 # the entry cannot be read
intruder replace "$archived" "Started tool" "Started fool"
caught "journal_archived_changed high ${archived#root}" "content_changed_mtime_same high ${archived#root}"

cp $journal/system.journal old.journal
night
caught
night # an older copy put back
cat old.journal >$journal/system.journal
caught "journal_entries_gone high /var/log/journal/$machine/system.journal" "journal_entries_missing high /journal/facts"
