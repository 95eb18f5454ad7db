#!/usr/bin/env bash
# Files that an intruder leaves or changes, after some honest nights: each is found, sealed and shown by diff, and nothing else is of
# severity high.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/host.sh
. "$TESTS/cli/host.sh"

begin_host
for _ in 1 2; do
	live day
	nothing_high
done

# ---- times ----

night # in place, then made older than the file itself
echo "part = evil" >root/etc/app/part1.conf
touch -d "2001-02-03 04:05:06.789" root/etc/app/part1.conf
caught "mtime_before_btime medium /etc/app/part1.conf" "mtime_set_back medium /etc/app/part1.conf"

night # a new one
echo evil >root/etc/app/new.conf
touch -d "2001-02-03 04:05:06.789" root/etc/app/new.conf
caught "mtime_before_btime low /etc/app/new.conf"

night # changed and back again, but the inode tells
cp -a root/usr/bin/tool kept
echo evil >root/usr/bin/tool
cat kept >root/usr/bin/tool
touch -r kept root/usr/bin/tool
caught "ctime_long_after_mtime low /usr/bin/tool"

night
intruder replace root/etc/hosts "127.0.0.1" "127.0.6.6"
caught "content_changed_mtime_same high /etc/hosts"

night # touch -d knows no nanoseconds
echo "part = evil" >root/etc/app/part2.conf
touch -d "@$((tonight - 3600))" root/etc/app/part2.conf
echo evil >root/etc/app/part20.conf
touch -d "@$((tonight - 7200))" root/etc/app/part20.conf
caught "whole_second_time medium /etc/app/part2.conf" "whole_second_time low /etc/app/part20.conf"

# ---- rights ----

night
cp /bin/true root/usr/lib/.helper
chmod 4755 root/usr/lib/.helper
caught "set_id_added high /usr/lib/.helper"

night # in a program of a package, and one that had it
chmod u+s root/usr/bin/tool-3
caught "set_id_added low /usr/bin/tool-3"

night
intruder replace root/usr/bin/tool-su "set-id" "evil!!"
caught "set_id_content_changed medium /usr/bin/tool-su" "package_file_differs high /usr/bin/tool-su" \
	"content_changed_mtime_same high /usr/bin/tool-su"

if python3 -c 'import os, struct; os.setxattr("kept", "security.capability", struct.pack("<5I", 0x2000001, 1 << 7, 0, 0, 0))' 2>/dev/null; then
	night
	cp kept root/usr/local-cap
	mkdir -p root/usr/local/bin
	mv root/usr/local-cap root/usr/local/bin/look
	python3 -c 'import os, struct; os.setxattr("root/usr/local/bin/look", "security.capability", struct.pack("<5I", 0x2000001, 1 << 7, 0, 0, 0))'
	caught "capability_added high /usr/local/bin/look" "program_added medium /usr/local/bin/look"
fi

# ---- packages ----

night
echo "evil library" >>root/usr/lib/libtool.so.1
caught "package_file_differs high /usr/lib/libtool.so.1"

# ---- what starts by itself ----

night
echo "/usr/lib/.evil.so" >root/etc/ld.so.preload
caught "preload_changed high /etc/ld.so.preload"

night
echo "* * * * * root /usr/lib/.helper" >root/etc/cron.d/sysupdate
mkdir -p root/var/spool/cron/crontabs root/etc/systemd/system root/etc/profile.d root/etc/modules-load.d root/home/bob/.config/autostart
echo "* * * * * /usr/lib/.helper" >root/var/spool/cron/crontabs/root
printf '[Service]\nExecStart=/usr/lib/.helper\n' >root/etc/systemd/system/evil.service
echo "/usr/lib/.helper" >root/etc/profile.d/evil.sh
echo evil >root/etc/modules-load.d/evil.conf
echo "evil=1" >>root/home/bob/.bashrc
echo "auth sufficient pam_permit.so" >>root/etc/pam.d/tool
echo "evil" >root/usr/bin/evil
chmod 755 root/usr/bin/evil
echo "<?php system(\$_GET[0]);" >root/var/www/x.php
: >root/home/alice/.bash_history
caught "job_changed medium /etc/cron.d/sysupdate" "job_changed medium /var/spool/cron/crontabs/root" \
	"unit_changed medium /etc/systemd/system/evil.service" "login_script_changed medium /etc/profile.d/evil.sh" \
	"module_changed medium /etc/modules-load.d/evil.conf" "login_script_changed low /home/bob/.bashrc" \
	"access_changed medium /etc/pam.d/tool" "program_added medium /usr/bin/evil" "served_code_added medium /var/www/x.php" \
	"history_cleared medium /home/alice/.bash_history"

if chattr +i root/usr/bin/evil 2>/dev/null; then
	night
	caught "immutable_set medium /usr/bin/evil"
	chattr -i root/usr/bin/evil
fi

# ---- nobody comes: the nights that follow tell nothing again ----

live day
nothing_high
