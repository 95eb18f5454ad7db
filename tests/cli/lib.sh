# shellcheck shell=bash
# What the scripts of this directory share. tests/run gives each script a fresh current directory, VESTIGE and TESTS.
# shellcheck disable=SC2034 # used by the scripts
set -Eeuo pipefail

here=$PWD
out=$here/stdout
err=$here/stderr
umask 022
# A program under test may lie anywhere.
export VESTIGE_POLICIES=$TESTS/../policies

fail() {
	printf 'failed: %s\n' "$*"
	exit 1
}
trap 'echo "failed: ${BASH_SOURCE[0]##*/} line $LINENO: $BASH_COMMAND"' ERR

skip() {
	printf '%s\n' "$*"
	exit 77
}

need() {
	local program
	for program in "$@"; do command -v "$program" >/dev/null || skip "$program is not installed"; done
}

need_root() {
	((EUID == 0)) || skip "needs root"
}

vestige() {
	"$VESTIGE" "$@"
}

# expect_exit STATUS COMMAND…: its output is in the files $out and $err afterwards.
expect_exit() {
	local wanted=$1 status=0
	shift
	"$@" >"$out" 2>"$err" || status=$?
	((status == wanted)) || {
		printf -- '-- stdout\n%s\n-- stderr\n%s\n' "$(head -c 4000 "$out")" "$(head -c 4000 "$err")"
		fail "exit status $status, not $wanted, of: $*"
	}
}

# Each TEXT is in the file, as it stands.
assert_in() {
	local file=$1 text
	shift
	for text in "$@"; do
		grep -qF -e "$text" "$file" || {
			printf -- '-- %s\n%s\n' "$file" "$(head -c 4000 "$file")"
			fail "not there: $text"
		}
	done
}

assert_not_in() {
	local file=$1 text
	shift
	for text in "$@"; do
		if grep -qF -e "$text" "$file"; then
			printf -- '-- %s\n%s\n' "$file" "$(head -c 4000 "$file")"
			fail "is there, and should not be: $text"
		fi
	done
}

assert_equal() { # WANTED FOUND WHAT
	[[ $1 == "$2" ]] || fail "$3: wanted '$1', found '$2'"
}

assert_empty() { # FILE WHAT
	[[ ! -s $1 ]] || {
		head -c 4000 "$1"
		fail "$2"
	}
}

# Every line of the file is one JSON object with a type.
assert_json_lines() {
	[[ -s $1 ]] || fail "no JSON at all: $2"
	jq -e -s 'length > 0 and all(.[]; type == "object" and (.type | type) == "string")' "$1" >/dev/null ||
		fail "not JSON Lines with a type: $2"
	assert_equal "$(wc -l <"$1")" "$(jq -c . "$1" | wc -l)" "lines and JSON objects of: $2"
}

# any_json FILE FILTER: some object of the file passes it. Not by `jq -e` alone: jq 1.6 goes by the last object only.
any_json() {
	jq -e -s "any(.[]; $2)" "$1" >/dev/null
}

sha256_of() {
	sha256sum <"$1" | cut -d' ' -f1
}

# write_policy FILE PATTERN…: one source, "files".
write_policy() {
	local file=$1 name
	name=$(basename "$1" .yaml)
	shift
	{
		printf 'policy: %s\nsources:\n  - name: files\n    files:\n      paths:\n' "$name"
		printf '        - "%s"\n' "$@"
	} >"$file"
}

# An identity, analyst.key, once; its recipient in $recipient.
make_identity() {
	[[ -e $here/analyst.key ]] || vestige -q keygen -o "$here/analyst.key" >/dev/null
	recipient=$(sed -n 's/^# public key: //p' "$here/analyst.key")
}

# new_case DIR [ARG…]: sealed to analyst.key.
new_case() {
	local dir=$1
	shift
	make_identity
	vestige init "$dir" --title "Test case" -r "$recipient" "$@" >"$out" 2>"$err" || {
		cat "$err"
		fail "init $dir"
	}
}

# Some files of different kinds and sizes.
make_tree() {
	local dir=$1 i
	mkdir -p "$dir/sub/deeper" "$dir/empty.d"
	for ((i = 0; i < 400; i++)); do echo "2026-01-01T00:00:$((i % 60)) line $i of a log"; done >"$dir/app.log"
	head -c 300000 /dev/urandom >"$dir/sub/random.bin"
	head -c 200000 /dev/zero >"$dir/sub/zero.bin"
	: >"$dir/sub/deeper/empty"
	printf 'one line without an end' >"$dir/sub/deeper/note.txt"
	ln -s ../app.log "$dir/sub/link"
}

# sealed_case DIR [ARG of init…]: a case with EX0001 of tree/.
sealed_case() {
	local dir=$1
	[[ -d $here/tree ]] || make_tree "$here/tree"
	[[ -e $here/policy.yaml ]] || write_policy "$here/policy.yaml" "$here/tree/**"
	new_case "$@"
	snapshot "$dir"
}

# snapshot DIR [ARG…]: by policy.yaml, which must succeed.
snapshot() {
	local dir=$1
	shift
	vestige -C "$dir" snapshot "$here/policy.yaml" "$@" >"$out" 2>"$err" || {
		local status=$?
		cat "$out" "$err"
		fail "snapshot of $dir: exit status $status"
	}
}

copy_case() { # FROM TO
	rm -rf "$2"
	cp -a "$1" "$2"
}

# git_as_host CASE ARG…: git in its trail, with author and committer as the log wants them.
git_as_host() {
	local trail=$1/trail name email now
	shift
	name=$(git -C "$trail" log -1 --format=%an)
	email=$(git -C "$trail" log -1 --format=%ae)
	now="$(date +%s) +0000"
	GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=$email GIT_AUTHOR_DATE=$now GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$email \
		GIT_COMMITTER_DATE=$now git -C "$trail" -c gpg.format=ssh "$@"
}

ssh_key() { # FILE [COMMENT]
	ssh-keygen -q -t ed25519 -N '' -C "${2:-test}" -f "$1"
}

# flip FILE OFFSET: one bit of the byte there.
flip() {
	python3 - "$1" "$2" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)
    assert byte, "the offset lies behind the end"
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte[0] ^ 1]))
PYTHON
}

# All that a tree is: names, types, owners, modes, times of contents, contents.
listing() {
	(
		cd "$1"
		find . -printf '%p %y %m %U %G %s %T@ %C@ %l\n' | LC_ALL=C sort
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
	)
}

# A directory that other users can reach, removed at the end: tests/run's own is for its user alone.
public_directory() {
	public=$(mktemp -d "${TMPDIR:-/tmp}/vestige-public.XXXXXX")
	chmod 755 "$public"
	# shellcheck disable=SC2064 # now, not later
	trap "rm -rf '$public'" EXIT
	cp "$VESTIGE" "$public/vestige"
	chmod 755 "$public/vestige"
}

# COMMAND… as a user who may nothing.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --no-new-privs env -u SUDO_USER HOME=/nonexistent "$@"
}

# Over, though its parent may not have asked yet.
is_over() {
	[[ ! -e /proc/$1 || $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) =~ ^Z?$ ]]
}

# wait_for SECONDS COMMAND…
wait_for() {
	local tenths=$(($1 * 20))
	shift
	while ! "$@"; do
		((tenths-- > 0)) || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# start_and_signal CASE BYTES STOP|KILL|… COMMAND…: runs it, and once its unfinished exhibit in CASE has that many bytes, sends it the
# signal. Prints its process id; but for STOP it is over by then, its exit status in background.status, its output in background.log.
start_and_signal() {
	python3 - "$@" <<'PYTHON'
import os, pathlib, signal, subprocess, sys, time
case, size, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
log = open("background.log", "wb")
exhibits = pathlib.Path(case, "exhibits")
before = set(exhibits.glob("*.partial"))
process = subprocess.Popen(sys.argv[4:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
deadline = time.monotonic() + 20
while not any(p.stat().st_size >= size for p in set(exhibits.glob("*.partial")) - before):
    if process.poll() is not None or time.monotonic() > deadline:
        sys.exit("the command was over before it had written so much: " + open("background.log").read())
    time.sleep(0.001)
os.kill(process.pid, getattr(signal, "SIG" + name))
if name != "STOP":
    with open("background.status", "w") as f:
        print(process.wait(timeout=60), file=f)
print(process.pid)
PYTHON
}

# on_terminal FILE ANSWER COMMAND…: runs it on a terminal of 100 columns and types ANSWER whenever it asks for a passphrase. All that it
# writes there is in the file afterwards; its exit status is ours.
on_terminal() {
	local file=$1
	shift
	python3 - "$@" >"$file" <<'PYTHON'
import fcntl, os, pty, struct, sys, termios, time
answer, command = sys.argv[1].encode() + b"\n", sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    os.execvp(command[0], command)
unanswered = b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
    unanswered += data
    if len(answer) > 1 and b"assphrase" in unanswered and unanswered.rstrip().endswith(b":"):
        time.sleep(0.3)  # the program turns the echo off after it has asked
        os.write(fd, answer)
        unanswered = b""
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
}
