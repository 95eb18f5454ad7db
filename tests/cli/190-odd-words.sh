#!/usr/bin/env bash
# Words from outside, in titles, reasons, names and paths: kept as they are or refused, never acted on, never raw on a terminal.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq git ssh-keygen
make_identity
make_tree tree
write_policy policy.yaml "$here/tree/**"
ssh_key examiner

title=$'Title "quoted" \\ ü 日本 \u202e $(id)'
expect_exit 0 vestige init odd --title "$title" --number '../../etc' -r "$recipient"
assert_equal "$title" "$(jq -r .title odd/trail/case.json)" "title"
assert_equal "../../etc" "$(jq -r .number odd/trail/case.json)" "number"
expect_exit 0 vestige -C odd verify

# What is not UTF-8, or would act on a terminal, is refused, with nothing written.
refused() { # STATUS COMMAND…
	local status=$1
	shift
	expect_exit "$status" vestige "$@"
	assert_in "$err" "vestige"
	[[ ! -e bad ]] || fail "something was written by: $*"
}
refused 64 init bad --title $'not \xff UTF-8' -r "$recipient"
refused 64 init bad --title $'\e[31mred' -r "$recipient"
assert_in "$err" "the title is empty, too long, or holds control characters"
refused 64 init bad --title "" -r "$recipient"
refused 64 init bad --title T -r "$recipient" --examiner $'new\nline=examiner.pub'
refused 64 init bad --title T -r "$recipient" --examiner "two words=examiner.pub"
refused 64 init bad --title T -r "$recipient" --examiner "star*=examiner.pub"
refused 2 init bad --title T -r "$recipient" --examiner "ada=examiner.pub" --examiner "bob=examiner.pub"

sealed_case case
reason=$'because\n"of" \e[1mthis\e[0m, \\ and ü'
snapshot case --reason "$reason" --operator "O'Hara; rm -rf /"
vestige -q -C case cat -i analyst.key latest exhibit.json >record.json
assert_equal "$reason" "$(jq -r .reason record.json)" "reason"
assert_equal "O'Hara; rm -rf /" "$(jq -r .operator record.json)" "operator"
exhibits=$(find case/exhibits -type f | wc -l)
status=0
vestige -C case snapshot policy.yaml --reason $'\xff' >"$out" 2>"$err" || status=$?
((status == 64 || status == 0)) || fail "exit status $status for a reason that is not UTF-8: $(cat "$err")"
if ((status == 64)); then
	assert_equal "$exhibits" "$(find case/exhibits -type f | wc -l)" "files after a reason that was refused"
fi
expect_exit 0 vestige -C case verify --deep -i analyst.key

# A directory with an awkward name holds a case like any other.
dir=$' -C\n\xff"\\\t$(id)'
mkdir "$dir"
expect_exit 0 vestige init "$dir/--case" --title T -r "$recipient"
if LC_ALL=C grep -q $'\xff' "$out"; then fail "raw bytes of a path reached the output"; fi
expect_exit 0 vestige -C "$dir/--case" snapshot policy.yaml
expect_exit 0 vestige -C "$dir/--case" verify --deep -i analyst.key
expect_exit 0 vestige -C "$dir/--case" --json extract -i analyst.key latest app.log -o "$dir/-o"
assert_json_lines "$out" "extract"
cmp "$dir/-o/items/files$here/tree/app.log" tree/app.log
(cd "$dir/--case/trail" && expect_exit 0 vestige list)
ln -s "$dir/--case" by-link
expect_exit 0 vestige -C by-link verify
expect_exit 0 vestige -C by-link/ snapshot policy.yaml

# An image whose accounts and host name are an intruder's.
mkdir -p image/etc image/d
printf 'evil\e]0;title\a:x:1234:1234::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n\xff\xfe:x:1235:1::/:/bin/sh\n:::::\n' >image/etc/passwd
printf 'host\e[2J\nmore\n' >image/etc/hostname
head -c 3000000 /dev/zero >image/etc/group
printf '../../../../etc/passwd\n' >image/etc/timezone
echo x >image/d/x
((EUID != 0)) || chown 1234 image/d/x
write_policy image.yaml "/d/**"
expect_exit 0 vestige -C case snapshot image.yaml --root image --operator tester
expect_exit 0 vestige -C case ls -l -i analyst.key latest
if grep -q $'\e' "$out"; then fail "an escape sequence of an account's name reached the output"; fi
expect_exit 0 vestige -C case verify --deep -i analyst.key
