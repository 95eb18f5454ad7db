#!/usr/bin/env bash
# The index of a series deleted and altered: a finding, and a full snapshot; restored, all is as it was.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
make_tree tree
write_policy policy.yaml "$here/tree/**"
new_case case
index=case/private/series.index

# night full|incremental [FINDING]: what the snapshot is, and what it finds.
night() {
	local found
	echo "another line" >>tree/app.log
	snapshot case --incremental
	expect_exit 0 vestige -C case --json list
	assert_equal "$([[ $1 == incremental ]] && echo true || echo false)" "$(jq -s 'last.incremental' "$out")" "incremental"
	vestige -C case cat -i analyst.key latest findings.jsonl >found.jsonl 2>"$err" || [[ -z ${2:-} ]] || fail "$(cat "$err")"
	found=$(jq -r '"\(.rule) \(.severity)"' found.jsonl)
	assert_equal "${2:-}" "$found" "findings"
}

night full
night incremental
cp $index kept.index

rm $index
night full "series_index_missing medium"
night incremental

flip $index 100
night full "series_index_changed high"
night incremental
: >$index
night full "series_index_changed high"
night incremental

cp kept.index $index # of an older exhibit
night full "series_index_changed high"
night incremental

# Away and back again.
cp -a $index kept.index
rm $index
cp kept.index $index
night incremental
ln -sf "$here/kept.index" $index # not a file of ours
night full "series_index_changed high"
night incremental

rm $index
mkdir $index # in the way of every index to come
night full "series_index_changed high"
night incremental
night incremental
rmdir $index
night incremental

expect_exit 0 vestige -C case verify --deep -i analyst.key
# What was changed between two nights is found by diff, which needs no index.
expect_exit 0 vestige -C case --json diff -i analyst.key latest~1 latest
any_json "$out" 'tostring | contains("app.log")' || fail "diff does not see the change"
