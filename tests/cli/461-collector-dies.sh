#!/usr/bin/env bash
# The collector's process is killed at work, as a library's abort on a hostile file would: the item at hand and the source say so,
# and the snapshot goes on with the next source.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq age zstd tar pgrep
new_case case
mkdir -p slow rest
head -c 20000000 /dev/urandom >slow/big
echo other >slow/next
echo rest >rest/a
cat >policy.yaml <<-YAML
	policy: dies
	limits: {source_time: 1h, read_rate: 2MiB/s}
	sources:
	  - name: slow
	    files: {paths: [$here/slow/big, $here/slow/next]}
	  - name: rest
	    files: {paths: [$here/rest]}
YAML
"$VESTIGE" -C case snapshot policy.yaml >"$out" 2>"$err" &
pid=$!
worker() { pgrep -P "$(pgrep -P "$pid")"; }
wait_for 10 worker >/dev/null
sleep 0.7
kill -SEGV "$(worker)"
status=0
wait "$pid" || status=$?
assert_equal 3 "$status" "exit status"
expect_exit 0 vestige -C case verify --deep -i analyst.key
expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.json
told() { jq -r "select(.item.path == \"$here/$1\") | .item | \"\(.status) \(.rule // \"\")\"" ls.json; }
assert_equal "error the collector process was ended by signal 11 (Segmentation fault)" "$(told slow/big)" "the item at hand"
assert_equal "error the collector process was ended by signal 11 (Segmentation fault)" "$(told slow/next)" "what was not begun"
assert_equal "collected " "$(told rest/a)" "the next source"
got=$(jq -r "select(.item.path == \"$here/slow/big\") | .item.read.read" ls.json)
((got > 0 && got < 20000000)) || fail "$got bytes of the item at hand"
