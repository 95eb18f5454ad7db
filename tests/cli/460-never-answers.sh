#!/usr/bin/env bash
# A mount that never answers, in the middle of what is asked for: the snapshot ends in time, says what it could not have, and
# has all the rest.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 jq age zstd tar
need_root
[[ -c /dev/fuse ]] || skip "no /dev/fuse"
new_case case
mkdir -p tree/before tree/mount tree/after never
echo before >tree/before/a
echo after >tree/after/z
hanging=()
hang() { # DIRECTORY MODE
	python3 "$TESTS/cli/fuse_hang.py" "$here/$1" "$2" >"$here/mounted.$2" 2>"$here/mounting.$2" &
	hanging+=($!)
	wait_for 10 grep -q mounted "$here/mounted.$2" || skip "no FUSE here: $(cat "$here/mounting.$2")"
}
release() {
	kill -KILL "${hanging[@]}" 2>/dev/null || true
	umount -l "$here/tree/mount" "$here/never" 2>/dev/null || true
}
trap release EXIT
hang tree/mount read
hang never never

cat >policy.yaml <<-YAML
	policy: hanging
	limits: {source_time: 1s}
	sources:
	  - name: mixed
	    files: {paths: [$here/tree/before, $here/tree/mount, $here/tree/after]}
	  - name: never
	    files: {paths: [$here/never/x, "$here/never/*"]}
	  - name: rest
	    files: {paths: [$here/tree/before, $here/tree/after]}
YAML
begin=$SECONDS
expect_exit 3 timeout 60 "$VESTIGE" -C case snapshot policy.yaml
took=$((SECONDS - begin))
((took <= 2 * (1 + 5))) || fail "two sources of 1 s each took $took s"
expect_exit 0 vestige -C case verify --deep -i analyst.key
expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.json
status() { # SOURCE PATH
	jq -r "select(.item.source == \"$1\" and .item.path == \"$2\") | .item | \"\(.status) \(.rule // \"\")\"" ls.json
}
assert_equal "collected " "$(status mixed "$here/tree/before/a")" "what came before"
assert_equal "truncated limits.source_time" "$(status mixed "$here/tree/mount/log")" "the file that stopped"
got=$(jq -r "select(.item.path == \"$here/tree/mount/log\") | .item.read.read" ls.json)
((got > 0 && got <= 1 << 20)) || fail "$got bytes of it, of the megabyte that was answered"
assert_equal "truncated limits.source_time" "$(status mixed "$here/tree/after")" "the pattern that was not begun"
assert_equal "truncated limits.source_time" "$(jq -r 'select(.item.source == "never") | .item | "\(.status) \(.rule)"' ls.json | sort -u)" \
	"all of the source that never answered"
assert_equal "collected " "$(status rest "$here/tree/after/z")" "the next source"
assert_equal "collected " "$(status rest "$here/tree/before/a")" "the next source"

# Nothing of ours holds the case, though a process of ours may hang there still.
expect_exit 3 timeout 60 "$VESTIGE" -C case snapshot policy.yaml

# Somebody who does not want to wait: an interrupt ends it.
write_policy live.yaml "$here/never/**"
sed -i 's/^sources:/limits: {source_time: 1h}\nsources:/' live.yaml
"$VESTIGE" -C case snapshot live.yaml >interrupted 2>&1 &
pid=$!
sleep 1
kill -INT "$pid"
wait_for 8 is_over "$pid"
status=0
wait "$pid" || status=$?
assert_equal 130 "$status" "exit status of an interrupted snapshot"
