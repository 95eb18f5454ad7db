#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/entry_match.h"
#include "exhibit/exhibit_state.h"
#include "exhibit/salvage_state.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define RECORDS_AT_ONCE 1024
#define PAX_BLOCKS_MAX 16 /* looked at before a segment's header */

/* ---- what the index knows ---- */

struct around {                                        /* a position */
	uint64_t before, before_line, before_line_len; /* the item whose header comes last before it */
	uint64_t next;                                 /* the item whose header comes first at or behind it */
	uint64_t next_line; /* the manifest line that comes first at or behind it: a segment begins shortly
	                       before */
};

static bool take_around(const uint8_t *record, uint64_t position, struct around *around)
{
	struct vst_reader in = vst_reader_of(record + 36, VST_INDEX_RECORD_LEN - 36);
	uint64_t entry = 0, line = 0;
	uint32_t len = 0;

	if (!vst_reader_u32le(&in, &len) || !vst_reader_u64le(&in, &entry) || !vst_reader_u64le(&in, &line))
		return false;
	if (entry != UINT64_MAX && entry >= position && entry < around->next)
		around->next = entry;
	if (entry != UINT64_MAX && entry < position &&
	        (around->before == VST_SALVAGE_NOWHERE || entry > around->before)) {
		around->before = entry;
		around->before_line = line;
		around->before_line_len = len;
	}
	if (line >= position && line < around->next_line)
		around->next_line = line;
	return true;
}

/* False if trailer or index is not to be had. */
static bool look_around(
        struct vst_salvage *salvage, uint64_t position, struct around *ret, uint64_t *ret_tail)
{
	uint64_t size = vst_salvage_source_end(salvage->source), left = 0, at = 0;
	uint8_t trailer[VST_TRAILER_LEN];
	struct vst_exhibit layout = {0};
	uint8_t *records = NULL;
	bool good = true;

	*ret = (struct around){
	        .before = VST_SALVAGE_NOWHERE, .next = VST_SALVAGE_NOWHERE, .next_line = VST_SALVAGE_NOWHERE};
	if (size < VST_TRAILER_LEN + 2 * VST_TAR_BLOCK ||
	        vst_salvage_source_read(salvage->source, size - VST_TRAILER_LEN - 2 * VST_TAR_BLOCK, trailer,
	                sizeof(trailer), NULL) != 0 ||
	        vst_exhibit_trailer_parse(trailer, size, &layout, NULL) != 0)
		return false;
	records = vst_alloc((size_t)RECORDS_AT_ONCE * VST_INDEX_RECORD_LEN);
	left = records == NULL ? 0 : layout.items;
	for (at = layout.index_offset; good && left > 0;) {
		size_t count = left < RECORDS_AT_ONCE ? (size_t)left : RECORDS_AT_ONCE;
		size_t len = count * VST_INDEX_RECORD_LEN;

		good = vst_salvage_source_read(salvage->source, at, records, len, NULL) == 0;
		for (size_t i = 0; good && i < count; i++)
			good = take_around(records + i * VST_INDEX_RECORD_LEN, position, ret);
		at += len;
		left -= count;
	}
	good = good && records != NULL;
	free(records);
	*ret_tail = layout.trailer_offset;
	return good;
}

/* Where the first header of the segment stands whose first line is at `line`; NOWHERE if it is damaged, too. */
static uint64_t segment_header(struct vst_salvage *salvage, uint64_t line)
{
	uint8_t block[VST_TAR_BLOCK];
	uint64_t size = 0, padded = 0, at = line - VST_TAR_BLOCK;

	if (line < VST_TAR_BLOCK ||
	        vst_salvage_source_read(salvage->source, at, block, sizeof(block), NULL) != 0 ||
	        vst_tar_block_kind(block, &size, NULL) != VST_TAR_MAIN || memcmp(block, "manifest/", 9) != 0)
		return VST_SALVAGE_NOWHERE;
	for (uint64_t back = 2; back <= PAX_BLOCKS_MAX && back * VST_TAR_BLOCK <= at; back++) {
		if (vst_salvage_source_read(
		            salvage->source, at - back * VST_TAR_BLOCK, block, sizeof(block), NULL) == 0 &&
		        vst_tar_block_kind(block, &size, NULL) == VST_TAR_PAX &&
		        vst_tar_padded(size, &padded) && padded == (back - 1) * VST_TAR_BLOCK)
			return at - back * VST_TAR_BLOCK;
	}
	return at;
}

/* The line of the item that was being read where the damage ends; NULL if it cannot be had. */
static struct vst_item *item_before(struct vst_salvage *salvage, const struct around *around)
{
	struct vst_item *item = NULL;
	uint8_t *line = NULL;
	size_t len = (size_t)around->before_line_len;

	if (around->before == VST_SALVAGE_NOWHERE || len > VST_MANIFEST_LINE_MAX)
		return NULL;
	for (size_t i = salvage->entry_count; i > 0; i--)
		if (salvage->entries[i - 1].offset == around->before && salvage->entries[i - 1].entry != NULL)
			return NULL; /* its header was read, it has ended */
	line = vst_alloc(len + 1);
	if (line != NULL &&
	        vst_salvage_source_read(salvage->source, around->before_line, line, len, NULL) == 0)
		(void)vst_item_parse(line, len, &item, NULL);
	free(line);
	return item;
}

/* The rest of a file whose header is lost: it ends where the next header stands. */
static int resume_in_file(struct vst_salvage *salvage, const struct vst_item *item, uint64_t offset,
        uint64_t position, uint64_t next, struct vst_err *err)
{
	struct vst_tar_member member = {0};
	struct vst_buf name = VST_BUF_INIT;
	uint64_t padded = 0, start = 0;
	int rc = 0;

	if (!item->has_content || item->is_hardlink || item->is_sparse ||
	        !vst_tar_padded(item->size, &padded) || padded > next ||
	        next - padded < offset + VST_TAR_BLOCK)
		return 0;
	start = next - padded;
	if (position < start || position >= start + item->size)
		return 0;
	rc = vst_item_entry_name(item, &name, err);
	if (rc == 0 && (rc = vst_buf_check(&name, err)) == 0)
		rc = vst_tar_member_make(vst_buf_cstr(&name), item->size, offset, &member, err);
	if (rc == 0)
		rc = vst_tar_scan_resume_data(salvage->scan, &member, position, position - start, err);
	if (rc == 0 && salvage->entry_count > 0)
		salvage->entries[salvage->entry_count - 1].header_lost = true;
	vst_tar_member_free(&member);
	vst_buf_free(&name);
	return rc;
}

int vst_salvage_hunt_begin(struct vst_salvage *salvage, uint64_t position, bool exact, struct vst_err *err)
{
	struct around around;
	struct vst_item *item = NULL;
	uint64_t tail = 0, segment = VST_SALVAGE_NOWHERE;
	int rc = 0;

	salvage->hunt_target = VST_SALVAGE_NOWHERE;
	salvage->beyond = VST_SALVAGE_NOWHERE;
	salvage->provisional = false;
	vst_buf_clear(&salvage->prefix);
	if (!exact || !vst_salvage_source_exact(salvage->source) ||
	        !look_around(salvage, position, &around, &tail))
		return 0;
	if (around.next_line < around.next)
		segment = segment_header(salvage, around.next_line);
	if (segment != VST_SALVAGE_NOWHERE && segment >= position)
		around.next = segment;
	if (around.next == VST_SALVAGE_NOWHERE)
		around.next = tail; /* nothing but the index is behind the damage */
	salvage->hunt_target = around.next >= position ? around.next : VST_SALVAGE_NOWHERE;
	item = item_before(salvage, &around);
	if (item != NULL && item->type == VST_ITEM_STREAM) {
		rc = vst_item_entry_name(item, &salvage->prefix, err);
		vst_buf_text(&salvage->prefix, "/part-");
	} else if (item != NULL && salvage->hunt_target != VST_SALVAGE_NOWHERE) {
		rc = resume_in_file(salvage, item, around.before, position, salvage->hunt_target, err);
	}
	vst_item_free(item);
	return rc != 0 ? rc : vst_buf_check(&salvage->prefix, err);
}

/* ---- looking ---- */

int vst_salvage_hunt(struct vst_salvage *salvage, uint64_t position, const uint8_t *data, size_t len,
        uint64_t *ret_position, struct vst_err *err)
{
	uint64_t aligned = (position + VST_TAR_BLOCK - 1) / VST_TAR_BLOCK * VST_TAR_BLOCK;
	bool blind = salvage->hunt_target == VST_SALVAGE_NOWHERE;

	(void)err;
	*ret_position = VST_SALVAGE_NOWHERE;
	if (!blind && salvage->prefix.len == 0) {
		if (salvage->hunt_target < position || salvage->hunt_target - position >= len)
			return 0;
		*ret_position = salvage->hunt_target;
	}
	for (uint64_t at = aligned;
	        *ret_position == VST_SALVAGE_NOWHERE && at - position + VST_TAR_BLOCK <= len;
	        at += VST_TAR_BLOCK) {
		uint64_t size = 0;
		enum vst_tar_block_kind kind = VST_TAR_ZERO;

		if (at != salvage->hunt_target)
			kind = vst_tar_block_kind(data + (at - position), &size, NULL);
		if (at == salvage->hunt_target || kind == VST_TAR_PAX || kind == VST_TAR_MAIN)
			*ret_position = at;
	}
	if (*ret_position == VST_SALVAGE_NOWHERE)
		return 0;
	salvage->provisional = *ret_position != salvage->hunt_target;
	salvage->another_gap = false;
	if (!salvage->provisional)
		vst_buf_clear(&salvage->prefix);
	salvage->last_header = *ret_position;
	vst_tar_scan_resume(salvage->scan, *ret_position);
	return 0;
}

static bool known_name(const struct vst_salvage *salvage, const struct vst_tar_member *member)
{
	if (salvage->prefix.len > 0)
		return member->name_len >= salvage->prefix.len &&
		       memcmp(member->name, salvage->prefix.data, salvage->prefix.len) == 0;
	return strncmp(member->name, "items/", 6) == 0 || strncmp(member->name, "manifest/", 9) == 0 ||
	       strcmp(member->name, VST_ENTRY_FINDINGS) == 0 ||
	       strcmp(member->name, VST_ENTRY_CLOSING) == 0 || strcmp(member->name, VST_ENTRY_INDEX) == 0;
}

/*
 * A tar inside the evidence has headers, too. One of ours has a name of the layout, and where it says that
 * its content ends, the next header stands, or the archive ends, or there is damage.
 */
int vst_salvage_hunt_member(
        struct vst_salvage *salvage, const struct vst_tar_member *member, struct vst_err *err)
{
	uint64_t position = vst_tar_scan_position(salvage->scan), padded = 0, size = 0;
	uint64_t end = vst_salvage_source_end(salvage->source);
	uint8_t block[VST_TAR_BLOCK];
	int rc = 0;

	if (member->offset == salvage->hunt_target) { /* the index knows it: the hunt is over */
		vst_buf_clear(&salvage->prefix);
		salvage->provisional = false;
		return 0;
	}
	if (!known_name(salvage, member) || !vst_tar_padded(member->body, &padded))
		return vst_err_set(err, VST_EFORMAT, "a header that is none of the layout's");
	if (member->sparse) /* the scan has read the map: what is left is data */
		return 0;
	if (padded > end - position) {
		if (salvage->allow_beyond)
			return 0;
		if (salvage->beyond == VST_SALVAGE_NOWHERE)
			salvage->beyond = member->offset;
		return vst_err_set(err, VST_EFORMAT, "a header whose content would end behind the file");
	}
	if (padded == end - position)
		return 0;
	rc = vst_salvage_source_read(salvage->source, position + padded, block, sizeof(block), err);
	if (rc == VST_EFORMAT || rc == VST_EAUTH) {
		vst_err_clear(err);
		return 0;
	}
	if (rc == 0 && vst_tar_block_kind(block, &size, NULL) == VST_TAR_BROKEN)
		return vst_err_set(err, VST_EFORMAT, "a header whose content is not followed by one");
	if (rc == 0)
		salvage->beyond = VST_SALVAGE_NOWHERE;
	return rc;
}
