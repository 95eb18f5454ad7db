/* The file's layout is in series_format.h. */
#include "vestige/series_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "exhibit/series_map.h"
#include "exhibit/series_text.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define READ_CHUNK ((size_t)256 * 1024)
/* The filter of sizes: bits for each content, so that few sizes which nothing has are taken for known. */
#define FILTER_BITS_EACH 16
#define FILTER_BITS_MIN (UINT64_C(1) << 10)
#define FILTER_BITS_MAX (UINT64_C(1) << 27) /* 16 MiB */

struct vst_series_index {
	void *data; /* MAP_FAILED: none */
	size_t len;
	struct vst_series_map map;
	char **sources;
	uint8_t *sizes;
	unsigned sizes_shift; /* a product's upper bits are the place in the filter */
	struct vst_series_text *text;
};

/* By reads, not through the mapping: a disk that fails gives an error and no signal, and memory is not
 * filled. */
static int digest_file(int fd, size_t len, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	uint8_t *chunk = vst_alloc(READ_CHUNK);
	int rc;
	if (!chunk)
		return vst_err_nomem(err);
	if ((rc = vst_hash_new(&hash, VST_HASH_SHA256, err)) != 0)
		goto out;
	for (size_t at = 0; at < len;) {
		size_t want = len - at < READ_CHUNK ? len - at : READ_CHUNK, got;
		if ((rc = vst_io_pread(fd, at, chunk, want, &got, err)) != 0)
			goto out;
		if (got < want) {
			rc = vst_err_set(err, VST_ETAMPERED, "series index: shorter while it is read");
			goto out;
		}
		vst_hash_update(hash, chunk, got);
		at += got;
	}
	memcpy(ret, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
out:
	vst_hash_free(hash);
	free(chunk);
	return rc;
}

static int map_file(int fd, const uint8_t *expected, struct vst_series_index *index, struct vst_err *err)
{
	uint8_t digest[VST_HASH_LEN];
	struct stat st;
	int rc;
	if (fstat(fd, &st) != 0)
		return vst_err_sys(err, errno, "series index: fstat");
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return vst_err_set(err, VST_EFORMAT, "series index: empty or no file");
	if ((uint64_t)st.st_size > SIZE_MAX)
		return vst_err_set(err, VST_ELIMIT, "series index: larger than the address space");
	index->len = (size_t)st.st_size;
	if (expected) {
		if ((rc = digest_file(fd, index->len, digest, err)) != 0)
			return rc;
		if (memcmp(digest, expected, sizeof digest) != 0)
			return vst_err_set(err, VST_ETAMPERED, "series index: not as it was sealed");
	}
	index->data = mmap(NULL, index->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (index->data == MAP_FAILED)
		return vst_err_sys(err, errno, "series index: mmap");
	return vst_series_map_of(index->data, index->len, &index->map, err);
}

static int copy_sources(struct vst_series_index *index, struct vst_err *err)
{
	const struct vst_series_map *map = &index->map;
	struct vst_reader in = vst_reader_of(map->sources, (size_t)map->counts.sources_len);
	index->sources = vst_calloc((size_t)map->counts.sources + 1, sizeof *index->sources);
	if (!index->sources)
		return vst_err_nomem(err);
	for (uint64_t i = 0; i < map->counts.sources; i++) {
		uint8_t len = 0;
		const uint8_t *name = NULL;
		if (!vst_reader_u8(&in, &len) || !vst_reader_bytes(&in, len, &name))
			return vst_err_set(err, VST_EFORMAT, "series index: the name of a source");
		index->sources[i] = vst_memdup(name, len);
		if (!index->sources[i])
			return vst_err_nomem(err);
	}
	return 0;
}

/* ---- sizes ---- */

static uint64_t size_bit(const struct vst_series_index *index, uint64_t size)
{
	return (size * UINT64_C(0x9E3779B97F4A7C15)) >> index->sizes_shift;
}

static int note_sizes(struct vst_series_index *index, struct vst_err *err)
{
	uint64_t bits = FILTER_BITS_MIN;
	index->sizes_shift = 64 - 10;
	while (bits < FILTER_BITS_MAX && bits / FILTER_BITS_EACH < index->map.counts.contents) {
		bits *= 2;
		index->sizes_shift--;
	}
	index->sizes = vst_calloc((size_t)bits / 8, 1);
	if (!index->sizes)
		return vst_err_nomem(err);
	for (uint64_t i = 0; i < index->map.counts.contents; i++) {
		struct vst_series_content content;
		uint64_t bit;
		vst_series_map_content(&index->map, i, &content);
		bit = size_bit(index, content.size);
		index->sizes[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return 0;
}

bool vst_series_has_size(const struct vst_series_index *index, uint64_t size)
{
	uint64_t bit = size_bit(index, size);
	return index->sizes[bit / 8] >> bit % 8 & 1;
}

/* ---- opening ---- */

int vst_series_index_open(int fd, const uint8_t *expected, struct vst_series_index **ret, struct vst_err *err)
{
	struct vst_series_index *index = vst_calloc(1, sizeof *index);
	int rc;
	if (!index)
		return vst_err_nomem(err);
	index->data = MAP_FAILED;
	if ((rc = map_file(fd, expected, index, err)) != 0 || (rc = copy_sources(index, err)) != 0 ||
	        (rc = note_sizes(index, err)) != 0 ||
	        (rc = vst_series_text_new(&index->map, &index->text, err)) != 0) {
		vst_series_index_free(index);
		return rc;
	}
	*ret = index;
	return 0;
}

void vst_series_index_free(struct vst_series_index *index)
{
	if (!index)
		return;
	vst_series_text_free(index->text);
	for (uint64_t i = 0; index->sources && i < index->map.counts.sources; i++)
		free(index->sources[i]);
	free(index->sources);
	free(index->sizes);
	if (index->data != MAP_FAILED)
		munmap(index->data, index->len);
	free(index);
}

const struct vst_series_map *vst_series_index_map(const struct vst_series_index *index)
{
	return &index->map;
}

uint64_t vst_series_exhibit(const struct vst_series_index *index)
{
	return index->map.counts.exhibit;
}

uint64_t vst_series_full(const struct vst_series_index *index)
{
	return index->map.counts.full;
}

uint64_t vst_series_seqs(const struct vst_series_index *index)
{
	return index->map.counts.seqs;
}

uint64_t vst_series_items(const struct vst_series_index *index)
{
	return index->map.counts.items;
}

size_t vst_series_sources(const struct vst_series_index *index)
{
	return (size_t)index->map.counts.sources;
}

const char *vst_series_source(const struct vst_series_index *index, uint32_t at)
{
	return at < index->map.counts.sources ? index->sources[at] : NULL;
}

/* ---- records ---- */

bool vst_series_at(const struct vst_series_index *index, uint64_t seq, struct vst_series_record *ret)
{
	const struct vst_series_map *map = &index->map;
	return seq < map->counts.seqs &&
	       vst_series_record_unpack(map->records + seq * VST_SERIES_RECORD_LEN, map->counts.sources, ret);
}

bool vst_series_find_digest(const struct vst_series_index *index, const uint8_t path[VST_HASH_LEN],
        uint64_t *ret_seq, struct vst_series_record *ret)
{
	uint64_t seq;
	if (!vst_series_map_find(&index->map, path, &seq) || !vst_series_at(index, seq, ret))
		return false;
	*ret_seq = seq;
	return true;
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
	if (at >= index->map.counts.items)
		return index->map.counts.seqs;
	return vst_series_get(index->map.order + at * VST_SERIES_ORDER_LEN, VST_SERIES_ORDER_LEN);
}

/* ---- lines ---- */

int vst_series_line(struct vst_series_index *index, const struct vst_series_record *record,
        struct vst_buf *line, struct vst_buf *facts, struct vst_err *err)
{
	uint64_t facts_at;
	int rc = 0;
	if (record->line_len > VST_MANIFEST_LINE_MAX || record->facts_len > VST_SERIES_FACTS_MAX ||
	        record->line_at > index->map.counts.text_len)
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
	if (!vst_series_map_find_content(&index->map, key, &content) ||
	        !vst_series_map_pieces(&index->map, &content, stored, ret_count))
		return false;
	*ret_size = content.size;
	return true;
}
