#!/usr/bin/env bash
# A result that nobody got is no result: a full or closed standard output is an error.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
[[ -c /dev/full ]] || skip "no /dev/full"
ssh_key clerk
sealed_case case

to_full() {
	local status=0
	"$VESTIGE" "$@" >/dev/full 2>"$err" || status=$?
	assert_equal 2 "$status" "exit status of $* with a full output"
	assert_in "$err" "No space left on device"
}
to_full -C case list
to_full -C case --json log
to_full -C case show
to_full -C case verify
to_full -C case ls -i analyst.key
to_full -C case cat -i analyst.key latest "$here/tree/app.log"
to_full keygen
to_full --help
to_full policy list
status=0
"$VESTIGE" -C case list >&- 2>"$err" || status=$?
assert_equal 2 "$status" "exit status with a closed output"
assert_in "$err" "vestige: "

# A reader that goes away is no error worth words.
status=0
{ "$VESTIGE" -C case --json ls -i analyst.key 2>"$err" || echo $? >status; } | true
assert_not_in "$err" "Broken pipe" "vestige: "

# What could be sealed is sealed, even when its summary could not be printed.
to_full -C case snapshot policy.yaml
expect_exit 0 vestige -C case verify
assert_in "$out" "EX0002"

# A full disk: a clear error, and what was captured stays recoverable.
need_root
mkdir small
mount -t tmpfs -o size=3m none small 2>/dev/null || exit 0
trap 'umount small' EXIT
head -c 20000000 /dev/urandom >tree/sub/too-large
vestige init small/case --title T -r "$recipient" >/dev/null
expect_exit 2 vestige -C small/case snapshot policy.yaml
assert_in "$err" "No space left on device" "hint: what was captured so far is kept: vestige recover"
[[ -s small/case/exhibits/EX0001.tar.zst.age.partial && ! -e small/case/exhibits/EX0001.tar.zst.age ]] || fail "$(ls small/case/exhibits)"
expect_exit 0 vestige -C small/case verify
assert_in "$out" "temporary file of a snapshot that runs or was interrupted"
