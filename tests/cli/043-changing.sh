#!/usr/bin/env bash
# Files that grow, shrink, change or vanish while they are read: items that say so, with digests of exactly what is archived.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3 jq age zstd tar
new_case case

# disturbed NUMBER COMMAND…: a snapshot that is stopped while it reads large/a, the command meanwhile, and then goes on.
disturbed() {
	local number=$1 pid
	shift
	rm -rf large
	mkdir large
	head -c 50000000 /dev/urandom >large/a
	echo b >large/b
	echo c >large/c
	write_policy policy.yaml "$here/large/**"
	pid=$(start_and_signal case 10000000 STOP "$VESTIGE" -C case snapshot policy.yaml --operator tester)
	"$@"
	kill -CONT "$pid"
	wait_for 20 test -e "case/exhibits/EX000$number.tar.zst.age"
	wait_for 20 is_over "$pid"
	expect_exit 0 vestige -C case verify --deep -i analyst.key "$number"
	expect_exit 0 vestige -C case --json ls -i analyst.key "$number"
	cp "$out" ls.json
	age -d -i analyst.key "case/exhibits/EX000$number.tar.zst.age" | zstd -d -q | tar -xO "items/files$here/large/a" >archived
	assert_equal "$(sha256_of archived)" "$(item a .sha256)" "digest of what was archived"
	assert_equal "$(stat -c %s archived)" "$(item a .size)" "length of what was archived"
}
item() { # NAME FILTER
	jq -r "select(.item.path == \"$here/large/$1\") | .item | $2" ls.json
}

grow() { head -c 1000000 /dev/zero >>large/a; }
disturbed 1 grow
assert_equal changed "$(item a .status)" "status of a file that grew"
assert_equal "50000000 51000000" "$(item a '"\(.read.before.size) \(.read.after.size)"')" "sizes before and after"
cmp -n 50000000 archived large/a

shrink() { truncate -s 100000 large/a; }
disturbed 2 shrink
assert_equal changed "$(item a .status)" "status of a file that shrank"
(($(item a .read.read) < 50000000)) || fail "all of a file that shrank was read"
assert_equal "$(item a .read.expected)" "$(item a '.read.read + .read.padding')" "expected = read + padding"
cmp -n "$(item a .read.read)" archived <(head -c 50000000 archived) || fail "archived bytes"
assert_equal 100000 "$(item a .read.after.size)" "size after"

modify() {
	printf 'overwritten' | dd of=large/a conv=notrunc status=none
	rm large/b
	mv large/c large/d
}
disturbed 3 modify
assert_equal changed "$(item a .status)" "status of a file that was modified"
assert_equal vanished "$(item b .status)" "status of a file that was removed"
assert_equal vanished "$(item c .status)" "status of a file that was renamed"

replace() {
	rm large/b
	ln -s /etc/shadow large/b
	rm large/c
	mkfifo large/c
}
disturbed 4 replace
if [[ $(item b .type) == file && $(item b .status) == collected ]]; then fail "a link in place of a file was taken as the file"; fi
if any_json ls.json '.item.path == "/etc/shadow"'; then fail "a link in place of a file was followed"; fi
# Changed and vanished items do not make an exhibit incomplete: each of these snapshots ended with status 0.
expect_exit 0 vestige -C case --json list
assert_equal 4 "$(wc -l <"$out")" "sealed exhibits"
assert_in background.log "sealed EX0004"
