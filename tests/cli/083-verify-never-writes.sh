#!/usr/bin/env bash
# verify leaves no trace in a case, and needs no right to write there.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need setpriv git
sealed_case case
cp -a case/trail/checkpoint expected
# Something that a writer would repair and verify may only report.
: >"case/exhibits/EX0002.tar.zst.age.partial"
touch -d 2001-01-01 case/trail/recipients

listing case >before
expect_exit 0 vestige -C case verify --deep -i analyst.key --expect expected
assert_in "$out" "temporary file of a snapshot that runs or was interrupted"
expect_exit 0 vestige -C case list
expect_exit 0 vestige -C case log
expect_exit 0 vestige -C case ls -i analyst.key
expect_exit 0 vestige -C case cat -i analyst.key latest "$here/tree/app.log"
listing case >after
diff before after || fail "reading changed the case"

# A case that is bad is not repaired either.
rm case/trail/recipients
listing case >before
expect_exit 1 vestige -C case verify
listing case >after
diff before after || fail "verify of a bad case changed it"
git -C case/trail checkout -q -- recipients

need_root
public_directory
cp -a case analyst.key "$public/"
chmod -R a+rX,a-w "$public/case"
chmod 644 "$public/analyst.key"
listing "$public/case" >before
expect_exit 0 as_nobody "$public/vestige" -C "$public/case" verify --deep -i "$public/analyst.key"
assert_not_in "$out" tampered
listing "$public/case" >after
diff before after || fail "verify by another user changed the case"
# Without private/'s contents readable, as for a colleague.
chmod 700 "$public/case/private"
expect_exit 0 as_nobody "$public/vestige" -C "$public/case" verify
# What cannot be read is no finding: exit status 2.
chmod 000 "$public/case/exhibits/EX0001.tar.zst.age"
expect_exit 2 as_nobody "$public/vestige" -C "$public/case" verify
assert_in "$err" "Permission denied"
assert_not_in "$out" tampered

# A snapshot into a case that may not be written: said at once, nothing left behind.
chmod 644 "$public/case/exhibits/EX0001.tar.zst.age"
cp policy.yaml "$public/policy.yaml"
listing "$public/case" >before
status=0
as_nobody "$public/vestige" -C "$public/case" snapshot "$public/policy.yaml" --operator nobody >"$out" 2>"$err" || status=$?
((status == 2 || status == 12)) || fail "exit status $status of a snapshot into a case of somebody else"
assert_in "$err" "vestige: "
listing "$public/case" >after
diff before after || fail "a refused snapshot changed the case"
