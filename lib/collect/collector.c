#include "vestige/collector.h"

#include <stdlib.h>

#include "collect/artifacts.h"
#include "collect/files.h"
#include "collect/journal.h"
#include "collect/live.h"
#include "collect/postgres.h"
#include "collect/raw_files.h"
#include "collect/sqlite.h"
#include "collect/sqlite_files.h"
#include "vestige/err.h"

typedef int collect_kind(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

/* The files as they are; then what they say. */
static int collect_journal(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	const char *const *directories = NULL;
	size_t count = source->journal.raw ? vst_journal_directories(&source->journal, &directories) : 0;
	int rc = count > 0 ? vst_collect_raw_files(context, source->name, directories, count, sink, err) : 0;
	return rc == 0 ? vst_collect_journal(context, source, sink, err) : rc;
}

static int collect_sqlite_files(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	char *paths[VST_SQLITE_FILES] = {NULL};
	size_t count = 0;
	int rc = vst_sqlite_files(context, source->sqlite.database, paths, &count, err);
	if (rc == 0)
		rc = vst_collect_raw_files(context, source->name, (const char *const *)paths, count, sink, err);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	return rc;
}

/* Its files first, as they stand before anybody reads them; or, where it is no database any more, instead. */
static int collect_sqlite(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	bool may_copy = source->content == VST_CONTENT_FULL, unreadable = false;
	int rc = source->sqlite.raw && may_copy ? collect_sqlite_files(context, source, sink, err) : 0;
	if (rc == 0)
		rc = vst_collect_sqlite(context, source, sink, &unreadable, err);
	if (rc == 0 && unreadable && may_copy && !source->sqlite.raw)
		rc = collect_sqlite_files(context, source, sink, err);
	return rc;
}

static collect_kind *const kinds[] = {
        [VST_SOURCE_FILES] = vst_collect_files,
        [VST_SOURCE_LIVE] = vst_collect_live,
        [VST_SOURCE_JOURNAL] = collect_journal,
        [VST_SOURCE_SQLITE] = collect_sqlite,
        [VST_SOURCE_POSTGRES] = vst_collect_postgres,
        [VST_SOURCE_ARTIFACTS] = vst_collect_artifacts,
};

int vst_collect(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	size_t kind = (size_t)source->kind;
	if (kind >= sizeof kinds / sizeof *kinds || !kinds[kind])
		return vst_err_set(
		        err, VST_EUNSUPPORTED, "a kind of source that this program does not collect");
	return kinds[kind](context, source, sink, err);
}
