#include "collect/proc_hidden.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/proc_read.h"
#include "vestige/mem.h"

#define ROUNDS 2

void vst_pids_free(struct vst_pid_set *set)
{
	free(set->ids);
	*set = (struct vst_pid_set){0};
}

void vst_pids_clear(struct vst_pid_set *set)
{
	set->count = 0;
}

void vst_pids_add(struct vst_pid_set *set, uint64_t id)
{
	if (id == 0 || id > VST_PROC_PID_MAX || set->failed)
		return;
	if (set->count == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 1024;
		uint32_t *ids = vst_realloc(set->ids, cap, sizeof *ids);
		if (!ids) {
			set->failed = true;
			return;
		}
		set->ids = ids;
		set->cap = cap;
	}
	set->ids[set->count++] = (uint32_t)id;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void vst_pids_sort(struct vst_pid_set *set)
{
	size_t kept = 0;
	if (set->count == 0)
		return;
	qsort(set->ids, set->count, sizeof *set->ids, compare);
	for (size_t i = 1; i < set->count; i++)
		if (set->ids[i] != set->ids[kept])
			set->ids[++kept] = set->ids[i];
	set->count = kept + 1;
}

bool vst_pids_has(const struct vst_pid_set *set, uint64_t id)
{
	uint32_t key = (uint32_t)id;
	return id <= UINT32_MAX && set->count > 0 &&
	       bsearch(&key, set->ids, set->count, sizeof *set->ids, compare) != NULL;
}

struct suspect {
	uint32_t id;
	uint64_t start;
	bool cleared;
};

/* One round: those that are not there now, or were listed in between, or are another process afterwards, are
 * cleared. */
static int ask(
        const struct vst_pid_world *world, struct suspect *suspects, size_t count, struct vst_pid_set *listed)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		struct suspect *s = &suspects[i];
		s->cleared = s->cleared || !world->exists(world->ctx, s->id, &s->start);
		any = any || !s->cleared;
	}
	if (!any)
		return 0;
	vst_pids_clear(listed);
	int error = world->list(world->ctx, listed);
	if (error != 0 || listed->failed)
		return error != 0 ? error : ENOMEM;
	vst_pids_sort(listed);
	for (size_t i = 0; i < count; i++) {
		struct suspect *s = &suspects[i];
		uint64_t start = 0;
		if (!s->cleared)
			s->cleared = vst_pids_has(listed, s->id) ||
			             !world->exists(world->ctx, s->id, &start) || start != s->start;
	}
	return 0;
}

int vst_pids_hidden(
        const struct vst_pid_world *world, const struct vst_pid_set *suspects, struct vst_pid_set *hidden)
{
	struct vst_pid_set listed = {0};
	int error = suspects->failed ? ENOMEM : 0;
	if (error != 0 || suspects->count == 0)
		return error;
	struct suspect *list = vst_calloc(suspects->count, sizeof *list);
	if (!list)
		return ENOMEM;
	for (size_t i = 0; i < suspects->count; i++)
		list[i].id = suspects->ids[i];
	for (int round = 0; error == 0 && round < ROUNDS; round++)
		error = ask(world, list, suspects->count, &listed);
	for (size_t i = 0; error == 0 && i < suspects->count; i++)
		if (!list[i].cleared)
			vst_pids_add(hidden, list[i].id);
	vst_pids_sort(hidden);
	vst_pids_free(&listed);
	free(list);
	return error == 0 && hidden->failed ? ENOMEM : error;
}
