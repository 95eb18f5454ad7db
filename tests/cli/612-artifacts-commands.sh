#!/usr/bin/env bash
# Commands of definitions: refused unless the policy allows them, with the digest of the program, and cut by limits.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

mkdir definitions elsewhere
define() { # NAME PROGRAM ARGUMENTS
	printf -- '---\nname: %s\ndoc: A command.\nsources:\n- type: COMMAND\n  attributes:\n    cmd: %s\n    args: [%s]\nsupported_os: [Linux]\n' \
		"$1" "$2" "$3" >>definitions/commands.yaml
}
cat >"$here/touch.sh" <<SCRIPT
#!/bin/sh
touch "$here/ran"
echo "ran as \$#: \$1"
echo complaint >&2
exit 5
SCRIPT
chmod +x touch.sh
define Touch "$here/touch.sh" "'\$(id) a b'"
define Echo /bin/echo "'*', '; id'"
define Name uname "-s"
define Gone /nonexistent/program "-x"
define Noise /bin/sh "-c, 'while :; do echo 0123456789; done'"
define Plain "$here/plain" ""
echo text >plain
printf -- '---\nname: All\ndoc: A group.\nsources:\n- type: ARTIFACT_GROUP\n  attributes: {names: [Touch, Echo, Name, Gone, Touch]}\n' >definitions/group.yaml

policy() { # FILE COMMANDS LIMITS NAME…
	printf 'policy: p\n%s\nsources:\n  - name: s\n    artifacts: [%s]\n    definitions: %s\n%s\n' "$3" "$4" "$here/definitions" "$2" >"$1"
}
items() {
	expect_exit 0 vestige -C case --json ls -i analyst.key latest
	jq -c 'select(.item.source == "s") | .item' "$out" >items.json
}
item() { # PATH FILTER WANTED
	assert_equal "$3" "$(jq -c "select(.path == \"$1\") | $2" items.json)" "$1 $2"
}
new_case case

policy refused.yaml "" "" All
expect_exit 0 vestige -C case snapshot refused.yaml
[[ ! -e ran ]] || fail "a command ran that was not allowed"
items
item /command/Touch/1 '[.status, .rule]' '["excluded","commands are not allowed by the policy"]'
assert_equal 4 "$(wc -l <items.json)" "items without commands"

policy allowed.yaml "    commands: allow" "" All
expect_exit 0 vestige -C case --json snapshot allowed.yaml --dry-run
[[ ! -e ran ]] || fail "a plan ran a command"
expect_exit 0 vestige -C case snapshot allowed.yaml
[[ -e ran ]] || fail "the command did not run"
items
# shellcheck disable=SC2016 # no shell is to expand it
item /command/Touch/1/stdout '[.type, .status, .details.exit_status, .details.arguments[0]]' '["stream","collected",5,"$(id) a b"]'
item /command/Touch/1/stdout '[.details.program, .details.interpreter]' "[\"$here/touch.sh\",\"/bin/sh\"]"
item /command/Touch/1/stderr .details.program_sha256 "\"$(sha256_of touch.sh)\""
item /command/Echo/1/stdout .details.program_sha256 "\"$(sha256_of /bin/echo)\""
item /command/Gone/1 '[.status, .details.command]' '["absent","/nonexistent/program"]'
content() {
	expect_exit 0 vestige -C case cat -i analyst.key latest "$1"
	assert_equal "$2" "$(cat "$out")" "$1"
}
content /command/Touch/1/stdout "ran as 1: \$(id) a b"
content /command/Touch/1/stderr complaint
content /command/Echo/1/stdout "* ; id"
content /command/Name/1/stdout Linux

policy noise.yaml "    commands: allow" "limits: {item: 1MiB}" "Noise, Plain"
expect_exit 3 vestige -C case snapshot noise.yaml
items
item /command/Noise/1/stdout '[.status, .rule, .size, .details.killed, .details.signal]' '["truncated","limits.item",1048576,"limits.item",9]'
item /command/Plain/1 '[.status, .errno, .rule]' '["denied","EACCES","execute"]'
expect_exit 0 vestige -C case verify --deep -i analyst.key

# A command that hangs ends with its source's time, and leaves nothing behind.
define Hang /bin/sh "-c, 'echo begun; sleep 86399.612 & sleep 86399.612'"
policy hang.yaml "    commands: allow" "limits: {source_time: 1s}" Hang
expect_exit 3 vestige -C case snapshot hang.yaml
items
item /command/Hang/1/stdout '[.status, .rule, .size, .details.killed]' '["truncated","limits.source_time",6,"limits.source_time"]'
sleep 0.2
if pgrep -f '^sleep 86399\.612$' >/dev/null; then fail "a process of the command is still there"; fi
