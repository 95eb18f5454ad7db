#include <stdlib.h>
#include <string.h>

#include "compare/changes.h"
#include "compare/facts_member.h"
#include "compare/lengths.h"
#include "compare/observer.h"
#include "vestige/compare.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"

#define AT_WORK_MAX 8 /* observers on one item */

struct at_work {
	const struct vst_observer *observer;
	void *state;
};

struct vst_observation {
	struct at_work list[AT_WORK_MAX];
	size_t count;
	struct vst_lengths *lengths; /* NULL: none */
	uint64_t at;                 /* where the next byte lies: in the file, */
	size_t extent;               /* or, of a sparse one, so many bytes inside this extent */
	uint64_t inside;
};

struct vst_lookout {
	struct vst_families *families; /* NULL: there is no exhibit before */
	int scratch_fd;
	bool any_length;
};

int vst_lookout_new(struct vst_series_index *before, int scratch_fd, bool any_length,
        struct vst_lookout **ret, struct vst_err *err)
{
	struct vst_lookout *lookout = vst_calloc(1, sizeof *lookout);
	if (!lookout)
		return vst_err_nomem(err);
	lookout->scratch_fd = scratch_fd;
	lookout->any_length = any_length;
	int rc = before ? vst_families_new(before, &lookout->families, err) : 0;
	if (rc != 0) {
		vst_lookout_free(lookout);
		return rc;
	}
	*ret = lookout;
	return 0;
}

void vst_lookout_free(struct vst_lookout *lookout)
{
	if (!lookout)
		return;
	vst_families_free(lookout->families);
	free(lookout);
}

static bool has_content(const struct vst_item *item)
{
	bool may = item->type == VST_ITEM_FILE || item->type == VST_ITEM_STREAM;
	return may && item->content == VST_ITEM_CONTENT_FULL && !item->is_hardlink;
}

static bool is_whole(const struct vst_item *item)
{
	return changes_was_had(item->status) ||
	       (item->type == VST_ITEM_STREAM && item->status == VST_ITEM_ERROR);
}

/* Made when the first asks for it. */
static int ensure(struct vst_observation **observation, struct vst_err *err)
{
	if (!*observation && !(*observation = vst_calloc(1, sizeof **observation)))
		return vst_err_nomem(err);
	return 0;
}

int vst_observe_begin(const struct vst_lookout *lookout, const struct vst_item *item, bool append_only,
        struct vst_observation **ret, struct vst_err *err)
{
	struct vst_observation *observation = NULL;
	struct vst_lengths *lengths = NULL;
	int rc = 0;
	*ret = NULL;
	if (!has_content(item))
		return 0;
	if (append_only && lookout->families)
		rc = vst_lengths_begin(
		        lookout->families, item, lookout->scratch_fd, lookout->any_length, &lengths, err);
	if (rc == 0 && lengths && (rc = ensure(&observation, err)) != 0)
		vst_lengths_free(lengths);
	else if (lengths)
		observation->lengths = lengths;
	for (const struct vst_observer *const *observer = vst_observers; rc == 0 && *observer; observer++) {
		if (!(*observer)->wants(item))
			continue;
		if ((rc = ensure(&observation, err)) != 0 || observation->count == AT_WORK_MAX)
			break;
		struct at_work *next = &observation->list[observation->count];
		next->observer = *observer;
		rc = (*observer)->open(&next->state, item, err);
		if (rc == 0)
			observation->count++;
	}
	if (rc != 0) {
		vst_observe_free(observation);
		return rc;
	}
	*ret = observation;
	return 0;
}

static int give(struct vst_observation *observation, uint64_t offset, const void *data, size_t len,
        struct vst_err *err)
{
	int rc = observation->lengths ? vst_lengths_data(observation->lengths, data, len, err) : 0;
	for (size_t i = 0; rc == 0 && i < observation->count; i++)
		rc = observation->list[i].observer->data(observation->list[i].state, offset, data, len, err);
	return rc;
}

int vst_observe_content(struct vst_observation *observation, const struct vst_item *item, const void *data,
        size_t len, struct vst_err *err)
{
	const uint8_t *next = data;
	int rc = 0;
	if (!item->is_sparse) {
		rc = give(observation, observation->at, data, len, err);
		observation->at += len;
		return rc;
	}
	while (rc == 0 && len > 0 && observation->extent < item->extent_count) {
		const struct vst_item_extent *extent = &item->extents[observation->extent];
		uint64_t left = extent->len - observation->inside;
		size_t n = len < left ? len : (size_t)left;
		rc = give(observation, extent->offset + observation->inside, next, n, err);
		next += n;
		len -= n;
		observation->inside += n;
		if (observation->inside == extent->len) {
			observation->extent++;
			observation->inside = 0;
		}
	}
	return rc;
}

static void put(struct vst_json *json, const char *name, const struct vst_buf *facts)
{
	if (facts->len == 0)
		return;
	vst_json_key(json, name);
	vst_json_raw(json, facts->data, facts->len);
}

int vst_observe_end(struct vst_observation *observation, const struct vst_item *item,
        struct vst_buf *ret_facts, struct vst_err *err)
{
	struct vst_buf facts = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(ret_facts);
	int rc = 0;
	vst_json_object(&json);
	if (observation->lengths && (rc = vst_lengths_end(observation->lengths, &facts, err)) == 0)
		put(&json, VST_LENGTHS_NAME, &facts);
	for (size_t i = 0; rc == 0 && is_whole(item) && i < observation->count; i++) {
		struct at_work *work = &observation->list[i];
		vst_buf_clear(&facts);
		rc = work->observer->close(work->state, &facts, err);
		if (rc == 0)
			rc = vst_buf_check(&facts, err);
		if (rc == 0)
			put(&json, work->observer->name, &facts);
	}
	vst_json_end(&json);
	vst_buf_free(&facts);
	return rc == 0 ? vst_buf_check(ret_facts, err) : rc;
}

void vst_observe_free(struct vst_observation *observation)
{
	if (!observation)
		return;
	for (size_t i = 0; i < observation->count; i++)
		observation->list[i].observer->free(observation->list[i].state);
	vst_lengths_free(observation->lengths);
	free(observation);
}

void vst_observe_keep(const void *facts, size_t len, struct vst_buf *ret_facts)
{
	static const char mark[] = "{\"" FACTS_KEPT "\":true";
	const char *text = facts;
	if (len < 2 || strncmp(text, mark, len < strlen(mark) ? len : strlen(mark)) == 0) {
		vst_buf_bytes(ret_facts, facts, len);
		return;
	}
	vst_buf_text(ret_facts, mark);
	if (text[1] != '}')
		vst_buf_byte(ret_facts, ',');
	vst_buf_bytes(ret_facts, text + 1, len - 1);
}
