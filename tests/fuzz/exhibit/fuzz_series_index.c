/* A series index is refused, or all of it can be asked without harm, and what it says of a content adds up.
 */
#include <stdint.h>
#include <stdlib.h>

#include "exhibit/series_map.h"
#include "vestige/buf.h"
#include "vestige/series_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ASKED_MAX 64 /* of many entries the first ones will do */

static struct vst_item_stored stored[VST_ITEM_STORED_MAX];

static void ask_items(struct vst_series_index *index)
{
	struct vst_buf line = VST_BUF_INIT, facts = VST_BUF_INIT;
	for (uint64_t at = 0; at < vst_series_items(index) && at < ASKED_MAX; at++) {
		uint64_t seq = vst_series_in_order(index, at), found;
		struct vst_series_record record, other;
		if (!vst_series_at(index, seq, &record))
			continue;
		if (!vst_series_source(index, record.source))
			abort();
		if (vst_series_find_digest(index, record.path, &found, &other) &&
		        found >= vst_series_seqs(index))
			abort();
		if (vst_series_line(index, &record, &line, &facts, NULL) == 0 &&
		        (line.len != record.line_len || facts.len != record.facts_len))
			abort();
	}
	vst_buf_free(&line);
	vst_buf_free(&facts);
}

static void ask_contents(struct vst_series_index *index)
{
	struct vst_series_map *map = vst_series_index_map(index);
	for (uint64_t at = 0; at < map->counts.contents && at < ASKED_MAX; at++) {
		struct vst_series_content content;
		uint64_t total = 0, bytes;
		size_t count;
		if (!vst_series_map_content(map, at, &content))
			abort();
		if (!vst_series_has_size(index, content.size))
			abort();
		if (!vst_series_content(index, content.key, stored, &count, &bytes))
			continue;
		for (size_t i = 0; i < count; i++)
			total += stored[i].bytes;
		if (count > VST_ITEM_STORED_MAX || total != bytes)
			abort();
	}
}

static void ask_lists(struct vst_series_index *index)
{
	for (int list = 0; list < VST_SERIES_LISTS; list++) {
		uint64_t count = vst_series_listed(index, (enum vst_series_list)list), seq;
		struct vst_series_record record;
		for (uint64_t at = 0; at < count && at < ASKED_MAX; at++)
			if (vst_series_listed_at(index, (enum vst_series_list)list, at, &seq, &record) &&
			        seq >= vst_series_seqs(index))
				abort();
		if (vst_series_listed_at(index, (enum vst_series_list)list, count, &seq, &record))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_series_index *index = NULL;
	if (vst_series_index_read(vst_input_memory(data, size), NULL, &index, NULL) != 0)
		return 0;
	ask_items(index);
	ask_contents(index);
	ask_lists(index);
	if (vst_series_error(index, NULL) != 0) /* memory can be read, and nothing outside it was asked for */
		abort();
	vst_series_index_free(index);
	return 0;
}
