#include "collect/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "collect/journal_export.h"
#include "collect/journal_facts.h"
#include "collect/journal_file.h"
#include "collect/journal_find.h"
#include "collect/limits.h"
#include "collect/stream.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define REASON_MAX 512

struct collect {
	struct vst_collect_context *context;
	const struct vst_policy_source *source;
	struct vst_stream out;
	struct vst_journal_finds finds;
	struct vst_journal_facts facts;
	struct vst_journal_export export;
	struct vst_buf whole, details; /* the facts, all and as much as a manifest line holds */
	bool late;                     /* the source's time was over before all files were looked at */
	struct vst_err *err;
};

size_t vst_journal_directories(const struct vst_policy_journal *journal, const char *const **ret)
{
	static const char *const usual[] = {"/run/log/journal", "/var/log/journal"};
	if (journal->directory_count == 0) {
		*ret = usual;
		return sizeof usual / sizeof *usual;
	}
	*ret = (const char *const *)journal->directories;
	return journal->directory_count;
}

/* ---- the files ---- */

static int find_files(struct collect *c)
{
	const char *const *directories;
	size_t count = vst_journal_directories(&c->source->journal, &directories);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = vst_journal_find(c->context, directories[i], c->context->content, &c->finds, c->err);
	return rc;
}

/* What cannot be read is an item, and among the facts. */
static int note_failed(struct collect *c, const struct vst_journal_found *found)
{
	struct vst_err why = VST_ERR_INIT;
	struct vst_note note = {
	        .path = found->path,
	        .type = found->type,
	        .status = vst_stream_status_of(found->error),
	        .rule = found->what,
	        .error = found->error,
	};
	if (found->missing != VST_JOURNAL_THERE) {
		note.status = found->missing == VST_JOURNAL_ABSENT ? VST_ITEM_ABSENT : VST_ITEM_VANISHED;
		note.rule = NULL;
		note.error = 0;
		note.type = VST_ITEM_UNKNOWN;
	}
	int rc = vst_stream_note(&c->out, &note, c->err);
	if (rc != 0 || found->missing == VST_JOURNAL_ABSENT)
		return rc;
	if (found->error)
		vst_err_sys(&why, found->error, "%s", found->what);
	else
		vst_err_set(&why, VST_EUNSUPPORTED, "%s", found->what);
	return vst_journal_facts_add_error(&c->facts, found->path, why.text, c->err);
}

static int check(void *ctx, struct vst_err *err)
{
	struct collect *c = ctx;
	c->late = vst_limits_expired(c->context);
	return c->late ? vst_err_set(err, VST_EFORMAT, "%s: not read to the end", VST_RULE_SOURCE_TIME)
	               : vst_limits_check_cancel(c->context, err);
}

static int look_at(struct collect *c, struct vst_journal_found *found)
{
	if (c->context->progress)
		c->context->progress(c->context->progress_ctx, found->path);
	if (found->fd < 0)
		return note_failed(c, found);
	if (c->late || vst_limits_expired(c->context)) {
		c->late = true;
		return vst_journal_facts_add_error(
		        &c->facts, found->path, VST_RULE_SOURCE_TIME ": not read", c->err);
	}
	const struct vst_journal_bytes bytes = {
	        .read = vst_journal_pread, .size = vst_journal_size, .ctx = &found->fd};
	return vst_journal_facts_add(&c->facts, found->path, &bytes, check, c, c->err);
}

static int gather_facts(struct collect *c)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < c->finds.count; i++)
		rc = look_at(c, &c->finds.list[i]);
	vst_journal_facts_finish(&c->facts);
	return rc;
}

/* ---- what is exported ---- */

static const struct vst_journal_file *facts_of(const struct collect *c, const char *path)
{
	for (size_t i = 0; i < c->facts.file_count; i++)
		if (strcmp(c->facts.files[i].path, path) == 0)
			return &c->facts.files[i];
	return NULL;
}

/* Of an image, `since` counts back from its last entry: nobody knows how long it has been lying there. */
static uint64_t since_of(const struct collect *c)
{
	uint64_t seconds = c->source->journal.since;
	uint64_t now = c->context->live ? (uint64_t)(vst_time_now() / 1000) : c->facts.last_realtime;
	return seconds == 0 || seconds >= now / 1000000 ? 0 : now - seconds * 1000000;
}

/* Different entries in all files that are exported; 0: unknown. */
static uint64_t present(const struct collect *c)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < c->facts.seqnum_count; i++) {
		if (c->facts.seqnums[i].incomplete || vst_journal_facts_broken(&c->facts) > 0)
			return 0;
		sum += c->facts.seqnums[i].present;
	}
	return sum;
}

static int prepare_export(struct collect *c)
{
	const struct vst_policy_journal *policy = &c->source->journal;
	struct vst_journal_export *run = &c->export;
	run->fds = vst_calloc(c->finds.count + 1, sizeof *run->fds);
	run->counts = vst_calloc(c->finds.count + 1, sizeof *run->counts);
	if (!run->fds || !run->counts)
		return vst_err_nomem(c->err);
	for (size_t i = 0; i < c->finds.count; i++) {
		const struct vst_journal_found *found = &c->finds.list[i];
		const struct vst_journal_file *file = found->fd < 0 ? NULL : facts_of(c, found->path);
		if (!file || file->error)
			continue;
		run->counts[run->fd_count] = file->read;
		run->fds[run->fd_count++] = found->fd;
	}
	run->facts = &c->facts;
	run->present = present(c);
	run->units = policy->units;
	run->unit_count = policy->unit_count;
	run->since = since_of(c);
	if (policy->boots > 0 && c->facts.boot_count > 0) {
		run->boot_count =
		        policy->boots < c->facts.boot_count ? (size_t)policy->boots : c->facts.boot_count;
		run->boots = c->facts.boots + (c->facts.boot_count - run->boot_count);
	}
	return 0;
}

/* Why the export is not all that it should be; empty: it is. */
static void judge(const struct collect *c, char reason[REASON_MAX])
{
	const struct vst_journal_export *run = &c->export;
	uint64_t broken = vst_journal_facts_broken(&c->facts) + run->refused;
	reason[0] = '\0';
	if (broken > 0)
		snprintf(reason, REASON_MAX,
		        "%" PRIu64 " of %zu journal files could not be read whole and are not in it%s%.200s",
		        broken, c->facts.file_count, run->reason[0] ? "; " : "", run->reason);
	else if (run->lost > 0)
		snprintf(reason, REASON_MAX, "entries could not be read: %.200s", run->reason);
	else if (run->incomplete > 0)
		snprintf(reason, REASON_MAX,
		        "the fields of %" PRIu64 " entries are not all there as they were written%s%.200s",
		        run->incomplete, run->reason[0] ? ": " : "", run->reason);
	else if (run->missing > 0)
		snprintf(reason, REASON_MAX,
		        "%" PRIu64 " entries did not come out of the files that hold them", run->missing);
}

/* ---- facts as JSON ---- */

static void write_export(const struct collect *c, size_t max, struct vst_json *json)
{
	const struct vst_journal_export *run = &c->export;
	vst_json_key(json, "export");
	vst_json_object(json);
	vst_json_key(json, "entries");
	vst_json_uint(json, run->entries);
	vst_json_key(json, "incomplete");
	vst_json_uint(json, run->incomplete);
	vst_json_key(json, "unreadable");
	vst_json_uint(json, run->lost + run->missing);
	vst_json_key(json, "files_left_out");
	vst_json_uint(json, vst_journal_facts_broken(&c->facts) + run->refused);
	if (run->entries > 0) {
		vst_json_key(json, "first");
		vst_journal_write_time(json, run->first);
		vst_json_key(json, "last");
		vst_journal_write_time(json, run->last);
	}
	if (run->since > 0) {
		vst_json_key(json, "since");
		vst_journal_write_time(json, run->since);
	}
	if (run->unit_count > 0) {
		vst_json_key(json, "units");
		vst_json_array(json);
		for (size_t i = 0; i < run->unit_count && i < max; i++)
			vst_json_string(json, run->units[i]);
		vst_json_end(json);
	}
	if (run->boots) {
		vst_json_key(json, "boots");
		vst_json_array(json);
		for (size_t i = run->boot_count > max ? run->boot_count - max : 0; i < run->boot_count; i++)
			vst_json_hex(json, run->boots[i].id, VST_JOURNAL_ID);
		vst_json_end(json);
	}
	vst_json_end(json);
}

static int write_facts(const struct collect *c, size_t max, bool exported, struct vst_buf *to)
{
	vst_buf_clear(to);
	struct vst_json json = vst_json_begin(to);
	vst_json_object(&json);
	if (exported)
		write_export(c, max, &json);
	vst_journal_facts_write(&c->facts, max, &json);
	vst_json_end(&json);
	return vst_buf_check(to, c->err);
}

/* Lists are cut until the details fit; how long they are is said in any case. */
static int render_facts(struct collect *c, bool exported)
{
	size_t max = SIZE_MAX;
	int rc = write_facts(c, max, exported, &c->whole);
	if (rc == 0)
		rc = write_facts(c, max, exported, &c->details);
	for (max = 4096; rc == 0 && c->details.len > VST_ITEM_DETAILS_MAX; max /= 2)
		rc = write_facts(c, max, exported, &c->details);
	return rc;
}

static int emit_facts(struct collect *c)
{
	char reason[REASON_MAX];
	int rc = vst_stream_open(&c->out, VST_JOURNAL_FACTS_PATH, c->err);
	if (rc == 0)
		rc = vst_stream_write(&c->out, c->whole.data, c->whole.len, c->err);
	if (rc == 0)
		rc = vst_stream_write(&c->out, "\n", 1, c->err);
	if (rc != 0)
		return rc;
	uint64_t broken = vst_journal_facts_broken(&c->facts);
	if (c->late)
		c->out.cut = VST_RULE_SOURCE_TIME;
	if (broken == 0 || c->late)
		return vst_stream_close(&c->out, &c->details, c->err);
	snprintf(reason, sizeof reason, "%" PRIu64 " of %zu journal files could not be read whole", broken,
	        c->facts.file_count);
	return vst_stream_fail(&c->out, 0, reason, &c->details, c->err);
}

/* ---- the items ---- */

static int emit_export(struct collect *c)
{
	char reason[REASON_MAX];
	int rc = prepare_export(c);
	if (rc == 0)
		rc = vst_stream_open(&c->out, VST_JOURNAL_EXPORT_PATH, c->err);
	if (rc == 0)
		rc = vst_journal_export(&c->export, &c->out, c->err);
	if (rc == 0)
		rc = render_facts(c, true);
	if (rc != 0)
		return rc;
	judge(c, reason);
	if (c->late)
		c->out.cut = VST_RULE_SOURCE_TIME;
	if (reason[0] && !c->late)
		rc = vst_stream_fail(&c->out, 0, reason, &c->details, c->err);
	else
		rc = vst_stream_close(&c->out, &c->details, c->err);
	return rc == 0 && c->whole.len > VST_ITEM_DETAILS_MAX ? emit_facts(c) : rc;
}

static int emit_note(struct collect *c, enum vst_item_status status, const char *rule)
{
	const struct vst_note note = {
	        .path = c->source->journal.export ? VST_JOURNAL_EXPORT_PATH : VST_JOURNAL_FACTS_PATH,
	        .type = VST_ITEM_STREAM,
	        .status = status,
	        .rule = rule,
	};
	return vst_stream_note(&c->out, &note, c->err);
}

/* Nothing is read: what there would be. */
static int announce(struct collect *c)
{
	bool exports = c->source->journal.export && !vst_journal_export_missing();
	int rc = vst_stream_open(&c->out, exports ? VST_JOURNAL_EXPORT_PATH : VST_JOURNAL_FACTS_PATH, c->err);
	return rc == 0 ? vst_stream_close(&c->out, NULL, c->err) : rc;
}

static int emit(struct collect *c)
{
	bool wanted = c->source->journal.export;
	const char *missing = vst_journal_export_missing();
	int rc = 0;
	if (c->finds.files == 0 && c->facts.file_count == 0)
		return emit_note(c, VST_ITEM_ABSENT, NULL);
	if (wanted && missing)
		rc = emit_note(c, VST_ITEM_EXCLUDED, missing);
	if (rc == 0 && !c->context->content)
		return announce(c);
	if (rc == 0 && wanted && !missing)
		return emit_export(c);
	if (rc == 0)
		rc = render_facts(c, false);
	return rc == 0 ? emit_facts(c) : rc;
}

static int collect(struct collect *c)
{
	if (vst_limits_expired(c->context))
		return emit_note(c, VST_ITEM_EXCLUDED, VST_RULE_SOURCE_TIME);
	int rc = find_files(c);
	if (rc == 0 && c->context->content)
		rc = gather_facts(c);
	for (size_t i = 0; rc == 0 && !c->context->content && i < c->finds.count; i++)
		if (c->finds.list[i].what)
			rc = note_failed(c, &c->finds.list[i]);
	return rc == 0 ? emit(c) : rc;
}

/* Every file is open at once. The old limit comes back: programs that count descriptors by it are not ours to
 * surprise. */
static struct rlimit raise_file_limit(void)
{
	struct rlimit old = {0}, new;
	if (getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_cur < old.rlim_max) {
		new = old;
		new.rlim_cur = old.rlim_max;
		setrlimit(RLIMIT_NOFILE, &new);
	}
	return old;
}

int vst_collect_journal(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_err own = VST_ERR_INIT;
	struct collect c = {
	        .context = context,
	        .source = source,
	        .out = vst_stream_of(context, source->name, sink),
	        .err = err ? err : &own,
	};
	struct rlimit limit = raise_file_limit();
	int rc = collect(&c);
	if (context->progress)
		context->progress(context->progress_ctx, "");
	free(c.export.fds);
	free(c.export.counts);
	vst_journal_finds_free(&c.finds);
	vst_journal_facts_free(&c.facts);
	vst_stream_free(&c.out);
	vst_buf_free(&c.whole);
	vst_buf_free(&c.details);
	if (limit.rlim_max != 0)
		setrlimit(RLIMIT_NOFILE, &limit);
	return rc;
}
