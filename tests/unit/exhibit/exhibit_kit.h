/*
 * Exhibits for the tests of the deep check and of salvage: made by the writer, taken apart to their tar,
 * bent, and sealed again to the same recipient, so that age and zstd have nothing to say about them.
 */
#ifndef VESTIGE_TEST_EXHIBIT_KIT_H
#define VESTIGE_TEST_EXHIBIT_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_reader.h"
#include "vestige/exhibit_writer.h"
#include "vestige/io.h"
#include "vestige/timefmt.h"

struct kit {
	struct vst_age_identities identities;
	struct vst_age_recipients recipients;
	struct vst_exhibit_writer *writer;
	struct vst_exhibit_expectation expect;
	struct vst_buf file, zst, tar;
	size_t frames_at[4096]; /* in zst, of the last pack */
	size_t frame_count;
	char last_name[256];
};

static inline void kit_must(int rc, const struct vst_err *err, const char *what)
{
	if (rc != 0)
		fail_msg("%s: %d %s", what, rc, err->text);
}

static inline struct kit *kit_new(unsigned hashes)
{
	struct kit *kit = calloc(1, sizeof(*kit));
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit_writer_options options = {.workers = 1, .hashes = hashes};

	kit_must(vst_age_identity_generate(&identity, &err), &err, "identity");
	kit_must(vst_age_identity_recipient(identity, &recipient, &err), &err, "recipient");
	kit_must(vst_age_identities_add(&kit->identities, identity, &err), &err, "identities");
	kit_must(vst_age_recipients_add(&kit->recipients, recipient, &err), &err, "recipients");
	options.recipients = &kit->recipients;
	options.out = vst_output_buf(&kit->file);
	kit_must(vst_exhibit_writer_new(&options, &kit->writer, &err), &err, "writer");
	kit_must(vst_exhibit_writer_record(kit->writer, VST_ENTRY_EXHIBIT, "{\"case\":1}", 10, &err), &err,
	        "record");
	kit_must(vst_exhibit_writer_record(kit->writer, VST_ENTRY_POLICY, "policy: x\n", 10, &err), &err,
	        "record");
	kit_must(vst_exhibit_writer_source(kit->writer, "logs", &err), &err, "source");
	return kit;
}

static inline void kit_free(struct kit *kit)
{
	vst_exhibit_writer_free(kit->writer);
	vst_age_identities_free(&kit->identities);
	vst_age_recipients_free(&kit->recipients);
	vst_buf_free(&kit->file);
	vst_buf_free(&kit->zst);
	vst_buf_free(&kit->tar);
	free(kit);
}

static inline void kit_stat(struct vst_item *item, const char *path, enum vst_item_type type)
{
	vst_item_init(item);
	item->source = "logs";
	item->path = path;
	item->type = type;
	item->has_stat = true;
	item->mode = type == VST_ITEM_DIRECTORY ? 0755 : 0640;
	item->uid = 1000;
	item->gid = 4;
	item->user = "anna";
	item->group = "adm";
	item->mtime = INT64_C(1790000000123456789);
	item->atime = item->mtime + 1;
	item->ctime = item->mtime + 2;
	item->btime = VST_TIME_NONE;
	item->dev_major = 8;
	item->ino = 4711;
	item->nlink = 1;
}

static inline void kit_put(struct kit *kit, struct vst_item *item, const void *data, size_t len)
{
	struct vst_err err = VST_ERR_INIT;

	kit_must(vst_exhibit_writer_begin(kit->writer, item, &err), &err, item->path);
	kit_must(vst_exhibit_writer_data(kit->writer, data, len, &err), &err, item->path);
	item->has_read = item->type != VST_ITEM_STREAM;
	item->read_expected = item->read_got = len;
	item->read_start = item->read_end = item->mtime;
	if (item->has_read) {
		item->before = (struct vst_item_stat){item->size, item->mtime, item->ctime};
		item->after = item->before;
		item->has_after = true;
	}
	kit_must(vst_exhibit_writer_end(kit->writer, item, NULL, &err), &err, item->path);
}

static inline void kit_file(struct kit *kit, const char *path, const void *data, size_t len)
{
	struct vst_item item;

	kit_stat(&item, path, VST_ITEM_FILE);
	item.size = len;
	kit_put(kit, &item, data, len);
}

static inline void kit_text(struct kit *kit, const char *path, const char *text)
{
	kit_file(kit, path, text, strlen(text));
}

static inline void kit_stream(struct kit *kit, const char *path, const void *data, size_t len)
{
	struct vst_item item;

	kit_stat(&item, path, VST_ITEM_STREAM);
	kit_put(kit, &item, data, len);
}

static inline void kit_item(struct kit *kit, struct vst_item *item, const char *link)
{
	struct vst_err err = VST_ERR_INIT;

	kit_must(vst_exhibit_writer_item(kit->writer, item, NULL, link, NULL, &err), &err, item->path);
}

static inline void kit_finish(struct kit *kit)
{
	struct vst_exhibit_summary summary;
	struct vst_err err = VST_ERR_INIT;

	kit_must(vst_exhibit_writer_record(kit->writer, VST_ENTRY_CLOSING, "{\"end\":1}", 9, &err), &err,
	        "closing");
	kit_must(vst_exhibit_writer_finish(kit->writer, &summary, &err), &err, "finish");
	memcpy(kit->expect.root, summary.root, VST_HASH_LEN);
	kit->expect.items = summary.items;
}

/* ---- apart and together again ---- */

static inline void kit_unpack(struct kit *kit)
{
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	struct vst_output out = vst_output_buf(&kit->zst);
	struct vst_err err = VST_ERR_INIT;
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	ZSTD_inBuffer from = {0};
	static uint8_t piece[65536];

	vst_buf_clear(&kit->zst);
	vst_buf_clear(&kit->tar);
	kit_must(vst_age_decrypt(&in, &kit->identities, &out, &err), &err, "decrypt");
	from.src = kit->zst.data;
	from.size = kit->zst.len;
	while (from.pos < from.size) {
		ZSTD_outBuffer to = {piece, sizeof(piece), 0};

		assert_false(ZSTD_isError(ZSTD_decompressStream(zstd, &to, &from)));
		vst_buf_bytes(&kit->tar, piece, to.pos);
	}
	ZSTD_freeDCtx(zstd);
}

/* Into frames of `frame` bytes; level 1. `table`: with the seek table. */
static inline void kit_pack(struct kit *kit, size_t frame, bool table)
{
	struct vst_age_writer *age = NULL;
	struct vst_output out = vst_output_buf(&kit->file);
	struct vst_buf entries = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 1);
	vst_buf_clear(&kit->zst);
	kit->frame_count = 0;
	for (size_t at = 0; at < kit->tar.len; at += frame) {
		size_t len = kit->tar.len - at < frame ? kit->tar.len - at : frame, got = 0;

		kit->frames_at[kit->frame_count++] = kit->zst.len;
		vst_buf_reserve(&kit->zst, ZSTD_compressBound(len));
		got = ZSTD_compress2(
		        zstd, kit->zst.data + kit->zst.len, ZSTD_compressBound(len), kit->tar.data + at, len);
		assert_false(ZSTD_isError(got));
		kit->zst.len += got;
		vst_buf_u32le(&entries, (uint32_t)got);
		vst_buf_u32le(&entries, (uint32_t)len);
	}
	ZSTD_freeCCtx(zstd);
	kit->frames_at[kit->frame_count] = kit->zst.len;
	if (table) {
		vst_buf_u32le(&kit->zst, 0x184D2A5E);
		vst_buf_u32le(&kit->zst, (uint32_t)entries.len + 9);
		vst_buf_bytes(&kit->zst, entries.data, entries.len);
		vst_buf_u32le(&kit->zst, (uint32_t)kit->frame_count);
		vst_buf_byte(&kit->zst, 0);
		vst_buf_u32le(&kit->zst, 0x8F92EAB1);
	}
	vst_buf_free(&entries);
	vst_buf_clear(&kit->file);
	kit_must(vst_age_writer_new(&age, &kit->recipients, &out, &err), &err, "age");
	kit_must(vst_age_writer_write(age, kit->zst.data, kit->zst.len, &err), &err, "age");
	kit_must(vst_age_writer_finish(age, &err), &err, "age");
	vst_age_writer_free(age);
}

/* ---- the tar ---- */

struct kit_member {
	size_t at;     /* first header */
	size_t header; /* its own block */
	size_t body;
	size_t size;
	size_t end; /* behind the padding */
	char name[300];
};

static inline size_t kit_octal(const uint8_t *at, size_t len)
{
	char text[16] = {0};

	memcpy(text, at, len);
	return (size_t)strtoull(text, NULL, 8);
}

/* The member at `at`; false at the end. Long names are in the pax header. */
static inline bool kit_member_at(const struct vst_buf *tar, size_t at, struct kit_member *ret)
{
	const uint8_t *block = tar->data + at;

	memset(ret, 0, sizeof(*ret));
	ret->at = at;
	if (block[0] == 0)
		return false;
	while (block[156] == 'x') {
		size_t len = kit_octal(block + 124, 12);
		const char *path = memmem(block + 512, len, " path=", 6);

		if (path != NULL)
			(void)snprintf(
			        ret->name, sizeof(ret->name), "%.*s", (int)strcspn(path + 6, "\n"), path + 6);
		at += 512 + (len + 511) / 512 * 512;
		block = tar->data + at;
	}
	if (ret->name[0] == 0)
		(void)snprintf(ret->name, sizeof(ret->name), "%.155s%s%.100s", (const char *)block + 345,
		        block[345] ? "/" : "", (const char *)block);
	ret->header = at;
	ret->body = at + 512;
	ret->size = kit_octal(block + 124, 12);
	ret->end = ret->body + (ret->size + 511) / 512 * 512;
	return true;
}

static inline struct kit_member kit_find(const struct kit *kit, const char *name)
{
	struct kit_member member;

	for (size_t at = 0; kit_member_at(&kit->tar, at, &member); at = member.end)
		if (strcmp(member.name, name) == 0)
			return member;
	fail_msg("no member %s", name);
	return member;
}

static inline void kit_checksum(struct kit *kit, size_t header)
{
	uint8_t *block = kit->tar.data + header;
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += block[i];
	(void)snprintf((char *)block + 148, 8, "%06o", sum);
	block[155] = ' ';
}

static inline void kit_remove(struct kit *kit, size_t from, size_t to)
{
	memmove(kit->tar.data + from, kit->tar.data + to, kit->tar.len - to);
	kit->tar.len -= to - from;
}

static inline void kit_insert(struct kit *kit, size_t at, const void *data, size_t len)
{
	void *copy = malloc(len);

	memcpy(copy, data, len);
	vst_buf_reserve(&kit->tar, len);
	memmove(kit->tar.data + at + len, kit->tar.data + at, kit->tar.len - at);
	memcpy(kit->tar.data + at, copy, len);
	kit->tar.len += len;
	free(copy);
}

#endif
