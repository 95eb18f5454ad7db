#include "exhibit/series_links.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/series_format.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/merkle.h"
#include "vestige/scratch.h"
#include "vestige/sorter.h"

/* An entry: leaf 32, kind 1, seq 4 big-endian. Targets sort before their links. */
enum kind { TARGET, LINK };
#define KIND_AT VST_HASH_LEN
#define ENTRY_LEN (VST_HASH_LEN + 5)
#define SORT_ENTRIES ((size_t)16 * 1024)

struct vst_series_links {
	struct vst_sorter *sorter;
};

int vst_series_links_new(int scratch_fd, struct vst_series_links **ret, struct vst_err *err)
{
	struct vst_series_links *links = vst_calloc(1, sizeof *links);
	int rc;
	if (!links)
		return vst_err_nomem(err);
	rc = vst_sorter_new(scratch_fd, ENTRY_LEN, ENTRY_LEN, SORT_ENTRIES, &links->sorter, err);
	if (rc != 0) {
		free(links);
		return rc;
	}
	*ret = links;
	return 0;
}

void vst_series_links_free(struct vst_series_links *links)
{
	if (!links)
		return;
	vst_sorter_free(links->sorter);
	free(links);
}

static int add(struct vst_series_links *links, const uint8_t leaf[VST_HASH_LEN], enum kind kind, uint64_t seq,
        struct vst_err *err)
{
	uint8_t entry[ENTRY_LEN];
	memcpy(entry, leaf, VST_HASH_LEN);
	entry[KIND_AT] = (uint8_t)kind;
	for (unsigned i = 0; i < 4; i++)
		entry[KIND_AT + 1 + i] = (uint8_t)(seq >> (8 * (3 - i)));
	return vst_sorter_add(links->sorter, entry, err);
}

int vst_series_links_target(
        struct vst_series_links *links, const void *line, size_t line_len, uint64_t seq, struct vst_err *err)
{
	uint8_t leaf[VST_HASH_LEN];
	vst_merkle_leaf(line, line_len, leaf);
	return add(links, leaf, TARGET, seq, err);
}

int vst_series_links_link(
        struct vst_series_links *links, const uint8_t leaf[VST_HASH_LEN], uint64_t seq, struct vst_err *err)
{
	return add(links, leaf, LINK, seq, err);
}

static uint64_t seq_of(const uint8_t *entry)
{
	uint64_t seq = 0;
	for (unsigned i = 0; i < 4; i++)
		seq = seq << 8 | entry[KIND_AT + 1 + i];
	return seq;
}

/* The link's content, size and sparseness become the target's. */
static int complete(struct vst_scratch *records, uint64_t target, uint64_t link, struct vst_err *err)
{
	uint8_t from[VST_SERIES_RECORD_LEN], to[VST_SERIES_RECORD_LEN];
	uint64_t at = link * VST_SERIES_RECORD_LEN;
	int rc = vst_scratch_read(records, target * VST_SERIES_RECORD_LEN, from, sizeof from, err);
	if (rc != 0 || (rc = vst_scratch_read(records, at, to, sizeof to, err)) != 0)
		return rc;
	memcpy(to + VST_SERIES_RECORD_CONTENT_AT, from + VST_SERIES_RECORD_CONTENT_AT, VST_HASH_LEN);
	memcpy(to + VST_SERIES_RECORD_SIZE_AT, from + VST_SERIES_RECORD_SIZE_AT, sizeof(uint64_t));
	to[VST_SERIES_RECORD_FLAGS_AT] |= from[VST_SERIES_RECORD_FLAGS_AT] & VST_SERIES_SPARSE;
	return vst_scratch_replace(records, at, to, sizeof to, err);
}

int vst_series_links_resolve(struct vst_series_links *links, struct vst_scratch *records, struct vst_err *err)
{
	uint8_t leaf[VST_HASH_LEN];
	const uint8_t *entry;
	uint64_t target = 0;
	bool has_target = false;
	int rc = vst_sorter_sort(links->sorter, err);
	while (rc == 0 && (rc = vst_sorter_next(links->sorter, &entry, err)) == 0 && entry) {
		if (entry[KIND_AT] == TARGET) {
			memcpy(leaf, entry, sizeof leaf);
			target = seq_of(entry);
			has_target = true;
		} else if (has_target && memcmp(leaf, entry, sizeof leaf) == 0) {
			rc = complete(records, target, seq_of(entry), err);
		}
	}
	return rc;
}
