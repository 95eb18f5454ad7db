#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exhibit/entry_match.h"
#include "exhibit/salvage_state.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#define GAPS_SHOWN 300 /* bytes of text about one entry's gaps */

/* ---- entries as they are read ---- */

static struct vst_salvage_entry *last_entry(struct vst_salvage *salvage)
{
	return &salvage->entries[salvage->entry_count - 1];
}

int vst_salvage_entry_begin(struct vst_salvage *salvage, struct vst_tar_member *member,
        const struct vst_item_extent *extents, size_t count, struct vst_err *err)
{
	struct vst_salvage_entry *entry = NULL;
	const char *target = NULL;
	int rc = 0;

	if (salvage->entry_count == salvage->entry_cap) {
		size_t cap = salvage->entry_cap * 2 + 256;

		entry = vst_realloc(salvage->entries, cap, sizeof(*entry));
		if (entry == NULL)
			return vst_err_nomem(err);
		salvage->entries = entry;
		salvage->entry_cap = cap;
	}
	if ((rc = vst_content_begin(salvage->hasher, member, extents, count, err)) != 0)
		return rc;
	entry = &salvage->entries[salvage->entry_count++];
	*entry = (struct vst_salvage_entry){.entry = member->entry,
	        .name = member->name,
	        .name_len = member->name_len,
	        .type = member->type,
	        .offset = member->offset,
	        .provisional = salvage->provisional};
	member->entry = NULL;
	if (salvage->options->out_dirfd < 0 || (entry->type != '0' && entry->type != '2'))
		return 0;
	rc = vst_salvage_temp_open(salvage, entry, err);
	target = archive_entry_symlink(entry->entry);
	if (rc == 0 && entry->type == '2' && target != NULL)
		rc = vst_io_write(salvage->fd, target, strlen(target), err);
	return rc;
}

int vst_salvage_entry_data(
        struct vst_salvage *salvage, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	int rc = 0;

	vst_content_data(salvage->hasher, offset, data, len);
	if (salvage->fd < 0)
		return 0;
	if (offset != salvage->fd_at && lseek(salvage->fd, (off_t)offset, SEEK_SET) < 0)
		return vst_err_sys(err, errno, "seek");
	rc = vst_io_write(salvage->fd, data, len, err);
	salvage->fd_at = offset + len;
	return rc;
}

int vst_salvage_entry_lost(struct vst_salvage *salvage, uint64_t offset, uint64_t len, struct vst_err *err)
{
	struct vst_buf *gaps = &last_entry(salvage)->gaps;

	vst_content_lost(salvage->hasher, len);
	if (gaps->len < GAPS_SHOWN)
		vst_buf_printf(gaps, "%s%llu to %llu",
		        gaps->len > 0 ? ", " : "bytes missing: ", (unsigned long long)offset,
		        (unsigned long long)(offset + len - 1));
	else if (gaps->data[gaps->len - 1] != '.')
		vst_buf_text(gaps, ", ...");
	return vst_buf_check(gaps, err);
}

int vst_salvage_entry_end(struct vst_salvage *salvage, struct vst_err *err)
{
	struct vst_salvage_entry *entry = last_entry(salvage);
	int rc = vst_content_end(salvage->hasher, &entry->content, err);

	if (salvage->fd < 0)
		return rc;
	/* A hole at the end, or lost bytes there. A size that the file system cannot have is left to the
	 * digest to find. */
	if (rc == 0 && entry->type == '0' && salvage->fd_at != entry->content.size &&
	        ftruncate(salvage->fd, (off_t)entry->content.size) != 0 && errno != EFBIG && errno != EINVAL)
		rc = vst_err_sys(err, errno, "truncate");
	if (close(salvage->fd) != 0 && rc == 0)
		rc = vst_err_sys(err, errno, "close");
	salvage->fd = -1;
	return rc;
}

/* ---- giving them out ---- */

static void entry_clear(struct vst_salvage *salvage, struct vst_salvage_entry *entry)
{
	vst_salvage_temp_drop(salvage, entry);
	archive_entry_free(entry->entry);
	vst_buf_free(&entry->gaps);
	entry->entry = NULL;
}

static int give(struct vst_salvage *salvage, const struct vst_item *item, enum vst_salvage_state state,
        struct vst_buf *what, struct vst_err *err)
{
	if (salvage->options->item == NULL)
		return 0;
	return salvage->options->item(
	        salvage->options->ctx, item, state, what->len > 0 ? vst_buf_cstr(what) : NULL, err);
}

static enum vst_item_type type_of(const struct vst_salvage_entry *entry)
{
	switch (entry->type) {
	case '1':
	case '0':
		return VST_ITEM_FILE;
	case '2':
		return VST_ITEM_SYMLINK;
	case '3':
		return VST_ITEM_CHAR_DEVICE;
	case '4':
		return VST_ITEM_BLOCK_DEVICE;
	case '5':
		return VST_ITEM_DIRECTORY;
	case '6':
		return VST_ITEM_FIFO;
	default:
		return VST_ITEM_UNKNOWN;
	}
}

static int give_unverified(struct vst_salvage *salvage, struct vst_salvage_entry *entry, struct vst_err *err)
{
	struct vst_buf what = VST_BUF_INIT;
	struct vst_item item;
	int rc = 0;

	vst_buf_text(&what, "its manifest line is lost");
	if (entry->gaps.len > 0) {
		vst_buf_text(&what, "; ");
		vst_buf_bytes(&what, entry->gaps.data, entry->gaps.len);
	}
	vst_item_init(&item);
	item.path = entry->name;
	item.type = type_of(entry);
	salvage->result.unverified++;
	rc = vst_buf_check(&what, err);
	if (rc == 0)
		rc = vst_salvage_place(salvage, entry, VST_SALVAGE_UNVERIFIED, &what, err);
	if (rc == 0)
		rc = give(salvage, &item, VST_SALVAGE_UNVERIFIED, &what, err);
	vst_buf_free(&what);
	return rc;
}

int vst_salvage_entries_flush(struct vst_salvage *salvage, bool drop, struct vst_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < salvage->entry_count; i++) {
		struct vst_salvage_entry *entry = &salvage->entries[i];

		if (rc == 0 && !entry->used && !(drop && entry->provisional))
			rc = give_unverified(salvage, entry, err);
		entry_clear(salvage, entry);
	}
	salvage->entry_count = salvage->entry_next = 0;
	return rc;
}

void vst_salvage_entries_confirm(struct vst_salvage *salvage)
{
	for (size_t i = 0; i < salvage->entry_count; i++)
		salvage->entries[i].provisional = false;
}

void vst_salvage_entries_drop_provisional(struct vst_salvage *salvage)
{
	if (salvage->fd >= 0)
		(void)close(salvage->fd);
	salvage->fd = -1;
	while (salvage->entry_count > 0 && last_entry(salvage)->provisional) {
		entry_clear(salvage, last_entry(salvage));
		salvage->entry_count--;
	}
	if (salvage->entry_next > salvage->entry_count)
		salvage->entry_next = salvage->entry_count;
}

void vst_salvage_entries_free(struct vst_salvage *salvage)
{
	if (salvage->fd >= 0)
		(void)close(salvage->fd);
	salvage->fd = -1;
	for (size_t i = 0; i < salvage->entry_count; i++)
		entry_clear(salvage, &salvage->entries[i]);
	free(salvage->entries);
	salvage->entries = NULL;
	salvage->entry_count = salvage->entry_cap = 0;
}

/* ---- lines ---- */

static struct vst_salvage_entry *take(struct vst_salvage *salvage, const struct vst_buf *name)
{
	for (size_t n = 0; n < salvage->entry_count; n++) {
		size_t i = (salvage->entry_next + n) % salvage->entry_count;
		struct vst_salvage_entry *entry = &salvage->entries[i];

		if (entry->used || entry->name_len != name->len ||
		        memcmp(entry->name, name->data, name->len) != 0)
			continue;
		entry->used = true;
		salvage->entry_next = i + 1;
		return entry;
	}
	return NULL;
}

/* Compares one entry with the line; what differs goes to `what`. */
static int judge(const struct vst_salvage_entry *entry, const struct vst_item *item, uint64_t part,
        struct vst_buf *what, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;

	if (entry->header_lost)
		vst_buf_printf(what, "%sits tar header is lost", what->len > 0 ? "; " : "");
	else
		rc = vst_entry_match(entry->entry, item, part, NULL, &why);
	if (rc == 0 && entry->gaps.len > 0) {
		vst_buf_text(what, what->len > 0 ? "; " : "");
		vst_buf_bytes(what, entry->gaps.data, entry->gaps.len);
	} else if (rc == 0 && !item->is_hardlink &&
	           (part == VST_ENTRY_NO_PART || part + 1 == item->parts + VST_PART_FIRST)) {
		rc = vst_content_match(&entry->content, item, &why);
	}
	if (rc == VST_ETAMPERED || rc == VST_EFORMAT) {
		vst_buf_printf(what, "%s%s", what->len > 0 ? "; " : "", why.text);
		rc = 0;
	}
	if (rc != 0 && err != NULL)
		*err = why;
	return rc != 0 ? rc : vst_buf_check(what, err);
}

struct found {
	uint64_t entries, missing;
	size_t first, count_before; /* of the parts: entries are used up in order */
};

static int collect(struct vst_salvage *salvage, const struct vst_item *item, struct vst_buf *what,
        struct found *found, size_t *indexes, size_t max, struct vst_err *err)
{
	bool stream = item->type == VST_ITEM_STREAM;
	struct vst_buf name = VST_BUF_INIT;
	size_t prefix_len = 0;
	int rc = vst_item_entry_name(item, &name, err);

	prefix_len = name.len;
	for (uint64_t i = 0; rc == 0 && i < (stream ? item->parts : 1); i++) {
		uint64_t part = stream ? i + VST_PART_FIRST : VST_ENTRY_NO_PART;
		struct vst_salvage_entry *entry = NULL;

		name.len = prefix_len;
		if (stream)
			vst_entry_part_name(&name, part);
		if ((rc = vst_buf_check(&name, err)) != 0)
			break;
		entry = found->entries < max ? take(salvage, &name) : NULL;
		if (entry == NULL) {
			if (found->entries >= max && !stream)
				break;
			if (found->missing++ < 8 && stream)
				vst_buf_printf(what, "%spart %llu is missing", what->len > 0 ? "; " : "",
				        (unsigned long long)part);
			if (found->missing > salvage->entry_count + 8 &&
			        found->entries >= salvage->entry_count)
				break; /* a line may claim any number of parts */
			continue;
		}
		indexes[found->entries++] = (size_t)(entry - salvage->entries);
		rc = judge(entry, item, part, what, err);
	}
	vst_buf_free(&name);
	return rc;
}

/* Nothing of this exhibit is lost by it, and still it is not all of the file. */
static void say_elsewhere(struct vst_salvage *salvage, const struct vst_item *item, struct vst_buf *what)
{
	if (item->status == VST_ITEM_UNCHANGED)
		vst_buf_text(what, "its content is in an earlier exhibit");
	else if (item->status == VST_ITEM_TAIL)
		vst_buf_printf(what, "from byte %llu on; what is before is in earlier exhibits",
		        (unsigned long long)vst_item_tail_offset(item));
	else
		return;
	salvage->result.elsewhere++;
}

static int give_item(struct vst_salvage *salvage, const struct vst_item *item, struct vst_err *err)
{
	size_t max = salvage->entry_count;
	size_t *indexes = vst_calloc(max + 1, sizeof(*indexes));
	enum vst_salvage_state state = VST_SALVAGE_WHOLE;
	struct vst_buf what = VST_BUF_INIT;
	struct found found = {0};
	int rc = indexes == NULL ? vst_err_nomem(err) : 0;

	if (rc == 0 && vst_item_has_entry(item))
		rc = collect(salvage, item, &what, &found, indexes, max, err);
	if (rc == 0 && found.missing > 0 && found.entries == 0) {
		vst_buf_clear(&what);
		vst_buf_text(&what, "nothing of it is left but its manifest line");
		state = VST_SALVAGE_PARTIAL;
		salvage->result.missing++;
	} else if (rc == 0) {
		state = what.len > 0 || found.missing > 0 ? VST_SALVAGE_PARTIAL : VST_SALVAGE_WHOLE;
		*(state == VST_SALVAGE_WHOLE ? &salvage->result.whole : &salvage->result.partial) += 1;
	}
	if (rc == 0 && state == VST_SALVAGE_WHOLE)
		say_elsewhere(salvage, item, &what);
	for (uint64_t i = 0; rc == 0 && i < found.entries; i++)
		rc = vst_salvage_place(salvage, &salvage->entries[indexes[i]], state, &what, err);
	if (rc == 0 && state == VST_SALVAGE_WHOLE && item->is_hardlink && what.len == 0 && found.entries > 0)
		vst_buf_printf(
		        &what, "hard link to %s", archive_entry_hardlink(salvage->entries[indexes[0]].entry));
	if (rc == 0 && (rc = vst_buf_check(&what, err)) == 0)
		rc = give(salvage, item, state, &what, err);
	vst_buf_free(&what);
	free(indexes);
	return rc;
}

/* Whether an item's entries are those that were read from `*at` on; steps over them. */
static bool names_entries(
        const struct vst_salvage *salvage, const struct vst_item *item, struct vst_buf *name, size_t *at)
{
	bool stream = item->type == VST_ITEM_STREAM;
	size_t prefix_len = name->len;

	for (uint64_t i = 0; i < (stream ? item->parts : 1); i++) {
		const struct vst_salvage_entry *entry = &salvage->entries[*at];

		if (*at == salvage->entry_count || entry->provisional)
			return true; /* behind the damage: anything */
		name->len = prefix_len;
		if (stream)
			vst_entry_part_name(name, i + VST_PART_FIRST);
		if (name->failed || entry->name_len != name->len ||
		        memcmp(entry->name, name->data, name->len) != 0)
			return false;
		if (!stream && item->has_content && entry->content.lost == 0 &&
		        memcmp(entry->content.own.sha256, item->sha256, VST_HASH_LEN) != 0)
			return false;
		++*at;
	}
	return true;
}

int vst_salvage_line_plausible(
        struct vst_salvage *salvage, const uint8_t *line, size_t len, bool *ret_known, struct vst_err *err)
{
	struct vst_buf name = VST_BUF_INIT;
	struct vst_item *item = NULL;
	bool fits = true;
	size_t at = salvage->held_entries;
	int rc = vst_item_parse(line, len, &item, err);

	if (rc == 0 && vst_item_has_entry(item)) {
		if ((rc = vst_item_entry_name(item, &name, err)) == 0)
			fits = names_entries(salvage, item, &name, &at);
	}
	if (rc == 0 && (!fits || item->seq < salvage->next_seq))
		rc = vst_err_set(err, VST_EFORMAT, "a manifest segment of another exhibit");
	salvage->held_entries = at;
	*ret_known = at == salvage->entry_count || salvage->entries[at].provisional;
	vst_item_free(item);
	vst_buf_free(&name);
	return rc;
}

int vst_salvage_line(struct vst_salvage *salvage, const uint8_t *line, size_t len, struct vst_err *err)
{
	struct vst_item *item = NULL;
	int rc = vst_item_parse(line, len, &item, err);

	if (rc != 0)
		return rc;
	/* Behind a gap a segment must go on, not begin again: an exhibit inside the evidence does. */
	if (item->seq < salvage->next_seq)
		rc = vst_err_set(err, VST_EFORMAT, "a manifest line that was there before");
	else
		salvage->next_seq = item->seq + 1;
	if (rc == 0)
		rc = give_item(salvage, item, err);
	vst_item_free(item);
	return rc;
}
