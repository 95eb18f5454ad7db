/* Content of items: tar entries by libarchive at an offset, compared with the line, hashed as they pass. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/entry_match.h"
#include "exhibit/exhibit_state.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"

#define PLAN_FROM (2 * VST_FRAME_MAX) /* items from this size on are worth the workers */
#define FIRST_PART 1

/* Where libarchive reads. */
struct position {
	struct vst_tar_stream *stream;
	uint64_t at;
	int rc; /* of a read that failed: libarchive's own error says less */
	struct vst_err err;
};

/* One item on its way. */
struct reading {
	const struct vst_item *item;
	struct archive *archive;
	struct position position;
	struct vst_hash *hash;
	vst_exhibit_sink *sink;
	void *ctx;
	uint64_t offset;    /* logical: where the next byte has to lie */
	size_t extent;      /* sparse: the one that `offset` is in */
	uint64_t base;      /* stream: bytes of the parts before this one */
	uint64_t part_size; /* stream: of this part */
};

static la_ssize_t read_position(struct archive *archive, void *ctx, const void **ret)
{
	struct position *position = ctx;
	const uint8_t *data = NULL;
	size_t len = 0;

	position->rc = vst_tar_stream_view(position->stream, position->at, &data, &len, &position->err);
	if (position->rc != 0) {
		archive_set_error(archive, EIO, "%s", position->err.text);
		return -1;
	}
	position->at += len;
	*ret = data;
	return (la_ssize_t)len;
}

static la_int64_t skip_position(struct archive *archive, void *ctx, la_int64_t wanted)
{
	struct position *position = ctx;
	uint64_t left = vst_tar_stream_size(position->stream) - position->at;

	(void)archive;
	if (wanted <= 0)
		return 0;
	if ((uint64_t)wanted > left)
		wanted = (la_int64_t)left;
	position->at += (uint64_t)wanted;
	return wanted;
}

/* What libarchive says, unless reading itself failed. */
static int archive_failed(struct reading *reading, const char *what, struct vst_err *err)
{
	const char *text = archive_error_string(reading->archive);

	if (reading->position.rc != 0) {
		if (err)
			*err = reading->position.err;
		return reading->position.rc;
	}
	if (archive_errno(reading->archive) == ENOMEM)
		return vst_err_nomem(err);
	return vst_err_set(err, VST_EFORMAT, "%s: %s", what, text ? text : "damaged");
}

static int open_at(struct reading *reading, uint64_t offset, struct vst_err *err)
{
	int rc;

	reading->position.at = offset;
	if ((rc = vst_entry_reader_new(&reading->archive, err)) != 0)
		return rc;
	if (archive_read_set_read_callback(reading->archive, read_position) != ARCHIVE_OK ||
	        archive_read_set_skip_callback(reading->archive, skip_position) != ARCHIVE_OK ||
	        archive_read_set_callback_data(reading->archive, &reading->position) != ARCHIVE_OK ||
	        archive_read_open1(reading->archive) != ARCHIVE_OK)
		return archive_failed(reading, "tar", err);
	return 0;
}

static int next_entry(struct reading *reading, uint64_t part, const char *link_name,
        struct archive_entry **ret, struct vst_err *err)
{
	int rc = vst_entry_next(reading->archive, ret, err);

	if (rc == VST_ENOTFOUND)
		return vst_err_set(err, VST_ETAMPERED, "the tar entry is not where the index says");
	if (rc == VST_EFORMAT && reading->position.rc != 0)
		return archive_failed(reading, "tar", err);
	return rc != 0 ? rc : vst_entry_match(*ret, reading->item, part, link_name, err);
}

/* ---- data ---- */

/* The end of the extent that `offset` lies in, after stepping to the extent that `at` begins. False: data
 * where the line has none. */
static bool extent_end(struct reading *reading, uint64_t at, uint64_t *ret_end)
{
	const struct vst_item *item = reading->item;

	if (item->type == VST_ITEM_STREAM) {
		*ret_end = reading->base + reading->part_size;
		return at == reading->offset && at < *ret_end;
	}
	if (!item->is_sparse) {
		*ret_end = item->size;
		return at == reading->offset && at < item->size;
	}
	if (reading->extent >= item->extent_count)
		return false;
	if (reading->offset < item->extents[reading->extent].offset)
		reading->offset = item->extents[reading->extent].offset;
	*ret_end = item->extents[reading->extent].offset + item->extents[reading->extent].len;
	return at == reading->offset;
}

static int take_block(
        struct reading *reading, uint64_t at, const uint8_t *data, size_t len, struct vst_err *err)
{
	int rc = 0;

	while (rc == 0 && len > 0) {
		uint64_t end = 0;
		size_t take;

		if (!extent_end(reading, at, &end))
			return vst_err_set(err, VST_ETAMPERED, "data lies where the manifest has none");
		take = end - at < len ? (size_t)(end - at) : len;
		vst_hash_update(reading->hash, data, take);
		rc = reading->sink ? reading->sink(reading->ctx, at, data, take, err) : 0;
		at += take;
		data += take;
		len -= take;
		reading->offset = at;
		if (reading->item->is_sparse && at == end)
			reading->extent++;
	}
	return rc;
}

static int take_data(struct reading *reading, struct vst_err *err)
{
	for (;;) {
		const void *data = NULL;
		size_t len = 0;
		la_int64_t at = 0;
		int got = archive_read_data_block(reading->archive, &data, &len, &at), rc;

		if (got == ARCHIVE_EOF)
			return 0;
		if (got != ARCHIVE_OK || at < 0)
			return archive_failed(reading, "content", err);
		rc = take_block(reading, reading->base + (uint64_t)at, data, len, err);
		if (rc != 0)
			return rc;
	}
}

static int check_digest(const struct reading *reading, enum vst_hash_set algorithm, const uint8_t *want,
        size_t len, const char *name, struct vst_err *err)
{
	const uint8_t *have;

	if (!(reading->item->hashes & (unsigned)algorithm) && algorithm != VST_HASH_SHA256)
		return 0;
	have = vst_hash_final(reading->hash, algorithm);
	if (!have || memcmp(have, want, len) != 0)
		return vst_err_set(err, VST_ETAMPERED, "the content's %s is not the sealed one", name);
	return 0;
}

static int check_content(const struct reading *reading, struct vst_err *err)
{
	const struct vst_item *item = reading->item;
	bool all = item->is_sparse ? reading->extent == item->extent_count : reading->offset == item->size;
	int rc;

	if (!all)
		return vst_err_set(err, VST_ETAMPERED, "less content than the manifest says");
	if ((rc = check_digest(reading, VST_HASH_SHA256, item->sha256, VST_HASH_LEN, "SHA-256", err)) != 0 ||
	        (rc = check_digest(reading, VST_HASH_SHA1, item->sha1, VST_SHA1_LEN, "SHA-1", err)) != 0)
		return rc;
	return check_digest(reading, VST_HASH_MD5, item->md5, VST_MD5_LEN, "MD5", err);
}

static int read_parts(struct reading *reading, struct vst_err *err)
{
	const struct vst_item *item = reading->item;
	int rc = 0;

	for (uint64_t part = 0; rc == 0 && part < item->parts; part++) {
		struct archive_entry *entry = NULL;
		int64_t size;

		if ((rc = next_entry(reading, FIRST_PART + part, NULL, &entry, err)) != 0)
			break;
		size = archive_entry_size(entry);
		if (size < 0 || size > VST_PART_MAX || (uint64_t)size > item->size - reading->offset)
			return vst_err_set(err, VST_ETAMPERED, "part %llu is larger than the manifest allows",
			        (unsigned long long)(FIRST_PART + part));
		reading->base = reading->offset;
		reading->part_size = (uint64_t)size;
		rc = take_data(reading, err);
		if (rc == 0 && reading->offset != reading->base + reading->part_size)
			return vst_err_set(err, VST_EFORMAT, "part %llu is cut short",
			        (unsigned long long)(FIRST_PART + part));
	}
	return rc;
}

static int read_content(struct reading *reading, struct vst_err *err)
{
	struct archive_entry *entry = NULL;
	int rc;

	if ((rc = vst_hash_new(&reading->hash, reading->item->hashes | VST_HASH_SHA256, err)) != 0)
		return rc;
	if (reading->item->type == VST_ITEM_STREAM)
		rc = read_parts(reading, err);
	else if ((rc = next_entry(reading, VST_ENTRY_NO_PART, NULL, &entry, err)) == 0)
		rc = take_data(reading, err);
	return rc != 0 ? rc : check_content(reading, err);
}

/* An entry without content: a directory, a link, a device. */
static int read_bare(struct reading *reading, const struct vst_item *target, struct vst_err *err)
{
	struct vst_buf name = VST_BUF_INIT;
	struct archive_entry *entry = NULL;
	int rc = 0;

	if (target && (rc = vst_item_entry_name(target, &name, err)) == 0)
		rc = vst_buf_check(&name, err);
	if (rc == 0)
		rc = next_entry(reading, VST_ENTRY_NO_PART, target ? vst_buf_cstr(&name) : NULL, &entry, err);
	vst_buf_free(&name);
	return rc;
}

int vst_exhibit_read_item(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry,
        const struct vst_item *target, vst_exhibit_sink *sink, void *ctx, struct vst_err *err)
{
	struct reading reading = {
	        .item = entry->item, .position.stream = exhibit->stream, .sink = sink, .ctx = ctx};
	bool content = entry->item->has_content && !entry->item->is_hardlink;
	bool planned = content && entry->item->size >= PLAN_FROM && !entry->item->is_sparse;
	int rc;

	if (entry->tar_offset == UINT64_MAX)
		return vst_err_set(err, VST_ENOTFOUND, "the exhibit holds nothing of it");
	if (planned)
		vst_tar_stream_plan(exhibit->stream, entry->tar_offset,
		        entry->item->size > UINT64_MAX - entry->tar_offset
		                ? UINT64_MAX
		                : entry->tar_offset + entry->item->size);
	if ((rc = open_at(&reading, entry->tar_offset, err)) == 0)
		rc = content ? read_content(&reading, err) : read_bare(&reading, target, err);
	if (planned)
		vst_tar_stream_plan(exhibit->stream, 0, 0);
	archive_read_free(reading.archive);
	vst_hash_free(reading.hash);
	return rc;
}

/* ---- hard links ---- */

/* A link has an entry of its own where its target has all of its content in one. */
static bool may_be_linked(const struct vst_exhibit_entry *target, const struct vst_item *link)
{
	if (link->status == VST_ITEM_UNCHANGED || target->item->has_whole)
		return link->status == VST_ITEM_UNCHANGED && target->item->has_whole;
	return target->tar_offset != UINT64_MAX && (link->type != VST_ITEM_FILE || target->item->has_content);
}

int vst_exhibit_link_target(struct vst_exhibit *exhibit, const struct vst_item *link,
        struct vst_exhibit_entry *ret, struct vst_err *err)
{
	struct vst_exhibit_entry target = {0};
	uint64_t seq = 0;
	int rc = vst_exhibit_seq_of_leaf(exhibit, link->hardlink, &seq, err);

	if (rc == VST_ENOTFOUND)
		return vst_err_set(err, VST_ETAMPERED, "a hard link to an item that is not in the exhibit");
	if (rc != 0 || (rc = vst_exhibit_entry_at(exhibit, seq, &target, err)) != 0)
		return rc;
	if (target.item->is_hardlink || target.item->type != link->type || !may_be_linked(&target, link)) {
		vst_exhibit_entry_free(&target);
		return vst_err_set(err, VST_ETAMPERED, "a hard link to an item that cannot be its target");
	}
	*ret = target;
	return 0;
}

/* ---- to an output ---- */

struct copying {
	const struct vst_output *out;
	bool expand;
	struct vst_hash *whole; /* NULL: not wanted */
	uint64_t at;            /* logical bytes that went out */
};

static int copy_zeros(struct copying *copying, uint64_t until, struct vst_err *err)
{
	static const uint8_t zeros[64 * 1024];
	int rc = 0;

	while (rc == 0 && copying->at < until) {
		uint64_t left = until - copying->at;
		size_t len = left < sizeof zeros ? (size_t)left : sizeof zeros;

		if (copying->whole)
			vst_hash_update(copying->whole, zeros, len);
		rc = copying->out->write(copying->out->ctx, zeros, len, err);
		copying->at += len;
	}
	return rc;
}

static int copy_data(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	struct copying *copying = ctx;
	int rc = copying->expand ? copy_zeros(copying, offset, err) : 0;

	if (rc != 0)
		return rc;
	if (copying->whole)
		vst_hash_update(copying->whole, data, len);
	copying->at = offset + len;
	return copying->out->write(copying->out->ctx, data, len, err);
}

static int copy_item(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry, bool expand,
        const struct vst_output *out, struct vst_err *err)
{
	const struct vst_item *item = entry->item;
	struct copying copying = {.out = out, .expand = expand && item->is_sparse};
	int rc = 0;

	if (item->content != VST_ITEM_CONTENT_FULL)
		return vst_err_set(err, VST_ENOTFOUND,
		        "no content in the exhibit: the policy asked for %s only",
		        item->content == VST_ITEM_CONTENT_DIGEST ? "a digest of it" : "its metadata");
	if (!item->has_whole && (!item->has_content || entry->tar_offset == UINT64_MAX))
		return vst_err_set(err, VST_ENOTFOUND, "no content in the exhibit: %s, %s",
		        vst_item_type_name(item->type), vst_item_status_name(item->status));
	if (copying.expand && item->has_whole_sha256)
		rc = vst_hash_new(&copying.whole, VST_HASH_SHA256, err);
	if (rc == 0)
		rc = vst_exhibit_read_whole(exhibit, entry, copy_data, &copying, err);
	if (rc == 0 && copying.expand)
		rc = copy_zeros(&copying, item->size, err);
	if (rc == 0 && copying.whole &&
	        memcmp(vst_hash_final(copying.whole, VST_HASH_SHA256), item->whole_sha256, VST_HASH_LEN) != 0)
		rc = vst_err_set(err, VST_ETAMPERED, "the SHA-256 of the whole file is not the sealed one");
	vst_hash_free(copying.whole);
	return rc;
}

int vst_exhibit_content(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry, bool expand,
        const struct vst_output *out, struct vst_err *err)
{
	struct vst_exhibit_entry target = {0};
	int rc;

	if (!entry->item->is_hardlink)
		return copy_item(exhibit, entry, expand, out, err);
	rc = vst_exhibit_link_target(exhibit, entry->item, &target, err);
	if (rc == 0 && entry->tar_offset != UINT64_MAX)
		rc = vst_exhibit_read_item(exhibit, entry, target.item, NULL, NULL, err);
	if (rc == 0)
		rc = copy_item(exhibit, &target, expand, out, err);
	vst_exhibit_entry_free(&target);
	return rc;
}
