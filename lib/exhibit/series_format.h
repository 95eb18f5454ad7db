/*
 * The series index's file, format 1 (vestige/series_index.h says what it is for). All integers are
 * little-endian. The parts follow each other without gaps, and the file ends with the trailer:
 *
 *     header      16 bytes      "vestige series\n" and the format, one byte: 1
 *     blocks      …             the text, `line LF facts LF` of each item, end to end, cut every
 *                               VST_SERIES_BLOCK bytes; each piece a zstd frame of its own. What `zstd -d`
 *                               makes of this part is the text
 *     records     152 a seq     by seq, from 0; zeros for a seq that no item has
 *     order       12 an item    sorted by path digest
 *     contents    56 a content  sorted by key
 *     pieces      24 a piece    of those contents that have more than one, or none
 *     block ends  8 a block     where each block ends, counted from the first's start
 *     with facts  4 an item     the seqs of items that have facts, rising
 *     growing     4 an item     the seqs of append-only items, rising
 *     sources     …             each a length in one byte and the name
 *     trailer     112 bytes
 *
 *     record      0 path digest 32   32 content key 32   64 meta 16   80 size 8   88 mtime 8   96 ctime 8
 *                 104 btime 8   112 ino 8   120 major 4   124 minor 4   128 mode 2   130 source 2
 *                 132 type 1   133 status 1   134 extent 1   135 flags 1   136 line length 4
 *                 140 facts length 4   144 place in the text 8
 *                 flags: VST_SERIES_…, and 128 in every record that is one
 *     order       0 the first bytes of the path digest 8   8 seq 4
 *     content     0 key 32   32 size 8   40 pieces 4   44 seq 4   48 exhibit 8
 *                 one piece: exhibit and seq are its, and it has all bytes. Otherwise seq is 0, and in place
 *                 of the exhibit stands the number of the first piece
 *     piece       0 exhibit 8   8 seq 8   16 bytes 8
 *     trailer     0 exhibit 8   8 full 8   16 seqs 8   24 items 8   32 contents 8   40 pieces 8
 *                 48 sources 8   56 bytes of sources 8   64 bytes of text 8   72 bytes of blocks 8
 *                 80 with facts 8   88 growing 8   96 "vestige series$\n"
 */
#ifndef EXHIBIT_SERIES_FORMAT_H
#define EXHIBIT_SERIES_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/series_index.h"

#define VST_SERIES_FORMAT 1
#define VST_SERIES_MAGIC "vestige series\n"
#define VST_SERIES_END_MAGIC "vestige series$\n"
#define VST_SERIES_MAGIC_LEN 15
#define VST_SERIES_HEADER_LEN 16
#define VST_SERIES_TRAILER_LEN 112
#define VST_SERIES_TRAILER_MAGIC 96
#define VST_SERIES_END_MAGIC_LEN 16
#define VST_SERIES_BLOCK ((size_t)64 * 1024)
#define VST_SERIES_RECORD_LEN 152
#define VST_SERIES_RECORD_SIZE_AT 80 /* where a record's `size` stands, and its `content` */
#define VST_SERIES_RECORD_CONTENT_AT 32
#define VST_SERIES_RECORD_FLAGS_AT 135
#define VST_SERIES_PRESENT 128
#define VST_SERIES_ORDER_LEN 12
#define VST_SERIES_ORDER_SEQ_AT 8
#define VST_SERIES_LISTED_LEN 4
#define VST_SERIES_CONTENT_LEN 56
#define VST_SERIES_PIECE_LEN 24
#define VST_SERIES_END_LEN 8
#define VST_SERIES_SOURCES_MAX 4096
#define VST_SERIES_FACTS_MAX (16 * 1024 * 1024) /* of one item, as a line's cap */

static inline void vst_series_put(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t vst_series_get(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;
	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | from[i];
	return value;
}

static inline uint64_t vst_series_order_seq(const uint8_t *entry)
{
	return vst_series_get(entry + VST_SERIES_ORDER_SEQ_AT, 4);
}

/* One of the contents. */
struct vst_series_content {
	uint8_t key[VST_HASH_LEN];
	uint64_t size;
	uint32_t pieces, seq;
	uint64_t where;
};

/* The numbers of the trailer. */
struct vst_series_counts {
	uint64_t exhibit, full, seqs, items, contents, pieces, sources, sources_len, text_len, blocks_len;
	uint64_t listed[VST_SERIES_LISTS];
};

/* `flags` gets VST_SERIES_PRESENT. */
void vst_series_record_pack(const struct vst_series_record *record, uint8_t ret[VST_SERIES_RECORD_LEN]);
/* False: no item has this seq, or it is no record. `sources`: how many there are. */
bool vst_series_record_unpack(
        const uint8_t packed[VST_SERIES_RECORD_LEN], uint64_t sources, struct vst_series_record *ret);
void vst_series_content_pack(const struct vst_series_content *content, uint8_t ret[VST_SERIES_CONTENT_LEN]);
void vst_series_content_unpack(const uint8_t packed[VST_SERIES_CONTENT_LEN], struct vst_series_content *ret);
void vst_series_piece_pack(const struct vst_item_stored *piece, uint8_t ret[VST_SERIES_PIECE_LEN]);
void vst_series_piece_unpack(const uint8_t packed[VST_SERIES_PIECE_LEN], struct vst_item_stored *ret);
void vst_series_trailer_pack(const struct vst_series_counts *counts, uint8_t ret[VST_SERIES_TRAILER_LEN]);
bool vst_series_trailer_unpack(const uint8_t packed[VST_SERIES_TRAILER_LEN], struct vst_series_counts *ret);

#endif
