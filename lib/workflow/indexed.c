#include "vestige/indexed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_info.h"
#include "vestige/mem.h"
#include "vestige/policy.h"
#include "vestige/secret.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"
#include "workflow/scratch_dir.h"

#define RECORD_MAX (16u * 1024 * 1024)

struct indexing {
	struct vst_indexed *indexed;
	const struct vst_indexed_options *options;
	struct vst_exhibit *exhibit;
	struct vst_policy *policy;
	struct vst_series_writer *writer;
	struct vst_lookout *lookout;
	struct vst_buf facts;
	uint64_t done;
};

/* ---- the exhibit's own records ---- */

/* VST_ENOTFOUND if the exhibit has none of that name. */
static int read_record(
        struct vst_exhibit *exhibit, const char *name, struct vst_buf *out, struct vst_err *err)
{
	struct vst_exhibit_entry entry = {0};
	const struct vst_output to = vst_output_buf(out);
	int rc = vst_exhibit_find(exhibit, VST_SOURCE_EXHIBIT, name, &entry, err);
	if (rc == 0 && entry.item->size > RECORD_MAX)
		rc = vst_err_set(err, VST_ELIMIT, "longer than a record can be");
	if (rc == 0)
		rc = vst_exhibit_content(exhibit, &entry, true, &to, err);
	vst_exhibit_entry_free(&entry);
	return rc == 0 ? 0 : (vst_err_prepend(err, "%s", name), rc);
}

static int read_clocks(struct indexing *x, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_exhibit_info *info = NULL;
	struct vst_compare_side *side = &x->indexed->side;
	int rc = read_record(x->exhibit, VST_ENTRY_EXHIBIT, &text, err);
	if (rc == 0)
		rc = vst_exhibit_info_parse(text.data, text.len, &info, err);
	side->boot_time = VST_TIME_NONE;
	if (rc == 0 && strcmp(info->root, "/") == 0 &&
	        info->clocks.boot_id[0]) { /* the clocks are the evidence's own */
		side->boot_time = info->clocks.realtime - info->clocks.boottime_ns;
		memcpy(side->boot_id, info->clocks.boot_id, sizeof side->boot_id);
	}
	vst_exhibit_info_free(info);
	vst_buf_free(&text);
	return rc;
}

/* It tells which logs only grow. One that a later program wrote is no reason not to compare. */
static int read_policy(struct indexing *x, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	int rc = read_record(x->exhibit, VST_ENTRY_POLICY, &text, err);
	if (rc == 0 &&
	        vst_policy_parse(text.data, text.len, VST_ENTRY_POLICY, &x->policy, &why) == VST_ENOMEM)
		rc = vst_err_nomem(err);
	vst_buf_free(&text);
	return rc;
}

static unsigned flags_of(const struct indexing *x, const struct vst_item *item)
{
	for (size_t i = 0; x->policy && i < x->policy->source_count; i++) {
		const struct vst_policy_source *source = &x->policy->sources[i];
		if (strcmp(source->name, item->source) == 0)
			return source->kind == VST_SOURCE_FILES && source->files.append_only
			               ? VST_SERIES_APPEND_ONLY
			               : 0;
	}
	return 0;
}

int vst_indexed_digest_key(
        struct vst_examination *examination, uint8_t ret[VST_HASH_LEN], bool *ret_has, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc = read_record(vst_examine_exhibit(examination), VST_ENTRY_DIGEST_KEY, &text, err);
	*ret_has = rc == 0;
	if (rc == 0 && (text.len != 2 * VST_HASH_LEN + 1 ||
	                       !vst_hex_decode((const char *)text.data, 2 * VST_HASH_LEN, ret, VST_HASH_LEN)))
		rc = vst_err_set(err, VST_EFORMAT, VST_ENTRY_DIGEST_KEY ": not 64 hexadecimal digits");
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		rc = 0;
	}
	if (text.data)
		vst_wipe(text.data, text.len);
	vst_buf_free(&text);
	return rc;
}

/* ---- contents ---- */

struct looking {
	const struct vst_item *item;
	struct vst_observation *observation;
};

static int look(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct looking *l = ctx;
	return vst_observe_content(l->observation, l->item, data, len, err);
}

static void note_unread(struct indexing *x, const struct vst_item *item, const struct vst_err *why)
{
	if (x->indexed->unread++ == 0)
		snprintf(x->indexed->unread_why, sizeof x->indexed->unread_why, "%.64s:%.200s: %.200s",
		        item->source, item->path, why->text);
}

/* What observers find in it. Content that cannot be had is counted, and the comparison goes on without its
 * facts. */
static int observe(struct indexing *x, const struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct looking l = {.item = entry->item};
	const struct vst_output out = {&l, look};
	struct vst_err why = VST_ERR_INIT;
	vst_buf_clear(&x->facts);
	if (!entry->item->has_content && !entry->item->has_whole)
		return 0;
	bool append_only = flags_of(x, entry->item) & VST_SERIES_APPEND_ONLY;
	int rc = vst_observe_begin(x->lookout, entry->item, append_only, &l.observation, err);
	if (rc != 0 || !l.observation)
		return rc;
	rc = vst_exhibit_content(x->exhibit, entry, false, &out, &why);
	if (rc == 0)
		rc = vst_observe_end(l.observation, entry->item, &x->facts, err);
	else if (rc != VST_ENOMEM && rc != VST_ECANCELLED) {
		note_unread(x, entry->item, &why);
		rc = 0;
	} else if (err) {
		*err = why;
	}
	vst_observe_free(l.observation);
	return rc;
}

static int add(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct indexing *x = ctx;
	struct vst_item item = *entry->item;
	if (x->options->cancel && atomic_load(x->options->cancel))
		return vst_err_set(err, VST_ECANCELLED, "stopped");
	if (x->options->progress && ++x->done % 1024 == 0)
		x->options->progress(x->options->ctx, x->done, vst_exhibit_items(x->exhibit));
	if (item.type == VST_ITEM_RECORD)
		return 0;
	int rc = observe(x, entry, err);
	if (rc != 0)
		return rc;
	if (x->options->ignore_digests && item.content == VST_ITEM_CONTENT_DIGEST) {
		item.details = NULL;
		item.details_len = 0;
	}
	x->indexed->items++;
	return vst_series_writer_add(x->writer, &item, entry->line, entry->line_len, x->facts.data,
	        x->facts.len, flags_of(x, &item), err);
}

/* ---- all of it ---- */

static int make(struct indexing *x, struct vst_examination *examination, int dir, int fd, struct vst_err *err)
{
	const struct vst_seal *seal = vst_examine_seal(examination);
	uint64_t full = seal->has_series ? seal->series.full : seal->exhibit;
	uint8_t digest[VST_HASH_LEN];
	x->indexed->side.time = seal->started;
	int rc = read_clocks(x, err);
	if (rc == 0)
		rc = read_policy(x, err);
	if (rc == 0)
		rc = vst_series_writer_new(fd, dir, seal->exhibit, full, NULL, &x->writer, err);
	if (rc == 0)
		rc = vst_lookout_new(x->options->earlier, dir, true, &x->lookout, err);
	if (rc == 0)
		rc = vst_exhibit_list(x->exhibit, add, x, err);
	if (rc == 0)
		rc = vst_series_writer_finish(x->writer, digest, err);
	if (rc == 0)
		rc = vst_series_index_open(fd, NULL, &x->indexed->side.index, err);
	return rc;
}

int vst_indexed_new(struct vst_examination *examination, const struct vst_indexed_options *options,
        struct vst_indexed **ret, struct vst_err *err)
{
	struct indexing x = {.options = options, .exhibit = vst_examine_exhibit(examination)};
	int dir = -1, fd = -1;
	if (!(x.indexed = vst_calloc(1, sizeof *x.indexed)))
		return vst_err_nomem(err);
	int rc = scratch_dir_open(&dir, err);
	if (rc == 0)
		rc = scratch_dir_file(dir, &fd, err);
	if (rc == 0)
		rc = make(&x, examination, dir, fd, err);
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	vst_series_writer_free(x.writer);
	vst_lookout_free(x.lookout);
	vst_policy_free(x.policy);
	vst_buf_free(&x.facts);
	if (rc != 0) {
		vst_indexed_free(x.indexed);
		return rc;
	}
	*ret = x.indexed;
	return 0;
}

void vst_indexed_free(struct vst_indexed *indexed)
{
	if (!indexed)
		return;
	vst_series_index_free(indexed->side.index);
	free(indexed);
}
