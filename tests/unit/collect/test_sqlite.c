#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "collect/collecting.h"
#include "collect/sqlite.h"
#include "collect/sqlite_vfs.h"

static const uint8_t key[VST_HASH_LEN] = "a key that only this case has";

struct fixture {
	struct collecting *c;
	char path[300]; /* of d.db, for SQLite itself */
	char database[16];
	char *tables[4];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct collecting *c;
	assert_int_equal(collecting_setup((void **)&c), 0);
	f->c = c;
	snprintf(f->path, sizeof f->path, "%s/root/d.db", tree_path);
	tree_mkdirs(c->root, "root");
	tree_mkdirs(c->root, "scratch");
	c->context.root_fd = openat(c->root, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->context.scratch_fd = openat(c->root, "scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->context.digest_key = key;
	snprintf(f->database, sizeof f->database, "/d.db");
	c->source.kind = VST_SOURCE_SQLITE;
	c->source.sqlite.database = f->database;
	c->source.sqlite.tables = f->tables;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *c = f->c;
	char command[400];
	/* Nothing of ours is left on the case's disk. */
	snprintf(command, sizeof command, "test -z \"$(ls -A '%s/scratch')\"", tree_path);
	assert_int_equal(system(command), 0);
	close(f->c->context.root_fd);
	close(f->c->context.scratch_fd);
	collecting_teardown(&c);
	free(f);
	return 0;
}

static void sql(sqlite3 *db, const char *text)
{
	char *why = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

static sqlite3 *open_db(const struct fixture *f)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	return db;
}

static void make(const struct fixture *f, const char *text)
{
	sqlite3 *db = open_db(f);
	sql(db, text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Somebody else who has the database open: in one process, SQLite's connections share what they know. */
static pid_t open_elsewhere(const struct fixture *f, const char *text)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		sqlite3 *db;
		if (sqlite3_open(f->path, &db) != SQLITE_OK ||
		        sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK || write(ready[1], "1", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_elsewhere(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void want(struct fixture *f, const char *table)
{
	f->tables[f->c->source.sqlite.table_count++] = (char *)(uintptr_t)table;
}

static void copy(const struct fixture *f, const char *from, const char *to)
{
	char command[900];
	(void)f;
	snprintf(command, sizeof command, "cd '%s/root' && cp '%s' '%s'", tree_path, from, to);
	assert_int_equal(system(command), 0);
}

/* Names, sizes, times and bytes of all that the evidence is. */
static void state_of_evidence(char ret[4096])
{
	char command[600];
	snprintf(command, sizeof command,
	        "cd '%s/root' && find . -printf '%%p %%s %%T@ %%C@ %%A@\n' | sort; "
	        "find . -type f -exec sha256sum {} +",
	        tree_path);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t len = fread(ret, 1, 4095, pipe);
	ret[len] = '\0';
	pclose(pipe);
}

static void run_without_a_trace(struct fixture *f)
{
	char before[4096], after[4096];
	state_of_evidence(before); /* reads, so that relatime has had its turn */
	state_of_evidence(before);
	collecting_run(f->c);
	state_of_evidence(after);
	assert_string_equal(before, after);
}

static bool details_have(const struct vst_item *item, const char *text)
{
	return item->details && memmem(item->details, item->details_len, text, strlen(text));
}

static void expect_details(const struct vst_item *item, const char *text)
{
	if (!details_have(item, text))
		fail_msg("%s is not in %.*s", text, (int)item->details_len,
		        item->details ? item->details : "");
}

/* The 64 digits behind a key of a table's digest. */
static void digest_of(const struct fixture *f, const char *path, const char *name, char ret[65])
{
	const struct vst_item *item = collecting_item(f->c, path);
	assert_non_null(item->details);
	const char *at = memmem(item->details, item->details_len, name, strlen(name));
	assert_non_null(at);
	memcpy(ret, at + strlen(name), 64);
	ret[64] = '\0';
}

static void again(struct fixture *f)
{
	recorder_free(&f->c->recorder);
	f->c->recorder.keep = true;
}

/* ---- tables ---- */

static void sqlite_tables_are_csv_by_key(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, v REAL, b BLOB);"
	        "INSERT INTO t VALUES(2,'x,y',1.5,x'00ff'),(1,'',1e300,NULL),(3,NULL,0.1,x'')");
	want(f, "T");
	want(f, "gone");
	run_without_a_trace(f);
	collecting_content(f->c, "/d.db.tables/t.csv",
	        "id,name,v,b\n1,\"\",1e+300,\n2,\"x,y\",1.5,\\x00ff\n3,,0.1,\\x\n");
	collecting_status(f->c, "/d.db.tables/gone.csv", VST_ITEM_ABSENT, NULL);
	collecting_status(f->c, "/d.db.schema.json", VST_ITEM_COLLECTED, NULL);
	expect_details(collecting_item(f->c, "/d.db.tables/t.csv"), "\"rows\":3,");
}

static void sqlite_keyless_tables_are_csv_by_rowid(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(rowid, oid, _rowid_); INSERT INTO t VALUES(3,3,3),(1,1,1); CREATE INDEX i ON "
	        "t(oid)");
	want(f, "t");
	run_without_a_trace(f);
	collecting_content(f->c, "/d.db.tables/t.csv", "rowid,oid,_rowid_\n3,3,3\n1,1,1\n");
}

static void sqlite_odd_names_stay_in_place(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE \"a/b\"(\"c\"\"d\", \"\", \"x,y\"); INSERT INTO \"a/b\" VALUES(1,2,3);"
	        "CREATE TABLE \"..\"(\"select\"); CREATE TABLE \"\"(x)");
	want(f, "a/b");
	want(f, "..");
	want(f, "");
	run_without_a_trace(f);
	collecting_content(f->c, "/d.db.tables/a%2Fb.csv", "\"c\"\"d\",\"\",\"x,y\"\n1,2,3\n");
	collecting_content(f->c, "/d.db.tables/%2E%2E.csv", "select\n");
	collecting_content(f->c, "/d.db.tables/%.csv", "x\n");
}

static void sqlite_long_names_are_cut_and_differ(void **state)
{
	struct vst_buf a = VST_BUF_INIT, b = VST_BUF_INIT;
	char name[1000];
	(void)state;
	memset(name, 'n', sizeof name);
	name[999] = '\0';
	vst_sqlite_table_path(&a, "/d", name);
	name[998] = 'm';
	vst_sqlite_table_path(&b, "/d", name);
	assert_int_equal(a.len, strlen("/d.tables/") + VST_SQLITE_NAME_MAX + strlen(".csv"));
	assert_string_not_equal(vst_buf_cstr(&a), vst_buf_cstr(&b));
	vst_buf_free(&a);
	vst_buf_free(&b);
}

static void sqlite_policy_columns_are_named(void **state)
{
	struct fixture *f = *state;
	char subject[] = "id", c1[] = "mail", k1[] = "email", c2[] = "no", k2[] = "phone";
	struct vst_policy_column columns[] = {{c1, k1}, {c2, k2}};
	make(f, "CREATE TABLE t(id INTEGER PRIMARY KEY, mail)");
	want(f, "t");
	f->c->source.subject = subject;
	f->c->source.columns = columns;
	f->c->source.column_count = 2;
	collecting_run(f->c);
	expect_details(collecting_item(f->c, "/d.db.tables/t.csv"),
	        "\"subject\":\"id\",\"categories\":{\"mail\":\"email\"},\"missing\":[\"no\"]");
}

static void sqlite_expressions_of_the_schema_do_not_run(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(a, b AS (a || 'x'), c AS (a || 'y') STORED); INSERT INTO t(a) VALUES(1);"
	        "CREATE VIRTUAL TABLE f USING fts5(z)");
	want(f, "t");
	want(f, "f");
	collecting_run(f->c);
	collecting_content(f->c, "/d.db.tables/t.csv", "a,c\n1,1y\n");
	assert_int_equal(collecting_item(f->c, "/d.db.tables/f.csv")->status, VST_ITEM_EXCLUDED);
}

/* ---- queries ---- */

static void expect_query(struct fixture *f, const char *query, enum vst_item_status status, const char *why)
{
	again(f);
	f->c->source.sqlite.query = (char *)(uintptr_t)query;
	collecting_run(f->c);
	collecting_status(f->c, "/d.db.query.csv", status, why);
}

static void sqlite_queries_only_read(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
	expect_query(f, "SELECT sum(a) AS s FROM t;  -- all", VST_ITEM_COLLECTED, NULL);
	collecting_content(f->c, "/d.db.query.csv", "s\n3\n");
	expect_query(f, "DELETE FROM t", VST_ITEM_ERROR, "query: refused, it does more than SELECT");
	expect_query(
	        f, "ATTACH '/etc/passwd' AS x", VST_ITEM_ERROR, "query: refused, it does more than SELECT");
	expect_query(f, "PRAGMA user_version", VST_ITEM_ERROR, "query: refused, it does more than SELECT");
	expect_query(f, "SELECT load_extension('x')", VST_ITEM_ERROR,
	        "SQLite: not authorized to use function: load_extension");
	expect_query(f, "SELECT 1; DROP TABLE t", VST_ITEM_ERROR, "query: more than one statement");
	expect_query(f, "  ", VST_ITEM_ERROR, "query: not a SELECT");
}

/* ---- whole databases ---- */

static void open_backup(struct fixture *f, sqlite3 **ret)
{
	const struct record *record = collecting_record(f->c, "/d.db.backup");
	tree_write(f->c->root, "backup", record->content.data, record->content.len);
	char path[400];
	snprintf(path, sizeof path, "%s/backup", tree_path);
	assert_int_equal(sqlite3_open(path, ret), SQLITE_OK);
}

static int64_t number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static void expect_backup(struct fixture *f, const char *how, int64_t rows)
{
	sqlite3 *db;
	expect_details(collecting_item(f->c, "/d.db.backup"), how);
	open_backup(f, &db);
	assert_int_equal(number(db, "SELECT count(*) FROM t"), rows);
	sqlite3_close(db);
}

static void sqlite_backup_with_a_wal_in_use(void **state)
{
	struct fixture *f = *state;
	pid_t pid =
	        open_elsewhere(f, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
	f->c->context.live = true;
	run_without_a_trace(f);
	expect_backup(f, "\"copied\":\"shared\",\"journal_mode\":\"wal\"", 2);
	end_elsewhere(pid);
	/* A crash left -wal and -shm. */
	again(f);
	run_without_a_trace(f);
	expect_backup(f, "\"copied\":\"shared\",\"journal_mode\":\"wal\"", 2);
}

static void sqlite_backup_with_a_wal_of_an_image(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = open_db(f);
	sql(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
	copy(f, "d.db", "e.db");
	copy(f, "d.db-wal", "e.db-wal");
	sqlite3_close(db);
	snprintf(f->database, sizeof f->database, "/e.db");
	for (int live = 0; live < 2; live++) {
		again(f);
		f->c->context.live = live;
		run_without_a_trace(f);
		const struct record *record = collecting_record(f->c, "/e.db.backup");
		assert_true(record->content.len >= 8192);
		expect_details(record->item,
		        "\"copied\":\"private\",\"journal_mode\":\"wal\",\"quick_check\":[\"ok\"]");
		again(f);
		want(f, "t");
		run_without_a_trace(f);
		collecting_content(f->c, "/e.db.tables/t.csv", "a\n1\n2\n");
		f->c->source.sqlite.table_count = 0;
	}
}

static void sqlite_wal_mode_without_a_wal(void **state)
{
	struct fixture *f = *state;
	make(f, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
	for (int live = 0; live < 2; live++) {
		again(f);
		f->c->context.live = live;
		run_without_a_trace(f);
		expect_backup(f, "\"copied\":\"private\"", 1);
	}
}

static void make_hot(struct fixture *f)
{
	sqlite3 *db = open_db(f);
	sql(db, "PRAGMA cache_size=1; CREATE TABLE t(a); INSERT INTO t VALUES('kept'),('kept too'); BEGIN;"
	        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000)"
	        "INSERT INTO t SELECT 'half done ' || i FROM n; UPDATE t SET a = 'spoilt'");
	copy(f, "d.db", "e.db");
	copy(f, "d.db-journal", "e.db-journal");
	sqlite3_close(db);
	snprintf(f->database, sizeof f->database, "/e.db");
}

static void sqlite_hot_journal_is_rolled_back_in_the_copy(void **state)
{
	struct fixture *f = *state;
	make_hot(f);
	want(f, "t");
	for (int live = 0; live < 2; live++) {
		again(f);
		f->c->context.live = live;
		run_without_a_trace(f);
		collecting_content(f->c, "/e.db.tables/t.csv", "a\nkept\nkept too\n");
	}
}

static void sqlite_hot_journal_without_room_gives_the_files(void **state)
{
	struct fixture *f = *state;
	int scratch = f->c->context.scratch_fd;
	make_hot(f);
	f->c->context.scratch_fd = -1;
	run_without_a_trace(f);
	collecting_status(f->c, "/e.db.backup", VST_ITEM_ERROR,
	        "a journal must be rolled back, and there is no room for a copy");
	collecting_status(f->c, "/e.db", VST_ITEM_COLLECTED, NULL);
	collecting_status(f->c, "/e.db-journal", VST_ITEM_COLLECTED, NULL);
	f->c->context.scratch_fd = scratch;
}

/* SQLite deletes the log of an empty database that it opens, even to read it. */
static void sqlite_log_of_an_empty_database_stays(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = open_db(f);
	sql(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
	tree_write(f->c->context.root_fd, "e.db", "", 0);
	copy(f, "d.db-wal", "e.db-wal");
	copy(f, "d.db-shm", "e.db-shm");
	copy(f, "d.db-wal", "e.db-journal");
	sqlite3_close(db);
	snprintf(f->database, sizeof f->database, "/e.db");
	for (int live = 0; live < 2; live++) {
		again(f);
		f->c->context.live = live;
		run_without_a_trace(f);
	}
}

static void sqlite_raw_files_come_first(void **state)
{
	struct fixture *f = *state;
	pid_t pid = open_elsewhere(f, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
	f->c->source.sqlite.raw = true;
	f->c->context.live = true;
	run_without_a_trace(f);
	collecting_expect(f->c, "/d.db\n/d.db-wal\n/d.db-shm\n/d.db.backup\n/d.db.schema.json\n");
	end_elsewhere(pid);
}

static void sqlite_in_memory_is_the_same(void **state)
{
	struct fixture *f = *state;
	int scratch = f->c->context.scratch_fd;
	make(f, "PRAGMA page_size=8192; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
	f->c->context.scratch_fd = -1;
	run_without_a_trace(f);
	expect_backup(f, "\"quick_check\":[\"ok\"]", 1);
	make(f, "PRAGMA journal_mode=WAL");
	again(f);
	run_without_a_trace(f);
	expect_backup(f, "\"journal_mode\":\"wal\",\"quick_check\":[\"ok\"]", 1);
	assert_int_equal(collecting_record(f->c, "/d.db.backup")->content.data[19], 2);
	f->c->context.scratch_fd = scratch;
}

/* ---- damage ---- */

static void sqlite_what_is_no_database_is_taken_as_files(void **state)
{
	struct fixture *f = *state;
	char text[5000];
	memset(text, 'x', sizeof text);
	tree_write(f->c->context.root_fd, "d.db", text, sizeof text);
	want(f, "t");
	run_without_a_trace(f);
	collecting_status(f->c, "/d.db.tables/t.csv", VST_ITEM_ERROR, "SQLite: file is not a database");
	collecting_status(f->c, "/d.db", VST_ITEM_COLLECTED, NULL);
}

static void sqlite_damage_does_not_reach_other_tables(void **state)
{
	struct fixture *f = *state;
	uint8_t junk[4096];
	make(f, "PRAGMA page_size=4096; CREATE TABLE bad(a); CREATE TABLE good(a); INSERT INTO good "
	        "VALUES('well');"
	        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000)"
	        "INSERT INTO bad SELECT 'row ' || i FROM n");
	memset(junk, 0x5a, sizeof junk);
	int fd = openat(f->c->context.root_fd, "d.db", O_WRONLY);
	assert_int_equal(pwrite(fd, junk, sizeof junk, 5 * 4096), sizeof junk);
	close(fd);
	want(f, "bad");
	want(f, "good");
	run_without_a_trace(f);
	collecting_status(
	        f->c, "/d.db.tables/bad.csv", VST_ITEM_ERROR, "SQLite: database disk image is malformed");
	assert_true(collecting_record(f->c, "/d.db.tables/bad.csv")->content.len > 1000);
	collecting_content(f->c, "/d.db.tables/good.csv", "a\nwell\n");
	assert_null(recorder_find(&f->c->recorder, "/d.db"));
}

static void sqlite_only_regular_files(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mkfifoat(f->c->context.root_fd, "d.db", 0600), 0);
	collecting_run(f->c);
	collecting_status(f->c, "/d.db.backup", VST_ITEM_ERROR, "not a regular file");
	again(f);
	snprintf(f->database, sizeof f->database, "/none.db");
	collecting_run(f->c);
	collecting_status(f->c, "/none.db", VST_ITEM_ABSENT, NULL);
}

static void sqlite_links_stay_inside(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
	assert_int_equal(symlinkat("/../../../d.db", f->c->context.root_fd, "l.db"), 0);
	snprintf(f->database, sizeof f->database, "/l.db");
	collecting_run(f->c); /* a link's atime is not ours to keep: the kernel knows no way */
	expect_backup(f, "\"quick_check\":[\"ok\"]", 1);
}

/* ---- digests ---- */

static void digest_table(struct fixture *f, const char *text, char ordered[65], char root[65])
{
	unlink(f->path);
	make(f, text);
	again(f);
	collecting_run(f->c);
	assert_int_equal(collecting_item(f->c, "/d.db.tables/t.csv")->content, VST_ITEM_CONTENT_DIGEST);
	digest_of(f, "/d.db.tables/t.csv", "\"ordered\":\"", ordered);
	digest_of(f, "/d.db.tables/t.csv", "\"root\":\"", root);
}

static void sqlite_digests_tell_contents_apart(void **state)
{
	struct fixture *f = *state;
	char a[65], b[65], root_a[65], root_b[65];
	f->c->source.content = VST_CONTENT_DIGEST;
	digest_table(f, "CREATE TABLE t(x,y); INSERT INTO t VALUES(1,'a'),(2,NULL),(2,NULL),(1.5,x'00')", a,
	        root_a);
	expect_details(collecting_item(f->c, "/d.db.tables/t.csv"), "\"rows\":4,");
	digest_table(f, "CREATE TABLE t(x,y); INSERT INTO t VALUES(2,NULL),(1.5,x'00'),(1,'a'),(2,NULL)", b,
	        root_b);
	assert_string_equal(a, b);
	assert_string_equal(root_a, root_b);
	digest_table(f, "CREATE TABLE t(x,y); INSERT INTO t VALUES(1,'b'),(2,NULL),(2,NULL),(1.5,x'00')", b,
	        root_b);
	assert_string_not_equal(a, b);
	assert_string_not_equal(root_a, root_b);
	digest_table(f, "CREATE TABLE t(x,y); INSERT INTO t VALUES('1','a'),(2,NULL),(2,NULL),(1.5,x'00')", b,
	        root_b);
	assert_string_not_equal(a, b);
	digest_table(
	        f, "CREATE TABLE t(x,y); INSERT INTO t VALUES(1,'a'),(2,''),(2,NULL),(1.5,x'00')", b, root_b);
	assert_string_not_equal(a, b);
}

static void sqlite_digests_and_metadata_hold_no_content(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(x); INSERT INTO t VALUES('4111111111111111')");
	f->c->source.sqlite.raw = true;
	for (int i = 0; i < 2; i++) {
		again(f);
		f->c->source.content = i ? VST_CONTENT_METADATA : VST_CONTENT_DIGEST;
		collecting_run(f->c);
		collecting_status(
		        f->c, "/d.db", VST_ITEM_EXCLUDED, i ? "content: metadata" : "content: digest");
		collecting_status(f->c, "/d.db.tables/t.csv", VST_ITEM_COLLECTED, NULL);
		for (size_t r = 0; r < f->c->recorder.count; r++) {
			const struct record *record = &f->c->recorder.records[r];
			assert_false(details_have(record->item, "4111"));
			if (record->content.len > 0)
				assert_null(memmem(record->content.data, record->content.len, "4111", 4));
		}
	}
	again(f);
	f->c->source.content = VST_CONTENT_DIGEST;
	f->c->context.digest_key = NULL;
	collecting_run(f->c);
	collecting_status(f->c, "/d.db.tables/t.csv", VST_ITEM_ERROR, "no digest key");
}

static void sqlite_sorts_beside_the_case(void **state)
{
	struct fixture *f = *state;
	char a[65], b[65], root[65];
	f->c->source.content = VST_CONTENT_DIGEST;
	digest_table(f,
	        "CREATE TABLE t(x, y); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE "
	        "i<20000) INSERT INTO t SELECT i, hex(zeroblob(300)) FROM n",
	        a, root);
	digest_table(f,
	        "CREATE TABLE t(x, y); WITH RECURSIVE n(i) AS (SELECT 20000 UNION ALL SELECT i-1 FROM n "
	        "WHERE "
	        "i>1) INSERT INTO t SELECT i, hex(zeroblob(300)) FROM n",
	        b, root);
	assert_string_equal(a, b);
}

/* ---- limits ---- */

static void sqlite_limits_cut(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(x); INSERT INTO t VALUES(hex(zeroblob(100000)))");
	want(f, "t");
	f->c->context.item_limit = 50000;
	collecting_run(f->c);
	collecting_status(f->c, "/d.db.tables/t.csv", VST_ITEM_TRUNCATED, "limits.item");
	assert_int_equal(collecting_record(f->c, "/d.db.tables/t.csv")->content.len, 50000);
}

static void sqlite_stops(void **state)
{
	struct fixture *f = *state;
	atomic_bool set = true;
	make(f, "CREATE TABLE t(x)");
	f->c->context.expired = &set;
	collecting_run(f->c);
	collecting_status(f->c, "/d.db.backup", VST_ITEM_EXCLUDED, "limits.source_time");
	f->c->context.expired = NULL;
	f->c->context.cancel = &set;
	again(f);
	assert_int_equal(collecting_try(f->c), VST_ECANCELLED);
}

static void sqlite_ends_where_the_sink_fails(void **state)
{
	struct fixture *f = *state;
	make_hot(f);
	f->c->source.sqlite.raw = true;
	for (int whole = 0; whole < 2; whole++) {
		int rc = VST_EIO, n = 1;
		f->c->source.sqlite.table_count = 0;
		if (!whole)
			want(f, "t");
		for (; rc != 0; n++) {
			again(f);
			f->c->recorder.fail_at = n;
			vst_err_clear(&f->c->err);
			rc = collecting_try(f->c);
			assert_true(rc == 0 || rc == VST_EIO);
		}
		assert_true(n > 8);
	}
}

static void sqlite_dry_run_opens_nothing(void **state)
{
	struct fixture *f = *state;
	make(f, "CREATE TABLE t(x)");
	f->c->context.content = false;
	run_without_a_trace(f);
	collecting_expect(f->c, "/d.db.backup\n/d.db.schema.json\n");
	assert_int_equal(collecting_item(f->c, "/d.db.backup")->read_expected, 8192);
	f->c->context.content = true;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(sqlite_tables_are_csv_by_key),
	        TEST(sqlite_keyless_tables_are_csv_by_rowid),
	        TEST(sqlite_odd_names_stay_in_place),
	        cmocka_unit_test(sqlite_long_names_are_cut_and_differ),
	        TEST(sqlite_policy_columns_are_named),
	        TEST(sqlite_expressions_of_the_schema_do_not_run),
	        TEST(sqlite_queries_only_read),
	        TEST(sqlite_backup_with_a_wal_in_use),
	        TEST(sqlite_backup_with_a_wal_of_an_image),
	        TEST(sqlite_wal_mode_without_a_wal),
	        TEST(sqlite_hot_journal_is_rolled_back_in_the_copy),
	        TEST(sqlite_hot_journal_without_room_gives_the_files),
	        TEST(sqlite_log_of_an_empty_database_stays),
	        TEST(sqlite_raw_files_come_first),
	        TEST(sqlite_in_memory_is_the_same),
	        TEST(sqlite_what_is_no_database_is_taken_as_files),
	        TEST(sqlite_damage_does_not_reach_other_tables),
	        TEST(sqlite_only_regular_files),
	        TEST(sqlite_links_stay_inside),
	        TEST(sqlite_digests_tell_contents_apart),
	        TEST(sqlite_digests_and_metadata_hold_no_content),
	        TEST(sqlite_sorts_beside_the_case),
	        TEST(sqlite_limits_cut),
	        TEST(sqlite_ends_where_the_sink_fails),
	        TEST(sqlite_stops),
	        TEST(sqlite_dry_run_opens_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
