# shellcheck shell=bash
# A tree with every type of file and every piece of metadata that Linux has, and the comparison of two such trees.

# make_everything DIR: as root. What the file system here cannot have is left out and named in $left_out.
make_everything() {
	local dir=$1
	left_out=
	mkdir -p "$dir"
	make_plain "$dir"
	make_special "$dir"
	make_metadata "$dir"
	make_names "$dir"
	# Directories last: what was made in them changed their times.
	touch -d '2001-02-03 04:05:06.123456789Z' "$dir/modes" "$dir/names" "$dir"
}

make_plain() {
	local dir=$1 mode
	mkdir "$dir/modes" "$dir/sticky" "$dir/setgid" "$dir/closed"
	for mode in 0000 0400 0644 0666 0755 4755 2755 6711 1644; do
		echo "mode $mode" >"$dir/modes/$mode"
		chmod "$mode" "$dir/modes/$mode"
	done
	chmod 1777 "$dir/sticky"
	chmod 2775 "$dir/setgid"
	echo inside >"$dir/closed/file"
	chmod 0 "$dir/closed"
	echo owned >"$dir/owned"
	chown 12345:54321 "$dir/owned"
	echo large >"$dir/large-ids"
	chown 4294967290:4000000000 "$dir/large-ids"
	: >"$dir/empty"
	head -c 5242880 /dev/urandom >"$dir/five-mib"
	echo linked >"$dir/hard-a"
	ln "$dir/hard-a" "$dir/hard-b"
	ln "$dir/hard-a" "$dir/modes/hard-c"
	ln -s modes/0644 "$dir/relative"
	ln -s /nowhere/at/all "$dir/dangling"
	ln -s . "$dir/to-itself"
	ln -s "$(printf 'x%.0s' {1..4000})" "$dir/long-target"
	ln -s $'new\nline' "$dir/odd-target"
	chown -h 12345:54321 "$dir/dangling"
	ln "$dir/relative" "$dir/hard-link-of-symlink" 2>/dev/null || left_out+=" hard links of symlinks,"
	touch -h -d '2011-12-13 14:15:16.987654321Z' "$dir/relative"
	echo old >"$dir/before-1970"
	touch -d '1965-01-02 03:04:05.5Z' "$dir/before-1970"
	echo new >"$dir/after-2038"
	touch -d '2100-01-02 03:04:05.000000001Z' "$dir/after-2038"
	truncate -s 1T "$dir/sparse-1TiB"
	printf 'start' | dd of="$dir/sparse-1TiB" conv=notrunc status=none
	printf 'middle' | dd of="$dir/sparse-1TiB" bs=1 seek=$((1 << 39)) conv=notrunc status=none
	printf 'end' | dd of="$dir/sparse-1TiB" bs=1 seek=$(((1 << 40) - 3)) conv=notrunc status=none
	truncate -s 1M "$dir/only-a-hole"
	printf 'data, then a hole' >"$dir/hole-at-end"
	truncate -s 300000 "$dir/hole-at-end"
}

make_special() {
	local dir=$1
	mkfifo "$dir/fifo"
	chmod 640 "$dir/fifo"
	ln "$dir/fifo" "$dir/fifo-again"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/socket"
	mknod "$dir/null" c 1 3 2>/dev/null || left_out+=" devices,"
	mknod "$dir/block" b 259 1048575 2>/dev/null || left_out+=" block devices,"
	[[ ! -e $dir/null ]] || chmod 666 "$dir/null"
}

make_metadata() {
	local dir=$1
	echo acl >"$dir/acl"
	mkdir "$dir/acl.d"
	setfacl -m u:65534:r,u:23456:rwx,g:34567:r,m::rwx "$dir/acl" 2>/dev/null || left_out+=" ACLs,"
	setfacl -m u:23456:rx -d -m u:34567:rw,g::r,o::- "$dir/acl.d" 2>/dev/null || true
	echo attributes >"$dir/xattr"
	if setfattr -n user.text -v "some text" "$dir/xattr" 2>/dev/null; then
		setfattr -n user.binary -v 0x00ff0a3d "$dir/xattr"
		setfattr -n user.empty "$dir/xattr"
		setfattr -n "user.odd=na%me" -v x "$dir/xattr"
		setfattr -n user.of-directory -v y "$dir/acl.d"
		setfattr -n user.large -v "$(printf 'v%.0s' {1..2000})" "$dir/xattr"
	else
		left_out+=" user xattrs,"
	fi
	setfattr -n trusted.secret -v z "$dir/xattr" 2>/dev/null || left_out+=" trusted xattrs,"
	echo program >"$dir/capable"
	setcap cap_net_raw,cap_sys_ptrace+ep "$dir/capable" 2>/dev/null || left_out+=" file capabilities,"
	echo immutable >"$dir/immutable"
	echo append >"$dir/append"
	echo nodump >"$dir/nodump"
	chattr +d "$dir/nodump" 2>/dev/null || left_out+=" inode flags,"
	chattr +i "$dir/immutable" 2>/dev/null || true
	chattr +a "$dir/append" 2>/dev/null || true
}

make_names() {
	local dir=$1/names
	mkdir "$dir"
	echo a >"$dir/"$'new\nline'
	echo b >"$dir/"$'ends with a new line\n'
	echo c >"$dir/"$'invalid \xff\xfe UTF-8'
	echo d >"$dir/-rf"
	echo e >"$dir/--help"
	echo f >"$dir/ spaces  "
	echo g >"$dir/[a]*?{b,c}\\"
	echo h >"$dir/"$'\e[31mred\e[0m\a'
	echo i >"$dir/$(printf 'n%.0s' {1..255})"
	echo j >"$dir/ä ö ü"
	echo k >"$dir/"$'decomposed a\xcc\x88'
	echo l >"$dir/Case"
	echo m >"$dir/case"
	echo n >"$dir/\"quotes' \$(touch pwned)"
	mkdir "$dir/-d" "$dir/..." "$dir/"$'dir\nname'
	echo o >"$dir/-d/-f"
	echo p >"$dir/"$'dir\nname/\t'
	touch -d '2002-02-02 02:02:02.000000002Z' "$dir/-d" "$dir/..." "$dir/"$'dir\nname'
}

# What find(1) sees of a tree, nanoseconds included.
describe_everything() {
	(cd "$1" && find . -mindepth 1 ! -type s -printf '%p\0type %y mode %m owner %U:%G size %s mtime %T@ links %n to %l\0' | tr '\n\0' '\1\n' | LC_ALL=C sort)
}

# same_everything SOURCE COPY: equal by rsync, find, getfacl, getfattr and getcap; sockets aside.
same_everything() {
	local source=$1 copy=$2
	rsync -aHAXn --modify-window=-1 --delete --itemize-changes --no-specials -D "$source/" "$copy/" >rsync.out 2>&1 || true
	grep -av -e '^skipping non-regular' -e 'socket$' rsync.out >differences || true
	assert_empty differences "rsync sees a difference between source and $copy"
	rsync -acn --exclude sparse-1TiB --itemize-changes "$source/" "$copy/" >rsync.out 2>&1 || true
	grep -av -e '^skipping non-regular' -e 'socket$' rsync.out >differences || true
	assert_empty differences "rsync sees a difference of contents between source and $copy"
	diff <(describe_links "$source") <(describe_links "$copy") || fail "find sees a difference between source and $copy"
	diff <(describe_attributes "$source") <(describe_attributes "$copy") || fail "ACLs or extended attributes of $copy differ"
	diff <(cd "$source" && getcap -r . | sort) <(cd "$copy" && getcap -r . | sort) || fail "capabilities of $copy differ"
	local at
	for at in 0 $((1 << 39)) $(((1 << 40) - 4096)); do
		cmp <(dd if="$source/sparse-1TiB" iflag=skip_bytes,count_bytes skip="$at" count=4096 status=none) \
			<(dd if="$copy/sparse-1TiB" iflag=skip_bytes,count_bytes skip="$at" count=4096 status=none) || fail "sparse file of $copy at $at"
	done
	(($(stat -c %b "$copy/sparse-1TiB") < 1000)) || fail "the sparse file of $copy takes $(stat -c %b "$copy/sparse-1TiB") blocks"
}

describe_attributes() {
	(
		cd "$1"
		find . ! -type s ! -type l -print0 | LC_ALL=C sort -z | xargs -0 getfacl -n
		find . ! -type s -print0 | LC_ALL=C sort -z | xargs -0 getfattr -h -d -e hex -m -
	)
}

# Directories have sizes of their own; a directory's link count is the file system's business.
describe_links() {
	describe_everything "$1" | sed -E 's/(type d .*) size [0-9]+ /\1 /; s/(type d .*) links [0-9]+ /\1 /'
}
