#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/check_state.h"
#include "exhibit/entry_match.h"
#include "exhibit/manifest_check.h"
#include "vestige/err.h"
#include "vestige/manifest.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define ITEMS_PREFIX "items/"
#define LONG_PREFIX "long/"

/* ---- entries that wait for their lines ---- */

int vst_check_pending_add(struct vst_check *check, struct vst_tar_member *member, struct vst_err *err)
{
	struct vst_check_pending *pending = NULL;

	check->pending_bytes += vst_tar_scan_position(check->scan) - member->offset;
	if (check->pending_count >= VST_CHECK_PENDING_MAX ||
	        check->pending_bytes > VST_CHECK_PENDING_BYTES_MAX)
		return vst_err_set(
		        err, VST_EFORMAT, "more entries before a manifest segment than a segment can name");
	if (check->pending_count == check->pending_cap) {
		size_t cap = check->pending_cap * 2 + 256;

		pending = vst_realloc(check->pending, cap, sizeof(*pending));
		if (pending == NULL)
			return vst_err_nomem(err);
		check->pending = pending;
		check->pending_cap = cap;
	}
	pending = &check->pending[check->pending_count++];
	*pending = (struct vst_check_pending){.entry = member->entry,
	        .name = member->name,
	        .name_len = member->name_len,
	        .offset = member->offset};
	member->entry = NULL;
	return 0;
}

struct vst_check_pending *vst_check_pending_last(struct vst_check *check)
{
	return &check->pending[check->pending_count - 1];
}

static void pending_clear(struct vst_check *check)
{
	for (size_t i = 0; i < check->pending_count; i++) {
		archive_entry_free(check->pending[i].entry);
		vst_buf_free(&check->pending[i].record);
	}
	check->pending_count = check->pending_next = 0;
	check->pending_bytes = 0;
}

void vst_check_pending_free(struct vst_check *check)
{
	pending_clear(check);
	free(check->pending);
	check->pending = NULL;
	check->pending_cap = 0;
}

int vst_check_pending_flush(struct vst_check *check, struct vst_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < check->pending_count && rc == 0; i++)
		if (!check->pending[i].used)
			rc = vst_check_problem(check, NULL, check->pending[i].name, err,
			        check->broken ? "an entry of the tar whose manifest line is lost"
			                      : "an entry of the tar that no manifest line names");
	pending_clear(check);
	return rc;
}

/*
 * The entry of this name. They stand in the order of their lines: one that is found further on leaves those
 * in between for later lines, and one found further back is out of order.
 */
static struct vst_check_pending *pending_take(
        struct vst_check *check, const struct vst_buf *name, bool *ret_disorder)
{
	for (size_t n = 0, count = check->pending_count; n < count; n++) {
		size_t i = (check->pending_next + n) % count;
		struct vst_check_pending *pending = &check->pending[i];

		if (pending->used || pending->name_len != name->len ||
		        memcmp(pending->name, name->data, name->len) != 0)
			continue;
		*ret_disorder = i < check->pending_next;
		if (!*ret_disorder)
			check->pending_next = i + 1;
		pending->used = true;
		return pending;
	}
	return NULL;
}

/* ---- one line against its entries ---- */

/* The seq of the item whose entry has this name: the reverse of vst_item_entry_name(). */
static uint64_t seq_of_name(const struct vst_check *check, const char *name)
{
	char source[VST_SOURCE_NAME_MAX + 1];
	uint8_t digest[VST_HASH_LEN];
	const char *slash = NULL;
	uint64_t seq = 0;

	if (strncmp(name, ITEMS_PREFIX, strlen(ITEMS_PREFIX)) != 0)
		return VST_CHECK_NOT_THERE;
	name += strlen(ITEMS_PREFIX);
	if (strncmp(name, LONG_PREFIX, strlen(LONG_PREFIX)) == 0) {
		struct vst_reader in =
		        vst_reader_of(name + strlen(LONG_PREFIX), strlen(name) - strlen(LONG_PREFIX));

		return vst_reader_decimal(&in, &seq) && vst_reader_at_end(&in) ? seq : VST_CHECK_NOT_THERE;
	}
	slash = strchr(name, '/');
	if (slash == NULL || (size_t)(slash - name) >= sizeof(source))
		return VST_CHECK_NOT_THERE;
	memcpy(source, name, (size_t)(slash - name));
	source[slash - name] = 0;
	vst_item_path_digest(source, slash, digest);
	return vst_check_table_find(check->table, digest);
}

static int match_hard_link(struct vst_check *check, const struct vst_item *item, struct archive_entry *entry,
        struct vst_err *err)
{
	const char *name = archive_entry_hardlink(entry);
	uint8_t kind = 0, long_name = VST_CHECK_LONG;
	uint64_t seq = 0;

	if (name == NULL)
		return vst_check_problem(check, item->source, item->path, err,
		        "its manifest line says hard link, its entry does not");
	seq = seq_of_name(check, name);
	if (seq == VST_CHECK_NOT_THERE || seq >= vst_check_table_items(check->table))
		return check->broken ? 0
		                     : vst_check_problem(check, item->source, item->path, err,
		                               "a hard link to %s, which is no earlier item", name);
	kind = vst_check_table_kind(check->table, seq);
	if (strncmp(name, ITEMS_PREFIX LONG_PREFIX, strlen(ITEMS_PREFIX LONG_PREFIX)) != 0)
		long_name = 0;
	/* A tail's name may be another item's path: the entry of this name must be that item's. */
	if (memcmp(vst_check_table_leaf(check->table, seq), item->hardlink, VST_HASH_LEN) != 0 ||
	        (kind & (VST_CHECK_CONTENT | VST_CHECK_LONG)) != (VST_CHECK_CONTENT | long_name))
		return vst_check_problem(check, item->source, item->path, err,
		        "its entry links to %s, which is not the item that its manifest line names", name);
	return 0;
}

/* What a match function found: a difference is reported, anything else is a failure. */
static int differs(struct vst_check *check, const struct vst_item *item, int rc, struct vst_err *why,
        struct vst_err *err)
{
	if (rc == 0)
		return 0;
	if (rc != VST_ETAMPERED && rc != VST_EFORMAT) {
		if (err != NULL)
			*err = *why;
		return rc;
	}
	return vst_check_problem(check, item->source, item->path, err, "%s", why->text);
}

static int match_entry(struct vst_check *check, const struct vst_item *item,
        const struct vst_check_pending *pending, uint64_t part, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int rc = vst_entry_match(pending->entry, item, part, NULL, &why);

	if ((rc = differs(check, item, rc, &why, err)) != 0)
		return rc;
	if (item->is_hardlink)
		return match_hard_link(check, item, pending->entry, err);
	if (part != VST_ENTRY_NO_PART && part + 1 < item->parts + VST_PART_FIRST)
		return 0;
	vst_err_clear(&why);
	rc = vst_content_match(&pending->content, item, &why);
	if (rc != 0)
		return differs(check, item, rc, &why, err);
	if (item->type == VST_ITEM_RECORD && check->options->record != NULL)
		return check->options->record(
		        check->options->ctx, item->path, pending->record.data, pending->record.len, err);
	return 0;
}

/* Every entry that the line promises: one, or a stream's parts. */
static int match_entries(
        struct vst_check *check, const struct vst_item *item, uint64_t *ret_offset, struct vst_err *err)
{
	bool stream = item->type == VST_ITEM_STREAM, disorder = false;
	struct vst_buf name = VST_BUF_INIT;
	size_t prefix_len = 0;
	int rc = vst_item_entry_name(item, &name, err);

	prefix_len = name.len;
	for (uint64_t i = 0; rc == 0 && i < (stream ? item->parts : 1); i++) {
		const struct vst_check_pending *pending = NULL;
		uint64_t part = stream ? i + VST_PART_FIRST : VST_ENTRY_NO_PART;

		name.len = prefix_len;
		if (stream)
			vst_entry_part_name(&name, part);
		if ((rc = vst_buf_check(&name, err)) != 0)
			break;
		pending = pending_take(check, &name, &disorder);
		if (pending == NULL) {
			rc = vst_check_problem(check, item->source, item->path, err,
			        "its manifest line promises the entry %s, which the tar does not have",
			        vst_buf_cstr(&name));
			break;
		}
		if (i == 0)
			*ret_offset = pending->offset;
		if (disorder)
			rc = vst_check_problem(check, item->source, item->path, err,
			        "its entry stands in another order than its manifest line");
		if (rc == 0)
			rc = match_entry(check, item, pending, part, err);
	}
	vst_buf_free(&name);
	return rc;
}

/* ---- hard links without an entry ---- */

/* Which item it names is known by the leaf alone, and looked up when all are there. */
static int remember_link(struct vst_check *check, const struct vst_item *item, struct vst_err *err)
{
	struct vst_check_link *links =
	        vst_grow(check->links, check->link_count, &check->link_cap, sizeof *links);
	if (!links)
		return vst_err_nomem(err);
	check->links = links;
	check->links[check->link_count] = (struct vst_check_link){.seq = item->seq};
	memcpy(check->links[check->link_count++].leaf, item->hardlink, VST_HASH_LEN);
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct vst_check_link *x = a, *y = b;
	int order = memcmp(x->leaf, y->leaf, VST_HASH_LEN);

	return order != 0 ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* All links to this leaf that stand behind it are good. */
static void settle_links(struct vst_check *check, uint64_t seq)
{
	const uint8_t *leaf = vst_check_table_leaf(check->table, seq);
	size_t low = 0, high = check->link_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(check->links[middle].leaf, leaf, VST_HASH_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < check->link_count && memcmp(check->links[low].leaf, leaf, VST_HASH_LEN) == 0; low++)
		if (check->links[low].seq > seq)
			check->links[low].found = true;
}

int vst_check_links(struct vst_check *check, struct vst_err *err)
{
	int rc = 0;

	if (check->link_count == 0 || check->broken)
		return 0;
	qsort(check->links, check->link_count, sizeof(*check->links), compare_links);
	for (uint64_t seq = 0; seq < vst_check_table_items(check->table); seq++)
		if (vst_check_table_kind(check->table, seq) & VST_CHECK_ELSEWHERE)
			settle_links(check, seq);
	for (size_t i = 0; rc == 0 && i < check->link_count; i++)
		if (!check->links[i].found)
			rc = vst_check_problem(check, NULL, NULL, err,
			        "item %llu is a hard link to what is no earlier item with content in earlier "
			        "exhibits",
			        (unsigned long long)check->links[i].seq);
	return rc;
}

static int take_item(struct vst_check *check, const struct vst_item *item, struct vst_check_record *record,
        struct vst_err *err)
{
	int rc = 0;

	if (item->seq != check->next_seq && !(check->broken && item->seq > check->next_seq))
		rc = vst_check_problem(check, item->source, item->path, err,
		        "its manifest line has number %llu where %llu is due", (unsigned long long)item->seq,
		        (unsigned long long)check->next_seq);
	check->next_seq = item->seq;
	if (rc == 0 && check->options->item != NULL)
		rc = check->options->item(check->options->ctx, item, err);
	vst_item_path_digest(item->source, item->path, record->path_digest);
	if (rc == 0 && vst_item_has_entry(item))
		rc = match_entries(check, item, &record->tar_offset, err);
	if (item->has_whole)
		record->kind |= VST_CHECK_ELSEWHERE;
	else if (record->tar_offset != UINT64_MAX && !item->is_hardlink)
		record->kind |= VST_CHECK_CONTENT;
	if (item->type != VST_ITEM_RECORD && (item->long_entry || !vst_item_entry_fits(item)))
		record->kind |= VST_CHECK_LONG;
	if (rc == 0 && item->is_hardlink && !vst_item_has_entry(item))
		rc = remember_link(check, item, err);
	return rc;
}

static int take_line(
        struct vst_check *check, const uint8_t *line, size_t len, uint64_t at, struct vst_err *err)
{
	struct vst_check_record record = {
	        .line_len = (uint32_t)len, .line_offset = at, .tar_offset = UINT64_MAX};
	struct vst_err why = VST_ERR_INIT;
	struct vst_item *item = NULL;
	bool twice = false;
	int rc = vst_item_parse(line, len, &item, &why);

	check->lines++;
	vst_merkle_leaf(line, len, record.leaf);
	vst_merkle_append(&check->tree, record.leaf);
	if (rc == VST_ENOMEM) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	if (rc != 0)
		rc = vst_check_problem(check, NULL, NULL, err, "manifest segment %llu, line %llu: %s",
		        (unsigned long long)check->segments, (unsigned long long)check->lines, why.text);
	else
		rc = take_item(check, item, &record, err);
	if (rc == 0)
		rc = vst_check_table_add(check->table, &record, &twice, err);
	if (rc == 0 && twice && item != NULL)
		rc = vst_check_problem(
		        check, item->source, item->path, err, "two manifest lines have this path");
	check->next_seq++;
	vst_item_free(item);
	return rc;
}

/* ---- segments ---- */

void vst_check_segment_begin(struct vst_check *check)
{
	check->lines = 0;
	check->line_skip = false;
	vst_buf_clear(&check->line);
}

static int long_line(struct vst_check *check, struct vst_err *err)
{
	check->line_skip = true;
	vst_buf_free(&check->line);
	return vst_check_problem(check, NULL, NULL, err,
	        "manifest segment %llu: a line longer than any can be", (unsigned long long)check->segments);
}

void vst_check_segment_cut(struct vst_check *check)
{
	vst_buf_clear(&check->line);
	check->line_skip = true;
}

int vst_check_segment_data(
        struct vst_check *check, uint64_t at, const uint8_t *data, size_t len, struct vst_err *err)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		const uint8_t *lf = memchr(data, '\n', len);
		size_t take = lf != NULL ? (size_t)(lf - data) : len;

		if (check->line.len == 0 && !check->line_skip)
			check->line_at = at;
		if (!check->line_skip && check->line.len + take > VST_MANIFEST_LINE_MAX)
			rc = long_line(check, err);
		if (check->line_skip) {
			check->line_skip = lf == NULL;
		} else if (lf != NULL && check->line.len == 0) {
			rc = take_line(check, data, take, at, err);
		} else {
			vst_buf_bytes(&check->line, data, take);
			rc = vst_buf_check(&check->line, err);
			if (rc == 0 && lf != NULL)
				rc = take_line(check, check->line.data, check->line.len, check->line_at, err);
			if (lf != NULL)
				vst_buf_clear(&check->line);
		}
		take += lf != NULL;
		data += take;
		at += take;
		len -= take;
	}
	return rc;
}

int vst_check_segment_end(struct vst_check *check, struct vst_err *err)
{
	int rc = 0;

	if (check->line.len > 0 || (check->line_skip && !check->broken))
		rc = vst_check_problem(check, NULL, NULL, err, "manifest segment %llu ends within a line",
		        (unsigned long long)check->segments);
	if (rc == 0 && check->lines == 0 && !check->broken)
		rc = vst_check_problem(check, NULL, NULL, err, "manifest segment %llu is empty",
		        (unsigned long long)check->segments);
	return rc != 0 ? rc : vst_check_pending_flush(check, err);
}
