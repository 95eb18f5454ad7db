#!/usr/bin/env bash
# The shipped policy linux-incident over the image of a host: what an investigator expects is there, most volatile first.
# shellcheck source=tests/cli/policy_tree.sh
. "$TESTS/cli/policy_tree.sh"

make_linux
mkdir -p tree/var/lib/docker/containers/c1
put var/lib/docker/containers/c1/config.v2.json
put etc/nginx/nginx.conf
take linux-incident
in_order run shared-memory sessions logs accounts persistence users remote-access network packages services temporary etc file-system
has run metadata /run/utmp
has run full /run/fifo
has shared-memory full /dev/shm/.hidden
has sessions full /run/utmp /var/log/wtmp /var/log/btmp.1 /var/log/lastlog
has logs full /var/log/auth.log /var/log/syslog.1 /var/log/audit/audit.log /var/log/sudo-io/00/00/01/log /var/log/dpkg.log
is excluded logs /var/log/wtmp /var/log/btmp.1
has accounts full /etc/passwd /etc/passwd- /etc/shadow /etc/sudoers /etc/sudoers.d/90-alice /etc/pam.d/sshd
has persistence full /etc/crontab /etc/cron.d/job /etc/cron.daily/logrotate /var/spool/cron/crontabs/alice /var/spool/cron/atjobs/a0001 \
	/etc/systemd/system/evil.service /etc/systemd/system/ssh.service.d/override.conf /etc/systemd/user/agent.service \
	/run/systemd/system/transient.service /run/systemd/generator/gen.mount /usr/lib/systemd/system/ssh.service \
	/usr/lib/systemd/system-generators/evil-generator /usr/local/lib/systemd/system/local.service \
	/home/alice/.config/systemd/user/miner.timer /root/.config/systemd/user/root.service /home/alice/.config/autostart/start.desktop \
	/etc/rc.local /etc/init.d/old /etc/rc2.d/S01old /etc/ld.so.preload /etc/modprobe.d/x.conf /etc/udev/rules.d/99-x.rules \
	/usr/lib/udev/rules.d/50-default.rules /etc/profile.d/x.sh /etc/xdg/autostart/y.desktop /etc/apt/apt.conf.d/99hook /etc/update-motd.d/00-x
has users full /root/.bash_history /home/alice/.bash_history /home/alice/.zsh_history /home/alice/.mysql_history /home/alice/.python_history \
	/home/alice/.viminfo /home/alice/.bashrc /home/alice/.local/share/recently-used.xbel /home/alice/.local/share/Trash/files/secret \
	/home/alice/.aws/credentials
has remote-access full /etc/ssh/sshd_config /etc/ssh/sshd_config.d/evil.conf /root/.ssh/authorized_keys /home/alice/.ssh/known_hosts \
	/home/alice/.ssh/authorized_keys /var/lib/git/.ssh/authorized_keys /etc/openvpn/client.conf /home/alice/.config/rclone/rclone.conf
has network full /etc/hosts /etc/resolv.conf /etc/hostname /etc/nftables.conf
has packages full /etc/os-release /etc/apt/sources.list.d/evil.list /var/lib/dpkg/status /var/lib/dpkg/info/base.md5sums
has services full /etc/nginx/nginx.conf /var/lib/docker/containers/c1/config.v2.json
has temporary full /tmp/.x/miner /var/tmp/dropper
has etc full /etc/hosts /etc/cron.d/job
has file-system metadata /usr/bin/tool /boot/vmlinuz /opt/vendor/program /home/alice/.bashrc /var/log/auth.log /tmp/.x/miner /dev/shm/.hidden
has file-system full /usr/bin/link /home/alice
is excluded file-system /proc /sys
assert_equal 4755 "$(jq -r 'select(.source == "file-system" and .path == "/usr/bin/tool") | .mode' items.json)" "mode of a SUID file"
jq -e -s 'any(.[]; .path == "/proc/never")' items.json >/dev/null && fail "below an excluded directory"

# The small sister, over the same tree.
take linux-logs
has logs full /var/log/auth.log
has etc full /etc/cron.d/job
has root full /root/.bash_history
