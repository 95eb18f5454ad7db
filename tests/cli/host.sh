# shellcheck shell=bash
# shellcheck disable=SC2154 # what lib.sh sets
# A host that lives (host_life.py), and its series of snapshots by the policies of the product. Sourced after lib.sh.
need jq python3 cc logrotate dpkg dpkg-deb useradd gzip md5sum
need_root
python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not installed"
[[ -x /lib/systemd/systemd-journal-remote ]] || skip "systemd-journal-remote is not installed"

host() {
	python3 -B "$TESTS/cli/host_life.py" "$here" "$@"
}

# at_night COMMAND…: as if it were the night of the snapshot, with the times of inodes that the host has.
at_night() {
	VESTIGE_CLOCK=$tonight HOST_TIMES=$here/times LD_PRELOAD=$here/host_clock.so ASAN_OPTIONS=verify_asan_link_order=0 "$@"
}

# All of linux-logs, and of baseline what files tell.
write_policies() {
	python3 - "$VESTIGE_POLICIES" >policy.yaml <<'PYTHON'
import sys, yaml
logs, baseline = (yaml.safe_load(open("%s/%s.yaml" % (sys.argv[1], name))) for name in ("linux-logs", "baseline"))
had = {source["name"] for source in logs["sources"]}
sources = logs["sources"] + [s for s in baseline["sources"] if s["name"] not in had and "files" in s]
sources.append({"name": "entries", "journal": {"raw": False, "export": True}})
sources.append({"name": "app", "files": {"paths": ["/var/lib/app", "/home"]}})
yaml.safe_dump({"policy": "nights", "sources": sources}, sys.stdout, sort_keys=False)
PYTHON
}

# A new host, a case and its first exhibit.
begin_host() {
	cc -shared -fPIC -O -o host_clock.so "$TESTS/cli/host_clock.c"
	write_policies
	tonight=$((($(date +%s) / 86400 + 3) * 86400))
	host birth "$tonight"
	make_identity
	at_night "$VESTIGE" -q init case --title nights -r "$recipient" >/dev/null 2>"$err" || {
		cat "$err"
		skip "this program cannot be given another clock"
	}
	[[ $(vestige -C case --json log | jq -r '.record.time | fromdateiso8601? // (.[:19] + "Z" | fromdateiso8601)') == "$tonight" ]] ||
		skip "this program cannot be given another clock"
	exhibit=0
	live day
}

# live day|quiet: a day, and the snapshot of its night.
live() {
	tonight=$(host "$1")
	seal
}

# What it found is in the file found.jsonl then. The first exhibit has nothing to be compared with.
seal() {
	expect_exit "${sealed_as:-0}" at_night "$VESTIGE" -C case snapshot policy.yaml --root root --incremental
	exhibit=$((exhibit + 1))
	: >found.jsonl
	((exhibit == 1)) || vestige -C case cat -i analyst.key latest findings.jsonl >found.jsonl 2>"$err" || fail "no findings: $(cat "$err")"
}

high() { # FILE
	jq -r 'select(.severity == "high") | "\(.rule) \(.path)"' "$1" | sort -u
}

nothing_high() {
	[[ -z $(high found.jsonl) ]] || {
		jq -c 'select(.severity == "high")' found.jsonl | cut -c 1-1500
		fail "EX000$exhibit: honest, and of severity high"
	}
}

intruder() {
	python3 -B "$TESTS/cli/host_intruder.py" "$@"
}

# A quiet day that ends without a snapshot; what is planted now is found by the next `caught`.
night() {
	tonight=$(host quiet)
}

# caught "RULE SEVERITY PATH"…: seals, and each is found, sealed and shown by diff; of severity high there is nothing else.
caught() {
	local wanted rule severity path highs=()
	host settle
	seal
	expect_exit $(($(high found.jsonl | wc -l) > 0)) vestige -C case --json diff --findings -i analyst.key latest~1 latest
	grep '"rule":' "$out" >shown.jsonl || true
	for wanted; do
		read -r rule severity path <<<"$wanted"
		for file in found.jsonl shown.jsonl; do
			any_json $file "(.finding // .) | .rule == \"$rule\" and .severity == \"$severity\" and (\"$path\" == \"\" or .path == \"$path\")" || {
				cut -c 1-600 $file
				fail "EX000$exhibit: not in $file: $wanted"
			}
		done
		[[ $severity != high ]] || highs+=("$rule $path")
	done
	assert_equal "$(printf '%s\n' "${highs[@]}" | sed "/^$/d" | sort -u)" "$(high found.jsonl)" "what is of severity high in EX000$exhibit"
	assert_equal "$(jq -c '[.rule, .severity, .path]' found.jsonl | sort)" \
		"$(jq -c '(.finding // .) | [.rule, .severity, .path]' shown.jsonl | sort)" "what was sealed in EX000$exhibit and what diff shows"
}
