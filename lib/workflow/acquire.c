#include "vestige/acquire.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"
#include "workflow/host_info.h"

/* One acquisition under way. */
struct acquisition {
	struct vst_case *c;
	const struct vst_acquire_options *options;
	int root_fd;
	struct stat case_stat;
	struct vst_exclusion exclusion; /* the case itself */
	struct vst_accounts *accounts;
	struct vst_hardlinks *hardlinks;
	struct vst_postgres_sessions *postgres;
	struct vst_collect_context context;
	struct vst_exhibit_writer *writer;
	struct vst_acquire_progress progress;
	bool on_evidence_disk;
	vst_acquire_each *each; /* a dry run's */
	void *each_ctx;
	bool remember; /* paths shown, in `shown`, a tsearch(3) tree */
	void *shown;
};

/* ---- the root of the evidence ---- */

static int open_root(struct acquisition *a, struct vst_err *err)
{
	const char *root = a->options->root ? a->options->root : "/";
	a->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->root_fd < 0) {
		int rc = vst_err_sys(err, errno, "%s", root);
		vst_err_hint(err, "--root takes the directory where the image is mounted");
		return rc;
	}
	return 0;
}

static int prepare_context(struct acquisition *a, const struct vst_case *c, struct vst_err *err)
{
	const struct vst_policy *policy = a->options->policy;
	int rc = open_root(a, err);
	if (rc == 0)
		rc = vst_accounts_load(a->root_fd, &a->accounts, err);
	if (rc == 0)
		rc = vst_hardlinks_new(&a->hardlinks, err);
	if (rc == 0)
		rc = vst_postgres_sessions_new(&a->postgres, err);
	if (rc != 0)
		return rc;
	a->context = (struct vst_collect_context){
	        .root_fd = a->root_fd,
	        .live = a->options->root == NULL,
	        .accounts = a->accounts,
	        .item_limit = policy->limits.item,
	        .source_left = policy->limits.source,
	        .exhibit_left = policy->limits.exhibit,
	        .scratch_fd = -1,
	        .hardlinks = a->hardlinks,
	        .postgres = a->postgres,
	        .cancel = a->options->cancel,
	        .content = a->each == NULL,
	};
	if (c) {
		if (fstat(vst_case_fd(c), &a->case_stat) != 0)
			return vst_err_sys(err, errno, "%s: stat", vst_case_dir(c));
		a->exclusion = (struct vst_exclusion){
		        .id = {major(a->case_stat.st_dev), minor(a->case_stat.st_dev), a->case_stat.st_ino},
		        .rule = "the case directory itself",
		};
		a->context.exclusions = &a->exclusion;
		a->context.exclusion_count = 1;
	}
	return 0;
}

static void release(struct acquisition *a)
{
	vst_exhibit_writer_free(a->writer);
	vst_postgres_sessions_free(a->postgres);
	vst_hardlinks_free(a->hardlinks);
	vst_accounts_free(a->accounts);
	if (a->root_fd >= 0)
		close(a->root_fd);
}

/* ---- the sink: collectors write into the exhibit ---- */

static bool sink_has(void *ctx, const char *path)
{
	struct acquisition *a = ctx;
	return vst_exhibit_writer_has(a->writer, path);
}

static void note_item(struct acquisition *a, const struct vst_item *item)
{
	a->progress.items++;
	if (item->has_stat && item->has_content && item->dev_major == a->exclusion.id.dev_major &&
	        item->dev_minor == a->exclusion.id.dev_minor)
		a->on_evidence_disk = true;
}

static int sink_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	struct acquisition *a = ctx;
	return vst_exhibit_writer_begin(a->writer, item, err);
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
	return vst_exhibit_writer_data(a->writer, data, len, err);
}

static void *sink_space(void *ctx, size_t *ret_len)
{
	struct acquisition *a = ctx;
	return vst_exhibit_writer_space(a->writer, ret_len);
}

static int sink_end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct acquisition *a = ctx;
	int rc = vst_exhibit_writer_end(a->writer, item, ret_leaf, err);
	note_item(a, item);
	return rc;
}

static int sink_item(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct acquisition *a = ctx;
	note_item(a, item);
	return vst_exhibit_writer_item(a->writer, item, link_source, link_path, ret_leaf, err);
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
}

static int collect_sources(struct acquisition *a, struct vst_err *err)
{
	const struct vst_sink sink = {.ctx = a,
		.has = sink_has,
		.begin = sink_begin,
		.data = sink_data,
		.space = sink_space,
		.end = sink_end,
		.item = sink_item};
	const struct vst_policy *policy = a->options->policy;
	if (a->options->progress) {
		a->context.progress = on_path;
		a->context.progress_ctx = a;
	}
	for (size_t i = 0; i < policy->source_count; i++) {
		const struct vst_policy_source *source = &policy->sources[i];
		a->progress.source = source->name;
		a->context.source_left = policy->limits.source;
		int rc = vst_exhibit_writer_source(a->writer, source->name, err);
		if (rc == 0)
			rc = vst_collect(&a->context, source, &sink, err);
		if (rc != 0)
			return vst_err_prepend(err, "source %s", source->name);
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
	int rc = host_describe(a->root_fd, options->root == NULL, info, err);
	return rc == 0 ? host_describe_program(info, err) : rc;
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

static int write_exhibit(struct acquisition *a, uint64_t number, int fd,
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
		rc = collect_sources(a, err);
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
	if (rc != 0) { /* its threads still write what they have: as long as `file` and the descriptor are there */
		vst_exhibit_writer_free(a->writer);
		a->writer = NULL;
	}
	return rc;
}

static int record(struct acquisition *a, struct vst_seal *seal, const char *partial,
        struct vst_acquire_result *ret, struct vst_err *err)
{
	struct vst_event event = {.type = VST_EVENT_ACQUIRE, .seal = seal};
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
		ret->event = event.number;
		vst_custody_root(vst_case_custody(a->c), ret->log_root);
	}
	free(event.actor);
	free(event.next_key);
	vst_case_end(a->c);
	return rc;
}

/* Settles what an earlier run left, so that numbers and predecessor are final, and finds out early if the log
 * cannot be written. */
static int settle(struct vst_case *c, struct vst_err *err)
{
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
	vst_case_end(c);
	return rc;
}

static bool is_incomplete(const struct vst_seal *seal)
{
	return vst_seal_total(seal, vst_item_status_name(VST_ITEM_DENIED)) > 0 ||
	       vst_seal_total(seal, vst_item_status_name(VST_ITEM_ERROR)) > 0 ||
	       vst_seal_total(seal, vst_item_status_name(VST_ITEM_TRUNCATED)) > 0;
}

static void measure(const struct vst_acquire_options *options, const struct vst_case *c, uint64_t *ret_bytes);

int vst_acquire(struct vst_case *c, const struct vst_acquire_options *options, struct vst_acquire_result *ret,
        struct vst_err *err)
{
	struct acquisition a = {.c = c, .options = options, .root_fd = -1};
	struct vst_age_recipients recipients = {0};
	struct vst_exhibit_summary summary;
	struct vst_seal *seal = NULL;
	char name[VST_EXHIBIT_NAME_MAX] = "", partial[2 * VST_EXHIBIT_NAME_MAX] = "";
	uint64_t number = 0;
	int64_t started = vst_time_now();
	int fd = -1;

	int rc = settle(c, err);
	if (rc == 0)
		rc = vst_case_next_exhibit(c, &number, err);
	if (rc == 0)
		rc = load_recipients(&a, &recipients, err);
	if (rc == 0)
		rc = prepare_context(&a, c, err);
	if (rc != 0)
		goto out;
	if (options->progress)
		measure(options, c, &a.progress.expected_bytes);

	vst_exhibit_name(number, name);
	snprintf(partial, sizeof partial, "%s" VST_PARTIAL_SUFFIX, name);
	fd = openat(c->exhibits_fd, partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = vst_err_sys(err, errno, CASE_EXHIBITS "/%s: create", partial);
		goto out;
	}
	VST_STEP("partial-created");
	if ((rc = write_exhibit(&a, number, fd, &recipients, &summary, err)) != 0) {
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
	ret->exhibit = number;
	ret->content_bytes = 0;
	for (size_t i = 0; i < count; i++)
		ret->content_bytes += counts[i].bytes;
	ret->incomplete = is_incomplete(seal);
	ret->on_evidence_disk = a.on_evidence_disk;
	ret->seal = seal;
	seal = NULL;
out:
	if (fd >= 0)
		close(fd);
	vst_seal_free(seal);
	vst_age_recipients_free(&recipients);
	release(&a);
	return rc == 0 ? 0 : vst_err_prepend(err, "snapshot");
}

/* ---- a dry run ---- */

/* What a dry run has shown, by path digest: overlapping patterns take a path once, as a snapshot would. */
struct shown {
	uint8_t digest[VST_HASH_LEN];
};

static int compare_shown(const void *a, const void *b)
{
	return memcmp(a, b, VST_HASH_LEN);
}

static bool dry_has(void *ctx, const char *path)
{
	struct acquisition *a = ctx;
	struct shown key;
	if (!a->remember)
		return false;
	vst_item_path_digest(a->progress.source, path, key.digest);
	return tfind(&key, &a->shown, compare_shown) != NULL;
}

static int remember(struct acquisition *a, const struct vst_item *item, struct vst_err *err)
{
	struct shown *key;
	if (!a->remember)
		return 0;
	if (!(key = vst_alloc(sizeof *key)))
		return vst_err_nomem(err);
	vst_item_path_digest(a->progress.source, item->path, key->digest);
	struct shown **node = tsearch(key, &a->shown, compare_shown);
	if (!node || *node != key)
		free(key);
	return node ? 0 : vst_err_nomem(err);
}

static int dry_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	(void)ctx;
	(void)item;
	(void)err;
	return 0;
}

static int dry_data(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	(void)ctx;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static int dry_end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct acquisition *a = ctx;
	if (ret_leaf)
		memset(ret_leaf, 0, VST_HASH_LEN);
	int rc = remember(a, item, err);
	return rc == 0 ? a->each(a->each_ctx, item, err) : rc;
}

static int dry_item(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	(void)link_source;
	(void)link_path;
	return dry_end(ctx, item, ret_leaf, err);
}

static int dry_run(const struct vst_acquire_options *options, const struct vst_case *c, bool remember_paths,
        vst_acquire_each *each, void *ctx, struct vst_err *err)
{
	struct acquisition a = {
	        .options = options, .root_fd = -1, .each = each, .each_ctx = ctx, .remember = remember_paths};
	const struct vst_sink sink = {
		.ctx = &a, .has = dry_has, .begin = dry_begin, .data = dry_data, .end = dry_end, .item = dry_item};
	int rc = prepare_context(&a, c, err);
	for (size_t i = 0; rc == 0 && i < options->policy->source_count; i++) {
		a.progress.source = options->policy->sources[i].name;
		a.context.source_left = options->policy->limits.source;
		rc = vst_collect(&a.context, &options->policy->sources[i], &sink, err);
		if (rc != 0)
			vst_err_prepend(err, "source %s", options->policy->sources[i].name);
	}
	tdestroy(a.shown, free);
	release(&a);
	return rc;
}

int vst_acquire_dry_run(const struct vst_acquire_options *options, const struct vst_case *c,
        vst_acquire_each *each, void *ctx, struct vst_err *err)
{
	return dry_run(options, c, true, each, ctx, err);
}

/* What reading an item would cost, as a dry run leaves it: a sparse file's holes cost nothing. */
static int add_cost(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	uint64_t *bytes = ctx;
	(void)err;
	if (item->has_content && item->read_expected <= UINT64_MAX - *bytes)
		*bytes += item->read_expected;
	return 0;
}

/* For the time left on a terminal; a guess that failed is no reason not to collect. */
static void measure(const struct vst_acquire_options *options, const struct vst_case *c, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	if (dry_run(options, c, false, add_cost, &bytes, NULL) == 0)
		*ret_bytes = bytes;
}
