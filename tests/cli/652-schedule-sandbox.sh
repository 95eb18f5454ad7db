#!/usr/bin/env bash
# Under the sandbox of the service that `vestige schedule` writes, a snapshot finds what it finds without one.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq cc python3 setpriv systemd-analyze unshare ip
need_root
unshare -m true 2>/dev/null || skip "no mount namespaces here"
# Among processes of its own: the machine's come and go.
if [[ -z ${VESTIGE_ALONE:-} ]]; then
	VESTIGE_ALONE=yes exec unshare -pfm --mount-proc --propagation slave bash "$0"
fi
make_identity

# ---- what only a privileged reader finds ----

mkdir -p tree/secret
echo "of nobody" >tree/secret/file
chmod 000 tree/secret/file tree/secret
chown -R 65534:65534 tree
touch -a -d '2020-01-01' tree/secret/file
setcap cap_net_raw=ep tree/secret/file
setfattr -n trusted.test -v yes tree/secret/file 2>/dev/null || true
scratch=$(mktemp -d /tmp/vestige-sandbox.XXXXXX)
home=$(mktemp -d /home/vestige-sandbox-XXXXXX)
echo "a key" >"$home/id"
shared=$(mktemp /dev/shm/vestige-sandbox.XXXXXX)
echo "of nobody" >"$shared"
chown 65534 "$shared"
touch -a -d '2020-01-01' "$shared"
held=()
cleanup() {
	((${#held[@]} == 0)) || kill "${held[@]}" 2>/dev/null || true
	rm -rf "$scratch" "$shared" "$home"
}
trap cleanup EXIT
echo "in /tmp" >"$scratch/tool"
# A process of somebody else whose program is deleted, and one in a network namespace of its own with a listening socket.
cp "$(command -v sleep)" "$scratch/sleeper"
chmod 755 "$scratch" "$scratch/sleeper"
SANDBOX_MARK=seen setpriv --reuid 65534 --regid 65534 --clear-groups "$scratch/sleeper" 300 &
held+=($!)
sleeper=$!
unshare -n python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 4711)); s.listen(); print("up", flush=True); time.sleep(300)' >up &
held+=($!)
for _ in {1..100}; do
	[[ -s up && $(readlink "/proc/$sleeper/exe") == *sleeper ]] && break
	sleep 0.05
done
rm "$scratch/sleeper"

cat >policy.yaml <<YAML
policy: everything
sources:
  - name: live
    live: [processes, sockets, modules, mounts, sessions, network, packet_filter, bpf, kernel, deleted_files, self]
  - name: files
    files: {paths: [$here/tree, $scratch, $shared, "/etc/**", $home], one_file_system: true}
YAML
vestige policy check policy.yaml >"$out" 2>"$err" || sed -i 's/, self\]/]/' policy.yaml
expect_exit 0 vestige policy check policy.yaml

# ---- once without, once inside ----

new_case 'a case'
new_case plain
metrics=$here/metrics
mkdir "$metrics"
expect_exit 0 vestige -C 'a case' schedule --policy policy.yaml --dir . --name sandboxed --metrics "$metrics/vestige.prom"
without=()
for option in --incremental --full-every= --keep= --metrics=; do
	vestige snapshot --help | grep -q -e "${option%=}" || without+=("$option")
done
status=0
vestige -C plain snapshot policy.yaml >"$out" 2>"$err" || status=$?
((status == 0 || status == 3)) || fail "outside: $status: $(cat "$out" "$err")"
outside=$status status=0
unshare -m --propagation slave python3 "$TESTS/cli/unit_sandbox.py" sandboxed.service run "${without[@]}" >"$out" 2>"$err" || status=$?
assert_equal "$outside" "$status" "exit status inside: $(cat "$out" "$err")"
cp "$out" inside.txt

list() { # CASE: what was found, and how; what changes by itself from one moment to the next is left out
	vestige -C "$1" --json ls -i analyst.key latest | jq -r '.item | select(.source != "exhibit") |
		[.source, .path, .type, .status, (if .source == "files" then .sha256 else "" end), ((.xattrs // []) | length)] | @tsv' | LC_ALL=C sort
}
list plain >plain.list
list 'a case' >sandboxed.list
diff plain.list sandboxed.list || fail "the sandbox hides or adds items"
grep -q "$(printf 'files\t%s/tree/secret/file\tfile\tcollected' "$here")" sandboxed.list || fail "the unreadable file is not there"
grep -q "$shared" sandboxed.list || fail "nothing of /dev/shm"
grep -q "$home/id" sandboxed.list || fail "nothing of /home"
grep -q "$scratch/tool" sandboxed.list || fail "nothing of /tmp"
for file in tree/secret/file "$shared"; do
	assert_equal 2020-01-01 "$(date -u -d "@$(stat -c %X "$file")" +%F)" "time of access of $file after both"
done

# What each live item says of what it could not have.
trouble() { # CASE PATH
	vestige -q -C "$1" cat -i analyst.key latest "$2" | jq -r 'select(.error) | [.error, .what] | @tsv' | sed 's/[0-9]\{3,\}/N/g' | LC_ALL=C sort -u
}
while read -r path; do
	trouble plain "$path" >plain.trouble
	trouble 'a case' "$path" >sandboxed.trouble
	LC_ALL=C comm -13 plain.trouble sandboxed.trouble >new.trouble
	assert_empty new.trouble "$path has less inside"
done < <(awk -F'\t' '$1 == "live" && $2 ~ /\.jsonl$/ { print $2 }' plain.list)
for case in plain 'a case'; do
	vestige -q -C "$case" cat -i analyst.key latest /processes.jsonl >processes.jsonl
	jq -e -s --argjson pid "$sleeper" 'any(.[]; .pid == $pid and (.environ | tostring | contains("SANDBOX_MARK")) and (.errors // [] | length) == 0)' processes.jsonl >/dev/null ||
		fail "$case: the process of nobody: $(jq -c "select(.pid == $sleeper)" processes.jsonl | head -c 3000)"
	vestige -q -C "$case" cat -i analyst.key latest /sockets.jsonl | grep -q 4711 || fail "$case: no socket of the other network namespace"
done
for path in /bpf.jsonl /packet_filter.jsonl /modules.jsonl; do
	lines() { vestige -q -C "$1" cat -i analyst.key latest "$path" 2>/dev/null | jq -c 'select(.error | not) | del(.own, .time)' | wc -l; }
	assert_equal "$(lines plain)" "$(lines 'a case')" "lines of $path"
done

# ---- and the sandbox is one ----

cat >try <<SH
#!/bin/sh
{ echo x >/etc/vestige-sandbox; echo x >$scratch/x; unshare -m true; chmod 4755 "$here/a case/private"; } 2>&1
echo x >"$here/a case/in" && echo written
SH
chmod +x try
sed "s|^ExecStart=.*|ExecStart=$here/try|" sandboxed.service >try.service
unshare -m --propagation slave python3 "$TESTS/cli/unit_sandbox.py" try.service run >"$out" 2>&1
rm -f 'a case/in'
assert_equal 2 "$(grep -c 'Read-only file system' "$out")" "places that are read-only: $(cat "$out")"
assert_equal 2 "$(grep -c 'not permitted' "$out")" "what is not permitted: $(cat "$out")"
assert_in "$out" written
