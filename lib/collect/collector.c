#include "vestige/collector.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/artifacts.h"
#include "collect/files.h"
#include "collect/journal.h"
#include "collect/live.h"
#include "collect/postgres.h"
#include "collect/sqlite.h"
#include "vestige/beneath.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

typedef int collect_kind(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

/* The path as a pattern that matches it alone. NULL for want of memory; the caller frees. */
static char *literal_pattern(const char *path)
{
	struct vst_buf pattern = VST_BUF_INIT;
	for (const char *at = path; *at; at++) {
		if (strchr("*?[]{},\\", *at))
			vst_buf_byte(&pattern, '\\');
		vst_buf_byte(&pattern, (uint8_t)*at);
	}
	vst_buf_cstr(&pattern);
	if (vst_buf_check(&pattern, NULL) == 0)
		return (char *)pattern.data;
	vst_buf_free(&pattern);
	return NULL;
}

/* The files as they are, by the files collector; then what they say. */
static int collect_journal(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	const char *const *directories;
	size_t count = source->journal.raw ? vst_journal_directories(&source->journal, &directories) : 0;
	char **paths = vst_calloc(count + 1, sizeof *paths);
	int rc = paths ? 0 : vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!(paths[i] = literal_pattern(directories[i])))
			rc = vst_err_nomem(err);
	const struct vst_policy_source files = {
	        .name = source->name,
	        .kind = VST_SOURCE_FILES,
	        .files = {.paths = paths, .path_count = count},
	};
	if (rc == 0 && count > 0)
		rc = vst_collect_files(context, &files, sink, err);
	if (rc == 0)
		rc = vst_collect_journal(context, source, sink, err);
	for (size_t i = 0; paths && i < count; i++)
		free(paths[i]);
	free(paths);
	return rc;
}

/* ---- a database's own files ---- */

/* Of the database's files those that are there: which there are is part of how a database stands. */
static bool is_there(int dirfd, const char *name, const char *suffix)
{
	char whole[NAME_MAX + 16];
	struct stat st;
	int len = snprintf(whole, sizeof whole, "%s%s", name, suffix);
	return len > 0 && (size_t)len < sizeof whole && fstatat(dirfd, whole, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static char *beside(const char *path, const char *suffix)
{
	struct vst_buf whole = VST_BUF_INIT;
	vst_buf_text(&whole, path);
	vst_buf_text(&whole, suffix);
	const char *text = vst_buf_cstr(&whole);
	char *pattern = whole.failed ? NULL : literal_pattern(text);
	vst_buf_free(&whole);
	return pattern;
}

/* The database and its logs, as files of the same source: deleted rows live there. */
static int collect_sqlite_files(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	static const char *const suffixes[] = {"", "-wal", "-journal", "-shm"};
	char *paths[4] = {NULL}, *resolved = NULL;
	const char *name = NULL;
	struct vst_policy_source files = {
	        .name = source->name, .kind = VST_SOURCE_FILES, .files = {.paths = paths}};
	size_t *count = &files.files.path_count;
	int rc = 0, fd = -1, dirfd = -1;
	if (vst_beneath_resolve(
	            context->root_fd, source->sqlite.database, NULL, NULL, &fd, &resolved, NULL) == 0)
		(void)vst_beneath_parent(context->root_fd, resolved, &dirfd, &name, NULL);
	for (size_t i = 0; rc == 0 && i < 4; i++) {
		if (i > 0 && (dirfd < 0 || !is_there(dirfd, name, suffixes[i])))
			continue;
		/* The logs lie beside the file that a link leads to; the link is an item, too. */
		paths[*count] = beside(i > 0 ? resolved : source->sqlite.database, suffixes[i]);
		if (!paths[*count])
			rc = vst_err_nomem(err);
		else if (strlen(paths[*count]) > VST_PATTERN_MAX)
			free(paths[*count]); /* longer than a pattern may be: such a path has no raw items */
		else
			++*count;
	}
	if (rc == 0 && *count > 0)
		rc = vst_collect_files(context, &files, sink, err);
	for (size_t i = 0; i < *count; i++)
		free(paths[i]);
	if (fd >= 0)
		close(fd);
	if (dirfd >= 0)
		close(dirfd);
	free(resolved);
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
        [VST_SOURCE_JOURNAL] = collect_journal,
        [VST_SOURCE_ARTIFACTS] = vst_collect_artifacts,
        [VST_SOURCE_POSTGRES] = vst_collect_postgres,
        [VST_SOURCE_SQLITE] = collect_sqlite,
        [VST_SOURCE_LIVE] = vst_collect_live,
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
