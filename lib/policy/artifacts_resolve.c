#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/artifacts_set.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

enum colour { NOT_SEEN, OPEN /* it, or a group below it, is being worked on */, DONE };

/* A definition under way, and the next thing to do in it. A definition is open once, so there are no more
 * frames than those. */
struct frame {
	const struct artifact_definition *definition;
	size_t source, name;
};

struct resolver {
	const struct vst_artifact_set *set;
	struct artifact_homes homes;
	struct vst_artifact_plan *plan;
	size_t cap; /* of the plan's steps */
	void *seen; /* tsearch(3) of texts: patterns, and commands with their arguments */
	size_t texts;
	bool asks_for_homes;
	uint8_t *colours; /* enum colour, by index */
	struct frame *frames;
	size_t depth;
	struct vst_err *err;
};

/* ---- steps ---- */

static void step_free(struct vst_artifact_step *step)
{
	for (size_t i = 0; i < step->count; i++)
		free(step->texts[i]);
	free(step->texts);
	free(step->artifact);
	free(step->command);
	free(step->reason);
}

void vst_artifact_plan_free(struct vst_artifact_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->count; i++)
		step_free(&plan->steps[i]);
	free(plan->steps);
	free(plan->used);
	free(plan);
}

/* Takes over what the step holds, also when it fails. */
static int add_step(struct resolver *r, const struct vst_artifact_step *step)
{
	struct vst_artifact_plan *plan = r->plan;
	if (plan->count == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct vst_artifact_step *grown = vst_realloc(plan->steps, cap, sizeof *grown);
		if (!grown) {
			struct vst_artifact_step lost = *step;
			step_free(&lost);
			return vst_err_nomem(r->err);
		}
		plan->steps = grown;
		r->cap = cap;
	}
	plan->steps[plan->count++] = *step;
	return 0;
}

static int add_reason(struct resolver *r, enum vst_artifact_step_kind kind, const char *artifact,
        size_t source, size_t path, const char *format, ...) __attribute__((format(printf, 6, 7)));

static int add_reason(struct resolver *r, enum vst_artifact_step_kind kind, const char *artifact,
        size_t source, size_t path, const char *format, ...)
{
	char text[VST_ERR_TEXT_MAX + 256];
	struct vst_artifact_step step = {.kind = kind, .source = source, .path = path};
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	step.artifact = artifact ? vst_strdup(artifact) : NULL;
	step.reason = vst_strdup(text);
	if (!step.reason || (artifact && !step.artifact)) {
		step_free(&step);
		return vst_err_nomem(r->err);
	}
	return add_step(r, &step);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Notes a text. `*ret_new` false: it was there. */
static int note(struct resolver *r, const char *text, bool *ret_new)
{
	*ret_new = !tfind(text, &r->seen, compare_texts);
	if (!*ret_new)
		return 0;
	if (++r->texts > VST_ARTIFACT_TEXTS_MAX)
		return vst_err_set(r->err, VST_ELIMIT,
		        "the artifacts' paths and the hosts' homes come to more than %d patterns",
		        VST_ARTIFACT_TEXTS_MAX);
	char *copy = vst_strdup(text);
	if (!copy || !tsearch(copy, &r->seen, compare_texts)) {
		free(copy);
		return vst_err_nomem(r->err);
	}
	return 0;
}

/* ---- sources ---- */

struct patterns {
	struct resolver *r;
	struct vst_artifact_step *step;
	size_t cap;
};

static int add_text(struct resolver *r, struct vst_artifact_step *step, size_t *cap, const char *text)
{
	if (step->count == *cap) {
		size_t more = *cap ? 2 * *cap : 4;
		char **grown = vst_realloc(step->texts, more, sizeof *grown);
		if (!grown)
			return vst_err_nomem(r->err);
		step->texts = grown;
		*cap = more;
	}
	if (!(step->texts[step->count] = vst_strdup(text)))
		return vst_err_nomem(r->err);
	step->count++;
	return 0;
}

static int add_pattern(void *ctx, const char *pattern, struct vst_err *err)
{
	struct patterns *patterns = ctx;
	bool is_new;
	(void)err; /* the resolver's own */
	int rc = note(patterns->r, pattern, &is_new);
	return rc == 0 && is_new ? add_text(patterns->r, patterns->step, &patterns->cap, pattern) : rc;
}

static int resolve_paths(
        struct resolver *r, const char *name, size_t number, const struct artifact_source *source)
{
	struct vst_artifact_step step = {.kind = VST_ARTIFACT_PATHS, .source = number};
	struct patterns patterns = {.r = r, .step = &step};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < source->texts.count; i++) {
		char *reason = NULL;
		bool failed = false;
		rc = artifact_path_patterns(source->texts.texts[i], source->separator, &r->homes, add_pattern,
		        &patterns, &r->asks_for_homes, &reason, &failed, r->err);
		if (rc == 0 && reason)
			rc = add_reason(r, failed ? VST_ARTIFACT_FAILED : VST_ARTIFACT_NOT_APPLICABLE, name,
			        number, i + 1, "%s", reason);
		free(reason);
	}
	if (rc == 0 && step.count > 0 && !(step.artifact = vst_strdup(name)))
		rc = vst_err_nomem(r->err);
	if (rc == 0 && step.count > 0)
		return add_step(r, &step);
	step_free(&step);
	return rc;
}

/* One text that only this command with these arguments has. A pattern starts with a slash, this does not. */
static int note_command(struct resolver *r, const struct artifact_source *source, bool *ret_new)
{
	struct vst_buf text = VST_BUF_INIT;
	vst_buf_printf(&text, "%zu:%s", strlen(source->command), source->command);
	for (size_t i = 0; i < source->texts.count; i++)
		vst_buf_printf(&text, " %zu:%s", strlen(source->texts.texts[i]), source->texts.texts[i]);
	vst_buf_cstr(&text);
	int rc = vst_buf_check(&text, r->err);
	if (rc == 0)
		rc = note(r, vst_buf_cstr(&text), ret_new);
	vst_buf_free(&text);
	return rc;
}

static int resolve_command(
        struct resolver *r, const char *name, size_t number, const struct artifact_source *source)
{
	struct vst_artifact_step step = {.kind = VST_ARTIFACT_COMMAND, .source = number};
	size_t cap = 0;
	bool is_new = false;
	int rc = note_command(r, source, &is_new);
	if (rc != 0 || !is_new)
		return rc;
	step.artifact = vst_strdup(name);
	step.command = vst_strdup(source->command);
	if (!step.artifact || !step.command)
		rc = vst_err_nomem(r->err);
	for (size_t i = 0; rc == 0 && i < source->texts.count; i++)
		rc = add_text(r, &step, &cap, source->texts.texts[i]);
	if (rc == 0)
		return add_step(r, &step);
	step_free(&step);
	return rc;
}

static int resolve_source(
        struct resolver *r, const char *name, size_t number, const struct artifact_source *source)
{
	switch (source->type) {
	case ARTIFACT_FILE:
	case ARTIFACT_PATH:
	case ARTIFACT_DIRECTORY:
		return resolve_paths(r, name, number, source);
	case ARTIFACT_COMMAND:
		return resolve_command(r, name, number, source);
	default:
		return add_reason(r, VST_ARTIFACT_NOT_APPLICABLE, name, number, 0, "%s is for Windows",
		        artifact_type_name(source->type));
	}
}

/* ---- definitions ---- */

static int unknown(struct resolver *r, const char *name, const char *group, size_t source, size_t path)
{
	const char *meant = vst_artifacts_nearest(r->set, name);
	return add_reason(r, VST_ARTIFACT_FAILED, group ? group : name, source, path,
	        "unknown artifact %.128s%s%s%s", name, meant ? " (did you mean " : "", meant ? meant : "",
	        meant ? "?)" : "");
}

/* Starts with a definition, or says why not. */
static int open_definition(struct resolver *r, const struct artifact_definition *definition)
{
	r->plan->used[definition->index] = true;
	r->colours[definition->index] = DONE;
	if (definition->broken)
		return add_reason(r, VST_ARTIFACT_FAILED, definition->name, 0, 0,
		        "the definition of %s is wrong: %s", definition->name, definition->broken);
	if (!definition->os.linux_host)
		return add_reason(r, VST_ARTIFACT_NOT_APPLICABLE, definition->name, 0, 0, "for %s only",
		        definition->os.names);
	r->colours[definition->index] = OPEN;
	r->frames[r->depth++] = (struct frame){.definition = definition};
	return 0;
}

/* A definition that is open already: its name, and the names by way of which it came back to itself. */
static int add_cycle(struct resolver *r, const struct artifact_definition *again, const char *group,
        size_t source, size_t path)
{
	struct vst_buf way = VST_BUF_INIT;
	size_t from = r->depth - 1;
	while (from > 0 && r->frames[from].definition != again)
		from--;
	for (size_t i = from + 1; i < r->depth; i++)
		vst_buf_printf(
		        &way, "%s%s", i == from + 1 ? " by way of " : ", ", r->frames[i].definition->name);
	vst_buf_cstr(&way);
	int rc = vst_buf_check(&way, r->err);
	if (rc == 0)
		rc = add_reason(r, VST_ARTIFACT_NOT_APPLICABLE, group, source, path,
		        "group %s names itself%s", again->name, vst_buf_cstr(&way));
	vst_buf_free(&way);
	return rc;
}

static int next_name(struct resolver *r, struct frame *frame, const struct artifact_source *source)
{
	const char *group = frame->definition->name, *name = source->texts.texts[frame->name];
	size_t number = frame->source + 1, path = ++frame->name;
	const struct artifact_definition *definition = artifact_find(r->set, name);
	if (!definition)
		return unknown(r, name, group, number, path);
	if (r->colours[definition->index] == OPEN)
		return add_cycle(r, definition, group, number, path);
	return r->colours[definition->index] == DONE ? 0 : open_definition(r, definition);
}

/* One thing of the definition on top. */
static int advance(struct resolver *r)
{
	struct frame *frame = &r->frames[r->depth - 1];
	const struct artifact_definition *definition = frame->definition;
	if (frame->source == definition->source_count) {
		r->colours[definition->index] = DONE;
		r->depth--;
		return 0;
	}
	const struct artifact_source *source = &definition->sources[frame->source];
	if (source->os.linux_host && source->type == ARTIFACT_GROUP && frame->name < source->texts.count)
		return next_name(r, frame, source);
	frame->name = 0;
	frame->source++;
	if (!source->os.linux_host)
		return add_reason(r, VST_ARTIFACT_NOT_APPLICABLE, definition->name, frame->source, 0,
		        "this %s is for %s only", artifact_type_name(source->type), source->os.names);
	return source->type == ARTIFACT_GROUP ? 0
	                                      : resolve_source(r, definition->name, frame->source, source);
}

static int resolve_name(struct resolver *r, const char *name)
{
	const struct artifact_definition *definition = artifact_find(r->set, name);
	if (!definition)
		return unknown(r, name, NULL, 0, 0);
	int rc = r->colours[definition->index] == NOT_SEEN ? open_definition(r, definition) : 0;
	while (rc == 0 && r->depth > 0)
		rc = advance(r);
	return rc;
}

/* ---- homes ---- */

/* Those that nothing was looked for in. */
static int tell_homes(struct resolver *r, size_t given)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->homes.count; i++) {
		const struct vst_artifact_account *account = &r->homes.accounts[i];
		const char *reason =
		        account->reason ? account->reason : vst_artifact_home_refusal(account->home);
		if (!reason)
			continue;
		rc = add_reason(r, VST_ARTIFACT_NOT_APPLICABLE, NULL, 0, 0, "home %.256s of %.128s: %s",
		        account->home, account->user, reason);
		if (rc == 0)
			r->plan->steps[r->plan->count - 1].line = account->line;
	}
	if (rc == 0 && given > r->homes.count) {
		rc = add_reason(r, VST_ARTIFACT_FAILED, NULL, 0, 0,
		        "more than %d accounts: from here on homes were not looked into, unless in /home",
		        VST_ARTIFACT_ACCOUNTS_MAX);
		if (rc == 0)
			r->plan->steps[r->plan->count - 1].line = r->homes.accounts[r->homes.count].line;
	}
	return rc;
}

int vst_artifacts_resolve(const struct vst_artifact_set *set, char *const *names, size_t name_count,
        const struct vst_artifact_account *accounts, size_t account_count, struct vst_artifact_plan **ret,
        struct vst_err *err)
{
	size_t count = vst_artifacts_count(set);
	struct resolver r = {.set = set, .homes = {accounts, account_count}, .err = err};
	if (r.homes.count > VST_ARTIFACT_ACCOUNTS_MAX)
		r.homes.count = VST_ARTIFACT_ACCOUNTS_MAX;
	int rc = 0;
	r.plan = vst_calloc(1, sizeof *r.plan);
	r.colours = vst_calloc(count + 1, 1);
	r.frames = vst_calloc(count + 1, sizeof *r.frames);
	if (!r.plan || !r.colours || !r.frames ||
	        !(r.plan->used = vst_calloc(count + 1, sizeof *r.plan->used)))
		rc = vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < name_count; i++)
		rc = resolve_name(&r, names[i]);
	if (rc == 0 && r.asks_for_homes)
		rc = tell_homes(&r, account_count);
	tdestroy(r.seen, free);
	free(r.colours);
	free(r.frames);
	if (rc == 0) {
		*ret = r.plan;
		r.plan = NULL;
	}
	vst_artifact_plan_free(r.plan);
	return rc;
}
