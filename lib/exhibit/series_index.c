/* The file's layout is in series_format.h. */
#include "vestige/series_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exhibit/series_map.h"
#include "exhibit/series_text.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#define READ_CHUNK ((size_t)256 * 1024)
/* The filter of sizes: bits for each content, so that few sizes which nothing has are taken for known. */
#define FILTER_BITS_EACH 16
#define FILTER_BITS_MIN (UINT64_C(1) << 10)
#define FILTER_BITS_MAX (UINT64_C(1) << 27) /* 16 MiB */

struct vst_series_index {
	int fd; /* -1: of other input */
	struct vst_series_map *map;
	uint8_t *sizes;
	unsigned sizes_shift; /* a product's upper bits are the place in the filter */
	struct vst_series_text *text;
};

static int digest_input(const struct vst_input *in, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	uint8_t *chunk = vst_alloc(READ_CHUNK);
	int rc;
	if (!chunk)
		return vst_err_nomem(err);
	if ((rc = vst_hash_new(&hash, VST_HASH_SHA256, err)) != 0)
		goto out;
	for (uint64_t at = 0; at < in->size;) {
		size_t some = in->size - at < READ_CHUNK ? (size_t)(in->size - at) : READ_CHUNK;
		if ((rc = vst_input_read(in, at, chunk, some, err)) != 0) {
			vst_err_prepend(err, "series index");
			goto out;
		}
		vst_hash_update(hash, chunk, some);
		at += some;
	}
	memcpy(ret, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
out:
	vst_hash_free(hash);
	free(chunk);
	return rc;
}

/* ---- sizes ---- */

static uint64_t size_bit(const struct vst_series_index *index, uint64_t size)
{
	return (size * UINT64_C(0x9E3779B97F4A7C15)) >> index->sizes_shift;
}

static int note_sizes(struct vst_series_index *index, struct vst_err *err)
{
	uint64_t bits = FILTER_BITS_MIN, contents = index->map->counts.contents;
	struct vst_series_content content;
	index->sizes_shift = 64 - 10;
	while (bits < FILTER_BITS_MAX && bits / FILTER_BITS_EACH < contents) {
		bits *= 2;
		index->sizes_shift--;
	}
	index->sizes = vst_calloc((size_t)bits / 8, 1);
	if (!index->sizes)
		return vst_err_nomem(err);
	for (uint64_t i = 0; i < contents && vst_series_map_content(index->map, i, &content); i++) {
		uint64_t bit = size_bit(index, content.size);
		index->sizes[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return vst_series_error(index, err);
}

bool vst_series_has_size(const struct vst_series_index *index, uint64_t size)
{
	uint64_t bit = size_bit(index, size);
	return index->sizes[bit / 8] >> bit % 8 & 1;
}

/* ---- opening ---- */

static int set_up(struct vst_series_index *index, const struct vst_input *in, const uint8_t *expected,
        struct vst_err *err)
{
	uint8_t digest[VST_HASH_LEN];
	int rc = expected ? digest_input(in, digest, err) : 0;
	if (rc == 0 && expected && memcmp(digest, expected, sizeof digest) != 0)
		rc = vst_err_set(err, VST_ETAMPERED, "series index: not as it was sealed");
	if (rc != 0 || (rc = vst_series_map_new(*in, &index->map, err)) != 0 ||
	        (rc = note_sizes(index, err)) != 0)
		return rc;
	return vst_series_text_new(index->map, &index->text, err);
}

int vst_series_index_read(
        struct vst_input in, const uint8_t *expected, struct vst_series_index **ret, struct vst_err *err)
{
	struct vst_series_index *index = vst_calloc(1, sizeof *index);
	if (!index)
		return vst_err_nomem(err);
	index->fd = -1;
	int rc = set_up(index, &in, expected, err);
	if (rc != 0) {
		vst_series_index_free(index);
		return rc;
	}
	*ret = index;
	return 0;
}

int vst_series_index_open(int fd, const uint8_t *expected, struct vst_series_index **ret, struct vst_err *err)
{
	struct vst_input in;
	struct stat st;
	int rc;
	if (fstat(fd, &st) != 0)
		return vst_err_sys(err, errno, "series index: fstat");
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return vst_err_set(err, VST_EFORMAT, "series index: empty or no file");
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return vst_err_sys(err, errno, "series index: dup");
	if ((rc = vst_input_fd(own, &in, err)) != 0 ||
	        (rc = vst_series_index_read(in, expected, ret, err)) != 0) {
		close(own);
		return rc;
	}
	(*ret)->fd = own;
	return 0;
}

void vst_series_index_free(struct vst_series_index *index)
{
	if (!index)
		return;
	vst_series_text_free(index->text);
	vst_series_map_free(index->map);
	free(index->sizes);
	if (index->fd >= 0)
		close(index->fd);
	free(index);
}

int vst_series_index_fd(const struct vst_series_index *index)
{
	return index->fd;
}

int vst_series_error(const struct vst_series_index *index, struct vst_err *err)
{
	if (index->map->file.failure.code != 0 && err)
		*err = index->map->file.failure;
	return index->map->file.failure.code;
}

struct vst_series_map *vst_series_index_map(const struct vst_series_index *index)
{
	return index->map;
}

uint64_t vst_series_exhibit(const struct vst_series_index *index)
{
	return index->map->counts.exhibit;
}

uint64_t vst_series_full(const struct vst_series_index *index)
{
	return index->map->counts.full;
}

uint64_t vst_series_seqs(const struct vst_series_index *index)
{
	return index->map->counts.seqs;
}

uint64_t vst_series_items(const struct vst_series_index *index)
{
	return index->map->counts.items;
}

size_t vst_series_sources(const struct vst_series_index *index)
{
	return (size_t)index->map->counts.sources;
}

const char *vst_series_source(const struct vst_series_index *index, uint32_t at)
{
	return at < index->map->counts.sources ? index->map->sources[at] : NULL;
}

/* ---- records ---- */

bool vst_series_at(const struct vst_series_index *index, uint64_t seq, struct vst_series_record *ret)
{
	return vst_series_map_record(index->map, seq, ret);
}

bool vst_series_find_digest(const struct vst_series_index *index, const uint8_t path[VST_HASH_LEN],
        uint64_t *ret_seq, struct vst_series_record *ret)
{
	return vst_series_map_find(index->map, path, ret_seq, ret);
}

bool vst_series_find(const struct vst_series_index *index, const char *source, const char *path,
        uint64_t *ret_seq, struct vst_series_record *ret)
{
	uint8_t digest[VST_HASH_LEN];
	vst_item_path_digest(source, path, digest);
	return vst_series_find_digest(index, digest, ret_seq, ret);
}

uint64_t vst_series_in_order(const struct vst_series_index *index, uint64_t at)
{
	const uint8_t *entry = vst_series_table_at(&index->map->order, at);
	return entry ? vst_series_order_seq(entry) : index->map->counts.seqs;
}

uint64_t vst_series_listed(const struct vst_series_index *index, enum vst_series_list list)
{
	return index->map->counts.listed[list];
}

bool vst_series_listed_at(const struct vst_series_index *index, enum vst_series_list list, uint64_t at,
        uint64_t *ret_seq, struct vst_series_record *ret)
{
	const uint8_t *entry = vst_series_table_at(&index->map->lists[list], at);
	if (!entry)
		return false;
	*ret_seq = vst_series_get(entry, VST_SERIES_LISTED_LEN);
	return vst_series_at(index, *ret_seq, ret);
}

/* ---- lines ---- */

int vst_series_line(struct vst_series_index *index, const struct vst_series_record *record,
        struct vst_buf *line, struct vst_buf *facts, struct vst_err *err)
{
	uint64_t facts_at;
	int rc = 0;
	if (record->line_len > VST_MANIFEST_LINE_MAX || record->facts_len > VST_SERIES_FACTS_MAX ||
	        record->line_at > index->map->counts.text_len)
		return vst_err_set(err, VST_EFORMAT, "series index: a line that is not there");
	facts_at = record->line_at + record->line_len + 1;
	if (line) {
		vst_buf_clear(line);
		rc = vst_series_text_read(index->text, record->line_at, record->line_len, line, err);
	}
	if (rc == 0 && facts) {
		vst_buf_clear(facts);
		rc = vst_series_text_read(index->text, facts_at, record->facts_len, facts, err);
	}
	return rc;
}

int vst_series_item(struct vst_series_index *index, const struct vst_series_record *record,
        struct vst_item **ret, struct vst_err *err)
{
	struct vst_buf line = VST_BUF_INIT;
	int rc = vst_series_line(index, record, &line, NULL, err);
	if (rc == 0 && (rc = vst_item_parse(line.data, line.len, ret, err)) != 0)
		vst_err_prepend(err, "series index");
	vst_buf_free(&line);
	return rc;
}

/* ---- contents ---- */

bool vst_series_content(const struct vst_series_index *index, const uint8_t key[VST_HASH_LEN],
        struct vst_item_stored *stored, size_t *ret_count, uint64_t *ret_size)
{
	struct vst_series_content content;
	if (!vst_series_map_find_content(index->map, key, &content) ||
	        !vst_series_map_pieces(index->map, &content, stored, ret_count))
		return false;
	*ret_size = content.size;
	return true;
}
