# Shared by the fault tests. They need a program that was built with VESTIGE_FAULTS; another one cannot be made to fail on purpose.
# shellcheck shell=bash
set -euo pipefail

export ASAN_OPTIONS=exitcode=99:detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:exitcode=99
export VESTIGE_POLICIES=$TESTS/../policies

fail() {
	printf 'FAILED: %s\n' "$*"
	exit 1
}

make_image() { # DIR: a little host
	mkdir -p "$1/var/log" "$1/etc"
	seq 1 3000 | sed 's/^/Nov 22 03:40:13 web1 sshd[411]: Accepted publickey for anna, number /' >"$1/var/log/auth.log"
	head -c 300000 /dev/urandom >"$1/var/log/journal.bin"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	ln -s ../proc/self/mounts "$1/etc/mtab"
	mkfifo "$1/var/log/pipe"
}

make_case() { # CASE: identity beside it, one good exhibit inside
	"$VESTIGE" keygen -q -o "$1.key" >/dev/null
	"$VESTIGE" init "$1" --title Faults -r "$(sed -n 's/^# public key: //p' "$1.key")" >/dev/null
	snapshot "$1" >/dev/null || fail "the first snapshot"
}

snapshot() { # CASE
	"$VESTIGE" -C "$1" snapshot -q policy.yaml --root image
}

make_policy() {
	cat >policy.yaml <<-YAML
		policy: faults
		sources:
		  - name: logs
		    files: {paths: [/var/log/**, /etc/**]}
	YAML
}

has_faults() {
	VESTIGE_FAULT=malloc:1:ENOMEM "$VESTIGE" keygen >/dev/null 2>&1 && {
		echo 'the program was built without VESTIGE_FAULTS'
		exit 77
	}
	return 0
}

# Whatever happened: the log and every exhibit that it names are good, what is left over is only noted; the next snapshot works; every
# item of the exhibits is as sealed.
check_case() { # CASE WHAT
	local status=0
	"$VESTIGE" -C "$1" verify >verify.log 2>&1 || status=$?
	((status == 0)) || { cat verify.log; fail "$2: verify exits $status"; }
}

check_goes_on() { # CASE WHAT
	local status=0
	snapshot "$1" >next.log 2>&1 || status=$?
	((status == 0)) || { cat next.log; fail "$2: the next snapshot exits $status"; }
	"$VESTIGE" -C "$1" verify --deep -i "$1.key" >verify.log 2>&1 || { cat verify.log; fail "$2: after the next snapshot"; }
	! grep -q pending verify.log || { cat verify.log; fail "$2: still pending after the next snapshot"; }
}

crashed() { # STATUS: ended by a signal or by a sanitizer
	(($1 == 99 || ($1 > 128 && $1 != 137)))
}
