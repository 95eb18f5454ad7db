#!/usr/bin/env bash
# A case sealed to a passphrase: by file here, by a terminal with stock age.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need age python3 setsid zstd tar
make_tree tree
write_policy policy.yaml "$here/tree/**"
echo "correct horse battery staple" >secret.txt
echo "wrong horse" >wrong.txt

expect_exit 0 vestige init case --title "By passphrase" -p
assert_in case/trail/recipients "# passphrase"
expect_exit 12 setsid -w "$VESTIGE" -C case snapshot policy.yaml
assert_in "$err" "a passphrase is needed, and there is no terminal to ask for it" "hint: set VESTIGE_PASSPHRASE_FILE"
assert_equal 0 "$(find case/exhibits -type f | wc -l)" "files in exhibits/"
export VESTIGE_PASSPHRASE_FILE=$here/secret.txt
expect_exit 0 vestige -C case snapshot policy.yaml
expect_exit 0 vestige -C case verify --deep
assert_in "$out" "each as its manifest line says"
expect_exit 0 vestige -C case cat latest "$here/tree/app.log"
cmp "$out" tree/app.log
if grep -rqF "correct horse" case; then fail "the passphrase lies in the case"; fi

VESTIGE_PASSPHRASE_FILE=$here/wrong.txt expect_exit 12 vestige -C case cat latest "$here/tree/app.log"
assert_empty "$out" "content by a wrong passphrase"
VESTIGE_PASSPHRASE_FILE=$here/missing expect_exit 2 vestige -C case verify --deep
assert_in "$err" "VESTIGE_PASSPHRASE_FILE" missing
: >empty.txt
VESTIGE_PASSPHRASE_FILE=$here/empty.txt expect_exit 12 vestige -C case verify --deep
assert_in "$err" "nothing was entered"

# Stock age asks on a terminal.
on_terminal age.log "correct horse battery staple" age -d -o exhibit.tar.zst case/exhibits/EX0001.tar.zst.age
zstd -d -q -c exhibit.tar.zst | tar -xO "items/files$here/tree/app.log" | cmp - tree/app.log

# The same on our side, asked on a terminal and not shown there; twice for a new exhibit.
unset VESTIGE_PASSPHRASE_FILE
on_terminal typed "correct horse battery staple" "$VESTIGE" -C case cat latest "$here/tree/app.log"
assert_in typed "Passphrase for" "line 399 of a log"
assert_not_in typed "correct horse"
on_terminal typed "correct horse battery staple" "$VESTIGE" -C case snapshot policy.yaml
assert_in typed "Passphrase for the new exhibit" "Again, the passphrase for the new exhibit" "sealed EX0002"
assert_not_in typed "correct horse"

# An identity that age keeps under a passphrase.
make_identity
on_terminal age.log "correct horse battery staple" age -p -o locked.key.age analyst.key
sealed_case by-key
VESTIGE_PASSPHRASE_FILE=$here/secret.txt expect_exit 0 vestige -C by-key cat -i locked.key.age latest "$here/tree/app.log"
cmp "$out" tree/app.log
VESTIGE_PASSPHRASE_FILE=$here/wrong.txt expect_exit 12 vestige -C by-key cat -i locked.key.age latest "$here/tree/app.log"
assert_in "$err" locked.key.age
assert_empty "$out" "content by a wrong passphrase"
