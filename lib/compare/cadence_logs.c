#include "compare/cadence_logs.h"

#include <stdlib.h>
#include <string.h>

#include "compare/facts_read.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define QUARTER 900
#define ZONE_MAX (14 * 3600)
#define ZONE_SLACK 120 /* s between a line's time and the file's */
#define TIME_MAX INT64_C(9000000000)

static int64_t bounded(int64_t time)
{
	return time < -TIME_MAX ? -TIME_MAX : time > TIME_MAX ? TIME_MAX : time;
}

static int add_gap(struct vst_cadence_list *list, const struct vst_cadence_gap *gap, struct vst_err *err)
{
	struct vst_cadence_gap *gaps = vst_grow(list->gaps, list->count, &list->cap, sizeof *gaps);
	if (!gaps)
		return vst_err_nomem(err);
	list->gaps = gaps;
	gaps[list->count++] = *gap;
	return 0;
}

/* ---- one file ---- */

/* What rotation adds (.1, -20261122, .old) goes; digits elsewhere may be dates or process numbers, and count
 * as the same. */
static char *family_of(const char *path)
{
	char *family = vst_strdup(path);
	if (!family)
		return NULL;
	char *slash = strrchr(family, '/');
	char *name = slash ? slash + 1 : family, *end = name + strlen(name);
	if (end - name > 4 && memcmp(end - 4, ".old", 4) == 0)
		end -= 4;
	char *stem = end;
	while (stem > name && strchr("0123456789.-_", stem[-1]))
		stem--;
	if (stem > name)
		end = stem;
	char *to = name;
	for (const char *at = name; at < end; at++) {
		bool is_digit = *at >= '0' && *at <= '9';
		if (!is_digit || to == name || to[-1] != '#')
			*to++ = (char)(is_digit ? '#' : *at);
	}
	*to = '\0';
	return family;
}

static void read_counts(const json_t *array, uint64_t counts[VST_CADENCE_BUCKETS])
{
	for (size_t i = 0; i < VST_CADENCE_BUCKETS; i++) {
		int64_t count = vst_facts_at(array, i, 0);
		counts[i] = count > 0 ? (uint64_t)count : 0;
	}
}

static int read_list(const json_t *array, size_t owner, struct vst_cadence_list *list, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(array) && i < VST_CADENCE_LIST_MAX; i++) {
		const json_t *from = json_array_get(array, i);
		const struct vst_cadence_gap gap = {
		        .from = bounded(vst_facts_at(from, 0, 0)),
		        .to = bounded(vst_facts_at(from, 1, 0)),
		        .offset = (uint64_t)vst_facts_at(from, 2, 0),
		        .boot = vst_facts_at(from, 3, 0) == 1,
		        .owner = owner,
		};
		rc = add_gap(list, &gap, err);
	}
	return rc;
}

static int64_t mtime_of(const struct vst_item *item)
{
	int64_t mtime = item->has_stat && item->mtime != VST_TIME_NONE ? item->mtime : 0;
	if (item->has_read && item->has_after && item->after.mtime != VST_TIME_NONE &&
	        item->after.mtime > mtime)
		mtime = item->after.mtime;
	return mtime > 0 ? mtime / VST_NS_PER_S : 0;
}

/* Zones are multiples of a quarter of an hour, and most files are as old as their last line. */
static int64_t zone_of(const struct vst_cadence_file *file)
{
	int64_t apart = file->end - file->mtime;
	if (file->zoned || file->mtime == 0 || apart > ZONE_MAX || apart < -ZONE_MAX)
		return INT64_MIN;
	int64_t zone = (apart + (apart >= 0 ? QUARTER / 2 : -QUARTER / 2)) / QUARTER * QUARTER;
	return apart - zone <= ZONE_SLACK && zone - apart <= ZONE_SLACK ? zone : INT64_MIN;
}

static int read_file(struct vst_cadence_logs *logs, size_t owner, const json_t *facts, struct vst_err *err)
{
	const struct vst_item *item = logs->items->items[owner].item;
	if (vst_facts_uint(facts, "timed") == 0 || !vst_facts_bool(facts, "dated"))
		return 0;
	struct vst_cadence_file *files =
	        vst_grow(logs->files, logs->file_count, &logs->file_cap, sizeof *files);
	if (!files)
		return vst_err_nomem(err);
	logs->files = files;
	struct vst_cadence_file *file = &files[logs->file_count];
	*file = (struct vst_cadence_file){
	        .owner = owner,
	        .family = family_of(item->path),
	        .source = item->source,
	        .timed = vst_facts_uint(facts, "timed"),
	        .zoned = vst_facts_bool(facts, "zoned"),
	        .is_access = strcmp(vst_facts_text(facts, "kind"), "access") == 0,
	        .cut = vst_facts_bool(facts, "cut"),
	        .first = bounded(vst_facts_int(facts, "first", 0)),
	        .last = bounded(vst_facts_int(facts, "last", 0)),
	        .end = bounded(vst_facts_int(facts, "end", 0)),
	        .mtime = mtime_of(item),
	};
	if (!file->family)
		return vst_err_nomem(err);
	logs->file_count++;
	file->zone = zone_of(file);
	read_counts(vst_facts_array(facts, "ahead"), file->ahead);
	read_counts(vst_facts_array(facts, "back"), file->back);
	int rc = read_list(vst_facts_array(facts, "gaps"), owner, &file->gaps, err);
	return rc == 0 ? read_list(vst_facts_array(facts, "steps"), owner, &file->steps, err) : rc;
}

/* ---- the zone ---- */

static size_t votes_for(const struct vst_cadence_logs *logs, int64_t zone)
{
	size_t votes = 0;
	for (size_t i = 0; i < logs->file_count; i++)
		votes += logs->files[i].zone == zone;
	return votes;
}

static void find_zone(struct vst_cadence_logs *logs, const struct vst_cadence_logs *other)
{
	for (size_t i = 0; i < logs->file_count; i++) {
		int64_t zone = logs->files[i].zone;
		size_t votes = zone == INT64_MIN ? 0 : votes_for(logs, zone);
		if (votes > logs->zone_votes ||
		        (votes > 0 && votes == logs->zone_votes && llabs(zone) < llabs(logs->zone))) {
			logs->zone = zone;
			logs->zone_votes = votes;
		}
	}
	/* One file alone cannot tell a wrong time from a zone; the exhibit before may. */
	if (logs->zone_votes < 2 && other && other->zone_known) {
		logs->zone = other->zone;
		logs->zone_votes = votes_for(logs, other->zone);
	}
	logs->zone_known = logs->zone_votes > 0 || (other && other->zone_known);
}

static void to_utc(struct vst_cadence_file *file, int64_t zone)
{
	if (file->zoned)
		return;
	file->first -= zone;
	file->last -= zone;
	file->end -= zone;
	for (size_t i = 0; i < file->gaps.count; i++) {
		file->gaps.gaps[i].from -= zone;
		file->gaps.gaps[i].to -= zone;
	}
	for (size_t i = 0; i < file->steps.count; i++) {
		file->steps.gaps[i].from -= zone;
		file->steps.gaps[i].to -= zone;
	}
}

/* ---- logs ---- */

static int same_log(const struct vst_cadence_file *x, const struct vst_cadence_file *y)
{
	int order = strcmp(x->source, y->source);
	return order != 0 ? order : strcmp(x->family, y->family);
}

static int by_log(const void *a, const void *b)
{
	const struct vst_cadence_file *x = a, *y = b;
	int order = same_log(x, y);
	if (order != 0)
		return order;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->owner > y->owner) - (x->owner < y->owner);
}

static int add_file(struct vst_cadence_log *log, const struct vst_cadence_file *file, struct vst_err *err)
{
	int rc = 0;
	if (log->file_count > 0 && file->first > log->last) {
		const struct vst_cadence_gap gap = {log->last, file->first, 0, false, file->owner};
		log->ahead[vst_cadence_bucket(file->first - log->last)]++;
		if (file->first - log->last >= VST_CADENCE_GAP_MIN)
			rc = add_gap(&log->gaps, &gap, err);
	}
	for (size_t i = 0; rc == 0 && i < file->gaps.count; i++)
		rc = add_gap(&log->gaps, &file->gaps.gaps[i], err);
	for (size_t i = 0; i < VST_CADENCE_BUCKETS; i++)
		log->ahead[i] += file->ahead[i];
	if (log->file_count == 0 || file->last > log->last) {
		log->last = file->last;
		log->last_owner = file->owner;
		log->zoned = file->zoned;
	}
	log->first = log->file_count == 0 || file->first < log->first ? file->first : log->first;
	log->cut = log->cut || file->cut;
	log->lines += file->timed;
	log->file_count++;
	return rc;
}

static int gather(struct vst_cadence_logs *logs, struct vst_err *err)
{
	int rc = 0;
	if (logs->file_count == 0)
		return 0;
	qsort(logs->files, logs->file_count, sizeof *logs->files, by_log);
	logs->logs = vst_calloc(logs->file_count, sizeof *logs->logs);
	if (!logs->logs)
		return vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < logs->file_count; i++) {
		if (i == 0 || same_log(&logs->files[i - 1], &logs->files[i]) != 0)
			logs->logs[logs->log_count++].first_file = i;
		rc = add_file(&logs->logs[logs->log_count - 1], &logs->files[i], err);
	}
	return rc;
}

int vst_cadence_logs_read(struct vst_cadence_logs *ret, const struct vst_observed_set *items,
        const struct vst_cadence_logs *other, struct vst_err *err)
{
	int rc = 0;
	*ret = (struct vst_cadence_logs){.items = items};
	for (size_t i = 0; rc == 0 && items && i < items->count; i++) {
		json_t *facts;
		rc = vst_facts_read(items->items[i].facts, items->items[i].len, &facts, err);
		if (rc == 0 && facts)
			rc = read_file(ret, i, facts, err);
		json_decref(facts);
	}
	if (rc != 0)
		return rc;
	find_zone(ret, other);
	for (size_t i = 0; i < ret->file_count; i++)
		to_utc(&ret->files[i], ret->zone);
	return gather(ret, err);
}

void vst_cadence_logs_free(struct vst_cadence_logs *logs)
{
	for (size_t i = 0; i < logs->file_count; i++) {
		free(logs->files[i].family);
		free(logs->files[i].gaps.gaps);
		free(logs->files[i].steps.gaps);
	}
	for (size_t i = 0; i < logs->log_count; i++)
		free(logs->logs[i].gaps.gaps);
	free(logs->files);
	free(logs->logs);
	*logs = (struct vst_cadence_logs){0};
}

const struct vst_cadence_log *vst_cadence_logs_find(const struct vst_cadence_logs *logs,
        const struct vst_cadence_logs *of, const struct vst_cadence_log *log)
{
	for (size_t i = 0; i < logs->log_count; i++)
		if (same_log(&logs->files[logs->logs[i].first_file], &of->files[log->first_file]) == 0)
			return &logs->logs[i];
	return NULL;
}
