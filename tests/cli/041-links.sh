#!/usr/bin/env bash
# Links in a policy's literal prefix are followed inside the root, each becomes an item; below it, nothing is followed.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

mkdir -p image/usr/lib/deep image/data image/real/logs
echo lib >image/usr/lib/deep/file
ln -s usr/lib image/lib            # relative
ln -s /lib/deep image/short        # absolute, through another link
ln -s ../../../../../data image/usr/lib/up # more .. than there are directories: stops at the root
echo data >image/data/file
ln -s loop-b image/loop-a
ln -s loop-a image/loop-b
ln -s ../../../../../../etc image/data/outside
ln -s /real/logs image/data/logs
echo log >image/real/logs/log
ln -s gone image/dangling
cat >policy.yaml <<'POLICY'
policy: links
sources:
  - name: short
    files: {paths: ["/short/**"]}
  - name: up
    files: {paths: ["/lib/up/*"]}
  - name: loop
    files: {paths: ["/loop-a/**"]}
  - name: dangling
    files: {paths: ["/dangling/**"]}
  - name: literal
    files: {paths: [/data/logs/log]}
POLICY
new_case case
status=0
vestige -C case snapshot policy.yaml --root image --operator tester >"$out" 2>"$err" || status=$?
# A loop of links is an error of that item, so the exhibit is incomplete.
assert_equal 3 "$status" "exit status with a loop of links"
expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.json
paths() { # SOURCE
	jq -r "select(.item.source == \"$1\") | .item | \"\(.type) \(.status) \(.path)\"" ls.json | LC_ALL=C sort | paste -sd, -
}
assert_equal "directory collected /usr/lib/deep,file collected /usr/lib/deep/file,symlink collected /lib,symlink collected /short" \
	"$(paths short)" "items of short"
assert_equal "file collected /data/file,symlink collected /data/logs,symlink collected /data/outside,symlink collected /lib,symlink collected /usr/lib/up" \
	"$(paths up)" "items of up"
assert_equal "file collected /real/logs/log,symlink collected /data/logs" "$(paths literal)" "items of literal"
any_json ls.json '.item.source == "loop" and .item.status == "error" and .item.errno == "ELOOP"' || fail "the loop: $(paths loop)"
any_json ls.json '.item.source == "dangling" and .item.type == "symlink" and .item.path == "/dangling"' ||
	fail "the dangling link is no item: $(paths dangling)"
any_json ls.json '.item.source == "dangling" and .item.status == "absent"' || fail "where it points is not absent: $(paths dangling)"
expect_exit 0 vestige -C case verify --deep -i analyst.key
