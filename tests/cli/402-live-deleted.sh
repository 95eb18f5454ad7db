#!/usr/bin/env bash
# Programs and files that have no name any more: recovered, once each, with what they were.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/live.sh
. "$TESTS/cli/live.sh"
need python3
own_namespaces "$0" "$@"

cp /bin/sleep "$here/copy of sleep"
"$here/copy of sleep" 600 &
running=$!
wait_for 10 grep -qs sleep "/proc/$running/cmdline"
wait_for 10 test "$(readlink "/proc/$running/exe")" = "$here/copy of sleep"
rm "$here/copy of sleep"

# A log that is open three times, at places that must stay.
head -c 3000000 /dev/urandom >"$here/log"
cp "$here/log" log.copy
exec 7<>"$here/log"
exec 8<"$here/log"
head -c 1000 <&8 >/dev/null
sleep 600 &
holder=$!
rm "$here/log"

# In memory from the beginning, run and held.
python3 - <<'PYTHON' &
import os
fd = os.memfd_create("payload", 0)
os.write(fd, open("/bin/sleep", "rb").read())
os.execve(f"/proc/self/fd/{fd}", ["[kworker/0:1]", "600"], {})
PYTHON
memory=$!
wait_for 10 grep -qs kworker "/proc/$memory/cmdline"

# Mapped alone; with a name that looks deleted; empty; mostly holes; a FIFO; shared memory.
python3 - <<'PYTHON' &
import ctypes, mmap, os, time
with open("mapped\nfile", "w+b") as f:
    f.write(b"mapped" * 10000)
    f.flush()
    map_file = ctypes.CDLL(None, use_errno=True).mmap  # Python's own keeps a descriptor
    map_file.restype = ctypes.c_void_p
    map_file.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    assert map_file(None, 60000, mmap.PROT_READ, mmap.MAP_SHARED, f.fileno(), 0) != ctypes.c_void_p(-1).value
os.unlink("mapped\nfile")
kept = open("kept (deleted)", "w+b")
kept.write(b"kept")
kept.flush()
empty = open("empty", "w+b")
os.unlink("empty")
holes = open("holes", "w+b")
holes.truncate(1 << 40)
os.pwrite(holes.fileno(), b"start", 0)
os.pwrite(holes.fileno(), b"end", (1 << 40) - 3)
os.unlink("holes")
other = open("other", "w+b")
other.write(b"one name is left")
other.flush()
os.link("other", "other name")
os.unlink("other")
os.mkfifo("fifo")
fifo = os.open("fifo", os.O_RDWR)
os.unlink("fifo")
shared = mmap.mmap(-1, 4096)
open("ready", "w").close()
time.sleep(600)
PYTHON
mapper=$!
wait_for 10 test -e ready
live_snapshot case processes,deleted_files
cat items/live/deleted_files.jsonl/part-* >deleted.jsonl

if any_json deleted.jsonl '.comm == "vestige"'; then fail "memory of our own was taken"; fi

# of WAS FILTER
of() {
	jq -r --arg was "$1" "select(.was == \$was) | $2" deleted.jsonl
}
[[ -z $(jq -r .item deleted.jsonl | sort | uniq -d) ]] || fail "an item twice"
assert_equal "/proc/$running/exe collected" "$(of "$here/copy of sleep" '"\(.item) \(.status)"')" "program"
content_of "/proc/$running/exe" | cmp - /bin/sleep
assert_equal "$(sha256_of /bin/sleep)" "$(manifest_of "/proc/$running/exe" .sha256)" "digest of a deleted program"
assert_equal true "$(process "$running" .exe.deleted)" "deleted program"
assert_equal "$(sha256_of /bin/sleep)" "$(process "$running" .exe.sha256)" "digest in the list of processes"

item=$(of "$here/log" .item)
content_of "$item" | cmp - log.copy
assert_equal 1 "$(jq -s --arg was "$here/log" '[.[] | select(.was == $was)] | length' deleted.jsonl)" "items of one log"
for place in "/proc/$$/fd/7" "/proc/$$/fd/8" "/proc/$holder/fd/7"; do
	[[ $item == "$place" ]] || assert_equal true "$(of "$here/log" ".also | index(\"$place\") != null")" "$place"
done
assert_equal "stream collected 3000000 $here/log false" "$(manifest_of "$item" '"\(.type) \(.status) \(.size) \(.details.was) \(.details.memfd)"')" "manifest line"
assert_equal 1000 "$(sed -n 's/^pos:\t//p' /proc/$$/fdinfo/8)" "position afterwards"
assert_equal 0 "$(sed -n 's/^pos:\t//p' /proc/$$/fdinfo/7)" "position afterwards"

assert_equal "/proc/$memory/exe true" "$(of /memfd:payload '"\(.item) \(.memfd)"')" "in memory"
content_of "/proc/$memory/exe" | cmp - /bin/sleep

item=$(of "$here/mapped"$'\n'file .item)
[[ $item == /proc/$mapper/map_files/* ]] || fail "mapped file: $item"
content_of "$item" | cmp - <(python3 -c 'print("mapped" * 10000, end="")')
assert_equal "" "$(of "$here/kept" .item)" "a file that only looks deleted"
item=$(of "$here/empty" .item)
assert_equal "collected 0" "$(manifest_of "$item" '"\(.status) \(.size)"')" "empty file"
item=$(of "$here/holes" .item)
assert_equal 1099511627776 "$(of "$here/holes" .size)" "size of a sparse file"
(($(content_of "$item" | wc -c) < 100000)) || fail "holes were written out"
assert_equal 0 "$(of "$here/holes" '.extents[0][0]')" "first extent"
content_of "$item" | head -c 5 | cmp - <(printf start)
content_of "$item" | tail -c 3 | cmp - <(printf end)
content_of "$(of "$here/other" .item)" | cmp - "$here/other name"
assert_equal "excluded not a regular file" "$(manifest_of "$(of "$here/fifo" .item)" '"\(.status) \(.rule)"')" "FIFO"
assert_equal "excluded" "$(of /dev/zero .status)" "shared memory"

[[ -n $(finding deleted_executable "$running") ]] || fail "no finding of a deleted program"
[[ -n $(finding memfd_executable "$memory") ]] || fail "no finding of a program in memory"
[[ -n $(finding kernel_thread_lookalike "$memory") ]] || fail "no finding of a process that looks like a kernel thread"
assert_equal 3 "$(wc -l <findings.jsonl)" "findings"
assert_equal 3 "$(manifest_of /findings.jsonl .details.findings)" "findings that are counted"
expect_exit 0 vestige -C case verify --deep -i analyst.key
