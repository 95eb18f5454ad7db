# shellcheck shell=bash
# What the scripts about the static program share, behind lib.sh.
# shellcheck disable=SC2154 # lib.sh's

# build_static: the program is $static then. The first build takes some ten seconds, the next ones one.
build_static() {
	need gcc cmake ninja readelf objdump
	[[ $(uname -m) == x86_64 ]] || skip "only for x86-64"
	mkdir -p "$here/media"
	static=$here/media/vestige
	expect_exit 0 "$TESTS/../tools/build-static" "$static"
}

# in_host ROOT COMMAND…: in a chroot with its own /proc, which is gone when the command ends. What ROOT/media holds is read-only
# there, as on a disk that was locked.
in_host() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -euc '
		root=$1
		shift
		mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
		if [ -d "$root/media" ]; then
			mount --bind "$root/media" "$root/media"
			mount -o remount,bind,ro "$root/media"
		fi
		exec chroot "$root" "$@"' sh "$@"
}

# Whether in_host can do its work here: a container may not be allowed to mount.
need_host() {
	need_root
	need unshare chroot mount
	mkdir -p "$here/probe/proc"
	unshare --mount --propagation private mount -t proc proc "$here/probe/proc" 2>/dev/null ||
		unshare --mount --propagation private mount --rbind /proc "$here/probe/proc" 2>/dev/null ||
		skip "mounting is not allowed here"
}

# with_libraries ROOT PROGRAM [NAME]: copies it to ROOT/bin, with every library that it needs.
with_libraries() {
	local root=$1 program=$2 name=${3:-${2##*/}} library
	mkdir -p "$root/bin"
	cp -L "$program" "$root/bin/$name"
	while IFS= read -r library; do
		mkdir -p "$root$(dirname "$library")"
		[[ -e $root$library ]] || cp -L "$library" "$root$library"
	done < <(ldd "$program" | grep -oE '/[^ ]+')
}

# stock_open CASE DIR: EX0001 by other people's tools alone.
stock_open() {
	mkdir -p "$2"
	age -d -i "$here/analyst.key" "$1/exhibits/EX0001.tar.zst.age" | zstd -dc | tar -x -C "$2"
}
