#!/usr/bin/env bash
# Accounts and keys that an intruder adds, after some honest nights: each is found, sealed and shown by diff, and nothing else is of
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

night
echo "toor:x:0:0::/:/bin/sh" >>root/etc/passwd
caught "account_uid_zero high /etc/passwd"

night
echo "mallory:x:1500:1500::/home/mallory:/bin/bash" >>root/etc/passwd
caught "account_added medium /etc/passwd"

night # by its own tool
host tool useradd --prefix "$here/root" --system --shell /bin/bash --password "\$y\$j9T\$evil\$evil" sysd
caught "account_system_opened high /etc/passwd"

night
sed -i 's|^www-data:\([^:]*\):33:33:\(.*\):/usr/sbin/nologin|www-data:\1:33:33:\2:/bin/bash|' root/etc/passwd
caught "account_shell_opened medium /etc/passwd"

night
sed -i 's|^daemon:[^:]*:|daemon::|' root/etc/shadow
caught "account_password_empty high /etc/shadow"

night
sed -i "s|^bob:[^:]*:|bob:\$1\$weak\$weakweakweak:|" root/etc/shadow
caught "account_password_changed medium /etc/shadow"

night
sed -i 's|^sudo:x:27:.*|&,bob|' root/etc/group
caught "group_member_added medium /etc/group"

night
mkdir -p root/etc/sudoers.d
echo "www-data ALL=(ALL) NOPASSWD: ALL" >root/etc/sudoers.d/www
caught "sudoers_line_added high /etc/sudoers.d/www"

night
printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%043d root@evil\n' 666 >>root/root/.ssh/authorized_keys
caught "authorized_key_added medium /root/.ssh/authorized_keys"

night # a place of its own
mkdir -p root/home/bob/.ssh
printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%043d bob@evil\n' 667 >root/home/bob/.ssh/authorized_keys
caught "authorized_key_added medium /home/bob/.ssh/authorized_keys"

live day
nothing_high
