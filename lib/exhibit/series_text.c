#include "exhibit/series_text.h"

#include <stdlib.h>
#include <zstd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/* Items are asked for in nearly the order in which they came. */
#define BLOCKS_KEPT 8
#define NO_BLOCK UINT64_MAX

struct kept {
	uint64_t number; /* NO_BLOCK: nothing usable */
	uint64_t used;   /* when, counted in requests */
	size_t len;
	uint8_t *data;
};

struct vst_series_text {
	struct vst_series_map *map;
	ZSTD_DCtx *context;
	uint8_t *frame; /* frame_cap bytes */
	size_t frame_cap;
	struct kept kept[BLOCKS_KEPT];
	uint64_t now;
};

int vst_series_text_new(struct vst_series_map *map, struct vst_series_text **ret, struct vst_err *err)
{
	struct vst_series_text *text = vst_calloc(1, sizeof *text);
	if (!text)
		return vst_err_nomem(err);
	text->map = map;
	text->frame_cap = ZSTD_compressBound(VST_SERIES_BLOCK);
	for (size_t i = 0; i < BLOCKS_KEPT; i++)
		text->kept[i].number = NO_BLOCK;
	text->context = ZSTD_createDCtx();
	if (!text->context) {
		vst_series_text_free(text);
		return vst_err_nomem(err);
	}
	*ret = text;
	return 0;
}

void vst_series_text_free(struct vst_series_text *text)
{
	if (!text)
		return;
	for (size_t i = 0; i < BLOCKS_KEPT; i++)
		free(text->kept[i].data);
	ZSTD_freeDCtx(text->context);
	free(text->frame);
	free(text);
}

/* Bytes of text in this block. */
static size_t block_len(const struct vst_series_map *map, uint64_t number)
{
	uint64_t left = map->counts.text_len - number * VST_SERIES_BLOCK;
	return left < VST_SERIES_BLOCK ? (size_t)left : VST_SERIES_BLOCK;
}

static int unread(const struct vst_series_map *map, struct vst_err *err)
{
	if (err)
		*err = map->file.failure;
	return map->file.failure.code;
}

static bool end_of(struct vst_series_map *map, uint64_t number, uint64_t *ret)
{
	const uint8_t *end = vst_series_table_at(&map->ends, number);
	if (end)
		*ret = vst_series_get(end, VST_SERIES_END_LEN);
	return end != NULL;
}

/* The block's frame, into `frame`. */
static int read_frame(struct vst_series_text *text, uint64_t number, size_t *ret_len, struct vst_err *err)
{
	struct vst_series_map *map = text->map;
	uint64_t start = 0, end;
	if ((number > 0 && !end_of(map, number - 1, &start)) || !end_of(map, number, &end))
		return unread(map, err);
	if (start > end || end > map->counts.blocks_len || end - start > text->frame_cap)
		return vst_err_set(err, VST_EFORMAT, "series index: a block out of place");
	if (!text->frame && !(text->frame = vst_alloc(text->frame_cap)))
		return vst_err_nomem(err);
	*ret_len = (size_t)(end - start);
	return vst_series_file_read(&map->file, map->blocks + start, text->frame, *ret_len)
	               ? 0
	               : unread(map, err);
}

static int decompress(struct vst_series_text *text, uint64_t number, struct kept *kept, struct vst_err *err)
{
	size_t want = block_len(text->map, number), len = 0, got;
	kept->number = NO_BLOCK;
	int rc = read_frame(text, number, &len, err);
	if (rc != 0)
		return rc;
	if (!kept->data && !(kept->data = vst_alloc(VST_SERIES_BLOCK)))
		return vst_err_nomem(err);
	got = ZSTD_decompressDCtx(text->context, kept->data, VST_SERIES_BLOCK, text->frame, len);
	if (ZSTD_isError(got) || got != want)
		return vst_err_set(
		        err, VST_EFORMAT, "series index: block %llu is damaged", (unsigned long long)number);
	kept->number = number;
	kept->len = got;
	return 0;
}

static int get_block(
        struct vst_series_text *text, uint64_t number, const struct kept **ret, struct vst_err *err)
{
	struct kept *oldest = &text->kept[0];
	int rc = 0;
	for (size_t i = 0; i < BLOCKS_KEPT; i++) {
		struct kept *kept = &text->kept[i];
		if (kept->number == number) {
			oldest = kept;
			break;
		}
		if (kept->used < oldest->used)
			oldest = kept;
	}
	if (oldest->number != number)
		rc = decompress(text, number, oldest, err);
	oldest->used = rc == 0 ? ++text->now : 0;
	*ret = oldest;
	return rc;
}

int vst_series_text_read(
        struct vst_series_text *text, uint64_t at, size_t len, struct vst_buf *out, struct vst_err *err)
{
	if (at > text->map->counts.text_len || len > text->map->counts.text_len - at)
		return vst_err_set(err, VST_EFORMAT, "series index: a line that is not there");
	while (len > 0) {
		const struct kept *kept;
		size_t skip = (size_t)(at % VST_SERIES_BLOCK), some;
		int rc = get_block(text, at / VST_SERIES_BLOCK, &kept, err);
		if (rc != 0)
			return rc;
		some = kept->len - skip < len ? kept->len - skip : len;
		vst_buf_bytes(out, kept->data + skip, some);
		at += some;
		len -= some;
	}
	return vst_buf_check(out, err);
}
