# shellcheck shell=bash
# shellcheck disable=SC2154 # what lib.sh sets
# Another day for the program under test: `at SECONDS COMMAND…` runs it as if that were the time. A build with VESTIGE_FAULTS has a clock of
# its own; for others a small library stands before the C library's clock, which a static program would not ask.

clock_with_library() {
	cat >"$here/clock.c" <<'C'
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ret)
{
	const char *text = getenv("VESTIGE_CLOCK");
	int rc = (int)syscall(SYS_clock_gettime, id, ret);
	if (id == CLOCK_REALTIME && text)
		ret->tv_sec = strtoll(text, NULL, 10);
	return rc;
}
C
	cc -shared -fPIC -O -o "$here/clock.so" "$here/clock.c"
	clock_preload=$here/clock.so
}

at() {
	local seconds=$1
	shift
	VESTIGE_CLOCK=$seconds LD_PRELOAD=$clock_preload "$@"
}

# make_clock CASE-DIRECTORY-TO-TRY: skips if the time cannot be set. Removes the directory.
make_clock() {
	local trial=$1
	clock_preload=
	for way in own library; do
		[[ $way == own ]] || { need cc && clock_with_library; }
		make_identity
		rm -rf "$trial"
		at 1790000000 "$VESTIGE" -q init "$trial" --title clock -r "$recipient" >/dev/null 2>&1 || true
		if [[ $(vestige -C "$trial" --json log 2>/dev/null | jq -r .record.time) == 2026-09-21T14:13:20* ]]; then
			rm -rf "$trial"
			return
		fi
	done
	skip "no clock that a test can set"
}
