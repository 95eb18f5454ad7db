#include "workflow/series_sink.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/collector.h"
#include "vestige/compare.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"
#include "workflow/series_sink_state.h"

#define RULE_NOT_AGAIN "its content was wanted a second time, and was not there any more"

int series_sink_new(const struct series_sink_options *options, struct series_sink **ret, struct vst_err *err)
{
	struct series_sink *s = vst_calloc(1, sizeof *s);
	if (!s)
		return vst_err_nomem(err);
	s->options = *options;
	s->options.hashes |= VST_HASH_SHA256;
	s->stored = vst_calloc(VST_ITEM_STORED_MAX, sizeof *s->stored);
	int rc = s->stored ? vst_hash_new(&s->hash, s->options.hashes, err) : vst_err_nomem(err);
	if (rc == 0)
		rc = vst_lookout_new(options->earlier, options->scratch_fd, false, &s->lookout, err);
	if (rc != 0) {
		series_sink_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void series_sink_free(struct series_sink *s)
{
	if (!s)
		return;
	vst_observe_free(s->observation);
	vst_lookout_free(s->lookout);
	vst_hash_free(s->hash);
	vst_buf_free(&s->kept);
	vst_buf_free(&s->facts);
	vst_buf_free(&s->owed_path);
	vst_buf_free(&s->owed_line);
	free(s->stored);
	free(s);
}

void series_sink_source(struct series_sink *s, const struct vst_policy_source *source)
{
	s->source = source;
}

uint64_t series_sink_described(const struct series_sink *s)
{
	return s->described;
}

static bool is_append_only(const struct series_sink *s)
{
	return s->source->kind == VST_SOURCE_FILES && s->source->files.append_only;
}

/* ---- every item: the next snapshot's index ---- */

static uint64_t described_by(const struct vst_item *item)
{
	if (item->has_whole)
		return item->whole.size;
	if (!item->has_content)
		return 0;
	return vst_item_data_size(item);
}

/* What the exhibit before knew of an item that is there and that nobody looked into this time. */
static int keep_facts(
        struct series_sink *s, const struct vst_item *item, struct vst_buf *ret, struct vst_err *err)
{
	struct vst_series_record known;
	uint64_t seq;
	bool may = item->type == VST_ITEM_FILE || item->type == VST_ITEM_STREAM ||
	           item->type == VST_ITEM_UNKNOWN;
	if (!may || !s->options.earlier || item->status == VST_ITEM_ABSENT ||
	        item->status == VST_ITEM_VANISHED ||
	        !vst_series_find(s->options.earlier, s->source->name, item->path, &seq, &known) ||
	        known.facts_len == 0)
		return 0;
	struct vst_buf facts = VST_BUF_INIT;
	int rc = vst_series_line(s->options.earlier, &known, NULL, &facts, err);
	if (rc == 0) {
		vst_observe_keep(facts.data, facts.len, ret);
		rc = vst_buf_check(ret, err);
	}
	vst_buf_free(&facts);
	return rc;
}

int series_sink_note(
        struct series_sink *s, const struct vst_item *item, const struct vst_buf *facts, struct vst_err *err)
{
	const uint8_t *line;
	size_t len;
	struct vst_buf kept = VST_BUF_INIT;
	int rc = facts && facts->len > 0 ? 0 : keep_facts(s, item, &kept, err);
	if (rc != 0)
		return rc;
	if (kept.len > 0)
		facts = &kept;
	vst_exhibit_writer_line(s->options.writer, &line, &len);
	s->described += described_by(item);
	rc = vst_series_writer_add(s->options.index, item, line, len, facts ? facts->data : NULL,
	        facts ? facts->len : 0, is_append_only(s) ? VST_SERIES_APPEND_ONLY : 0, err);
	vst_buf_free(&kept);
	return rc;
}

/* ---- items that are owed ---- */

static bool is_owed(const struct series_sink *s, const struct vst_item *item)
{
	return s->owed && strcmp((const char *)s->owed_path.data, item->path) == 0;
}

/* What it is written as if it does not come: without content, but with all that is known of it already. What
 * broke off its first reading is the better reason. */
static int owe(struct series_sink *s, const struct vst_item *item, struct vst_err *err)
{
	struct vst_item line = *item;
	bool has_reason = item->rule || item->error;
	line.source = s->source->name;
	line.has_content = line.has_whole = line.has_prefix = line.is_sparse = line.has_whole_sha256 = false;
	line.long_entry = false;
	line.hashes = 0;
	line.parts = line.read_padding = 0;
	line.extents = NULL;
	line.extent_count = 0;
	line.status = item->status == VST_ITEM_DENIED ? VST_ITEM_DENIED : VST_ITEM_ERROR;
	if (line.status == VST_ITEM_ERROR && item->status != VST_ITEM_ERROR)
		line.error = 0;
	line.rule = has_reason ? item->rule : RULE_NOT_AGAIN;
	vst_buf_clear(&s->owed_path);
	vst_buf_bytes(&s->owed_path, item->path, strlen(item->path) + 1);
	vst_buf_clear(&s->owed_line);
	int rc = vst_item_encode(&line, &s->owed_line, err);
	s->owed = rc == 0;
	return rc == 0 ? vst_buf_check(&s->owed_path, err) : rc;
}

static int settle(struct series_sink *s, uint8_t *ret_leaf, struct vst_err *err)
{
	struct vst_item *item = NULL;
	if (!s->owed)
		return 0;
	s->owed = false;
	int rc = vst_item_parse(s->owed_line.data, s->owed_line.len, &item, err);
	if (rc != 0)
		return rc;
	/* The writer puts its own source's name into what it is given. */
	struct vst_item given = *item;
	rc = vst_exhibit_writer_item(s->options.writer, &given, NULL, NULL, ret_leaf, err);
	if (rc == 0)
		rc = series_sink_note(s, &given, NULL, err);
	vst_item_free(item);
	return rc;
}

bool series_sink_again(struct series_sink *s)
{
	return s->owed;
}

int series_sink_source_end(struct series_sink *s, struct vst_err *err)
{
	s->forced = false;
	return settle(s, NULL, err);
}

/* ---- beginning ---- */

static bool is_empty_key(const uint8_t key[VST_HASH_LEN])
{
	static const uint8_t none[VST_HASH_LEN];
	return memcmp(key, none, VST_HASH_LEN) == 0;
}

/* Whether what the exhibit before had at this place can be the beginning of what is there now. */
static bool may_have_grown(const struct series_sink *s, const struct vst_item *item)
{
	const struct vst_series_record *known = &s->known;
	return s->is_known && item->type == VST_ITEM_FILE && known->type == VST_ITEM_FILE &&
	       !item->is_sparse && known->extent == VST_ITEM_CONTENT_FULL &&
	       !(known->flags & VST_SERIES_SPARSE) && !is_empty_key(known->content) && known->size > 0 &&
	       known->size <= item->size;
}

/* A file that a limit cuts is stored as far as it goes: it is no whole that could be referred to. */
static bool is_cut(const struct vst_item *item)
{
	return item->has_read && !item->is_sparse && item->type == VST_ITEM_FILE &&
	       item->read_expected > item->size;
}

static enum series_sink_mode choose(struct series_sink *s, const struct vst_item *item)
{
	uint64_t size;
	bool grown = may_have_grown(s, item);
	s->mark = grown && (is_append_only(s) || s->options.incremental) ? s->known.size : 0;
	s->keeps = s->announced <= VST_SINK_KEEPS || s->announced == UINT64_MAX;
	if (!s->options.incremental || s->forced || is_cut(item))
		return SINK_STORE;
	if (grown && s->known.size < item->size &&
	        vst_series_content(
	                s->options.earlier, s->known.content, s->stored, &s->stored_count, &size) &&
	        s->stored_count + 1 < VST_ITEM_STORED_MAX)
		return SINK_PREFIX;
	if (s->announced != UINT64_MAX && !vst_series_has_size(s->options.earlier, s->announced))
		return SINK_STORE;
	return SINK_WEIGH;
}

/* As long as what the exhibit before had at this place, and looked into: of a hard link or of what was cut there
 * are no facts that could stay. */
static bool may_be_as_it_was(const struct series_sink *s)
{
	const struct vst_series_record *known = &s->known;
	bool whole = known->status == VST_ITEM_COLLECTED || known->status == VST_ITEM_CHANGED ||
	             known->status == VST_ITEM_UNCHANGED || known->status == VST_ITEM_TAIL;
	return s->is_known && whole && known->facts_len > 0 && !(known->flags & VST_SERIES_HARDLINK) &&
	       !is_empty_key(known->content) && known->size == s->announced;
}

static int begin_observing(struct series_sink *s, struct vst_err *err)
{
	struct vst_item probe = *s->begun; /* observers know items by their source */
	probe.source = s->source->name;
	return vst_observe_begin(s->lookout, &probe, is_append_only(s), &s->observation, err);
}

int series_sink_begin(struct series_sink *s, const struct vst_item *item, struct vst_err *err)
{
	uint64_t seq;
	int rc = 0;
	s->forced = is_owed(s, item);
	if (s->forced)
		s->owed = false;
	else
		rc = settle(s, NULL, err);
	if (rc != 0)
		return rc;
	s->begun = item;
	s->announced = item->type == VST_ITEM_STREAM ? UINT64_MAX : vst_item_data_size(item);
	s->at = 0;
	s->marked = false;
	vst_buf_clear(&s->kept);
	vst_buf_clear(&s->facts);
	vst_observe_free(s->observation);
	s->observation = NULL;
	s->is_known = s->options.earlier &&
	              vst_series_find(s->options.earlier, s->source->name, item->path, &seq, &s->known);
	s->mode = choose(s, item);
	s->observes_later = s->mode == SINK_WEIGH && (s->keeps || may_be_as_it_was(s));
	if (!s->observes_later && (rc = begin_observing(s, err)) != 0)
		return rc;
	if (s->mode == SINK_STORE)
		return vst_exhibit_writer_begin(s->options.writer, item, err);
	vst_hash_reset(s->hash);
	return 0;
}

/* ---- content ---- */

static int observe(struct series_sink *s, const uint8_t *data, size_t len, struct vst_err *err)
{
	return s->observation ? vst_observe_content(s->observation, s->begun, data, len, err) : 0;
}

/* What was weighed is not as it was, and is in memory: now it is looked at. */
static int observe_kept(struct series_sink *s, struct vst_err *err)
{
	s->observes_later = false;
	int rc = begin_observing(s, err);
	return rc == 0 && s->kept.len > 0 ? observe(s, s->kept.data, s->kept.len, err) : rc;
}

/* A stream that is longer than what is kept: it is stored after all. */
static int stop_weighing(struct series_sink *s, struct vst_err *err)
{
	s->mode = SINK_STORE;
	int rc = s->observes_later ? observe_kept(s, err) : 0;
	if (rc == 0)
		rc = vst_exhibit_writer_begin(s->options.writer, s->begun, err);
	if (rc == 0 && s->kept.len > 0)
		rc = vst_exhibit_writer_data(s->options.writer, s->kept.data, s->kept.len, err);
	vst_buf_clear(&s->kept);
	return rc;
}

static int weigh(struct series_sink *s, const uint8_t *data, size_t len, struct vst_err *err)
{
	if (s->announced != UINT64_MAX && len > s->announced - s->at) /* as the writer would say */
		return vst_err_set(err, VST_EUSAGE, "series sink: more content than was announced");
	if (s->keeps && s->kept.len + len > VST_SINK_KEEPS && s->announced == UINT64_MAX) {
		int rc = stop_weighing(s, err);
		if (rc == 0) /* it was not observed when it came */
			rc = observe(s, data, len, err);
		return rc == 0 ? vst_exhibit_writer_data(s->options.writer, data, len, err) : rc;
	}
	vst_hash_update(s->hash, data, len);
	if (!s->keeps)
		return 0;
	vst_buf_bytes(&s->kept, data, len);
	return vst_buf_check(&s->kept, err);
}

static int begin_tail(struct series_sink *s, struct vst_err *err)
{
	s->tail = *s->begun;
	s->tail.status = VST_ITEM_TAIL;
	s->tail.size = s->begun->size - s->mark;
	s->tail.has_whole = true;
	s->tail.whole = (struct vst_item_whole){.size = s->begun->size,
	        .hashes = s->options.hashes,
	        .stored = s->stored,
	        .stored_count = s->stored_count};
	s->mode = SINK_TAIL;
	s->keeps = false;
	vst_buf_clear(&s->kept);
	return vst_exhibit_writer_begin(s->options.writer, &s->tail, err);
}

/* So many bytes as the exhibit before had: are they the same? */
static int reach_mark(struct series_sink *s, struct vst_err *err)
{
	int rc = s->mode == SINK_STORE ? vst_exhibit_writer_so_far(s->options.writer, s->mark_sha256, err)
	                               : vst_hash_peek(s->hash, VST_HASH_SHA256, s->mark_sha256, err);
	s->marked = rc == 0;
	if (rc != 0 || s->mode != SINK_PREFIX)
		return rc;
	if (memcmp(s->mark_sha256, s->known.content, VST_HASH_LEN) == 0)
		return begin_tail(s, err);
	s->mode = SINK_WEIGH;
	return 0;
}

static int take(struct series_sink *s, const uint8_t *data, size_t len, struct vst_err *err)
{
	int rc = 0;
	switch (s->mode) {
	case SINK_STORE:
		return vst_exhibit_writer_data(s->options.writer, data, len, err);
	case SINK_WEIGH:
	case SINK_PREFIX:
		return weigh(s, data, len, err);
	case SINK_TAIL:
		vst_hash_update(s->hash, data, len);
		return vst_exhibit_writer_data(s->options.writer, data, len, err);
	}
	return rc;
}

int series_sink_data(struct series_sink *s, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *at = data;
	int rc = observe(s, data, len, err);
	while (rc == 0 && len > 0) {
		bool before_mark = s->at < s->mark;
		size_t n = before_mark && s->mark - s->at < len ? (size_t)(s->mark - s->at) : len;
		rc = take(s, at, n, err);
		s->at += n;
		at += n;
		len -= n;
		if (rc == 0 && before_mark && s->at == s->mark)
			rc = reach_mark(s, err);
	}
	return rc;
}

/* ---- ending ---- */

static void take_digests(struct series_sink *s, struct vst_item_whole *whole)
{
	whole->hashes = s->options.hashes;
	memcpy(whole->sha256, vst_hash_final(s->hash, VST_HASH_SHA256), VST_HASH_LEN);
	if (whole->hashes & VST_HASH_SHA1)
		memcpy(whole->sha1, vst_hash_final(s->hash, VST_HASH_SHA1), VST_SHA1_LEN);
	if (whole->hashes & VST_HASH_MD5)
		memcpy(whole->md5, vst_hash_final(s->hash, VST_HASH_MD5), VST_MD5_LEN);
}

static void add_prefix(const struct series_sink *s, struct vst_item *item)
{
	if (!s->marked || !is_append_only(s))
		return;
	item->has_prefix = true;
	item->prefix_size = s->mark;
	memcpy(item->prefix_sha256, s->mark_sha256, VST_HASH_LEN);
}

/* A file that shrank while it was read: the writer fills it up with zeros, and they are in the digest. */
static void hash_padding(struct series_sink *s)
{
	if (s->at >= s->announced)
		return;
	vst_hash_zeros(s->hash, s->announced - s->at);
	s->at = s->announced;
}

static int end_tail(struct series_sink *s, struct vst_item *item, uint8_t *ret_leaf, struct vst_err *err)
{
	hash_padding(s);
	item->size = s->tail.size;
	item->has_whole = true;
	item->whole = s->tail.whole;
	take_digests(s, &item->whole);
	if (item->status == VST_ITEM_COLLECTED) /* what was cut or changed meanwhile stays that */
		item->status = VST_ITEM_TAIL;
	return vst_exhibit_writer_end(s->options.writer, item, ret_leaf, err);
}

/* Where the generation has what was just hashed. What is empty is nowhere, and needs no place. */
static bool find_content(struct series_sink *s, const struct vst_item *item, struct vst_item_whole *whole)
{
	struct vst_item probe = *item;
	uint8_t key[VST_HASH_LEN];
	uint64_t size;
	probe.has_content = true;
	probe.hashes = whole->hashes;
	probe.has_whole = false;
	memcpy(probe.sha256, whole->sha256, VST_HASH_LEN);
	whole->size = s->at;
	whole->stored = s->stored;
	if (s->at == 0 && !item->is_sparse)
		return true;
	return vst_series_content_key(&probe, key) &&
	       vst_series_content(s->options.earlier, key, s->stored, &whole->stored_count, &size) &&
	       size == s->at;
}

static int store_kept(struct series_sink *s, struct vst_item *item, uint8_t *ret_leaf, struct vst_err *err)
{
	struct vst_exhibit_writer *writer = s->options.writer;
	int rc = vst_exhibit_writer_begin(writer, s->begun, err);
	if (rc == 0 && s->kept.len > 0)
		rc = vst_exhibit_writer_data(writer, s->kept.data, s->kept.len, err);
	return rc == 0 ? vst_exhibit_writer_end(writer, item, ret_leaf, err) : rc;
}

/* Clears observes_later unless the file has to come again to be looked at. */
static int end_observing(struct series_sink *s, const struct vst_item *item,
        const struct vst_item_whole *found, struct vst_err *err)
{
	struct vst_item probe = *item;
	uint8_t key[VST_HASH_LEN];
	if (found) {
		probe.has_whole = true;
		probe.whole = *found;
		probe.has_content = false;
	}
	if (found && may_be_as_it_was(s) && vst_series_content_key(&probe, key) &&
	        memcmp(key, s->known.content, VST_HASH_LEN) == 0) {
		s->observes_later = false;
		return vst_series_line(s->options.earlier, &s->known, NULL, &s->facts, err);
	}
	return s->keeps ? observe_kept(s, err) : 0;
}

static int end_weighed(struct series_sink *s, struct vst_item *item, uint8_t *ret_leaf, struct vst_err *err)
{
	struct vst_item_whole whole = {0};
	bool complete = s->announced == UINT64_MAX || s->at == s->announced;
	bool good = item->status == VST_ITEM_COLLECTED || item->status == VST_ITEM_CHANGED;
	take_digests(s, &whole);
	bool found = complete && good && find_content(s, item, &whole);
	int rc = s->observes_later ? end_observing(s, item, found ? &whole : NULL, err) : 0;
	if (rc != 0)
		return rc;
	if (found && !s->observes_later) {
		item->status = VST_ITEM_UNCHANGED;
		item->has_content = false;
		item->hashes = 0;
		item->parts = 0;
		item->has_whole = true;
		item->whole = whole;
		return vst_exhibit_writer_item(s->options.writer, item, NULL, NULL, ret_leaf, err);
	}
	if (s->keeps)
		return store_kept(s, item, ret_leaf, err);
	return owe(s, item, err);
}

int series_sink_end(
        struct series_sink *s, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	int rc = 0;
	item->has_prefix = item->has_whole = false; /* of an earlier reading, or whoever made it up */
	add_prefix(s, item);
	switch (s->mode) {
	case SINK_STORE:
		rc = vst_exhibit_writer_end(s->options.writer, item, ret_leaf, err);
		break;
	case SINK_TAIL:
		rc = end_tail(s, item, ret_leaf, err);
		break;
	case SINK_WEIGH:
	case SINK_PREFIX:
		rc = end_weighed(s, item, ret_leaf, err);
		break;
	}
	if (rc != 0 || s->owed)
		return rc;
	if (s->observation && (rc = vst_observe_end(s->observation, item, &s->facts, err)) != 0)
		return rc;
	return series_sink_note(s, item, s->facts.len > 0 ? &s->facts : NULL, err);
}

/* ---- items that come whole ---- */

int series_sink_item(struct series_sink *s, struct vst_item *item, const char *link_source,
        const char *link_path, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	int rc = 0;
	if (is_owed(s, item) && !item->has_stat) /* that it was not had again: more is known of it here */
		return settle(s, ret_leaf, err);
	if (is_owed(s, item))
		s->owed = false;
	else
		rc = settle(s, NULL, err);
	if (rc != 0)
		return rc;
	if (item->has_whole && item->whole.trusted)
		return series_sink_trusted(s, item, ret_leaf, err);
	rc = vst_exhibit_writer_item(s->options.writer, item, link_source, link_path, ret_leaf, err);
	return rc == 0 ? series_sink_note(s, item, NULL, err) : rc;
}
