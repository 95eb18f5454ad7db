# shellcheck shell=bash
# A PostgreSQL server of our own: in a temporary directory, on a socket of its own, without fsync, gone with the script. Read after
# lib.sh. Whoever connects through the socket is who he says, until a script changes pg_hba.conf.
# shellcheck disable=SC2034 # used by the scripts

pg_find() {
	local dir
	for dir in "${POSTGRES_BIN:-}" /usr/lib/postgresql/*/bin; do
		[[ -x $dir/initdb && -x $dir/postgres ]] && pgbin=$dir
	done
	[[ -n ${pgbin:-} ]] || skip "no PostgreSQL server is installed"
	need psql jq python3
}

# COMMAND… as the user that a server may run as: it refuses root.
pg_as() {
	if ((EUID == 0)); then
		setpriv --reuid=postgres --regid=postgres --clear-groups env -C "$pgdir" HOME="$pgdir" "$@"
	else
		env -C "$pgdir" "$@"
	fi
}

pg_stop() { # MODE
	pg_as "$pgbin/pg_ctl" -D "$pgdir/data" -m "$1" -w stop >>"$pgdir/pg_ctl.log" 2>&1 || true
}

pg_launch() {
	pg_as "$pgbin/pg_ctl" -D "$pgdir/data" -w -l "$pgdir/log" start >>"$pgdir/pg_ctl.log" 2>&1 || {
		cat "$pgdir/pg_ctl.log" "$pgdir/log"
		fail "the server does not start"
	}
}

pg_cleanup() {
	pg_stop immediate
	rm -rf "$pgdir"
}

# pg_start: $pgdir, $pguri of the database shop, as superuser. pg_encoding: UTF8 if not set.
pg_start() {
	pg_find
	pgdir=$(mktemp -d /tmp/vestige-pg.XXXXXX)
	chmod 755 "$pgdir"
	((EUID != 0)) || chown postgres: "$pgdir"
	trap pg_cleanup EXIT
	: >>"$pgdir/pg_ctl.log"
	pg_as "$pgbin/initdb" -D "$pgdir/data" -U postgres -A trust -E "${pg_encoding:-UTF8}" --locale=C -N >"$pgdir/initdb.log" 2>&1 || {
		cat "$pgdir/initdb.log"
		fail "initdb"
	}
	cat >>"$pgdir/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$pgdir'
		fsync = off
		full_page_writes = off
		timezone = 'Asia/Tokyo'
		datestyle = 'german, dmy'
	CONF
	pg_launch
	export PGHOST=$pgdir PGUSER=postgres PGDATABASE=postgres
	psql -qX -c 'CREATE DATABASE shop' || fail "no database"
	export PGDATABASE=shop
	pguri="postgresql:///shop?host=$pgdir&user=postgres"
}

# sql [ARG…]: psql, without decoration, that stops at the first error; statements from ARG or stdin.
sql() {
	psql -qAtX -v ON_ERROR_STOP=1 "$@"
}

# pg_policy FILE LINE…: each LINE is a source's name, a colon, and what stands in its postgres mapping behind the uri.
# Further keys of the source come behind a bar: "cards: tables: [cards] | content: digest".
pg_policy() {
	local file=$1 line keys
	shift
	{
		printf 'policy: databases\nsources:\n'
		for line in "$@"; do
			keys=${line#*:}
			printf '  - name: %s\n    postgres: {uri: "%s"%s}\n' "${line%%:*}" "${pg_policy_uri:-$pguri}" \
				"$([[ -n ${keys%%|*} && ${keys%%|*} != " " ]] && printf ', %s' "${keys%%|*}")"
			[[ $keys != *"|"* ]] || printf '    %s\n' "${keys#*|}" | sed 's/| */\n    /g; s/^     */    /'
		done
	} >"$file"
}

# take EXIT [ARG…]: a snapshot by policy.yaml into case; the exit status must be EXIT. items.jsonl has the manifest afterwards.
take() {
	local wanted=$1
	shift
	[[ -d case ]] || new_case case
	expect_exit "$wanted" vestige -C case snapshot policy.yaml "$@"
	vestige --json -C case ls -i analyst.key latest >ls.jsonl || fail "ls"
	jq -c 'select(.type == "item").item' ls.jsonl >items.jsonl
}

# item SOURCE PATH FILTER: what jq's FILTER gives of its manifest line.
item() {
	jq -r --arg s "$1" --arg p "$2" "select(.source == \$s and .path == \$p) | $3" items.jsonl
}

assert_status() { # SOURCE PATH STATUS
	assert_equal "$3" "$(item "$1" "$2" .status)" "status of $1 $2"
}

# content SOURCE PATH
content() {
	vestige -q -C case cat -i analyst.key latest "$1:$2"
}
