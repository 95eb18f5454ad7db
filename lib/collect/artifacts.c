#include "collect/artifacts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/command.h"
#include "collect/stream.h"
#include "vestige/artifacts.h"
#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/* ---- homes ---- */

/*
 * Why there is nothing to be looked for in it. A home that is a link to the root, say, would take the whole
 * host; one that cannot be looked at now is left to the files collector, which tells why.
 */
static int refuse_home(
        const struct vst_collect_context *context, const char *home, const char **ret, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	struct stat st;
	char *resolved = NULL;
	int fd = -1;
	if ((*ret = vst_artifact_home_refusal(home)) != NULL)
		return 0;
	int rc = vst_beneath_resolve(context->root_fd, home, NULL, NULL, &fd, &resolved, &why);
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	if (rc != 0 && (why.sys == ENOENT || why.sys == ENOTDIR))
		*ret = "does not exist";
	else if (rc == 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		*ret = "not a directory";
	else if (rc == 0 && vst_artifact_home_refusal(resolved))
		*ret = "a link that leads out of homes";
	if (fd >= 0)
		close(fd);
	free(resolved);
	return 0;
}

static int list_accounts(struct vst_collect_context *context, struct vst_artifact_account **ret,
        size_t *ret_count, struct vst_err *err)
{
	struct vst_artifact_account *list;
	struct vst_account_home home;
	size_t count = 0;
	int rc = 0;
	/* One more than are looked at, so that it can be told. */
	while (count <= VST_ARTIFACT_ACCOUNTS_MAX && vst_accounts_home(context->accounts, count, &home))
		count++;
	if (!(list = vst_calloc(count + 1, sizeof *list)))
		return vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		vst_accounts_home(context->accounts, i, &home);
		list[i] = (struct vst_artifact_account){
		        .user = home.user, .home = home.home, .line = home.line};
		rc = refuse_home(context, home.home, &list[i].reason, err);
	}
	if (rc != 0) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

static int make_plan(struct vst_collect_context *context, const struct vst_policy_source *source,
        struct vst_artifact_plan **ret, struct vst_err *err)
{
	const struct vst_policy_artifacts *artifacts = &source->artifacts;
	struct vst_artifact_account *accounts = NULL;
	size_t count = 0;
	if (!artifacts->set)
		return vst_err_set(err, VST_EUSAGE, "no artifact definitions were loaded");
	int rc = list_accounts(context, &accounts, &count, err);
	if (rc == 0)
		rc = vst_artifacts_resolve(
		        artifacts->set, artifacts->names, artifacts->name_count, accounts, count, ret, err);
	free(accounts);
	return rc;
}

/* ---- steps ---- */

static void put_place(const struct vst_artifact_step *step, struct vst_buf *out)
{
	if (!step->artifact) {
		vst_buf_printf(out, "/accounts/%zu", step->line);
		return;
	}
	vst_buf_text(out, "/artifacts/");
	vst_stream_component(out, step->artifact, strlen(step->artifact));
	if (step->source)
		vst_buf_printf(out, "/%zu", step->source);
	if (step->path)
		vst_buf_printf(out, "/%zu", step->path);
}

/* Nothing to collect, and why. */
static int tell(const struct vst_artifact_step *step, struct vst_stream *out, struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT;
	put_place(step, &path);
	int rc = vst_buf_check(&path, err);
	if (rc == 0) {
		const struct vst_note note = {
		        .path = vst_buf_cstr(&path),
		        .status = step->kind == VST_ARTIFACT_FAILED ? VST_ITEM_ERROR : VST_ITEM_EXCLUDED,
		        .rule = step->reason,
		};
		rc = vst_stream_note(out, &note, err);
	}
	vst_buf_free(&path);
	return rc;
}

static int run(const struct vst_policy_source *source, const struct vst_artifact_step *step,
        struct vst_stream *out, struct vst_err *err)
{
	const struct vst_command command = {
	        .artifact = step->artifact,
	        .source = step->source,
	        .program = step->command,
	        .arguments = step->texts,
	        .count = step->count,
	};
	if (!out->context->live)
		return vst_command_refuse(&command, VST_RULE_COMMANDS_IMAGE, out, err);
	if (!source->artifacts.commands)
		return vst_command_refuse(&command, VST_RULE_COMMANDS_REFUSED, out, err);
	return vst_command_run(&command, out, err);
}

/* All patterns at once: where they overlap, a path is taken once. */
static int take_files(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_artifact_plan *plan, const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_policy_source files = {.name = source->name, .kind = VST_SOURCE_FILES};
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->steps[i].kind == VST_ARTIFACT_PATHS ? plan->steps[i].count : 0;
	if (!(files.files.paths = vst_calloc(count + 1, sizeof *files.files.paths)))
		return vst_err_nomem(err);
	for (size_t i = 0; i < plan->count; i++)
		for (size_t k = 0; plan->steps[i].kind == VST_ARTIFACT_PATHS && k < plan->steps[i].count; k++)
			files.files.paths[files.files.path_count++] = plan->steps[i].texts[k];
	context->source_begun = true;
	int rc = vst_collect(context, &files, sink, err);
	context->source_begun = false;
	free(files.files.paths);
	return rc;
}

int vst_collect_artifacts(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_artifact_plan *plan = NULL;
	struct vst_stream out = vst_stream_of(context, source->name, sink);
	int rc = make_plan(context, source, &plan, err);
	/* What a command says changes sooner than files do. */
	for (size_t i = 0; rc == 0 && i < plan->count; i++)
		if (plan->steps[i].kind == VST_ARTIFACT_COMMAND)
			rc = run(source, &plan->steps[i], &out, err);
	for (size_t i = 0; rc == 0 && i < plan->count; i++)
		if (plan->steps[i].reason)
			rc = tell(&plan->steps[i], &out, err);
	if (rc == 0)
		rc = take_files(context, source, plan, sink, err);
	vst_stream_free(&out);
	vst_artifact_plan_free(plan);
	return rc;
}
