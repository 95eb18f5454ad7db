#!/usr/bin/env bash
# The trail in a fresh clone, with git, ssh-keygen, sha256sum and openssl: nothing of ours takes part.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need git ssh-keygen jq python3
ssh_key examiner
sealed_case case --examiner "ada@example.org=$here/examiner.pub"
snapshot case
expect_exit 0 vestige -C case cat -i analyst.key --signing-key examiner latest "$here/tree/sub/deeper/note.txt"
snapshot case
vestige -C case signers >all-signers

git clone -q --no-local case/trail clone
git -C clone fsck --strict --no-dangling >"$out" 2>&1 || {
	cat "$out"
	fail "git fsck --strict"
}
assert_not_in "$out" error warning
git -C case/trail fsck --strict >"$out" 2>&1 || fail "git fsck --strict of the trail itself"
assert_equal "" "$(git -C case/trail status --porcelain --ignored)" "git status of the trail"
mapfile -t commits < <(git -C clone rev-list --reverse HEAD)
assert_equal 5 "${#commits[@]}" "commits: genesis, three exhibits, one opening"
assert_equal 0 "$(git -C clone rev-list --merges HEAD | wc -l)" "merges"

# Each commit by the allowed_signers of its parent; stock git, no configuration.
check_commit() { # COMMIT FILE-OF-SIGNERS
	git -C clone -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$2" verify-commit "$1" >"$out" 2>&1
}
parent=
n=0
previous=
for commit in "${commits[@]}"; do
	git -C clone show "${parent:-$commit}:allowed_signers" >allowed
	check_commit "$commit" "$here/allowed" || {
		cat "$out"
		fail "git verify-commit of event $n"
	}
	assert_in "$out" 'Good "git" signature'
	path=$(printf 'events/0000/00/%08d.json' "$n")
	git -C clone cat-file blob "$commit:$path" >event
	trailer() { git -C clone log -1 --format="%(trailers:key=$1,valueonly,separator=)" "$commit"; }
	assert_equal "$(sha256_of event)" "$(trailer Event-SHA256)" "Event-SHA256 of event $n"
	assert_equal "$previous" "$(trailer Previous-SHA256)" "Previous-SHA256 of event $n"
	assert_equal "$((n + 1))" "$(trailer Log-Size)" "Log-Size of event $n"
	assert_equal "$n" "$(trailer Vestige-Event)" "Vestige-Event of event $n"
	assert_equal "${previous:-null}" "$(jq -r .previous event)" "previous in event $n"
	for name in case.json recipients allowed_signers; do
		git -C clone cat-file blob "$commit:$name" >blob-of-commit
		assert_equal "$(sha256_of blob-of-commit)" "$(jq -r ".${name%.json}_sha256" event)" "digest of $name in event $n"
	done
	# One event a commit, nothing else but what goes with it.
	git -C clone diff-tree --root --no-commit-id --name-only -r "$commit" |
		grep -vx -e "$path" -e checkpoint -e allowed_signers -e recipients -e case.json >strange || true
	assert_empty strange "files that commit $n changed"

	# The signature alone, taken out by hand, over the payload alone.
	git -C clone cat-file commit "$commit" >object
	sed -n '/^gpgsig /,/-----END/p' object | sed 's/^gpgsig //; s/^ //' >signature
	sed '/^gpgsig /,/-----END/d' object >payload
	principal=$(jq -r .actor event)
	ssh-keygen -Y verify -f allowed -I "$principal" -n git -s signature <payload >"$out" 2>&1 || {
		cat "$out"
		fail "ssh-keygen -Y verify of event $n"
	}
	if ssh-keygen -Y verify -f allowed -I "$principal" -n file -s signature <payload >"$out" 2>&1; then
		fail "the signature of event $n is good in another namespace"
	fi
	if echo more | cat payload - | ssh-keygen -Y verify -f allowed -I "$principal" -n git -s signature >"$out" 2>&1; then
		fail "the signature of event $n is good for other bytes"
	fi
	parent=$commit previous=$(sha256_of event) n=$((n + 1))
done
assert_equal "$(git -C clone rev-parse HEAD)" "$(git -C case/trail rev-parse HEAD)" "heads"

# An evolved key does not sign for its successor: the signers of event 0 do not reach to event 2.
git -C clone show "${commits[0]}:allowed_signers" >allowed
if check_commit "${commits[2]}" "$here/allowed"; then fail "the first collector key signed twice"; fi

# git log --show-signature with the union that `vestige signers` prints.
git -C clone -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$here/all-signers" log --show-signature --format='%G? %GS' >"$out" 2>&1
assert_equal 5 "$(grep -c '^G ' "$out")" "commits that git log calls good"
assert_in "$out" "G ada@example.org"

# Checkpoint: origin, size and root; the root recomputed from the event files, the log key's signature by openssl.
python3 - clone >recomputed <<'PYTHON'
import base64, hashlib, pathlib, sys
trail = pathlib.Path(sys.argv[1])
leaves = [hashlib.sha256(b"\0" + p.read_bytes()).digest() for p in sorted(trail.glob("events/*/*/*.json"))]
def root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\1" + root(hashes[:k]) + root(hashes[k:])).digest()
print(len(leaves))
print(base64.b64encode(root(leaves)).decode())
text, signatures = (trail / "checkpoint").read_bytes().split(b"\n\n")
open("note.text", "wb").write(text + b"\n")
for line in signatures.decode().splitlines():
    dash, name, value = line.split(" ")
    assert dash == "\u2014", line
    if name == text.split(b"\n")[0].decode():
        raw = base64.b64decode(value)
        open("note.id", "w").write(raw[:4].hex())
        open("note.signature", "wb").write(raw[4:])
PYTHON
assert_equal "$(paste -sd' ' recomputed)" "$(sed -n 2,3p clone/checkpoint | paste -sd' ')" "size and root of the checkpoint"
vkey=$(jq -r '.log_key? // .log.key? // empty' clone/case.json)
[[ -n $vkey ]] || fail "no log key in case.json: $(cat clone/case.json)"
origin=$(head -n 1 clone/checkpoint)
assert_equal "$origin+$(cat note.id)" "${vkey%%+*}+$(cut -d+ -f2 <<<"$vkey")" "name and id of the log key"
if command -v openssl >/dev/null; then
	{
		printf '302a300506032b6570032100' | xxd -r -p 2>/dev/null || printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'
		base64 -d <<<"$(cut -d+ -f3- <<<"$vkey")" | tail -c 32
	} >log.der
	openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey log.der -in note.text -sigfile note.signature >"$out" 2>&1 || {
		cat "$out"
		fail "openssl does not accept the checkpoint's signature"
	}
fi

# A case whose trail is a stock clone is as good as the original.
mkdir court
git clone -q --no-local case/trail court/trail
cp -r case/exhibits court/
expect_exit 0 vestige -C court verify --deep -i analyst.key --expect case/trail/checkpoint
assert_not_in "$out" tampered unrecorded
expect_exit 0 vestige -C court cat -i analyst.key latest "$here/tree/app.log"
git -C court/trail -c gc.writeCommitGraph=false gc -q
expect_exit 0 vestige -C court verify

# The trail speaks of no path and no name of the evidence.
if grep -rqF -e "$here/tree" -e app.log -e note.txt clone --exclude-dir=.git; then fail "the trail names evidence"; fi
