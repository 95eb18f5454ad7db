#include "vestige/collector.h"

#include <stdlib.h>
#include <string.h>

#include "collect/artifacts.h"
#include "collect/files.h"
#include "collect/journal.h"
#include "collect/postgres.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

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

static collect_kind *const kinds[] = {
        [VST_SOURCE_FILES] = vst_collect_files,
        [VST_SOURCE_JOURNAL] = collect_journal,
        [VST_SOURCE_ARTIFACTS] = vst_collect_artifacts,
        [VST_SOURCE_POSTGRES] = vst_collect_postgres,
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
