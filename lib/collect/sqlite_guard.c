#include "collect/sqlite_guard.h"

#include <strings.h>

#include "collect/limits.h"

#define STEPS_BETWEEN_CHECKS 1000 /* of SQLite's virtual machine */

static int stop(void *ctx)
{
	const struct vst_collect_context *context = ctx;
	return vst_limits_check_cancel(context, NULL) != 0 || vst_limits_expired(context);
}

static void set_limits(sqlite3 *db)
{
	static const struct {
		int limit, value;
	} limits[] = {
	        {SQLITE_LIMIT_SQL_LENGTH, 16 * 1024 * 1024},
	        {SQLITE_LIMIT_EXPR_DEPTH, 200},
	        {SQLITE_LIMIT_COMPOUND_SELECT, 100},
	        {SQLITE_LIMIT_VDBE_OP, 10 * 1000 * 1000},
	        {SQLITE_LIMIT_ATTACHED, 0},
	        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
	        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
	        {SQLITE_LIMIT_WORKER_THREADS, 0},
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		sqlite3_limit(db, limits[i].limit, limits[i].value);
}

void vst_sqlite_guard(sqlite3 *db, const struct vst_collect_context *context, bool has_scratch)
{
	static const struct {
		int option, on;
	} options[] = {
	        {SQLITE_DBCONFIG_DEFENSIVE, 1},
	        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
	        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
	        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
	        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
	        {SQLITE_DBCONFIG_DQS_DML, 0},
	};
	/* Of virtual tables those alone that have no content in the file. */
	const char *keep[] = {"json_each", "json_tree", NULL};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		sqlite3_db_config(db, options[i].option, options[i].on, NULL);
	set_limits(db);
	sqlite3_drop_modules(db, keep);
	sqlite3_exec(db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA ignore_check_constraints=ON;",
	        NULL, NULL, NULL);
	sqlite3_exec(
	        db, has_scratch ? "PRAGMA temp_store=FILE" : "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
	/* The callback only reads it. */
	union {
		const void *from;
		void *to;
	} ctx = {.from = context};
	sqlite3_progress_handler(db, STEPS_BETWEEN_CHECKS, stop, ctx.to);
}

static int authorize(void *ctx, int action, const char *first, const char *second, const char *database,
        const char *trigger)
{
	(void)ctx, (void)first, (void)database, (void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return second && strcasecmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	default:
		return SQLITE_DENY;
	}
}

void vst_sqlite_only_select(sqlite3 *db)
{
	sqlite3_set_authorizer(db, authorize, NULL);
}
