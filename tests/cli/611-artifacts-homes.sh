#!/usr/bin/env bash
# Artifacts from an image: every home, links to homes, depths, what is for other systems, and the definitions that were used.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq age zstd tar
definitions=/usr/share/artifacts
[[ -e $definitions/linux.yaml ]] || skip "the package forensic-artifacts is not installed"

mkdir -p image/etc image/root image/home/ann/.ssh image/home/left image/data/bob/.thumbnails/1/2/3/4 image/var/spool/cron/crontabs image/srv
cat >image/etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
ann:x:1000:1000::/home/ann:/bin/bash
bob:x:1001:1001::/home/bob:/bin/bash
toor:x:0:0::/srv/../etc:/bin/sh
sly:x:0:0::/srv/all:/bin/sh
eve:x:1002:1002::/srv/e[v]e,{a}:/bin/bash
PASSWD
ln -s / image/srv/all
ln -s /data/bob image/home/bob
mkdir -p 'image/srv/e[v]e,{a}'
for home in image/root image/home/ann image/home/left image/data/bob 'image/srv/e[v]e,{a}' image; do echo "history of $home" >"$home/.bash_history"; done
touch image/home/ann/.ssh/authorized_keys image/var/spool/cron/crontabs/ann
for depth in 1 1/2 1/2/3 1/2/3/4; do echo x >"image/data/bob/.thumbnails/$depth/f"; done
cat >policy.yaml <<'POLICY'
policy: artifacts
sources:
  - name: users
    artifacts: [BashShellHistoryFile, SSHAuthorizedKeysFiles, ThumbnailCacheFolder, LinuxPasswdFile, LinuxCronTabs, ListProcessesPsCommand]
    commands: allow
  - name: again
    artifacts: [LinuxPasswdFile]
POLICY
new_case case
expect_exit 0 vestige -C case snapshot policy.yaml --root image --operator tester
expect_exit 0 vestige -C case --json ls -i analyst.key latest
jq -c 'select(.item.source == "users") | .item' "$out" >items.json
status() { # PATH STATUS [RULE]
	assert_equal "$2 ${3:-}" "$(jq -r --arg path "$1" 'select(.path == $path) | "\(.status) \(.rule // "")"' items.json)" "$1"
}
none() {
	assert_equal "" "$(jq -r --arg path "$1" 'select(.path == $path) | .status' items.json)" "$1"
}
status /root/.bash_history collected
status /home/ann/.bash_history collected
status /home/left/.bash_history collected # a home without an account
status /data/bob/.bash_history collected  # a home by way of a link, which is an item too
status /home/bob collected
status '/srv/e[v]e,{a}/.bash_history' collected
status /home/ann/.ssh/authorized_keys collected
status /home/bob/.ssh/authorized_keys absent
status /data/bob/.thumbnails/1/2/3 collected
status /data/bob/.thumbnails/1/2/f collected
none /data/bob/.thumbnails/1/2/3/f # three levels and no more
status /var/spool/cron/crontabs/ann collected
status /etc/passwd collected
none /.bash_history
status /accounts/2 excluded "home /usr/sbin of daemon: does not exist"
status /accounts/3 excluded "home / of bin: the root is everybody's"
status /accounts/4 excluded "home /nonexistent of nobody: a name that says that there is none"
status /accounts/7 excluded "home /srv/../etc of toor: a path with '.' or '..'"
status /accounts/8 excluded "home /srv/all of sly: a link that leads out of homes"
status /artifacts/BashShellHistoryFile/2 excluded "this FILE is for Windows only"
status /command/ListProcessesPsCommand/1 excluded "commands do not run on an image"
assert_equal "" "$(jq -r .path items.json | sort | uniq -d)" "paths that are there twice"

# The definitions, as they stand in Debian's files, and no others.
expect_exit 0 vestige -C case verify --deep -i analyst.key
mkdir plain
age -d -i analyst.key case/exhibits/EX0001.tar.zst.age | zstd -dc | tar -x -C plain
cat plain/definitions/*.yaml | sed -n 's/^name: //p' | sort >sealed
printf '%s\n' BashShellHistoryFile LinuxCronTabs LinuxPasswdFile ListProcessesPsCommand SSHAuthorizedKeysFiles ThumbnailCacheFolder | sort |
	diff - sealed || fail "other definitions were sealed than those that were used"
python3 - plain/definitions "$definitions" <<'PYTHON'
import os, re, sys
for name in os.listdir(sys.argv[1]):
    sealed = open(os.path.join(sys.argv[1], name), "rb").read()
    whole = open(os.path.join(sys.argv[2], name), "rb").read()
    for document in re.split(rb"(?m)^(?=---$)", sealed):
        assert document in whole, (name, document)
PYTHON

# A plan names the same, and nothing runs.
expect_exit 0 vestige -C case --json snapshot policy.yaml --root image --dry-run
assert_equal "$(jq -r .path items.json | sort)" "$(jq -r 'select(.source == "users") | .path' "$out" | sort)" "paths of a plan"
