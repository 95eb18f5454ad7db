#include "exhibit/salvage_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "exhibit/salvage_plain.h"
#include "exhibit/seek_table.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_salvage.h"
#include "vestige/mem.h"

#define BLOCK 512
#define SCAN_WINDOW 65536
#define FRAME_MAGIC 0xFD2FB528u
#define SKIPPABLE_MAGIC 0x184D2A5Eu
#define HEADER_MAX 18            /* of a Zstandard frame */
#define BLOCK_CONTENT_MAX 131072 /* of a Zstandard block */
#define CHAIN_STEPS_MAX 4000000u /* frames followed in vain, all in all: hostile content is full of them */

struct vst_salvage_source {
	const struct vst_salvage_options *options;
	struct vst_salvage_plain *plain;
	struct vst_salvage_piece *pieces;
	size_t count, cap;
	uint64_t end;
	bool exact;
	uint64_t damaged;
	unsigned chain_steps;
	ZSTD_DCtx *zstd;
	uint8_t *stored; /* VST_SEEK_COMPRESSED_MAX */
	uint8_t *data;   /* VST_FRAME_MAX: the piece viewed last */
	size_t viewed;
	uint8_t *aside; /* VST_FRAME_MAX: the piece that _read looked at last */
	size_t aside_of;
};

static int add(struct vst_salvage_source *source, enum vst_salvage_piece_kind kind, uint64_t len,
        uint64_t offset, uint64_t stored, struct vst_err *err)
{
	if (source->count == source->cap) {
		size_t cap = source->cap * 2 + 64;
		struct vst_salvage_piece *pieces = vst_realloc(source->pieces, cap, sizeof(*pieces));

		if (pieces == NULL)
			return vst_err_nomem(err);
		source->pieces = pieces;
		source->cap = cap;
	}
	source->pieces[source->count++] =
	        (struct vst_salvage_piece){kind, source->end, len, offset, (uint32_t)stored};
	source->end += len;
	return 0;
}

static int report_frame(struct vst_salvage_source *source, uint64_t offset, uint64_t stored, const char *why,
        struct vst_err *err)
{
	char what[96];
	struct vst_salvage_damage damage = {vst_salvage_plain_in_file(source->plain, offset), stored, what};

	if (source->options->damage == NULL)
		return 0;
	(void)snprintf(what, sizeof(what), "zstd frame at byte %llu of the decrypted stream %s",
	        (unsigned long long)offset, why);
	return source->options->damage(source->options->ctx, &damage, err);
}

/* ---- frames whose rest is damaged ---- */

/* Decompresses as much as `stored` bytes at `offset` give: each is authentic, so what they say is, too. */
static int decode_prefix(struct vst_salvage_source *source, uint64_t offset, size_t stored, uint8_t *ret_data,
        size_t *ret_len, struct vst_err *err)
{
	ZSTD_inBuffer in = {source->stored, stored, 0};
	ZSTD_outBuffer out = {ret_data, VST_FRAME_MAX, 0};
	int rc = vst_salvage_plain_read(source->plain, offset, source->stored, stored, err);

	if (rc != 0)
		return rc;
	(void)ZSTD_DCtx_reset(source->zstd, ZSTD_reset_session_only);
	while (in.pos < in.size && out.pos < out.size) {
		size_t before = in.pos + out.pos;
		size_t left = ZSTD_decompressStream(source->zstd, &out, &in);

		if (ZSTD_isError(left) || left == 0 || in.pos + out.pos == before)
			break;
	}
	*ret_len = out.pos;
	return 0;
}

static int add_prefix(struct vst_salvage_source *source, uint64_t offset, uint64_t stored, uint64_t *ret_len,
        struct vst_err *err)
{
	size_t len = 0;
	int rc = 0;

	*ret_len = 0;
	if (stored > VST_SEEK_COMPRESSED_MAX)
		stored = VST_SEEK_COMPRESSED_MAX;
	if (stored < HEADER_MAX)
		return 0;
	source->aside_of = SIZE_MAX;
	if ((rc = decode_prefix(source, offset, (size_t)stored, source->aside, &len, err)) != 0 || len == 0)
		return rc;
	*ret_len = len;
	return add(source, VST_SALVAGE_PREFIX, len, offset, stored, err);
}

/* ---- with the seek table ---- */

static int read_table(struct vst_salvage_source *source, struct vst_seek_table *ret, struct vst_err *err)
{
	uint64_t size = vst_salvage_plain_size(source->plain);
	uint8_t footer[VST_SEEK_FOOTER_LEN];
	uint8_t *data = NULL;
	size_t len = 0;
	int rc = 0;

	if (!vst_salvage_plain_closed(source->plain) || size < sizeof(footer) ||
	        vst_salvage_plain_run(source->plain, size - sizeof(footer)) < sizeof(footer))
		return vst_err_set(err, VST_EFORMAT, "the seek table is lost");
	rc = vst_salvage_plain_read(source->plain, size - sizeof(footer), footer, sizeof(footer), err);
	if (rc == 0)
		rc = vst_seek_table_len(footer, size, &len, err);
	if (rc == 0 && vst_salvage_plain_run(source->plain, size - len) < len)
		rc = vst_err_set(err, VST_EFORMAT, "the seek table is damaged");
	if (rc != 0)
		return rc;
	data = vst_alloc(len);
	if (data == NULL)
		return vst_err_nomem(err);
	rc = vst_salvage_plain_read(source->plain, size - len, data, len, err);
	if (rc == 0)
		rc = vst_seek_table_parse(data, len, size, ret, err);
	free(data);
	return rc;
}

static int lay_frame(
        struct vst_salvage_source *source, const struct vst_seek_frame *frame, struct vst_err *err)
{
	uint64_t run = vst_salvage_plain_run(source->plain, frame->offset), prefix = 0;
	int rc = 0;

	if (run >= frame->len)
		return frame->tar_len == 0 ? 0
		                           : add(source, VST_SALVAGE_FRAME, frame->tar_len, frame->offset,
		                                     frame->len, err);
	rc = report_frame(source, frame->offset, frame->len, "is damaged", err);
	if (rc == 0)
		rc = add_prefix(source, frame->offset, run, &prefix, err);
	if (rc == 0 && prefix > frame->tar_len) {
		source->pieces[source->count - 1].len = frame->tar_len;
		source->end -= prefix - frame->tar_len;
		prefix = frame->tar_len;
	}
	if (rc == 0 && prefix < frame->tar_len)
		rc = add(source, VST_SALVAGE_GAP, frame->tar_len - prefix, frame->offset, frame->len, err);
	return rc;
}

static int lay_by_table(struct vst_salvage_source *source, struct vst_err *err)
{
	struct vst_seek_table table = {0};
	int rc = read_table(source, &table, err);

	if (rc != 0)
		return rc;
	source->exact = true;
	for (uint32_t i = 0; i < table.count && rc == 0; i++) {
		struct vst_seek_frame frame = vst_seek_table_frame(&table, i);

		rc = lay_frame(source, &frame, err);
	}
	vst_seek_table_free(&table);
	return rc;
}

/* ---- without it ---- */

enum step { STEP_FRAME, STEP_TABLE, STEP_CUT, STEP_NONE };

static uint32_t le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Reads a frame's header: false if our writer would not have made it so. */
static bool frame_header(const uint8_t head[HEADER_MAX], uint64_t *ret_header, uint64_t *ret_len)
{
	static const uint8_t size_bytes[] = {0, 2, 4, 8}, dictionary_bytes[] = {0, 1, 2, 4};
	uint8_t descriptor = head[4];
	bool single = (descriptor & 0x20) != 0, checksum = (descriptor & 0x04) != 0,
	     reserved = (descriptor & 0x08) != 0;
	unsigned long long len = ZSTD_getFrameContentSize(head, HEADER_MAX);

	if (!checksum || reserved || dictionary_bytes[descriptor & 3] != 0 || len == 0 || len > VST_FRAME_MAX)
		return false; /* the two values for "unknown" and "error" are larger than any size */
	*ret_header = 5u + !single + size_bytes[descriptor >> 6] + (single && descriptor >> 6 == 0);
	*ret_len = len;
	return true;
}

/*
 * What begins at `offset`: a frame that our writer could have made and that is whole, one that the damage (or
 * the end) cuts, the table, or nothing. Walks over the frame's block headers; contents are looked at when
 * they are decompressed.
 */
static int step_at(struct vst_salvage_source *source, uint64_t offset, enum step *ret, uint64_t *ret_stored,
        uint64_t *ret_len, struct vst_err *err)
{
	uint64_t run = vst_salvage_plain_run(source->plain, offset), at = 0;
	uint8_t head[HEADER_MAX] = {0};
	size_t have = run < HEADER_MAX ? (size_t)run : HEADER_MAX;
	bool last = false;
	int rc = vst_salvage_plain_read(source->plain, offset, head, have, err);

	if (rc != 0)
		return rc;
	*ret = STEP_CUT;
	if (have < 4)
		return 0;
	*ret = le32(head) == SKIPPABLE_MAGIC ? STEP_TABLE : STEP_NONE;
	if (le32(head) != FRAME_MAGIC || !frame_header(head, &at, ret_len))
		return 0;
	while (!last) {
		uint32_t block = 0, size = 0;

		if (at + 3 > run) {
			*ret = STEP_CUT;
			return 0;
		}
		if ((rc = vst_salvage_plain_read(source->plain, offset + at, head, 3, err)) != 0)
			return rc;
		block = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16;
		last = (block & 1) != 0;
		size = (block >> 1 & 3) == 1 ? 1 : block >> 3;
		if ((block >> 1 & 3) == 3 || size > BLOCK_CONTENT_MAX || at > VST_SEEK_COMPRESSED_MAX)
			return 0;
		at += 3 + size;
	}
	at += 4; /* the checksum */
	if (at > VST_SEEK_COMPRESSED_MAX)
		return 0;
	*ret = at > run ? STEP_CUT : STEP_FRAME;
	*ret_stored = at;
	return 0;
}

/* Whether frames follow each other from here to the end of what is undamaged, to the table, or for longer
 * than any frame is. */
static int chain_holds(struct vst_salvage_source *source, uint64_t offset, bool *ret, struct vst_err *err)
{
	uint64_t at = offset;
	int rc = 0;

	*ret = false;
	while (source->chain_steps < CHAIN_STEPS_MAX) {
		enum step step = STEP_NONE;
		uint64_t stored = 0, len = 0;

		source->chain_steps++;
		if (at > offset && vst_salvage_plain_run(source->plain, at) == 0) {
			*ret = true;
			return 0;
		}
		if ((rc = step_at(source, at, &step, &stored, &len, err)) != 0)
			return rc;
		if (step == STEP_NONE || (step == STEP_TABLE && at == offset))
			return 0;
		if (step != STEP_FRAME || at - offset > VST_SEEK_COMPRESSED_MAX) {
			*ret = true;
			return 0;
		}
		at += stored;
	}
	return 0;
}

/* The next offset at which frames begin; the size if there is none. */
static int find_frame(struct vst_salvage_source *source, uint64_t from, uint64_t *ret, struct vst_err *err)
{
	uint64_t size = vst_salvage_plain_size(source->plain);
	uint8_t *window = vst_alloc(SCAN_WINDOW);
	bool found = false;
	int rc = window == NULL ? vst_err_nomem(err) : 0;

	while (rc == 0 && !found && (from = vst_salvage_plain_next(source->plain, from)) < size) {
		uint64_t run = vst_salvage_plain_run(source->plain, from);
		size_t len = run < SCAN_WINDOW ? (size_t)run : SCAN_WINDOW;

		rc = vst_salvage_plain_read(source->plain, from, window, len, err);
		for (size_t i = 0; rc == 0 && !found && i + 4 <= len; i++) {
			if (le32(window + i) != FRAME_MAGIC)
				continue;
			rc = chain_holds(source, from + i, &found, err);
			if (found)
				*ret = from + i;
		}
		from += len > 3 && run > len ? len - 3 : len;
	}
	if (rc == 0 && !found)
		*ret = size;
	free(window);
	return rc;
}

/* Behind damage: nobody knows how much tar is missing. */
static int lay_unknown(
        struct vst_salvage_source *source, uint64_t from, uint64_t *ret_next, struct vst_err *err)
{
	int rc = find_frame(source, from, ret_next, err);

	source->end = (source->end + BLOCK - 1) / BLOCK * BLOCK; /* frames begin at blocks of the tar */
	if (rc == 0)
		rc = add(source, VST_SALVAGE_GAP_UNKNOWN, 0, from, 0, err);
	return rc;
}

static int lay_by_frames(struct vst_salvage_source *source, struct vst_err *err)
{
	uint64_t size = vst_salvage_plain_size(source->plain), at = 0;
	int rc = 0;

	if (vst_salvage_plain_run(source->plain, 0) == 0)
		rc = lay_unknown(source, 0, &at, err);
	while (rc == 0 && at < size) {
		uint64_t stored = 0, len = 0;
		enum step step = STEP_NONE;

		if (vst_salvage_plain_run(source->plain, at) == 0) {
			rc = lay_unknown(source, at, &at, err);
			continue;
		}
		if ((rc = step_at(source, at, &step, &stored, &len, err)) != 0)
			break;
		if (step == STEP_TABLE)
			break;
		if (step == STEP_FRAME) {
			rc = add(source, VST_SALVAGE_FRAME, len, at, stored, err);
			at += stored;
			continue;
		}
		stored = vst_salvage_plain_run(source->plain, at);
		rc = report_frame(source, at, stored, step == STEP_CUT ? "is cut by damage" : "is none", err);
		if (rc == 0 && step == STEP_CUT)
			rc = add_prefix(source, at, stored, &len, err);
		if (rc == 0)
			rc = lay_unknown(source, step == STEP_CUT ? at + stored : at + 1, &at, err);
	}
	return rc;
}

/* ---- the whole ---- */

int vst_salvage_source_open(struct vst_salvage_source **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, const struct vst_salvage_options *options,
        struct vst_err *err)
{
	struct vst_salvage_source *source = vst_calloc(1, sizeof(*source));
	int rc = 0;

	if (source == NULL)
		return vst_err_nomem(err);
	source->options = options;
	source->viewed = source->aside_of = SIZE_MAX;
	source->zstd = ZSTD_createDCtx();
	source->stored = vst_alloc(VST_SEEK_COMPRESSED_MAX);
	source->data = vst_alloc(VST_FRAME_MAX);
	source->aside = vst_alloc(VST_FRAME_MAX);
	if (source->zstd == NULL || source->stored == NULL || source->data == NULL || source->aside == NULL)
		rc = vst_err_nomem(err);
	if (rc == 0)
		rc = vst_salvage_plain_open(&source->plain, in, identities, options, err);
	if (rc == 0) {
		rc = lay_by_table(source, err);
		if ((rc == VST_EFORMAT || rc == VST_ELIMIT) && !source->exact) {
			vst_err_clear(err);
			rc = lay_by_frames(source, err);
		}
	}
	if (rc == 0) {
		*ret = source;
		source = NULL;
	}
	vst_salvage_source_free(source);
	return rc;
}

void vst_salvage_source_free(struct vst_salvage_source *source)
{
	if (source == NULL)
		return;
	vst_salvage_plain_free(source->plain);
	ZSTD_freeDCtx(source->zstd);
	free(source->stored);
	free(source->data);
	free(source->aside);
	free(source->pieces);
	free(source);
}

uint64_t vst_salvage_source_damaged(const struct vst_salvage_source *source)
{
	return vst_salvage_plain_damaged(source->plain) + source->damaged;
}

bool vst_salvage_source_exact(const struct vst_salvage_source *source)
{
	return source->exact;
}

uint64_t vst_salvage_source_end(const struct vst_salvage_source *source)
{
	return source->end;
}

size_t vst_salvage_source_count(const struct vst_salvage_source *source)
{
	return source->count;
}

const struct vst_salvage_piece *vst_salvage_source_piece(
        const struct vst_salvage_source *source, size_t index)
{
	return &source->pieces[index];
}

size_t vst_salvage_source_find(const struct vst_salvage_source *source, uint64_t position)
{
	size_t low = 0, high = source->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (source->pieces[middle].position + source->pieces[middle].len <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int decode(struct vst_salvage_source *source, size_t index, uint8_t *ret_data, struct vst_err *err)
{
	const struct vst_salvage_piece *piece = &source->pieces[index];
	struct vst_seek_frame frame = {
	        piece->offset, piece->position, piece->stored, (uint32_t)piece->len, 0};
	size_t len = 0;
	int rc = 0;

	if (piece->kind == VST_SALVAGE_PREFIX)
		return decode_prefix(source, piece->offset, piece->stored, ret_data, &len, err);
	rc = vst_salvage_plain_read(source->plain, piece->offset, source->stored, piece->stored, err);
	return rc != 0 ? rc
	               : vst_seek_frame_decode(source->zstd, &frame, false, source->stored, ret_data, err);
}

int vst_salvage_source_view(
        struct vst_salvage_source *source, size_t index, const uint8_t **ret_data, struct vst_err *err)
{
	struct vst_salvage_piece *piece = &source->pieces[index];
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;

	if (source->viewed != index) {
		source->viewed = SIZE_MAX;
		rc = decode(source, index, source->data, &why);
	}
	if (rc == VST_EFORMAT || rc == VST_EAUTH) {
		/* From here on it is a gap, and was told once. */
		piece->kind = VST_SALVAGE_GAP;
		source->damaged += piece->stored;
		rc = report_frame(source, piece->offset, piece->stored, why.text, err);
		return rc != 0 ? rc : vst_err_set(err, VST_EFORMAT, "%s", why.text);
	}
	if (rc != 0) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	source->viewed = index;
	*ret_data = source->data;
	return 0;
}

int vst_salvage_source_read(
        struct vst_salvage_source *source, uint64_t position, void *ret_data, size_t len, struct vst_err *err)
{
	uint8_t *out = ret_data;

	while (len > 0) {
		size_t index = vst_salvage_source_find(source, position), skip = 0, take = 0;
		const struct vst_salvage_piece *piece = &source->pieces[index];
		int rc = 0;

		if (index == source->count || position < piece->position || piece->kind >= VST_SALVAGE_GAP)
			return vst_err_set(err, VST_EFORMAT, "damaged here");
		if (source->aside_of != index) {
			source->aside_of = SIZE_MAX;
			if ((rc = decode(source, index, source->aside, err)) != 0)
				return rc;
			source->aside_of = index;
		}
		skip = (size_t)(position - piece->position);
		take = (size_t)piece->len - skip < len ? (size_t)piece->len - skip : len;
		memcpy(out, source->aside + skip, take);
		out += take;
		position += take;
		len -= take;
	}
	return 0;
}
