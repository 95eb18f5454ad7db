#include "collect/sqlite_open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/sqlite_guard.h"
#include "collect/sqlite_source.h"
#include "collect/sqlite_vfs.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define SLICE_PAGES 256
#define BUSY_WAIT_MS 20
#define BUSY_MAX_MS 30000   /* of one backup, in all */
#define RESTARTS_MAX 8      /* of slices, before the rest is copied under one lock */
#define SLICED_MAX_MS 15000 /* the same, by time */
#define TRIES_MAX 5         /* of the whole, where files changed or went away meanwhile */
#define WORK_NAME "work"

/* ---- problems ---- */

static void set_late(struct vst_sqlite_problem *problem)
{
	problem->status = VST_ITEM_EXCLUDED;
	problem->error = 0;
	snprintf(problem->why, sizeof problem->why, "%s", VST_RULE_SOURCE_TIME);
}

static void set_system(struct vst_sqlite_problem *problem, int error, const char *what)
{
	problem->status = error == EACCES || error == EPERM ? VST_ITEM_DENIED : VST_ITEM_ERROR;
	problem->error = error;
	snprintf(problem->why, sizeof problem->why, "%s", what);
}

static void set_reason(struct vst_sqlite_problem *problem, const char *what)
{
	set_system(problem, 0, what);
}

int vst_sqlite_explain(const struct vst_collect_context *context, sqlite3 *db, int code,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	int rc = vst_limits_check_cancel(context, err);
	if (rc != 0)
		return rc;
	if (vst_limits_expired(context)) {
		set_late(problem);
		return 0;
	}
	const char *text =
	        db && sqlite3_extended_errcode(db) != SQLITE_OK ? sqlite3_errmsg(db) : sqlite3_errstr(code);
	int error = db && (code & 0xff) != SQLITE_CORRUPT && (code & 0xff) != SQLITE_NOTADB
	                    ? sqlite3_system_errno(db)
	                    : 0;
	problem->status = (error == EACCES || error == EPERM) && (code & 0xff) == SQLITE_CANTOPEN
	                          ? VST_ITEM_DENIED
	                          : VST_ITEM_ERROR;
	problem->error = error;
	snprintf(problem->why, sizeof problem->why, "SQLite: %s", text);
	return 0;
}

/* ---- our directory ---- */

static int make_scratch(struct vst_sqlite *s)
{
	uint64_t number;
	if (s->context->scratch_fd < 0)
		return 0;
	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return errno;
	snprintf(s->scratch_name, sizeof s->scratch_name, "sqlite-%016" PRIx64, number);
	if (mkdirat(s->context->scratch_fd, s->scratch_name, 0700) != 0) {
		s->scratch_name[0] = '\0';
		return errno;
	}
	s->scratch_fd = openat(
	        s->context->scratch_fd, s->scratch_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->scratch_fd < 0)
		return errno;
	vst_sqlite_vfs_scratch(s->scratch_fd);
	return 0;
}

static void empty_scratch(struct vst_sqlite *s)
{
	int fd = openat(s->scratch_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(s->scratch_fd, entry->d_name, 0);
	closedir(dir);
}

/* ---- the copy's own database ---- */

static int open_work(struct vst_sqlite *s)
{
	int code;
	if (s->scratch_fd >= 0)
		code = vst_sqlite_connect(s->context, s->scratch_fd, WORK_NAME, VST_SQLITE_COPY, &s->db);
	else
		code = sqlite3_open_v2(WORK_NAME, &s->db,
		        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "memdb");
	if (code != SQLITE_OK)
		return code;
	/* Nothing needs to outlive a crash; a guarded connection would not have it so. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	code = sqlite3_exec(s->db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
	vst_sqlite_guard(s->db, s->context, s->scratch_fd >= 0);
	return code;
}

/* The copy as bytes, and a connection that reads them as a database that has no log. */
static int seal_memory(struct vst_sqlite *s)
{
	sqlite3_int64 size = 0;
	s->bytes = sqlite3_serialize(s->db, "main", &size, 0);
	sqlite3_close_v2(s->db);
	s->db = NULL;
	if (!s->bytes || size < VST_SQLITE_HEADER)
		return SQLITE_NOMEM;
	s->bytes_len = (size_t)size;
	memcpy(s->versions, s->bytes + VST_SQLITE_VERSIONS, sizeof s->versions);
	memset(s->bytes + VST_SQLITE_VERSIONS, 1, sizeof s->versions);
	int code =
	        sqlite3_open_v2(":memory:", &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix-none");
	if (code == SQLITE_OK)
		code = sqlite3_deserialize(s->db, "main", s->bytes, size, size, SQLITE_DESERIALIZE_READONLY);
	return code;
}

/*
 * From here on the copy is only read, and as one file: a database in WAL mode stays one in the copy, and
 * would have a log made for it.
 */
static int seal_work(struct vst_sqlite *s)
{
	int code;
	if (s->scratch_fd < 0) {
		code = seal_memory(s);
	} else {
		sqlite3_close_v2(s->db);
		s->db = NULL;
		code = vst_sqlite_connect(
		        s->context, s->scratch_fd, WORK_NAME, VST_SQLITE_PRIVATE_PLAIN, &s->db);
	}
	if (code != SQLITE_OK)
		return code;
	vst_sqlite_guard(s->db, s->context, s->scratch_fd >= 0);
	return sqlite3_exec(s->db, "PRAGMA schema_version", NULL, NULL, NULL);
}

static void close_work(struct vst_sqlite *s)
{
	sqlite3_close_v2(s->db);
	s->db = NULL;
	sqlite3_free(s->bytes);
	s->bytes = NULL;
	if (s->bytes_fd >= 0)
		close(s->bytes_fd);
	s->bytes_fd = -1;
	if (s->scratch_fd >= 0)
		empty_scratch(s);
}

/* In memory, a backup needs pages of the same size. */
static int match_page_size(sqlite3 *from, sqlite3 *to)
{
	sqlite3_stmt *stmt = NULL;
	char text[64] = "";
	int code = sqlite3_prepare_v2(from, "PRAGMA page_size", -1, &stmt, NULL);
	if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		snprintf(text, sizeof text, "PRAGMA page_size=%d", sqlite3_column_int(stmt, 0));
		code = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return code == SQLITE_OK ? sqlite3_exec(to, text, NULL, NULL, NULL) : code;
}

/* ---- backup ---- */

struct backup {
	struct vst_sqlite *s;
	sqlite3 *from;
	sqlite3_backup *handle;
	bool held; /* a read transaction is open: nothing changes under it */
	int64_t started, waited;
	int restarts, done;
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int ms)
{
	const struct timespec time = {.tv_nsec = (long)ms * 1000000};
	nanosleep(&time, NULL);
}

static bool is_busy(int code)
{
	return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
}

static bool is_stopped(const struct backup *b)
{
	return vst_limits_check_cancel(b->s->context, NULL) != 0 || vst_limits_expired(b->s->context);
}

static bool may_wait(struct backup *b)
{
	if (b->waited >= BUSY_MAX_MS || is_stopped(b))
		return false;
	sleep_ms(BUSY_WAIT_MS);
	b->waited += BUSY_WAIT_MS;
	return true;
}

static int hold(struct backup *b)
{
	int code = sqlite3_exec(b->from, "BEGIN", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return code;
	do
		code = sqlite3_exec(b->from, "PRAGMA schema_version", NULL, NULL, NULL);
	while (is_busy(code) && may_wait(b));
	b->held = code == SQLITE_OK;
	return code;
}

static int after_slice(struct backup *b)
{
	int done = sqlite3_backup_pagecount(b->handle) - sqlite3_backup_remaining(b->handle);
	if (b->held)
		return SQLITE_OK;
	b->restarts += done <= b->done;
	b->done = done;
	if (b->restarts >= RESTARTS_MAX || now_ms() - b->started > SLICED_MAX_MS)
		return hold(b);
	sleep_ms(1); /* for whoever waits for the lock */
	return SQLITE_OK;
}

static int copy_slices(struct backup *b)
{
	int code;
	for (;;) {
		code = is_stopped(b) ? SQLITE_INTERRUPT : sqlite3_backup_step(b->handle, SLICE_PAGES);
		if (is_busy(code) && may_wait(b))
			continue;
		if (code == SQLITE_OK)
			code = after_slice(b);
		if (code != SQLITE_OK)
			return code == SQLITE_DONE ? SQLITE_OK : code;
	}
}

static int back_up(struct vst_sqlite *s, sqlite3 *from, bool hold_all, struct vst_sqlite_problem *problem,
        struct vst_err *err)
{
	struct backup b = {.s = s, .from = from, .started = now_ms()};
	sqlite3 *failed = from;
	int code = hold_all ? hold(&b) : SQLITE_OK;
	if (code == SQLITE_OK && s->scratch_fd < 0)
		code = match_page_size(from, s->db);
	if (code == SQLITE_OK) {
		failed = s->db;
		b.handle = sqlite3_backup_init(s->db, "main", from, "main");
		code = b.handle ? copy_slices(&b) : sqlite3_errcode(s->db);
		int end = sqlite3_backup_finish(b.handle);
		code = code == SQLITE_OK ? end : code;
	}
	if (b.held)
		sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return 0;
	/* The backup's own failures are recorded with the destination, if at all. */
	if (failed == s->db && sqlite3_errcode(s->db) == SQLITE_OK)
		failed = NULL;
	return vst_sqlite_explain(s->context, failed, code, problem, err);
}

/* ---- one try ---- */

/* Readable with a little help: then the copy is made of a copy. */
static bool wants_copy(int code)
{
	return code == SQLITE_READONLY_ROLLBACK || (code & 0xff) == SQLITE_CANTOPEN ||
	       (code & 0xff) == SQLITE_READONLY;
}

static int probe(sqlite3 *db)
{
	int code = sqlite3_exec(db, "PRAGMA schema_version", NULL, NULL, NULL);
	return code == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(db);
}

static int connect_copy(struct vst_sqlite *s, const struct vst_sqlite_source *source, sqlite3 **from,
        struct vst_sqlite_problem *problem)
{
	if (s->scratch_fd < 0) {
		set_reason(problem, "a journal must be rolled back, and there is no room for a copy");
		return SQLITE_OK;
	}
	int error = vst_sqlite_source_copy(source, s->scratch_fd);
	if (error > 0)
		set_system(problem, error, "copy");
	if (error < 0)
		return SQLITE_INTERRUPT;
	if (error)
		return SQLITE_OK;
	s->how = "copy";
	int code = vst_sqlite_connect(s->context, s->scratch_fd, VST_SQLITE_COPY_NAME, VST_SQLITE_COPY, from);
	return code == SQLITE_OK ? probe(*from) : code;
}

static int connect_source(struct vst_sqlite *s, const struct vst_sqlite_source *source, sqlite3 **from,
        enum vst_sqlite_way *way, struct vst_sqlite_problem *problem)
{
	static const char *const names[] = {"shared", "private", "private", "copy"};
	int code = SQLITE_READONLY_ROLLBACK;
	s->how = names[*way];
	if (*way != VST_SQLITE_COPY) {
		int64_t waited = 0;
		code = vst_sqlite_connect(s->context, source->dirfd, source->name, *way, from);
		while (code == SQLITE_OK && is_busy(code = probe(*from)) && waited < BUSY_MAX_MS &&
		        vst_limits_check_cancel(s->context, NULL) == 0 && !vst_limits_expired(s->context)) {
			sleep_ms(BUSY_WAIT_MS);
			waited += BUSY_WAIT_MS;
			code = SQLITE_OK;
		}
	}
	if (s->scratch_fd < 0 && code != SQLITE_READONLY_ROLLBACK)
		return code;
	if (!wants_copy(code) || (*way == VST_SQLITE_SHARED && !vst_sqlite_source_same(source)))
		return code;
	sqlite3_close_v2(*from);
	*from = NULL;
	*way = VST_SQLITE_COPY;
	return connect_copy(s, source, from, problem);
}

static int try_once(struct vst_sqlite *s, const struct vst_sqlite_source *source,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	sqlite3 *from = NULL;
	enum vst_sqlite_way way = vst_sqlite_source_way(source);
	int rc = 0, code = connect_source(s, source, &from, &way, problem);
	if (code != SQLITE_OK) {
		rc = vst_sqlite_explain(s->context, from, code, problem, err);
		problem->unreadable = rc == 0 && problem->status == VST_ITEM_ERROR;
		goto out;
	}
	if (problem->status != VST_ITEM_COLLECTED) {
		problem->unreadable = problem->status == VST_ITEM_ERROR;
		goto out;
	}
	code = open_work(s);
	if (code != SQLITE_OK)
		rc = vst_sqlite_explain(s->context, s->db, code, problem, err);
	else
		rc = back_up(s, from, way != VST_SQLITE_SHARED || source->is_wal, problem, err);
	if (rc == 0 && problem->status == VST_ITEM_COLLECTED && (code = seal_work(s)) != SQLITE_OK)
		rc = vst_sqlite_explain(s->context, s->db, code, problem, err);
	problem->unreadable = rc == 0 && problem->status == VST_ITEM_ERROR;
	s->reliable = way == VST_SQLITE_SHARED || vst_sqlite_source_same(source);
out:
	sqlite3_close_v2(from);
	if (s->scratch_fd >= 0 && rc == 0 && problem->status == VST_ITEM_COLLECTED) {
		s->bytes_fd = openat(s->scratch_fd, WORK_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (s->bytes_fd < 0)
			set_system(problem, errno, "open the copy");
		empty_scratch(s);
	}
	return rc;
}

/* ---- all of it ---- */

static bool is_too_large(const struct vst_sqlite *s, const struct vst_sqlite_source *source)
{
	uint64_t size = (uint64_t)source->stats[VST_SQLITE_MAIN].st_size +
	                (uint64_t)source->stats[VST_SQLITE_WAL].st_size;
	return s->scratch_fd < 0 && size > VST_SQLITE_MEMORY_MAX;
}

static int try_again_and_again(struct vst_sqlite *s, struct vst_sqlite_source *source,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	int rc = 0;
	for (int i = 0; i < TRIES_MAX; i++) {
		*problem = (struct vst_sqlite_problem){.status = VST_ITEM_COLLECTED};
		close_work(s);
		rc = try_once(s, source, problem, err);
		if (rc != 0 || problem->status == VST_ITEM_EXCLUDED)
			return rc;
		bool same = vst_sqlite_source_same(source);
		if (problem->status == VST_ITEM_COLLECTED ? s->reliable : same)
			return 0;
		sleep_ms(BUSY_WAIT_MS);
		int error = vst_sqlite_source_look(source);
		if (error) {
			set_system(problem, error, "open");
			return 0;
		}
	}
	if (problem->status == VST_ITEM_COLLECTED) {
		set_reason(problem, "its files changed again and again while they were copied");
		problem->unreadable = true;
	}
	return rc;
}

int vst_sqlite_look(struct vst_sqlite *s, struct vst_collect_context *context, const char *path,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	struct vst_sqlite_source source;
	*s = (struct vst_sqlite){.context = context, .scratch_fd = -1, .bytes_fd = -1};
	*problem = (struct vst_sqlite_problem){.status = VST_ITEM_COLLECTED};
	int rc = vst_sqlite_source_find(&source, context, path, problem, err);
	s->size = (uint64_t)source.stats[VST_SQLITE_MAIN].st_size;
	s->path = source.path;
	source.path = NULL;
	vst_sqlite_source_close(&source);
	return rc;
}

int vst_sqlite_open(struct vst_sqlite *s, struct vst_collect_context *context, const char *path,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	struct vst_sqlite_source source;
	*s = (struct vst_sqlite){.context = context, .scratch_fd = -1, .bytes_fd = -1};
	*problem = (struct vst_sqlite_problem){.status = VST_ITEM_COLLECTED};
	int rc = vst_sqlite_source_find(&source, context, path, problem, err);
	if (rc != 0 || problem->status != VST_ITEM_COLLECTED)
		goto out;
	s->size = (uint64_t)source.stats[VST_SQLITE_MAIN].st_size;
	s->journal_mode = source.is_wal ? "wal" : "delete";
	int code = vst_sqlite_vfs_register(), error = make_scratch(s);
	if (code != SQLITE_OK)
		set_reason(problem, "SQLite cannot be started");
	else if (error)
		set_system(problem, error, "make a directory for copies");
	else if (is_too_large(s, &source)) {
		set_reason(problem, "too large to be copied in memory, and there is no other room");
		problem->unreadable = true;
	} else
		rc = try_again_and_again(s, &source, problem, err);
out:
	s->path = source.path;
	source.path = NULL;
	vst_sqlite_source_close(&source);
	return rc;
}

void vst_sqlite_close(struct vst_sqlite *s)
{
	close_work(s);
	if (s->scratch_fd >= 0)
		close(s->scratch_fd);
	if (s->scratch_name[0])
		unlinkat(s->context->scratch_fd, s->scratch_name, AT_REMOVEDIR);
	vst_sqlite_vfs_scratch(-1);
	free(s->path);
	*s = (struct vst_sqlite){.scratch_fd = -1, .bytes_fd = -1};
}
