#!/usr/bin/env bash
# --root: owner names, zone and host come from the image, links stay inside, and no path of this host is touched.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq
need_root

mkdir -p image/etc image/usr/share/zoneinfo/Pacific image/run/log image/var image/srv
printf 'root:x:0:0::/:/bin/sh\nimage-only:x:4242:4343::/:/bin/sh\n' >image/etc/passwd
printf 'root:x:0:\nimage-group:x:4343:\n' >image/etc/group
echo imaged-host >image/etc/hostname
echo 0123456789abcdef0123456789abcdef >image/etc/machine-id
echo 'PRETTY_NAME="Imaged Linux 7"' >image/etc/os-release
echo Pacific/Chatham >image/etc/timezone
ln -s /usr/share/zoneinfo/Pacific/Chatham image/etc/localtime
ln -s /run image/var/run
echo "inside the image" >image/run/log/marker
ln -s /etc/shadow image/srv/link-to-shadow
ln -s /etc image/srv/etc
echo mine >image/srv/mine
chown 4242:4343 image/srv/mine
echo other >image/srv/other
chown daemon:daemon image/srv/other # a name that this host has and the image has not
cat >policy.yaml <<'POLICY'
policy: image
sources:
  - name: run
    files: {paths: ["/var/run/**"]}
  - name: srv
    files: {paths: ["/srv/**"]}
  - name: etc
    files: {paths: ["/srv/etc/passwd"]}
POLICY
new_case case
if command -v strace >/dev/null; then
	expect_exit 0 env ASAN_OPTIONS=detect_leaks=0 strace -f -y -qq -o trace -e trace=%file "$VESTIGE" -C case snapshot policy.yaml --root image --operator tester
	# Paths of this host that would betray a look at it: as an absolute name (what readlinkat gives back is none), or beneath a
	# descriptor of its root. What libraries read when they start is theirs.
	grep -v '^[0-9]* *readlinkat([0-9]*<[^>]*>, "",' trace |
		grep -E '"(/etc|/var|/run|/srv|/usr/share/zoneinfo|/home|/root)(/|")|[0-9]+</>, "' |
		grep -vE '"/etc/(ld\.so|gcrypt/|gnutls/|ssl/)|"'"$here" >touched || true
	assert_empty touched "paths of this host were touched"
else
	expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
fi

expect_exit 0 vestige -C case --json ls -i analyst.key latest
cp "$out" ls.json
item() { # PATH FILTER WANTED
	assert_equal "$3" "$(jq -c "select(.item.path == \"$1\") | .item | $2" ls.json)" "$1 $2"
}
item /srv/mine '[.uid, .user, .gid, .group]' '[4242,"image-only",4343,"image-group"]'
item /srv/other '[.user, .group]' '[null,null]'
item /var/run '[.type, .target]' '["symlink","/run"]'
item /srv/link-to-shadow '[.type, .target]' '["symlink","/etc/shadow"]'
expect_exit 0 vestige -C case cat -i analyst.key latest /run/log/marker
assert_equal "inside the image" "$(cat "$out")" "a link in a prefix leads inside the image"
expect_exit 0 vestige -C case cat -i analyst.key latest etc:/etc/passwd
assert_in "$out" image-only
if any_json ls.json '.item.path == "/etc/shadow"'; then fail "a link below the prefix was followed"; fi

expect_exit 0 vestige -C case cat -i analyst.key latest exhibit.json
jq -e '.root == "image" or (.root | endswith("/image"))' "$out" >/dev/null || fail "root in exhibit.json: $(cat "$out")"
jq -e '.host.name == "imaged-host" and .host.os == "Imaged Linux 7" and .host.machine_id == "0123456789abcdef0123456789abcdef"
	and .host.kernel == null and .zone.name == "Pacific/Chatham" and .zone.offset == null and .operator == "tester"' "$out" >/dev/null ||
	fail "exhibit.json does not describe the image: $(cat "$out")"
assert_not_in "$out" "\"name\":\"$(uname -n)\""

# The zone by the link alone, and an image without any of these files.
rm image/etc/timezone
expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
expect_exit 0 vestige -C case cat -i analyst.key latest exhibit.json
assert_equal Pacific/Chatham "$(jq -r .zone.name "$out")" "zone by /etc/localtime"
mkdir -p bare/srv
echo x >bare/srv/x
expect_exit 0 vestige -C case snapshot policy.yaml --root bare --operator tester
expect_exit 0 vestige -C case --json ls -i analyst.key latest
assert_equal null "$(jq -c 'select(.item.path == "/srv/x") | .item.user' "$out")" "an owner where the image has no passwd"
expect_exit 0 vestige -C case cat -i analyst.key latest exhibit.json
jq -e '.host.name == null and .zone.name == null' "$out" >/dev/null || fail "exhibit.json of a bare image: $(cat "$out")"

expect_exit 2 vestige -C case snapshot policy.yaml --root nowhere
assert_in "$err" "nowhere" "hint: --root takes the directory where the image is mounted"
expect_exit 0 vestige -C case verify --deep -i analyst.key
