#include "compare/journal_set.h"

#include <stdlib.h>
#include <string.h>

#include "compare/facts_read.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define DETAILS_RANGES_MAX 8192

static void copy_id(const json_t *object, const char *key, char ret[VST_JOURNAL_ID_TEXT])
{
	const char *id = vst_facts_text(object, key);
	memset(ret, 0, VST_JOURNAL_ID_TEXT);
	if (strlen(id) == VST_JOURNAL_ID_TEXT - 1)
		memcpy(ret, id, VST_JOURNAL_ID_TEXT);
}

static enum vst_journal_state state_of(const json_t *object)
{
	static const char *const names[] = {"offline", "online", "archived"};
	int64_t number = vst_facts_int(object, "state", -1);
	if (number >= 0)
		return number <= VST_JOURNAL_ARCHIVED ? (enum vst_journal_state)number : VST_JOURNAL_UNKNOWN;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(vst_facts_text(object, "state"), names[i]) == 0)
			return (enum vst_journal_state)i;
	return VST_JOURNAL_UNKNOWN;
}

static void read_header(const json_t *object, struct vst_journal_set_file *file)
{
	copy_id(object, "file_id", file->file_id);
	copy_id(object, "seqnum_id", file->seqnum_id);
	file->has_header = file->file_id[0] != '\0';
	file->state = state_of(object);
	file->head = vst_facts_uint(object, "head_seqnum");
	file->tail = vst_facts_uint(object, "tail_seqnum");
	file->entries = vst_facts_uint(object, "entries");
}

static struct vst_journal_set_file *new_file(
        struct vst_journal_set *set, const char *path, size_t owner, struct vst_err *err)
{
	struct vst_journal_set_file *files =
	        vst_grow(set->files, set->file_count, &set->file_cap, sizeof *files);
	if (!files) {
		vst_err_nomem(err);
		return NULL;
	}
	set->files = files;
	struct vst_journal_set_file *file = &files[set->file_count];
	*file = (struct vst_journal_set_file){
	        .path = vst_strdup(path), .state = VST_JOURNAL_UNKNOWN, .owner = owner};
	if (!file->path) {
		vst_err_nomem(err);
		return NULL;
	}
	set->file_count++;
	return file;
}

static int set_error(struct vst_journal_set_file *file, const char *error, struct vst_err *err)
{
	file->error = vst_strdup(error);
	return file->error ? 0 : vst_err_nomem(err);
}

/* ---- a file that was collected as such ---- */

static int read_collected(struct vst_journal_set *set, size_t owner, const json_t *facts, struct vst_err *err)
{
	const struct vst_item *item = set->items->items[owner].item;
	struct vst_journal_set_file *file = new_file(set, item->path, owner, err);
	if (!file)
		return VST_ENOMEM;
	if (!vst_facts_bool(facts, "journal"))
		return set_error(file, "not a journal file", err);
	read_header(facts, file);
	if (item->status != VST_ITEM_CHANGED)
		file->sha256 = vst_facts_sha256(item);
	return 0;
}

/* ---- the details of a journal source ---- */

static int read_file(struct vst_journal_set *set, size_t owner, const json_t *object, struct vst_err *err)
{
	struct vst_journal_set_file *file = new_file(set, vst_facts_text(object, "path"), owner, err);
	const char *error = vst_facts_text(object, "error");
	if (!file)
		return VST_ENOMEM;
	read_header(object, file);
	/* Of a file that is written to, more entries may have come since the header was read, not fewer. */
	uint64_t read = vst_facts_uint(object, "read");
	file->entries = read > file->entries ? read : file->entries;
	return error[0] ? set_error(file, error, err) : 0;
}

static int read_gaps(struct vst_journal_set_seqnums *to, const json_t *gaps, struct vst_err *err)
{
	size_t count = json_array_size(gaps);
	to->gaps.ranges = vst_calloc(count + 1, sizeof *to->gaps.ranges);
	if (!to->gaps.ranges)
		return vst_err_nomem(err);
	for (size_t i = 0; i < count && i < DETAILS_RANGES_MAX; i++) {
		int64_t from = vst_facts_at(json_array_get(gaps, i), 0, -1);
		int64_t until = vst_facts_at(json_array_get(gaps, i), 1, -1);
		if (from >= 0 && until >= from)
			to->gaps.ranges[to->gaps.count++] =
			        (struct vst_serial_range){.from = (uint64_t)from, .to = (uint64_t)until};
	}
	vst_serial_set_join(&to->gaps);
	return 0;
}

static int read_seqnums(struct vst_journal_set *set, size_t owner, const json_t *object, struct vst_err *err)
{
	struct vst_journal_set_seqnums *list =
	        vst_grow(set->seqnums, set->seqnum_count, &set->seqnum_cap, sizeof *list);
	if (!list)
		return vst_err_nomem(err);
	set->seqnums = list;
	struct vst_journal_set_seqnums *to = &list[set->seqnum_count];
	const json_t *gaps = vst_facts_array(object, "gaps");
	*to = (struct vst_journal_set_seqnums){.owner = owner};
	copy_id(object, "seqnum_id", to->id);
	to->first = vst_facts_uint(object, "first");
	to->last = vst_facts_uint(object, "last");
	to->is_known = gaps && vst_facts_uint(object, "gap_count") == json_array_size(gaps) &&
	               json_array_size(gaps) <= DETAILS_RANGES_MAX;
	int rc = read_gaps(to, gaps, err);
	set->seqnum_count += rc == 0;
	return rc;
}

static int read_details(struct vst_journal_set *set, size_t owner, struct vst_err *err)
{
	const struct vst_item *item = set->items->items[owner].item;
	json_t *details;
	int rc = vst_facts_read(item->details, item->details_len, &details, err);
	if (rc != 0 || !details)
		return rc;
	const json_t *files = vst_facts_array(details, "files"),
	             *seqnums = vst_facts_array(details, "seqnums");
	set->is_cut = set->is_cut || json_array_size(files) < vst_facts_uint(details, "file_count");
	for (size_t i = 0; rc == 0 && i < json_array_size(files); i++)
		rc = read_file(set, owner, json_array_get(files, i), err);
	for (size_t i = 0; rc == 0 && i < json_array_size(seqnums); i++)
		rc = read_seqnums(set, owner, json_array_get(seqnums, i), err);
	json_decref(details);
	return rc;
}

/* The export and the facts of one source say the same: once is enough. */
static bool is_said(const struct vst_journal_set *set, size_t owner)
{
	const struct vst_item *item = set->items->items[owner].item;
	for (size_t i = 0; i < owner; i++)
		if (set->items->items[i].item->type == VST_ITEM_STREAM &&
		        set->items->items[i].item->details &&
		        strcmp(set->items->items[i].item->source, item->source) == 0)
			return true;
	return false;
}

int vst_journal_set_read(
        struct vst_journal_set *ret, const struct vst_observed_set *items, struct vst_err *err)
{
	int rc = 0;
	*ret = (struct vst_journal_set){.items = items};
	for (size_t i = 0; rc == 0 && items && i < items->count; i++) {
		json_t *facts = NULL;
		if (items->items[i].item->type == VST_ITEM_STREAM) {
			rc = is_said(ret, i) ? 0 : read_details(ret, i, err);
			continue;
		}
		rc = vst_facts_read(items->items[i].facts, items->items[i].len, &facts, err);
		if (rc == 0 && facts)
			rc = read_collected(ret, i, facts, err);
		json_decref(facts);
	}
	return rc;
}

void vst_journal_set_free(struct vst_journal_set *set)
{
	for (size_t i = 0; i < set->file_count; i++) {
		free(set->files[i].path);
		free(set->files[i].error);
	}
	for (size_t i = 0; i < set->seqnum_count; i++)
		vst_serial_set_free(&set->seqnums[i].gaps);
	free(set->files);
	free(set->seqnums);
	*set = (struct vst_journal_set){0};
}
