#!/usr/bin/env bash
# Traps laid in a case: FIFOs, links, directories and endless files in place of its own. verify neither hangs, nor follows, nor calls it good.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git
sealed_case case

# trapped WHAT: verify of bad/ says in a few seconds and little memory that something is wrong.
trapped() {
	local status deep
	for deep in "" "--deep -i analyst.key"; do
		status=0
		# shellcheck disable=SC2086 # words
		(
			[[ $VESTIGE == *san* ]] || ulimit -v 2000000
			timeout 20 "$VESTIGE" -C bad verify $deep
		) >"$out" 2>"$err" || status=$?
		((status == 1 || status == 2)) || {
			cat "$out" "$err"
			fail "exit status $status with $1"
		}
		if ((status == 1)); then
			grep -qE '^(tampered|missing|unrecorded) ' "$out" || fail "exit status 1 without a finding: $1"
		else
			assert_in "$err" "vestige: "
		fi
	done
}

places=(exhibits/EX0001.tar.zst.age trail/checkpoint trail/recipients trail/events/0000/00/00000001.json trail/.git/HEAD
	trail/.git/index trail/.git/refs/heads/main "trail/.git/objects/$(git -C case/trail rev-parse HEAD | sed 's|^..|&/|')")
[[ -e case/${places[6]} ]] || places[6]=trail/.git/$(git -C case/trail symbolic-ref HEAD)
for place in "${places[@]}"; do
	[[ -f case/$place ]] || fail "$place is not where this test thinks"
	copy_case case bad
	rm -f "bad/$place"
	mkfifo "bad/$place"
	trapped "a FIFO as $place"
	copy_case case bad
	rm -f "bad/$place"
	ln -s "$here/case/$place" "bad/$place"
	trapped "a link as $place"
	copy_case case bad
	rm -f "bad/$place"
	ln -s /dev/zero "bad/$place"
	trapped "a link to /dev/zero as $place"
	copy_case case bad
	rm -f "bad/$place"
	mkdir "bad/$place"
	trapped "a directory as $place"
	copy_case case bad
	chmod u+w "bad/$place"
	truncate -s 3T "bad/$place"
	[[ $place == exhibits/* ]] || trapped "3 TiB as $place"
	copy_case case bad
	chmod u+w "bad/$place"
	: >"bad/$place"
	trapped "an empty file as $place"
done

# Directories elsewhere, and other ways in which git finds a repository.
for place in trail/events trail/.git/objects trail/.git/refs; do
	copy_case case bad
	mv "bad/$place" elsewhere
	ln -s "$here/elsewhere" "bad/$place"
	status=0
	timeout 20 "$VESTIGE" -C bad verify >"$out" 2>"$err" || status=$?
	((status != 0)) || fail "a link in place of $place is called good"
	rm -rf elsewhere
done
# Exhibits on another disk by a link of the owner: their digests count, not where they lie.
copy_case case bad
mv bad/exhibits elsewhere
ln -s "$here/elsewhere" bad/exhibits
expect_exit 0 vestige -C bad verify
rm -rf elsewhere
copy_case case bad
mv bad/trail/.git elsewhere
echo "gitdir: $here/elsewhere" >bad/trail/.git
expect_exit 10 timeout 20 "$VESTIGE" -C bad verify
rm -rf elsewhere
copy_case case bad
mkdir -p bad/trail/.git/objects/info
echo "$here/case/trail/.git/objects" >bad/trail/.git/objects/info/alternates
trapped "alternates"
copy_case case bad
echo "$(git -C case/trail rev-parse HEAD) $(git -C case/trail rev-parse HEAD~1)" >bad/trail/.git/shallow
trapped "a shallow file"
copy_case case bad
mkdir -p bad/trail/.git/info
git -C case/trail rev-parse HEAD >bad/trail/.git/info/grafts
trapped "grafts"
# A thousand strangers are a thousand findings and not a flood of memory; their names are shown harmlessly.
copy_case case bad
for ((i = 0; i < 1000; i++)); do : >"bad/exhibits/"$'\e[31m'"stranger-$i"; done
trapped "a thousand strangers"
assert_equal 1000 "$(grep -c '^unrecorded ' "$out")" "strangers"
if grep -q $'\e' "$out"; then fail "an escape sequence of a file name reached the output"; fi
# Device nodes are not opened.
if mknod bad/exhibits/EX0009.tar.zst.age c 1 5 2>/dev/null; then trapped "a device among the exhibits"; fi
