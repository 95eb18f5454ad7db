#!/usr/bin/env bash
# The units of a nightly snapshot: what systemd thinks of them, odd paths, what is refused, and that they are written and removed with care.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq systemd-analyze python3
make_tree tree
write_policy policy.yaml "$here/tree/**"
new_case case
mkdir units metrics

# A place that this shell's environment names is not known at night: then the file is named, not the policy.
expect_exit 0 vestige -C case schedule --policy baseline --print
assert_in "$out" "$(realpath "$VESTIGE_POLICIES")/baseline.yaml"
unset VESTIGE_POLICIES
expect_exit 0 vestige -C case schedule --policy baseline --dir units
assert_in "$out" "wrote   units/vestige-case.service" "wrote   units/vestige-case.timer"
assert_in "$err" "systemctl daemon-reload && systemctl enable --now vestige-case.timer"
assert_equal "644 644" "$(stat -c %a units/* | paste -sd' ')" "modes"
systemd-analyze verify units/vestige-case.service units/vestige-case.timer >"$out" 2>&1 || fail "systemd refuses it: $(cat "$out")"
assert_empty "$out" "systemd has something to say"
# 5.0 and not less: it must see all of the host (no private /tmp, /home, /dev, network, users; six capabilities that read what others have).
systemd-analyze security --offline=true --threshold=50 --no-pager units/vestige-case.service >"$out" 2>&1 || fail "too exposed: $(cat "$out")"
assert_in units/vestige-case.service "ExecStart=$VESTIGE -C $here/case snapshot baseline --incremental --full-every 30d --reason scheduled" \
	"ReadWritePaths=$here/case"
assert_in units/vestige-case.timer "OnCalendar=*-*-* 03:40:00" "Persistent=true"

# ---- names that systemd would read as something else ----

words() { python3 "$TESTS/cli/unit_sandbox.py" "$1" command | tr '\0' '\n'; }
# shellcheck disable=SC2016
odd=$'it\'s 100% %n "$HOME" \\ ; #'
mkdir "$odd"
mv case "$odd/case" && mv policy.yaml "$odd/policy.yaml" && mkdir "$odd/metrics"
(cd "$odd" && expect_exit 0 vestige -C case schedule --policy policy.yaml --metrics metrics/v.prom --full-every 7 --keep 90d --calendar 'Mon..Fri 22:00' --dir "$here/units" --name odd.1)
words units/odd.1.service >found
printf '%s\n' "$VESTIGE" -C "$here/$odd/case" snapshot "$here/$odd/policy.yaml" --incremental --full-every 7 --keep 90d \
	--metrics "$here/$odd/metrics/v.prom" --reason scheduled >wanted
diff wanted found || fail "the command is not what was asked for"
systemd-analyze verify units/odd.1.service units/odd.1.timer >"$out" 2>&1 || fail "systemd refuses odd names: $(cat "$out")"
assert_empty "$out" "systemd has something to say of odd names"
mv "$odd/case" case && mv "$odd/policy.yaml" policy.yaml

# ---- print ----

before=$(cd units && sha256sum -- *)
expect_exit 0 vestige -C case schedule --policy baseline --dir units --print
assert_equal "$before" "$(cd units && sha256sum -- *)" "--print writes nothing"
sed -n '/^# vestige-case.timer$/,$p' "$out" | tail -n +2 | diff - units/vestige-case.timer || fail "--print prints another timer"
expect_exit 0 vestige -C case --json schedule --policy baseline --print
assert_json_lines "$out" "schedule --print"
jq -j 'select(.name == "vestige-case.service") | .text' "$out" | diff - units/vestige-case.service || fail "--json --print prints another service"

# What the policy says of it stands.
{ echo 'full_every: 14'; cat policy.yaml; } >every.yaml
if vestige policy check every.yaml >"$out" 2>&1; then
	expect_exit 0 vestige -C case schedule --policy every.yaml --print
	assert_not_in "$out" "--full-every"
fi

# ---- written again, and never over something else ----

expect_exit 0 vestige -C case schedule --policy baseline --dir units --calendar daily
assert_in units/vestige-case.timer OnCalendar=daily
mkdir other
new_case other/case
before=$(cd units && sha256sum -- *)
expect_exit 2 vestige -C other/case schedule --policy baseline --dir units
assert_in "$err" "vestige-case.service: is there, and not a unit that vestige made for this case" "hint: give another name with --name"
printf '[Timer]\n' >units/mine.timer
expect_exit 2 vestige -C case schedule --policy baseline --dir units --name mine
assert_in "$err" "mine.timer: is there"
[[ ! -e units/mine.service ]] || fail "half of it was written"
expect_exit 2 vestige -C case schedule --remove --dir units --name mine
assert_in "$err" "mine.timer: is there, and not a unit"
rm units/mine.timer
assert_equal "$before" "$(cd units && sha256sum -- *)" "units after refusals"
expect_exit 2 vestige -C other/case schedule --remove --dir units
expect_exit 0 vestige -C case schedule --remove --dir units
assert_in "$out" "removed units/vestige-case.service" "removed units/vestige-case.timer"
assert_in "$err" "systemctl stop vestige-case.timer"
(cd / && expect_exit 0 vestige schedule --remove --dir "$here/units" --name odd.1)
assert_equal "" "$(ls -A units)" "units that are left"
expect_exit 2 vestige -C case schedule --remove --dir units
assert_in "$err" "vestige-case"

# ---- what is refused ----

expect_exit 64 vestige -C case schedule
assert_in "$err" "--policy is missing"
expect_exit 2 vestige -C case schedule --policy nothing.yaml --dir units
assert_in "$err" "policy nothing.yaml: No such file"
printf 'policy: [' >broken.yaml
vestige -C case schedule --policy broken.yaml --dir units >"$out" 2>"$err" && fail "a broken policy is scheduled"
expect_exit 10 vestige -C tree schedule --policy baseline --dir units
expect_exit 64 vestige -C case schedule --policy baseline --dir units --calendar 'every full moon'
assert_in "$err" "--calendar every full moon" "hint: systemd.time(7)"
expect_exit 64 vestige -C case schedule --policy baseline --dir units --calendar $'daily\nUnit=x'
expect_exit 64 vestige -C case schedule --policy baseline --dir units --keep soon
expect_exit 64 vestige -C case schedule --policy baseline --dir units --full-every 0d
expect_exit 64 vestige -C case schedule --policy baseline --dir units --name ../x
expect_exit 64 vestige -C case schedule --policy baseline --dir units --name 'a b'
expect_exit 64 vestige -C case schedule --policy - --dir units
expect_exit 64 vestige -C case schedule --policy baseline --dir units --print --remove
expect_exit 2 vestige -C case schedule --policy baseline --dir units --metrics nowhere/v.prom
assert_in "$err" "--metrics nowhere: No such file"
expect_exit 2 vestige -C case schedule --policy baseline --dir nowhere
expect_exit 64 vestige -C case schedule --policy baseline --dir units --keep $'90d\nExecStartPre=/bin/sh'
mkdir $'line\nfeed'
cp -a case $'line\nfeed/case'
expect_exit 64 vestige -C $'line\nfeed/case' schedule --policy baseline --dir units
assert_in "$err" "a unit file cannot carry this path"
cp -a case copy && rm -r copy/private
expect_exit 12 vestige -C copy schedule --policy baseline --dir units
assert_in "$err" "no keys to add to it"
printf 'a passphrase of some length\n' >phrase
VESTIGE_PASSPHRASE_FILE=$here/phrase vestige -q init sealed --title t --passphrase >/dev/null 2>&1 && {
	expect_exit 12 vestige -C sealed schedule --policy baseline --dir units
	assert_in "$err" "sealed to a passphrase"
}
assert_equal "" "$(ls -A units)" "units after what was refused"

# ---- a case that is not root's ----

if ((EUID == 0)); then
	cp -a case theirs && chown 65534 theirs
	expect_exit 0 vestige -C theirs schedule --policy baseline --dir units
	grep -q '^CapabilityBoundingSet=CAP_DAC_OVERRIDE$' units/vestige-theirs.service || fail "it could not write to the case"
	systemd-analyze verify units/vestige-theirs.service >"$out" 2>&1 || fail "systemd refuses it: $(cat "$out")"
fi
