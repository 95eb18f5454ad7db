# shellcheck shell=bash
# A root with a package database made by dpkg itself.

need_dpkg() {
	need dpkg dpkg-deb dpkg-divert jq
	need_root
}

# The directories of a host of today: /bin leads to /usr/bin.
make_root() { # ROOT
	mkdir -p "$1"/{etc,usr/bin,usr/lib,var/lib/dpkg/{info,updates}}
	: >"$1/var/lib/dpkg/status"
	: >"$1/var/lib/dpkg/available"
	ln -s usr/bin "$1/bin"
	ln -s usr/lib "$1/lib"
}

# make_package DIR VERSION [FIELD…]: DIR/ has the files; becomes DIR.deb.
make_package() {
	local dir=$1 version=$2 field
	shift 2
	mkdir -p "$dir/DEBIAN"
	{
		printf 'Package: %s\nVersion: %s\nMaintainer: Nobody <nobody@example.org>\n' "${dir##*/}" "$version"
		printf 'Description: a package for a test\n'
		for field; do printf '%s\n' "$field"; done
	} >"$dir/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$dir" "$dir.deb" >/dev/null
}

dpkg_root() { # ROOT ARG…
	local root=$1
	shift
	dpkg --root="$root" --log=/dev/null --force-unsafe-io --force-script-chrootless "$@" >dpkg.log 2>&1 || {
		cat dpkg.log
		fail "dpkg $*"
	}
}

divert() { # ROOT ARG…
	local root=$1
	shift
	dpkg-divert --root "$root" "$@" >/dev/null
}

# package_of LS PATH: "name version same" of its details, "none" without.
package_of() {
	jq -r --arg path "$2" 'select(.item.source == "programs" and .item.path == $path) | .item.details.package |
		if . == null then "none" else "\(.name) \(.version) \(.same)" end' "$1"
}
