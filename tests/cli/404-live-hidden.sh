#!/usr/bin/env bash
# A process that a mount over its directory hides from ps, the objects in our own process, and an image, which has no live state.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need gcc ps
own_namespaces "$0" "$@"

sleep 612 &
masked=$!
sleep 613 &
swapped=$!
wait_for 10 grep -qs sleep "/proc/$masked/comm"
wait_for 10 grep -qs sleep "/proc/$swapped/comm"
mkdir "$here/nothing"
mount --bind "$here/nothing" "/proc/$masked"
mount --bind "/proc/$$" "/proc/$swapped"
ps -e -o pid= >listed
if grep -qx " *$masked" listed; then fail "ps still sees it"; fi
live_snapshot case processes,deleted_files,self
assert_equal 612 "$(process "$masked" '.cmdline[1]')" "what is below the mount"
assert_equal 613 "$(process "$swapped" '.cmdline[1]')" "what is below another process"
for pid in $masked $swapped; do
	jq -es --arg point "/proc/$pid" 'any(.[]; .finding == "proc_overmounted" and .severity == "high" and .details.mount_point == $point)' \
		findings.jsonl >/dev/null || fail "no finding of the mount over $pid"
done
assert_equal 2 "$(wc -l <findings.jsonl)" "findings"
umount "/proc/$masked" "/proc/$swapped"

# Ourselves.
cat items/live/self.jsonl/part-* >self.jsonl
assert_equal true "$(jq -r --arg path "$(realpath "$VESTIGE")" 'select(.path == $path) | .explained' self.jsonl)" "our program"
assert_equal "$(sha256_of "$VESTIGE")" "$(jq -r --arg path "$(realpath "$VESTIGE")" 'select(.path == $path) | .sha256' self.jsonl)" "its digest"
jq -es 'all(.[] | select(.kind == "object"); .explained)' self.jsonl >/dev/null || fail "an object is not explained"
jq -es 'any(.[]; .kind == "ld_so_preload") and any(.[]; .name == "LD_PRELOAD" and .set == false)' self.jsonl >/dev/null || fail "preloading"
if LC_ALL=C readelf -d "$VESTIGE" 2>/dev/null | grep -q NEEDED && ! grep -qa libasan "$VESTIGE"; then
	printf 'int preloaded_by_somebody;\nvoid f(void);\nvoid f(void) {}\n' >preloaded.c
	gcc -shared -fPIC -o "$here/libpreloaded.so" preloaded.c
	export LD_PRELOAD=$here/libpreloaded.so
	live_snapshot preloaded self
	unset LD_PRELOAD
	cat items/live/self.jsonl/part-* >self.jsonl
	assert_equal "false $(sha256_of "$here/libpreloaded.so")" \
		"$(jq -r --arg path "$here/libpreloaded.so" 'select(.path == $path) | "\(.explained) \(.sha256)"' self.jsonl)" "a preloaded library"
	assert_equal "$here/libpreloaded.so" "$(jq -r 'select(.name == "LD_PRELOAD") | .value' self.jsonl)" "the variable"
	assert_equal "preloaded_library high" "$(jq -r '"\(.finding) \(.severity)"' findings.jsonl)" "finding"
fi

# An image has nothing that runs.
mkdir image
printf 'policy: live\nsources:\n  - name: live\n    live: [processes, deleted_files, self]\n' >live.yaml
new_case image-case
expect_exit 0 vestige -C image-case snapshot live.yaml --root image --operator tester
expect_exit 0 vestige -C image-case --json ls -i analyst.key latest
for path in /processes.jsonl /deleted_files.jsonl /self.jsonl; do
	assert_equal "excluded not a running host" \
		"$(jq -r --arg path "$path" 'select(.item.path == $path) | .item | "\(.status) \(.rule)"' "$out")" "$path of an image"
done

# A dry run reads nothing.
expect_exit 0 vestige -C case snapshot live.yaml --dry-run
