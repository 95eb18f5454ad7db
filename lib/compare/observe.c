#include <stdlib.h>
#include <string.h>

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
};

static bool has_content(const struct vst_item *item)
{
	bool may = item->type == VST_ITEM_FILE || item->type == VST_ITEM_STREAM;
	return may && item->content == VST_ITEM_CONTENT_FULL && !item->is_hardlink;
}

int vst_observe_begin(const struct vst_item *item, struct vst_observation **ret, struct vst_err *err)
{
	struct vst_observation *observation = NULL;
	int rc = 0;
	*ret = NULL;
	if (!has_content(item))
		return 0;
	for (const struct vst_observer *const *observer = vst_observers; rc == 0 && *observer; observer++) {
		if (!(*observer)->wants(item))
			continue;
		if (!observation && !(observation = vst_calloc(1, sizeof *observation)))
			return vst_err_nomem(err);
		if (observation->count == AT_WORK_MAX)
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

int vst_observe_data(
        struct vst_observation *observation, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < observation->count; i++)
		rc = observation->list[i].observer->data(observation->list[i].state, offset, data, len, err);
	return rc;
}

int vst_observe_end(struct vst_observation *observation, struct vst_buf *ret_facts, struct vst_err *err)
{
	struct vst_buf facts = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(ret_facts);
	int rc = 0;
	vst_json_object(&json);
	for (size_t i = 0; rc == 0 && i < observation->count; i++) {
		struct at_work *work = &observation->list[i];
		vst_buf_clear(&facts);
		rc = work->observer->close(work->state, &facts, err);
		if (rc == 0)
			rc = vst_buf_check(&facts, err);
		if (rc != 0 || facts.len == 0)
			continue;
		vst_json_key(&json, work->observer->name);
		vst_json_raw(&json, facts.data, facts.len);
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
	free(observation);
}
