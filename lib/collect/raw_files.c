#include "collect/raw_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/files.h"
#include "collect/stream.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

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

static int note_too_long(struct vst_collect_context *context, const char *source, const char *path,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_stream out = vst_stream_of(context, source, sink);
	const struct vst_note note = {.path = path,
	        .type = VST_ITEM_FILE,
	        .status = VST_ITEM_ERROR,
	        .error = ENAMETOOLONG,
	        .rule = "longer than a path may be to be taken as it is"};
	int rc = vst_stream_note(&out, &note, err);
	vst_stream_free(&out);
	return rc;
}

int vst_collect_raw_files(struct vst_collect_context *context, const char *source, const char *const *paths,
        size_t count, const struct vst_sink *sink, struct vst_err *err)
{
	char **patterns = vst_calloc(count + 1, sizeof *patterns);
	char *name = vst_strdup(source);
	size_t used = 0;
	int rc = patterns && name ? 0 : vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		char *pattern = literal_pattern(paths[i]);
		if (!pattern) {
			rc = vst_err_nomem(err);
		} else if (strlen(pattern) > VST_PATTERN_MAX) {
			rc = note_too_long(context, source, paths[i], sink, err);
			free(pattern);
		} else {
			patterns[used++] = pattern;
		}
	}
	const struct vst_policy_source files = {
	        .name = name,
	        .kind = VST_SOURCE_FILES,
	        .files = {.paths = patterns, .path_count = used},
	};
	if (rc == 0 && used > 0)
		rc = vst_collect_files(context, &files, sink, err);
	for (size_t i = 0; i < used; i++)
		free(patterns[i]);
	free(patterns);
	free(name);
	return rc;
}
