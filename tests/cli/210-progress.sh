#!/usr/bin/env bash
# Progress on a terminal, with rate and time left; not a byte of it elsewhere. Colour likewise.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need python3
mkdir tree
head -c 150000000 /dev/urandom >tree/file
# Slow enough to be watched: its size is known before it is read.
for i in {1..300}; do echo "$i" >"tree/small-$i"; done
write_policy policy.yaml "$here/tree/**"
new_case case

expect_exit 0 vestige -C case snapshot policy.yaml
for stream in "$out" "$err"; do
	if grep -q $'[\r\e]' "$stream"; then fail "control characters where there is no terminal: $(cat -v "$stream")"; fi
done
assert_not_in "$err" "MiB" "left" "█"
expect_exit 0 vestige -C case verify --deep -i analyst.key
assert_empty "$err" "progress of verify where there is no terminal"
expect_exit 0 vestige -C case extract -i analyst.key latest -o out
if grep -q $'[\r\e]' "$err"; then fail "progress of extract where there is no terminal"; fi

on_terminal seen "" "$VESTIGE" -C case snapshot policy.yaml
# The bar needs what a look over the sources expects to be read: once that was always nothing.
assert_in seen $'\r\e[K' "files" " of 143 MiB" "█" "░" "sealed EX0002" $'\e[32m'
# The line is taken away before the result is printed.
if grep -a '░\|█' seen | sed $'s/.*\r\e\\[K//' | grep -a '░\|█'; then fail "progress was left on the screen: $(cat -v seen | tail -n 5)"; fi
on_terminal seen "" "$VESTIGE" -C case --json snapshot policy.yaml
assert_not_in seen "█"
on_terminal seen "" "$VESTIGE" -q -C case snapshot policy.yaml
assert_not_in seen "█"
on_terminal seen "" "$VESTIGE" --no-color -C case verify
assert_not_in seen $'\e[32m'
NO_COLOR=1 on_terminal seen "" "$VESTIGE" -C case verify EX0001
assert_not_in seen $'\e[32m'
# A long enough run says how fast and how long yet.
if on_terminal seen "" "$VESTIGE" -C case verify --deep -i analyst.key && grep -aq '/s  ' seen; then
	grep -aqE '[0-9.]+ MiB/s  [0-9]+:[0-9]{2} left' seen || fail "no rate and time left: $(cat -v seen | head -c 2000)"
fi
