#!/usr/bin/env bash
# The shipped policy database-server over a host of PostgreSQL, MySQL and SQLite.
# shellcheck source=tests/cli/policy_tree.sh
. "$TESTS/cli/policy_tree.sh"

make_database
take database-server
in_order logs configuration histories changes extensions sqlite data-files
has logs full /var/log/postgresql/postgresql-15-main.log /var/lib/postgresql/15/main/log/postgresql-1.log /var/log/mysql/error.log \
	/var/lib/mysql/host.err
has configuration full /etc/postgresql/15/main/postgresql.conf /etc/postgresql/15/main/pg_hba.conf /etc/mysql/my.cnf \
	/etc/mysql/mariadb.conf.d/50-server.cnf /var/lib/postgresql/15/main/postgresql.auto.conf /var/lib/postgresql/15/main/PG_VERSION \
	/var/lib/pgsql/data/pg_hba.conf /var/lib/mysql/auto.cnf /root/.my.cnf /home/dba/.pgpass
has histories full /var/lib/postgresql/.psql_history /root/.mysql_history /home/dba/.psql_history
has changes full /var/lib/mysql/binlog.000007 /var/log/mysql/mariadb-bin.000001
has extensions digest /usr/lib/postgresql/15/lib/evil.so
has sqlite full /srv/app/shop.sqlite3 /srv/app/shop.sqlite3-wal /srv/app/deep/er/notes.db
has data-files metadata /var/lib/postgresql/15/main/base/1/1259 /var/lib/mysql/shop/customers.ibd /var/backups/dump.sql /tmp/customers.csv
jq -e -s 'any(.[]; .path == "/var/lib/docker/volumes/x/y.db")' items.json >/dev/null && fail "below an excluded directory"
is excluded sqlite /var/lib/docker
