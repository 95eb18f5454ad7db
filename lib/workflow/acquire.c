#include "vestige/acquire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/collector.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_info.h"
#include "vestige/exhibit_writer.h"
#include "vestige/fault.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"
#include "workflow/acquire_plan.h"
#include "workflow/acquire_series.h"
#include "workflow/case_internal.h"
#include "workflow/gathering.h"
#include "workflow/host_info.h"
#include "workflow/pace.h"
#include "workflow/seal_definitions.h"

#define LIMITS_RULES "limits." /* how the rules of items begin that a limit of the policy left out */

/* One acquisition under way. */
struct acquisition {
	struct vst_case *c;
	const struct vst_acquire_options *options;
	struct gathering gathering;
	struct pace pace;
	struct acquire_series series;
	struct vst_exhibit_writer *writer;
	struct vst_acquire_progress progress;
	bool on_evidence_disk;
	uint64_t limited;    /* items that a limit left out */
	uint8_t *digest_key; /* secure memory, VST_HASH_LEN; NULL: no source asks for digests */
	bool digest_key_made;
};

/* ---- the sink: collectors write into the exhibit ---- */

static bool sink_has(void *ctx, const char *path)
{
	struct acquisition *a = ctx;
	return vst_exhibit_writer_has(a->writer, path);
}

static void note_item(struct acquisition *a, const struct vst_item *item)
{
	a->progress.items++;
	if (item->status == VST_ITEM_EXCLUDED && item->rule &&
	        strncmp(item->rule, LIMITS_RULES, strlen(LIMITS_RULES)) == 0)
		a->limited++;
	if (item->has_stat && item->has_content && item->dev_major == a->gathering.exclusion.id.dev_major &&
	        item->dev_minor == a->gathering.exclusion.id.dev_minor)
		a->on_evidence_disk = true;
}

static int sink_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	struct acquisition *a = ctx;
	return series_sink_begin(a->series.sink, item, err);
}

static void show_progress(struct acquisition *a)
{
	if (a->options->progress)
		a->options->progress(a->options->ctx, &a->progress);
}

static int sink_data(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct acquisition *a = ctx;
	a->progress.content_bytes += len;
	show_progress(a);
	pace_keep(&a->pace, len);
	return series_sink_data(a->series.sink, data, len, err);
}

static int sink_end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct acquisition *a = ctx;
	int rc = series_sink_end(a->series.sink, item, ret_leaf, err);
	if (!series_sink_again(a->series.sink))
		note_item(a, item);
	return rc;
}

static bool sink_again(void *ctx)
{
	struct acquisition *a = ctx;
	return series_sink_again(a->series.sink);
}

static int sink_item(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct acquisition *a = ctx;
	note_item(a, item);
	pace_keep(&a->pace, 0);
	return series_sink_item(a->series.sink, item, link_source, link_path, ret_leaf, err);
}

static void sink_finding(void *ctx, const char *text)
{
	struct acquisition *a = ctx;
	a->progress.findings++;
	if (a->options->finding)
		a->options->finding(a->options->ctx, text);
}

static void on_path(void *ctx, const char *path)
{
	struct acquisition *a = ctx;
	a->progress.path = path;
	show_progress(a);
}

static void on_written(void *ctx, uint64_t tar_bytes, uint64_t out_bytes)
{
	struct acquisition *a = ctx;
	(void)tar_bytes;
	a->progress.out_bytes = out_bytes;
	show_progress(a);
	pace_keep(&a->pace, 0);
}

static int collect_sources(struct acquisition *a, struct vst_err *err)
{
	const struct vst_sink sink = {.ctx = a,
	        .has = sink_has,
	        .begin = sink_begin,
	        .data = sink_data,
	        .end = sink_end,
	        .item = sink_item,
	        .again = a->series.incremental ? sink_again : NULL,
	        .finding = sink_finding};
	const struct vst_policy *policy = a->options->policy;
	for (size_t i = 0; i < policy->source_count; i++) {
		const struct vst_policy_source *source = &policy->sources[i];
		a->progress.source = source->name;
		int rc = vst_exhibit_writer_source(a->writer, source->name, err);
		series_sink_source(a->series.sink, source);
		if (rc == 0)
			rc = gathering_collect(&a->gathering, i, &sink, policy->limits.source_time, err);
		if (rc == 0)
			rc = series_sink_source_end(a->series.sink, err);
		if (rc != 0)
			return rc;
		VST_STEP("source-done");
	}
	return 0;
}

/* ---- exhibit.json and closing.json ---- */

static int fill_info(
        struct acquisition *a, uint64_t number, struct vst_exhibit_info *info, struct vst_err *err)
{
	const struct vst_acquire_options *options = a->options;
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(vst_case_custody(a->c));
	info->exhibit = number;
	info->case_id = vst_strdup(vst_custody_case(vst_case_custody(a->c))->id);
	info->operator_name = vst_strdup(options->operator_name);
	info->reason = options->reason ? vst_strdup(options->reason) : NULL;
	info->root = vst_strdup(options->root ? options->root : "/");
	info->program_version = vst_strdup(options->program);
	info->policy_name = vst_strdup(options->policy->name);
	info->sources = vst_calloc(options->policy->source_count, sizeof *info->sources);
	if (!info->case_id || !info->operator_name || (options->reason && !info->reason) || !info->root ||
	        !info->program_version || !info->policy_name || !info->sources)
		return vst_err_nomem(err);
	for (size_t i = 0; i < options->policy->source_count; i++, info->source_count++)
		if (!(info->sources[i] = vst_strdup(options->policy->sources[i].name)))
			return vst_err_nomem(err);
	vst_sha256(options->policy_text, options->policy_len, info->policy_sha256);
	if (latest) {
		info->has_predecessor = true;
		memcpy(info->predecessor, latest->seal_sha256, VST_HASH_LEN);
	}
	host_clocks(&info->clocks);
	int rc = host_describe(a->gathering.context.root_fd, options->root == NULL, info, err);
	return rc == 0 ? host_describe_program(info, err) : rc;
}

/* So that who may open the exhibit can compute a digest again from a file that turns up elsewhere. */
static int write_digest_key(struct acquisition *a, struct vst_err *err)
{
	char text[2 * VST_HASH_LEN + 2];
	if (!a->digest_key)
		return 0;
	vst_hex(a->digest_key, VST_HASH_LEN, text);
	text[2 * VST_HASH_LEN] = '\n';
	int rc = vst_exhibit_writer_record(a->writer, VST_ENTRY_DIGEST_KEY, text, 2 * VST_HASH_LEN + 1, err);
	vst_wipe(text, sizeof text);
	return rc;
}

static int write_opening_records(struct acquisition *a, uint64_t number, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_exhibit_info *info = vst_calloc(1, sizeof *info);
	int rc = info ? fill_info(a, number, info, err) : vst_err_nomem(err);
	if (rc == 0)
		rc = vst_exhibit_info_encode(info, &text, err);
	if (rc == 0)
		rc = vst_exhibit_writer_record(a->writer, VST_ENTRY_EXHIBIT, text.data, text.len, err);
	if (rc == 0)
		rc = vst_exhibit_writer_record(
		        a->writer, VST_ENTRY_POLICY, a->options->policy_text, a->options->policy_len, err);
	if (rc == 0)
		rc = write_digest_key(a, err);
	if (rc == 0)
		rc = seal_definitions(a->writer, a->options->policy, err);
	vst_exhibit_info_free(info);
	vst_buf_free(&text);
	return rc;
}

static int write_closing_record(struct acquisition *a, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_clocks clocks;
	const struct vst_exhibit_source_counts *counts;
	size_t count = vst_exhibit_writer_counts(a->writer, &counts);
	host_clocks(&clocks);
	int rc = vst_exhibit_closing_encode(&clocks, counts, count, &text, err);
	if (rc == 0)
		rc = vst_exhibit_writer_record(a->writer, VST_ENTRY_CLOSING, text.data, text.len, err);
	vst_buf_free(&text);
	return rc;
}

/* ---- the seal ---- */

static int seal_counts(struct vst_seal *seal, const struct vst_exhibit_source_counts *counts, size_t count,
        struct vst_err *err)
{
	seal->sources = vst_calloc(count, sizeof *seal->sources);
	if (!seal->sources)
		return vst_err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct vst_seal_source *source = &seal->sources[i];
		if (!(source->name = vst_strdup(counts[i].name)))
			return vst_err_nomem(err);
		seal->source_count++;
		for (int status = 0; status < VST_ITEM_STATUSES; status++) {
			if (counts[i].items[status] == 0)
				continue;
			struct vst_seal_count *to = &source->statuses[source->status_count++];
			snprintf(to->status, sizeof to->status, "%s",
			        vst_item_status_name((enum vst_item_status)status));
			to->count = counts[i].items[status];
		}
	}
	return 0;
}

static int make_seal(struct acquisition *a, uint64_t number, const struct vst_exhibit_summary *summary,
        const struct vst_exhibit_source_counts *counts, size_t count,
        const struct vst_age_recipients *recipients, int64_t started, struct vst_seal **ret,
        struct vst_err *err)
{
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(vst_case_custody(a->c));
	struct vst_seal *seal = vst_calloc(1, sizeof *seal);
	if (!seal)
		return vst_err_nomem(err);
	seal->exhibit = number;
	memcpy(seal->file_sha256, summary->file_sha256, VST_HASH_LEN);
	seal->file_bytes = summary->file_bytes;
	memcpy(seal->payload_sha256, summary->payload_sha256, VST_HASH_LEN);
	seal->payload_bytes = summary->payload_bytes;
	memcpy(seal->root, summary->root, VST_HASH_LEN);
	seal->items = summary->items;
	vst_sha256(a->options->policy_text, a->options->policy_len, seal->policy_sha256);
	if (latest) {
		seal->has_predecessor = true;
		memcpy(seal->predecessor, latest->seal_sha256, VST_HASH_LEN);
	}
	seal->has_series = true;
	seal->series = a->series.seal;
	seal->started = started;
	seal->sealed = vst_time_now();
	seal->recipients = vst_calloc(recipients->count, sizeof *seal->recipients);
	int rc = seal->recipients ? seal_counts(seal, counts, count, err) : vst_err_nomem(err);
	if (rc != 0) {
		vst_seal_free(seal);
		return rc;
	}
	for (size_t i = 0; i < recipients->count; i++, seal->recipient_count++)
		vst_age_recipient_fingerprint(recipients->list[i], seal->recipients[i]);
	*ret = seal;
	return 0;
}

/* ---- one acquisition ---- */

static int open_gathering(struct acquisition *a, struct vst_err *err)
{
	const struct vst_acquire_options *options = a->options;
	int rc = gathering_open(&a->gathering, options->policy, options->root, a->c, err);
	if (rc == 0)
		rc = gathering_scratch(&a->gathering, a->c, err);
	a->gathering.context.cancel = options->cancel;
	a->gathering.context.content = true;
	a->gathering.context.digest_key = a->digest_key;
	if (options->progress) {
		a->gathering.context.progress = on_path;
		a->gathering.context.progress_ctx = a;
	}
	return rc;
}

static void release(struct acquisition *a)
{
	gathering_close(&a->gathering);
	acquire_series_close(&a->series);
	vst_exhibit_writer_free(a->writer);
	vst_secret_free(a->digest_key, VST_HASH_LEN);
}

static int load_recipients(struct acquisition *a, struct vst_age_recipients *ret, struct vst_err *err)
{
	struct vst_age_recipient *passphrase = NULL;
	bool by_passphrase = false;
	int rc = vst_case_recipients(a->c, ret, &by_passphrase, err);
	if (rc != 0 || !by_passphrase)
		return rc;
	if (!a->options->passphrase) {
		rc = vst_err_set(err, VST_EKEY, "this case seals to a passphrase, and none was given");
		vst_err_hint(err, "run it on a terminal to be asked, or set VESTIGE_PASSPHRASE_FILE to a "
		                  "file that holds it");
		return rc;
	}
	rc = vst_age_recipient_passphrase(a->options->passphrase, VST_AGE_WORK_FACTOR, &passphrase, err);
	if (rc == 0 && (rc = vst_age_recipients_add(ret, passphrase, err)) != 0)
		vst_age_recipient_free(passphrase);
	return rc;
}

/* When the host of which the clocks are had started. */
static int compare(struct acquisition *a, int64_t started, struct vst_err *err)
{
	struct vst_clocks clocks;
	int64_t boot_time = VST_TIME_NONE;
	bool live = a->options->root == NULL;
	host_clocks(&clocks);
	if (live && clocks.realtime != VST_TIME_NONE)
		boot_time = clocks.realtime - clocks.boottime_ns;
	return acquire_series_compare(
	        &a->series, a->writer, started, boot_time, live ? clocks.boot_id : NULL, err);
}

static int write_exhibit(struct acquisition *a, uint64_t number, int fd, int64_t started,
        const struct vst_age_recipients *recipients, struct vst_exhibit_summary *ret, struct vst_err *err)
{
	struct vst_flowing_file file = {.fd = fd};
	const struct vst_exhibit_writer_options options = {
	        .recipients = recipients,
	        .out = vst_output_flowing(&file),
	        .workers = a->options->workers,
	        .hashes = a->options->policy->hashes | VST_HASH_SHA256,
	        .progress = on_written,
	        .progress_ctx = a,
	};
	int rc = vst_exhibit_writer_new(&options, &a->writer, err);
	if (rc == 0)
		rc = write_opening_records(a, number, err);
	VST_STEP("exhibit-begun");
	if (rc == 0)
		rc = acquire_series_begin(
		        &a->series, number, a->writer, a->gathering.context.scratch_fd, err);
	if (rc == 0)
		rc = collect_sources(a, err);
	if (rc == 0)
		rc = compare(a, started, err);
	if (rc == 0)
		rc = write_closing_record(a, err);
	if (rc == 0)
		rc = vst_exhibit_writer_finish(a->writer, ret, err);
	VST_STEP("exhibit-written");
	if (rc == 0)
		rc = vst_io_fsync(fd, err);
	if (rc == 0)
		rc = vst_io_fsync_dir(a->c->exhibits_fd, ".", err);
	VST_STEP("exhibit-durable");
	/* Its threads still write what they have: as long as `file` and the descriptor are there. */
	if (rc != 0) {
		vst_exhibit_writer_free(a->writer);
		a->writer = NULL;
	}
	return rc;
}

static int record(struct acquisition *a, struct vst_seal *seal, const char *partial,
        struct vst_acquire_result *ret, struct vst_err *err)
{
	struct vst_event event = {.type = VST_EVENT_ACQUIRE, .seal = seal};
	a->series.may_be_recorded = true;
	int rc = vst_case_begin(a->c, err);
	if (rc != 0)
		return rc;
	/* A pending event may have been carried through only now: the predecessor is what the log says under
	 * the lock. */
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(vst_case_custody(a->c));
	seal->has_predecessor = latest != NULL;
	if (latest)
		memcpy(seal->predecessor, latest->seal_sha256, VST_HASH_LEN);
	rc = vst_case_append(a->c, &event, NULL, partial, err);
	if (rc == 0) {
		acquire_series_adopt(&a->series);
		ret->event = event.number;
		vst_custody_root(vst_case_custody(a->c), ret->log_root);
	}
	free(event.actor);
	free(event.next_key);
	vst_case_end(a->c);
	return rc;
}

static bool wants_digests(const struct vst_policy *policy)
{
	for (size_t i = 0; i < policy->source_count; i++)
		if (policy->sources[i].content == VST_CONTENT_DIGEST)
			return true;
	return false;
}

static int load_digest_key(struct acquisition *a, struct vst_err *err)
{
	if (!(a->digest_key = vst_secret_alloc(VST_HASH_LEN)))
		return vst_err_set(err, VST_ENOMEM, "no secure memory for a key");
	return vst_case_digest_key(a->c, a->digest_key, &a->digest_key_made, err);
}

/* Settles what an earlier run left, so that numbers and predecessor are final, and finds out early if the log
 * cannot be written. */
static int settle(struct acquisition *a, struct vst_err *err)
{
	struct vst_case *c = a->c;
	int rc = vst_case_lock_snapshot(c, err);
	if (rc == 0)
		rc = vst_case_begin(c, err);
	if (rc != 0)
		return rc;
	if (!vst_case_has_collector(c)) {
		rc = vst_err_set(
		        err, VST_EKEY, "no collector key in private/ may sign the next event of this case");
		vst_err_hint(err, "a case collects on the host where it was made; make one here: vestige "
		                  "snapshot POLICY --new DIR -r RECIPIENT");
	}
	if (rc == 0 && wants_digests(a->options->policy))
		rc = load_digest_key(a, err);
	vst_case_end(c);
	return rc;
}

static bool is_incomplete(const struct acquisition *a, const struct vst_seal *seal)
{
	return a->limited > 0 || vst_seal_total(seal, vst_item_status_name(VST_ITEM_DENIED)) > 0 ||
	       vst_seal_total(seal, vst_item_status_name(VST_ITEM_ERROR)) > 0 ||
	       vst_seal_total(seal, vst_item_status_name(VST_ITEM_TRUNCATED)) > 0;
}

static int create_partial(const struct vst_case *c, const char *partial, int *ret_fd, struct vst_err *err)
{
	int fd = openat(c->exhibits_fd, partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return vst_err_sys(err, errno, CASE_EXHIBITS "/%s: create", partial);
	*ret_fd = fd;
	VST_STEP("partial-created");
	return 0;
}

/* The exhibit is recorded; `seal` is the result's from here on. */
static void tell_result(const struct acquisition *a, struct vst_seal *seal,
        const struct vst_exhibit_source_counts *counts, size_t count, struct vst_acquire_result *ret)
{
	ret->exhibit = seal->exhibit;
	ret->content_bytes = 0;
	ret->read_bytes = a->progress.content_bytes;
	for (size_t i = 0; i < count; i++)
		ret->content_bytes += counts[i].bytes;
	ret->incomplete = is_incomplete(a, seal);
	ret->left_out = a->limited;
	ret->on_evidence_disk = a->on_evidence_disk;
	ret->findings = a->progress.findings;
	ret->full_because = a->series.full_because;
	ret->digest_key_is_new = a->digest_key_made && seal->exhibit > 1;
	ret->seal = seal;
}

int vst_acquire(struct vst_case *c, const struct vst_acquire_options *options, struct vst_acquire_result *ret,
        struct vst_err *err)
{
	struct acquisition a = {
	        .c = c, .options = options, .gathering = GATHERING_INIT, .series = {.fd = -1}};
	struct vst_age_recipients recipients = {0};
	struct vst_exhibit_summary summary;
	struct vst_seal *seal = NULL;
	char name[VST_EXHIBIT_NAME_MAX] = "", partial[2 * VST_EXHIBIT_NAME_MAX] = "";
	uint64_t number = 0;
	int64_t started = vst_time_now();
	int fd = -1;

	int rc = settle(&a, err);
	if (rc == 0)
		rc = vst_case_next_exhibit(c, &number, err);
	if (rc == 0)
		rc = load_recipients(&a, &recipients, err);
	if (rc == 0)
		rc = open_gathering(&a, err);
	if (rc != 0)
		goto out;
	a.series.other_key = a.digest_key_made;
	if ((rc = acquire_series_open(&a.series, c, options, &a.gathering.context, err)) != 0)
		goto out;
	if (options->progress)
		acquire_measure(options, c, &a.progress.expected_bytes);
	pace_start(&a.pace, &options->policy->limits);
	rc = gathering_isolate(&a.gathering, err); /* before the exhibit's writer has threads */
	a.pace.isolated = a.gathering.isolated;
	if (rc != 0)
		goto out;

	vst_exhibit_name(number, name);
	snprintf(partial, sizeof partial, "%s" VST_PARTIAL_SUFFIX, name);
	if ((rc = create_partial(c, partial, &fd, err)) != 0)
		goto out;
	if ((rc = write_exhibit(&a, number, fd, started, &recipients, &summary, err)) != 0) {
		vst_err_hint(err, "what was captured so far is kept: vestige recover %s/" CASE_EXHIBITS "/%s",
		        vst_case_dir(c), partial);
		goto out;
	}
	const struct vst_exhibit_source_counts *counts;
	size_t count = vst_exhibit_writer_counts(a.writer, &counts);
	rc = make_seal(&a, number, &summary, counts, count, &recipients, started, &seal, err);
	if (rc == 0)
		rc = record(&a, seal, partial, ret, err);
	if (rc != 0)
		goto out;
	tell_result(&a, seal, counts, count, ret);
	seal = NULL;
out:
	if (fd >= 0)
		close(fd);
	vst_seal_free(seal);
	vst_age_recipients_free(&recipients);
	release(&a);
	return rc == 0 ? 0 : vst_err_prepend(err, "snapshot");
}
