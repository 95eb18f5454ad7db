#include "collect/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/beneath_walk.h"
#include "collect/files_run.h"
#include "collect/packages.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define PATH_ROOM                                                                                            \
	(VST_ITEM_PATH_MAX + 4096) /* so that the path never moves: progress may look at it at any time */

int vst_files_set_path(struct vst_files_run *run, size_t directory_len, const char *name)
{
	run->path.len = directory_len;
	vst_buf_byte(&run->path, '/');
	vst_buf_text(&run->path, name);
	vst_buf_cstr(&run->path);
	return vst_buf_check(&run->path, run->err);
}

const char *vst_files_path(struct vst_files_run *run)
{
	return vst_buf_cstr(&run->path);
}

int vst_files_check_cancel(const struct vst_files_run *run)
{
	return vst_limits_check_cancel(run->context, run->err);
}

/* ---- one alternative of a pattern ---- */

/* The first `count` components as a path. Wild ones as written. */
static int spell(const struct vst_pattern_alternative *alternative, size_t count, struct vst_buf *out,
        struct vst_err *err)
{
	vst_buf_clear(out);
	for (size_t i = 0; i < count; i++) {
		const struct vst_pattern_component *component = &alternative->components[i];
		if (component->kind == VST_COMPONENT_OPTIONAL && component->text[0] == '\0')
			continue;
		vst_buf_byte(out, '/');
		vst_buf_text(out, component->kind == VST_COMPONENT_ANY_DEPTH ? "**" : component->text);
	}
	if (count == 0)
		vst_buf_byte(out, '/');
	vst_buf_cstr(out);
	return vst_buf_check(out, err);
}

static int set_whole_path(struct vst_files_run *run, const char *path)
{
	vst_buf_clear(&run->path);
	vst_buf_text(&run->path, path);
	vst_buf_cstr(&run->path);
	return vst_buf_check(&run->path, run->err);
}

/* A link in a literal prefix is an item of its own. */
static int on_link(void *ctx, const char *path, int parent_fd, const char *name, struct vst_err *err)
{
	struct vst_files_run *run = ctx;
	(void)err; /* run->err gets it, and is the same to our caller */
	int rc = set_whole_path(run, path);
	if (rc != 0)
		return rc;
	run->may_repeat = true; /* the walk may come by */
	return vst_files_take(run, parent_fd, name, VST_ITEM_SYMLINK);
}

/* An item for something that the policy names and that led to nothing. `error` 0: nothing matches. */
static int emit_missing(struct vst_files_run *run, const char *asked, const char *stop, int error)
{
	struct vst_item item;
	int rc = set_whole_path(run, asked);
	if (rc == 0 && vst_files_has(run) &&
	        stop) /* the path asked for is a link, and that is an item already */
		rc = set_whole_path(run, stop);
	if (rc != 0)
		return rc;
	vst_item_init(&item);
	item.status = VST_ITEM_ABSENT;
	if (error && error != ENOENT && error != ENOTDIR)
		vst_files_set_error(&item, error, "resolve");
	return vst_files_emit(run, &item);
}

/* Whether a directory above the prefix is one that is never taken: then neither is what lies below it. */
static int check_above(struct vst_files_run *run, const char *resolved, const char **ret_rule)
{
	int rc = 0;
	*ret_rule = NULL;
	for (size_t len = 0; run->context->exclusion_count > 0 && rc == 0 && resolved[len] && !*ret_rule;
	        len++) {
		struct statx st;
		char *above = NULL, *again = NULL;
		int fd = -1;
		if (resolved[len] != '/')
			continue;
		if (!(above = vst_memdup(resolved, len)))
			return vst_err_nomem(run->err);
		struct vst_err why = VST_ERR_INIT;
		if (vst_beneath_resolve(run->context->root_fd, above, NULL, NULL, &fd, &again, &why) ==
		        VST_ENOMEM)
			rc = vst_err_nomem(run->err);
		if (fd >= 0 && vst_file_stat(fd, &st) == 0)
			*ret_rule = vst_files_ruling_out(run, &st);
		if (fd >= 0)
			close(fd);
		free(above);
		free(again);
	}
	return rc;
}

/* `fd` (O_PATH) is where the literal prefix led, `resolved` its path without links. */
static int walk_from(struct vst_files_run *run, int fd, const char *resolved,
        const struct vst_pattern_alternative *alternative)
{
	struct vst_err why = VST_ERR_INIT;
	struct statx st;
	const char *name, *rule = NULL;
	int dirfd = -1;
	int error = vst_file_stat(fd, &st);
	int rc = error ? 0 : check_above(run, resolved, &rule);
	if (rc != 0)
		return rc;
	rc = error ? 0 : vst_beneath_parent(run->context->root_fd, resolved, &dirfd, &name, &why);
	if (error || rc == VST_EIO)
		return emit_missing(run, resolved, NULL, error ? error : why.sys);
	if (rc != 0)
		return vst_err_nomem(run->err);
	run->home = vst_file_mount(&st);
	run->stay = run->source->files.one_file_system;
	run->matched = false; /* links on the way do not count */
	rc = set_whole_path(run, resolved);
	if (rc == 0 && rule)
		rc = vst_files_emit_excluded(run, dirfd, name, vst_file_type(&st), &st, rule);
	else if (rc == 0)
		rc = vst_files_walk(run, dirfd, name, alternative);
	close(dirfd);
	return rc;
}

static int take_alternative(struct vst_files_run *run, const struct vst_pattern_alternative *alternative)
{
	struct vst_err why = VST_ERR_INIT;
	struct vst_buf prefix = VST_BUF_INIT, asked = VST_BUF_INIT;
	char *resolved = NULL, *stop = NULL;
	int fd = -1;
	run->stay = false;
	int rc = spell(alternative, alternative->literal, &prefix, run->err);
	if (rc == 0)
		rc = spell(alternative, alternative->count, &asked, run->err);
	if (rc != 0)
		goto out;
	rc = vst_beneath_resolve_or_stop(
	        run->context->root_fd, vst_buf_cstr(&prefix), on_link, run, &fd, &resolved, &stop, &why);
	if (rc != 0 && stop) {
		rc = emit_missing(run, vst_buf_cstr(&asked), stop, why.sys);
	} else if (rc != 0) {
		if (run->err && run->err->code == 0) /* not the sink's */
			*run->err = why;
	} else {
		rc = walk_from(run, fd, resolved, alternative);
		if (rc == 0 && !run->matched)
			rc = emit_missing(run, vst_buf_cstr(&asked), NULL, 0);
	}
	run->may_repeat = true;
out:
	if (fd >= 0)
		close(fd);
	free(resolved);
	free(stop);
	vst_buf_free(&prefix);
	vst_buf_free(&asked);
	return rc;
}

/* The source's time is over: what would have been begun now is an item by the policy's own words. */
static int leave_out(struct vst_files_run *run, const struct vst_pattern_alternative *alternative)
{
	struct vst_buf asked = VST_BUF_INIT;
	int rc = spell(alternative, alternative->count, &asked, run->err);
	if (rc == 0)
		rc = set_whole_path(run, vst_buf_cstr(&asked));
	run->may_repeat = true;
	if (rc == 0)
		rc = vst_files_emit_expired(run, VST_ITEM_UNKNOWN);
	vst_buf_free(&asked);
	return rc;
}

static int take_pattern(struct vst_files_run *run, const char *text)
{
	struct vst_pattern *pattern = NULL;
	int rc = vst_pattern_compile(text, &pattern, run->err);
	if (rc == 0 && !pattern->absolute)
		rc = vst_err_set(run->err, VST_EFORMAT, "not an absolute path");
	for (size_t i = 0; rc == 0 && i < pattern->count; i++) {
		if (vst_limits_expired(run->context))
			rc = leave_out(run, &pattern->alternatives[i]);
		else
			rc = take_alternative(run, &pattern->alternatives[i]);
	}
	vst_pattern_free(pattern);
	return rc == 0 ? 0 : vst_err_prepend(run->err, "%s", text);
}

/* ---- one source ---- */

static int add_exclude(struct vst_files_run *run, const char *text)
{
	struct vst_files_exclude *exclude = &run->excludes[run->exclude_count];
	struct vst_buf rule = VST_BUF_INIT;
	int rc = vst_pattern_compile(text, &exclude->pattern, run->err);
	if (rc != 0)
		return vst_err_prepend(run->err, "exclude %s", text);
	run->exclude_count++;
	vst_buf_text(&rule, VST_RULE_EXCLUDE);
	vst_buf_text(&rule, text);
	vst_buf_byte(&rule, 0);
	if ((rc = vst_buf_check(&rule, run->err)) != 0) {
		vst_buf_free(&rule);
		return rc;
	}
	exclude->rule = (char *)rule.data;
	return 0;
}

static int prepare(struct vst_files_run *run)
{
	const struct vst_policy_files *files = &run->source->files;
	run->block = vst_alloc(VST_FILES_BLOCK);
	run->excludes = vst_calloc(files->exclude_count, sizeof *run->excludes);
	vst_buf_reserve(&run->path, PATH_ROOM);
	if (!run->block || !run->excludes || run->path.failed)
		return vst_err_nomem(run->err);
	if (run->source->content == VST_CONTENT_DIGEST && run->context->digest_key) {
		int rc = vst_file_digest_init(&run->digest, run->context->digest_key, run->err);
		if (rc != 0)
			return rc;
	}
	run->package.on = files->packages && run->context->packages && run->context->content;
	for (size_t i = 0; i < files->exclude_count; i++) {
		int rc = add_exclude(run, files->exclude[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void release(struct vst_files_run *run)
{
	for (size_t i = 0; i < run->exclude_count; i++) {
		vst_pattern_free(run->excludes[i].pattern);
		free(run->excludes[i].rule);
	}
	free(run->excludes);
	free(run->block);
	vst_file_attributes_free(&run->attributes);
	vst_file_map_free(&run->map);
	vst_file_digest_free(&run->digest);
	vst_file_package_free(&run->package);
	vst_buf_free(&run->target);
	vst_buf_free(&run->path);
}

int vst_collect_files(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_err own = VST_ERR_INIT;
	struct vst_files_run run = {
	        .context = context,
	        .source = source,
	        .sink = sink,
	        .err = err ? err : &own,
	        .may_repeat = context->source_begun,
	};
	vst_err_clear(run.err);
	int rc = prepare(&run);
	for (size_t i = 0; rc == 0 && i < source->files.path_count; i++) {
		if (context->begun)
			atomic_store(context->begun, (uint32_t)i + 1);
		rc = take_pattern(&run, source->files.paths[i]);
	}
	if (rc == 0 && run.package.on)
		rc = vst_packages_tell(context->packages, context, source->name, sink, run.err);
	if (context->progress)
		context->progress(context->progress_ctx, "");
	release(&run);
	return rc;
}
