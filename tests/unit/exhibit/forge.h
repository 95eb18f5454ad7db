/*
 * Builds exhibits by hand, true ones and hostile ones: each step can be bent before it is taken.
 *
 * Header-only, for the tests of the read side: what they read does not come from our writer, so that a
 * mistake both share would show.
 */
#ifndef VESTIGE_TEST_FORGE_H
#define VESTIGE_TEST_FORGE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_reader.h"
#include "vestige/io.h"
#include "vestige/merkle.h"
#include "vestige/timefmt.h"

#define FORGE_ITEMS 5000

struct forge_item {
	uint8_t leaf[VST_HASH_LEN], path[VST_HASH_LEN];
	uint64_t tar_offset, line_offset;
	size_t line_at, line_len; /* in forge.lines */
};

struct forge {
	struct vst_buf tar, lines, zst, file;
	struct archive *archive;
	struct forge_item items[FORGE_ITEMS];
	size_t count;
	void (*bend)(struct archive_entry *entry); /* the tar entry of the next item, before it is written */
	const char *name;                          /* its name, NULL: the right one */
	bool index_unsorted, wrong_index_digest;
	int wrong_leaf, wrong_line; /* seq, -1 none */
	bool no_checksums, no_trailer;
	uint32_t trailer_version;
	size_t frame; /* bytes of tar a frame */
	struct vst_age_identities identities;
	struct vst_age_recipients recipients;
	struct vst_exhibit_expectation expect;
	struct vst_input input;
};

static la_ssize_t forge_write(struct archive *archive, void *ctx, const void *data, size_t len)
{
	(void)archive;
	vst_buf_bytes(ctx, data, len);
	return (la_ssize_t)len;
}

static inline void forge_die(const char *what, const struct vst_err *err)
{
	fail_msg("forge: %s: %s", what, err ? err->text : "");
}

static inline struct forge *forge_new(void)
{
	struct forge *f = calloc(1, sizeof *f);
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;

	assert_non_null(f);
	f->wrong_leaf = f->wrong_line = -1;
	f->trailer_version = 1;
	f->frame = 8192;
	f->archive = archive_write_new();
	archive_write_set_format_pax(f->archive);
	archive_write_set_options(f->archive, "hdrcharset=BINARY,xattrheader=SCHILY");
	archive_write_set_bytes_per_block(f->archive, 0);
	if (archive_write_open(f->archive, &f->tar, NULL, forge_write, NULL) != ARCHIVE_OK)
		forge_die("archive", NULL);
	if (vst_age_identity_generate(&identity, &err) != 0 ||
	        vst_age_identity_recipient(identity, &recipient, &err) != 0 ||
	        vst_age_identities_add(&f->identities, identity, &err) != 0 ||
	        vst_age_recipients_add(&f->recipients, recipient, &err) != 0)
		forge_die("keys", &err);
	return f;
}

static inline void forge_free(struct forge *f)
{
	archive_write_free(f->archive);
	vst_buf_free(&f->tar);
	vst_buf_free(&f->lines);
	vst_buf_free(&f->zst);
	vst_buf_free(&f->file);
	vst_age_identities_free(&f->identities);
	vst_age_recipients_free(&f->recipients);
	free(f);
}

static inline void forge_entry_acl(struct archive_entry *entry, const char *text, int type)
{
	char *copy = strdup(text), *save = NULL;

	for (char *at = strtok_r(copy, ",", &save); at; at = strtok_r(NULL, ",", &save)) {
		char *id = strchr(at, ':') + 1, *perms = strrchr(at, ':') + 1;
		int permset =
		        (perms[0] == 'r' ? 4 : 0) | (perms[1] == 'w' ? 2 : 0) | (perms[2] == 'x' ? 1 : 0);
		bool named = *id != ':';
		int tag = at[0] == 'u'   ? (named ? ARCHIVE_ENTRY_ACL_USER : ARCHIVE_ENTRY_ACL_USER_OBJ)
		          : at[0] == 'g' ? (named ? ARCHIVE_ENTRY_ACL_GROUP : ARCHIVE_ENTRY_ACL_GROUP_OBJ)
		          : at[0] == 'm' ? ARCHIVE_ENTRY_ACL_MASK
		                         : ARCHIVE_ENTRY_ACL_OTHER;
		char number[16];

		snprintf(number, sizeof number, "%d", named ? atoi(id) : -1);
		archive_entry_acl_add_entry(
		        entry, type, permset, tag, named ? atoi(id) : -1, named ? number : NULL);
	}
	free(copy);
}

static inline struct archive_entry *forge_entry(
        struct forge *f, const struct vst_item *item, const char *name, const char *link)
{
	static const unsigned types[VST_ITEM_TYPES] = {
	        [VST_ITEM_FILE] = AE_IFREG,
	        [VST_ITEM_DIRECTORY] = AE_IFDIR,
	        [VST_ITEM_SYMLINK] = AE_IFLNK,
	        [VST_ITEM_FIFO] = AE_IFIFO,
	        [VST_ITEM_CHAR_DEVICE] = AE_IFCHR,
	        [VST_ITEM_BLOCK_DEVICE] = AE_IFBLK,
	        [VST_ITEM_STREAM] = AE_IFREG,
	        [VST_ITEM_RECORD] = AE_IFREG,
	};
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, types[item->type]);
	archive_entry_set_perm(entry, item->has_stat ? (mode_t)item->mode : 0600);
	archive_entry_set_size(entry, item->has_content ? (int64_t)item->size : 0);
	archive_entry_set_uid(entry, (int64_t)item->uid);
	archive_entry_set_gid(entry, (int64_t)item->gid);
	archive_entry_set_uname(entry, item->user);
	archive_entry_set_gname(entry, item->group);
	if (item->has_stat && item->mtime != VST_TIME_NONE)
		archive_entry_set_mtime(
		        entry, (time_t)(item->mtime / VST_NS_PER_S), (long)(item->mtime % VST_NS_PER_S));
	if (item->target)
		archive_entry_set_symlink(entry, item->target);
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE) {
		archive_entry_set_rdevmajor(entry, item->rdev_major);
		archive_entry_set_rdevminor(entry, item->rdev_minor);
	}
	if (link)
		archive_entry_set_hardlink(entry, link);
	if (item->acl)
		forge_entry_acl(entry, item->acl, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
	if (item->default_acl)
		forge_entry_acl(entry, item->default_acl, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT);
	for (size_t i = 0; i < item->xattr_count; i++)
		archive_entry_xattr_add_entry(
		        entry, item->xattrs[i].name, item->xattrs[i].value, item->xattrs[i].len);
	for (size_t i = 0; i < item->extent_count; i++)
		archive_entry_sparse_add_entry(
		        entry, (int64_t)item->extents[i].offset, (int64_t)item->extents[i].len);
	if (f->bend)
		f->bend(entry);
	return entry;
}

/* Writes one entry; gives its offset. `content` is all logical bytes. */
static inline uint64_t forge_put(
        struct forge *f, struct archive_entry *entry, const void *content, size_t len)
{
	uint64_t offset = f->tar.len;

	if (archive_write_header(f->archive, entry) != ARCHIVE_OK)
		fail_msg("forge: %s", archive_error_string(f->archive));
	if (len > 0 && archive_write_data(f->archive, content, len) != (la_ssize_t)len)
		fail_msg("forge: %s", archive_error_string(f->archive));
	if (archive_write_finish_entry(f->archive) != ARCHIVE_OK)
		fail_msg("forge: %s", archive_error_string(f->archive));
	archive_entry_free(entry);
	return offset;
}

static inline void forge_hash(struct vst_item *item, const uint8_t *content, size_t len)
{
	struct vst_hash *hash = NULL;

	assert_int_equal(vst_hash_new(&hash, VST_HASH_SHA256, NULL), 0);
	if (item->is_sparse)
		for (size_t i = 0; i < item->extent_count; i++)
			vst_hash_update(hash, content + item->extents[i].offset, item->extents[i].len);
	else
		vst_hash_update(hash, content, len);
	memcpy(item->sha256, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
	vst_hash_free(hash);
}

/* The line of an item whose tar entry is at `offset`. */
static inline void forge_line(struct forge *f, struct vst_item *item, uint64_t offset)
{
	struct forge_item *made = &f->items[f->count];
	struct vst_err err = VST_ERR_INIT;

	assert_true(f->count < FORGE_ITEMS);
	item->seq = f->count;
	memset(item->salt, (int)(f->count % 251) + 1, sizeof item->salt);
	made->tar_offset = offset;
	made->line_at = f->lines.len;
	if (vst_item_encode(item, &f->lines, &err) != 0)
		forge_die("line", &err);
	made->line_len = f->lines.len - made->line_at;
	vst_merkle_leaf(f->lines.data + made->line_at, made->line_len, made->leaf);
	vst_item_path_digest(item->source, item->path, made->path);
	vst_buf_byte(&f->lines, '\n');
	f->count++;
}

/* Entry and line of an item; `content` NULL: none. `link` is the entry name of a hard link's target. */
static inline void forge_item(
        struct forge *f, struct vst_item *item, const void *content, size_t len, const char *link)
{
	struct vst_buf name = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	uint64_t offset = UINT64_MAX;

	if (content) {
		item->has_content = true;
		item->size = len;
		item->hashes = VST_HASH_SHA256;
		forge_hash(item, content, len);
	}
	item->seq = f->count; /* a long name is made of it */
	if (vst_item_entry_name(item, &name, &err) != 0)
		forge_die("name", &err);
	if (item->type == VST_ITEM_STREAM && content) {
		size_t part_len = item->parts ? (len + item->parts - 1) / item->parts : len;

		for (size_t part = 0, at = 0; part < item->parts; part++, at += part_len) {
			char text[512];
			struct vst_item one = *item;
			uint64_t here;

			one.size = len - at < part_len ? len - at : part_len;
			snprintf(text, sizeof text, "%s/part-%06zu", vst_buf_cstr(&name), part + 1);
			here = forge_put(
			        f, forge_entry(f, &one, text, NULL), (const char *)content + at, one.size);
			if (part == 0)
				offset = here;
		}
	} else if (vst_item_has_entry(item)) {
		offset = forge_put(
		        f, forge_entry(f, item, f->name ? f->name : vst_buf_cstr(&name), link), content, len);
	}
	f->bend = NULL;
	f->name = NULL;
	vst_buf_free(&name);
	forge_line(f, item, offset);
}

static inline struct vst_item forge_describe(enum vst_item_type type, const char *path, uint32_t mode)
{
	struct vst_item item;

	vst_item_init(&item);
	item.source = "src";
	item.path = path;
	item.type = type;
	item.status = VST_ITEM_COLLECTED;
	item.has_stat = true;
	item.mode = mode;
	item.uid = 0;
	item.gid = 0;
	item.mtime = INT64_C(1700000000123456789);
	item.ctime = item.mtime;
	item.nlink = 1;
	item.ino = 1;
	return item;
}

static inline void forge_file(struct forge *f, const char *path, const char *content)
{
	struct vst_item item = forge_describe(VST_ITEM_FILE, path, 0640);

	forge_item(f, &item, content, strlen(content), NULL);
}

static inline int forge_compare(const void *a, const void *b, void *ctx)
{
	const struct forge *f = ctx;
	const uint32_t *x = a, *y = b;

	return memcmp(f->items[*x].path, f->items[*y].path, VST_HASH_LEN);
}

static inline void forge_index(struct forge *f, struct vst_buf *out)
{
	uint32_t *order = calloc(f->count + 1, sizeof *order);

	for (size_t i = 0; i < f->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, f->count, sizeof *order, forge_compare, f);
	if (f->index_unsorted) {
		uint32_t first = order[0];

		order[0] = order[f->count - 1];
		order[f->count - 1] = first;
	}
	for (size_t i = 0; i < f->count; i++) {
		const struct forge_item *item = &f->items[order[i]];

		vst_buf_bytes(out, item->path, VST_HASH_LEN);
		vst_buf_u32le(out, order[i]);
		vst_buf_u32le(out, (uint32_t)item->line_len);
		vst_buf_u64le(out, item->tar_offset);
		vst_buf_u64le(out, item->line_offset);
	}
	free(order);
}

/* An entry of ours; gives the offset of its content. */
static inline uint64_t forge_own(struct forge *f, const char *name, const struct vst_buf *data)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (int64_t)data->len);
	forge_put(f, entry, data->data, data->len);
	return f->tar.len - (data->len + 511) / 512 * 512;
}

static inline void forge_trailer(
        struct forge *f, uint64_t index_at, uint64_t leaves_at, const uint8_t index_sha256[32])
{
	static const uint8_t zeros[1024];
	struct vst_buf trailer = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN];

	vst_buf_text(&trailer, VST_TRAILER_MAGIC);
	vst_buf_u32le(&trailer, f->trailer_version);
	vst_buf_u32le(&trailer, VST_INDEX_RECORD_LEN);
	vst_buf_u64le(&trailer, f->count);
	vst_buf_u64le(&trailer, index_at);
	vst_buf_u64le(&trailer, leaves_at);
	vst_buf_u64le(&trailer, f->tar.len);
	vst_buf_u64le(&trailer, 1);
	vst_buf_bytes(&trailer, f->expect.root, VST_HASH_LEN);
	vst_buf_bytes(&trailer, index_sha256, VST_HASH_LEN);
	vst_buf_bytes(&trailer, zeros, 480 - trailer.len);
	vst_sha256(trailer.data, 480, digest);
	vst_buf_bytes(&trailer, digest, sizeof digest);
	if (!f->no_trailer)
		forge_own(f, VST_ENTRY_TRAILER, &trailer);
	vst_buf_bytes(&f->tar, zeros, 1024);
	vst_buf_free(&trailer);
}

/* Manifest, index, leaves, trailer: the tar is complete. */
static inline void forge_tar(struct forge *f)
{
	struct vst_buf index = VST_BUF_INIT, leaves = VST_BUF_INIT;
	uint8_t index_sha256[VST_HASH_LEN];
	uint64_t index_at, leaves_at, lines_at;

	for (size_t i = 0; i < f->count; i++)
		vst_buf_bytes(&leaves, f->items[i].leaf, VST_HASH_LEN);
	vst_merkle_root_of(leaves.data, f->count, f->expect.root);
	f->expect.items = f->count;
	if (f->wrong_leaf >= 0)
		leaves.data[(size_t)f->wrong_leaf * VST_HASH_LEN] ^= 1;
	if (f->wrong_line >= 0)
		memcpy(f->lines.data + f->items[f->wrong_line].line_at + f->items[f->wrong_line].line_len - 1,
		        " ", 1);
	lines_at = forge_own(f, "manifest/000001.jsonl", &f->lines);
	for (size_t i = 0; i < f->count; i++)
		f->items[i].line_offset = lines_at + f->items[i].line_at;
	forge_index(f, &index);
	vst_sha256(index.data, index.len, index_sha256);
	index_sha256[0] ^= f->wrong_index_digest;
	index_at = forge_own(f, VST_ENTRY_INDEX, &index);
	leaves_at = forge_own(f, VST_ENTRY_LEAVES, &leaves);
	forge_trailer(f, index_at, leaves_at, index_sha256);
	vst_buf_free(&index);
	vst_buf_free(&leaves);
}

/* Frames and seek table. */
static inline void forge_frames(struct forge *f)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	struct vst_buf table = VST_BUF_INIT;
	size_t bound = ZSTD_compressBound(f->frame), count = 0;
	uint8_t *frame = malloc(bound);
	size_t entry = f->no_checksums ? 8 : 12;

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	for (size_t at = 0; at < f->tar.len; at += f->frame, count++) {
		size_t len = f->tar.len - at < f->frame ? f->tar.len - at : f->frame;
		size_t got = ZSTD_compress2(context, frame, bound, f->tar.data + at, len);

		assert_false(ZSTD_isError(got));
		vst_buf_bytes(&f->zst, frame, got);
		vst_buf_u32le(&table, (uint32_t)got);
		vst_buf_u32le(&table, (uint32_t)len);
		if (!f->no_checksums)
			vst_buf_bytes(&table, frame + got - 4, 4);
	}
	vst_buf_u32le(&f->zst, 0x184D2A5E);
	vst_buf_u32le(&f->zst, (uint32_t)(count * entry + 9));
	vst_buf_bytes(&f->zst, table.data, table.len);
	vst_buf_u32le(&f->zst, (uint32_t)count);
	vst_buf_byte(&f->zst, f->no_checksums ? 0 : 0x80);
	vst_buf_u32le(&f->zst, 0x8F92EAB1);
	vst_buf_free(&table);
	free(frame);
	ZSTD_freeCCtx(context);
}

static inline void forge_encrypt(struct forge *f)
{
	struct vst_output out = vst_output_buf(&f->file);
	struct vst_age_writer *writer = NULL;
	struct vst_err err = VST_ERR_INIT;

	if (vst_age_writer_new(&writer, &f->recipients, &out, &err) != 0 ||
	        vst_age_writer_write(writer, f->zst.data, f->zst.len, &err) != 0 ||
	        vst_age_writer_finish(writer, &err) != 0)
		forge_die("age", &err);
	vst_age_writer_free(writer);
	f->input = vst_input_memory(f->file.data, f->file.len);
}

static inline void forge_seal(struct forge *f)
{
	forge_tar(f);
	forge_frames(f);
	forge_encrypt(f);
}

static inline struct vst_exhibit *forge_open(struct forge *f)
{
	struct vst_exhibit *exhibit = NULL;
	struct vst_err err = VST_ERR_INIT;

	if (vst_exhibit_open(&exhibit, &f->input, &f->identities, &f->expect, &err) != 0)
		fail_msg("open: %s", err.text);
	return exhibit;
}

#endif
