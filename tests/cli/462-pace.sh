#!/usr/bin/env bash
# A rate of reading and a share of the processor hold over the whole snapshot; and a snapshot that cannot fit is refused early.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 jq
new_case case
head -c 12000000 /dev/urandom >data
policy() { # LIMITS PATH
	printf 'policy: pace\nlimits: {%s}\nsources: [{name: s, files: {paths: [%s]}}]\n' "$1" "$2" >policy.yaml
}
# measured LIMITS PATH: wall and processor seconds of a snapshot.
measured() {
	policy "$1" "$2"
	python3 - "$VESTIGE" <<-'PY'
		import resource, subprocess, sys, time
		begin = time.monotonic()
		subprocess.run([sys.argv[1], "-q", "-C", "case", "snapshot", "policy.yaml"], check=True, stdout=subprocess.DEVNULL)
		wall = time.monotonic() - begin
		used = resource.getrusage(resource.RUSAGE_CHILDREN)
		print(wall, used.ru_utime + used.ru_stime)
	PY
}
holds() { # DESCRIPTION EXPRESSION of wall and used
	python3 -c "import sys; wall, used = map(float, sys.argv[1].split()); sys.exit(not ($2))" "$result" ||
		fail "$1: wall and processor seconds are $result"
}

result=$(measured "read_rate: 4MiB/s" "$here/data")
holds "12 MB at 4 MiB a second take 2.9 s" "2.6 < wall < 4.5"

head -c 800000000 >log < <(yes "a line of a log that compresses well, and another word")
result=$(measured "cpu: 25%" "$here/log")
holds "a quarter of a processor" "0.2 < used / wall < 0.275"
rm log

# A sparse file costs what its data costs; one that is all data and larger than the disk is refused.
need_root
mkdir small
mount -t tmpfs -o size=8m tmpfs small
trap 'umount -l "$here/small"' EXIT
policy "io: idle" "$here/data"
expect_exit 2 vestige snapshot policy.yaml --estimate --new small/case -r "$recipient"
assert_in "$err" "estimate: 1 items, at most" "it may need" "has 8.0 MiB free" "hint: put the case on another disk"
[[ ! -e small/case ]] || fail "a case was made all the same"
policy "item: 1MiB" "$here/data"
expect_exit 3 vestige snapshot policy.yaml --estimate --new small/case -r "$recipient"
assert_in "$err" "estimate: 1 items, at most"
