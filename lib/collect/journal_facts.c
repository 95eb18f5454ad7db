#include "collect/journal_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define CHECK_EVERY 4096 /* entries */

struct adding {
	struct vst_journal_facts *facts;
	struct vst_journal_file *file;
	struct vst_journal_seqnums *seqnums;
	size_t boot; /* of the entry before: mostly it is the same */
	vst_journal_check *check;
	void *ctx;
};

/* ---- sequence numbers ---- */

static int by_from(const void *a, const void *b)
{
	const struct vst_journal_range *x = a, *y = b;
	return (x->from > y->from) - (x->from < y->from);
}

static void join(struct vst_journal_seqnums *s)
{
	size_t kept = 0;
	if (s->count > 1)
		qsort(s->ranges, s->count, sizeof *s->ranges, by_from);
	for (size_t i = 1; i < s->count; i++) {
		struct vst_journal_range *last = &s->ranges[kept];
		if (s->ranges[i].from <= last->to || s->ranges[i].from - last->to == 1) {
			if (s->ranges[i].to > last->to)
				last->to = s->ranges[i].to;
		} else {
			s->ranges[++kept] = s->ranges[i];
		}
	}
	if (s->count > 0)
		s->count = kept + 1;
}

static int make_room(struct vst_journal_seqnums *s, struct vst_err *err)
{
	if (s->count < s->cap || s->incomplete)
		return 0;
	join(s);
	if (s->count < s->cap / 2)
		return 0;
	size_t cap = s->cap ? s->cap * 2 : 64;
	if (cap > VST_JOURNAL_RANGES_MAX) {
		s->incomplete = s->count > s->cap / 4 * 3; /* else sorting would go on with each entry */
		return 0;
	}
	struct vst_journal_range *ranges = vst_realloc(s->ranges, cap, sizeof *ranges);
	if (!ranges)
		return vst_err_nomem(err);
	s->ranges = ranges;
	s->cap = cap;
	return 0;
}

static int add_seqnum(struct vst_journal_seqnums *s, uint64_t number, struct vst_err *err)
{
	struct vst_journal_range *last = s->count > 0 ? &s->ranges[s->count - 1] : NULL;
	if (last && number >= last->from && number <= last->to)
		return 0;
	if (last && number == last->to + 1 && number != 0) {
		last->to = number;
		return 0;
	}
	int rc = make_room(s, err);
	if (rc == 0 && !s->incomplete)
		s->ranges[s->count++] = (struct vst_journal_range){number, number};
	return rc;
}

static const struct vst_journal_seqnums *find_seqnums(
        const struct vst_journal_facts *facts, const uint8_t id[VST_JOURNAL_ID])
{
	for (size_t i = 0; i < facts->seqnum_count; i++)
		if (memcmp(facts->seqnums[i].id, id, VST_JOURNAL_ID) == 0)
			return &facts->seqnums[i];
	return NULL;
}

static int use_seqnums(struct adding *a, struct vst_err *err)
{
	struct vst_journal_facts *facts = a->facts;
	const struct vst_journal_seqnums *found = find_seqnums(facts, a->file->header.seqnum_id);
	if (found) {
		a->seqnums = &facts->seqnums[found - facts->seqnums];
		return 0;
	}
	struct vst_journal_seqnums *more = vst_realloc(facts->seqnums, facts->seqnum_count + 1, sizeof *more);
	if (!more)
		return vst_err_nomem(err);
	facts->seqnums = more;
	a->seqnums = &more[facts->seqnum_count++];
	*a->seqnums = (struct vst_journal_seqnums){0};
	memcpy(a->seqnums->id, a->file->header.seqnum_id, VST_JOURNAL_ID);
	return 0;
}

bool vst_journal_facts_last(
        const struct vst_journal_facts *facts, const uint8_t id[VST_JOURNAL_ID], uint64_t *ret)
{
	const struct vst_journal_seqnums *found = find_seqnums(facts, id);
	if (!found || found->present == 0)
		return false;
	*ret = found->last;
	return true;
}

/* ---- boots ---- */

/* Where a boot is, or belongs, among those sorted by id. */
static size_t boot_place(const struct vst_journal_facts *facts, const uint8_t *id, bool *ret_found)
{
	size_t low = 0, high = facts->boot_count;
	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(facts->boots[middle].id, id, VST_JOURNAL_ID);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert_boot(struct vst_journal_facts *facts, size_t place, const struct vst_journal_entry *entry,
        struct vst_err *err)
{
	if (facts->boot_count == facts->boot_cap) {
		size_t cap = facts->boot_cap ? facts->boot_cap * 2 : 16;
		struct vst_journal_boot *more = vst_realloc(facts->boots, cap, sizeof *more);
		if (!more)
			return vst_err_nomem(err);
		facts->boots = more;
		facts->boot_cap = cap;
	}
	memmove(&facts->boots[place + 1], &facts->boots[place],
	        (facts->boot_count - place) * sizeof *facts->boots);
	facts->boots[place] = (struct vst_journal_boot){.first = entry->realtime, .last = entry->realtime};
	memcpy(facts->boots[place].id, entry->boot_id, VST_JOURNAL_ID);
	facts->boot_count++;
	return 0;
}

static int add_boot(struct adding *a, const struct vst_journal_entry *entry, struct vst_err *err)
{
	struct vst_journal_facts *facts = a->facts;
	bool found = a->boot < facts->boot_count &&
	             memcmp(facts->boots[a->boot].id, entry->boot_id, VST_JOURNAL_ID) == 0;
	if (!found)
		a->boot = boot_place(facts, entry->boot_id, &found);
	if (!found && facts->boot_count == VST_JOURNAL_BOOTS_MAX) {
		facts->boots_incomplete = true;
		return 0;
	}
	int rc = found ? 0 : insert_boot(facts, a->boot, entry, err);
	if (rc != 0)
		return rc;
	struct vst_journal_boot *boot = &facts->boots[a->boot];
	boot->entries++;
	if (entry->realtime < boot->first)
		boot->first = entry->realtime;
	if (entry->realtime > boot->last)
		boot->last = entry->realtime;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct vst_journal_boot *x = a, *y = b;
	if (x->last != y->last)
		return x->last < y->last ? -1 : 1;
	return memcmp(x->id, y->id, VST_JOURNAL_ID);
}

/* ---- files ---- */

static int add_entry(void *ctx, const struct vst_journal_entry *entry, struct vst_err *err)
{
	struct adding *a = ctx;
	struct vst_journal_file *file = a->file;
	bool is_first = file->read++ == 0;
	if (is_first || entry->seqnum < file->first_seqnum)
		file->first_seqnum = entry->seqnum;
	if (is_first || entry->seqnum > file->last_seqnum)
		file->last_seqnum = entry->seqnum;
	if (is_first || entry->realtime < file->first_realtime)
		file->first_realtime = entry->realtime;
	if (is_first || entry->realtime > file->last_realtime)
		file->last_realtime = entry->realtime;
	if (entry->realtime > a->facts->last_realtime)
		a->facts->last_realtime = entry->realtime;
	int rc = add_seqnum(a->seqnums, entry->seqnum, err);
	if (rc == 0)
		rc = add_boot(a, entry, err);
	if (rc == 0 && file->read % CHECK_EVERY == 0)
		rc = a->check(a->ctx, err);
	return rc;
}

static int new_file(struct vst_journal_facts *facts, const char *path, struct vst_err *err)
{
	struct vst_journal_file *more = vst_realloc(facts->files, facts->file_count + 1, sizeof *more);
	if (!more)
		return vst_err_nomem(err);
	facts->files = more;
	more[facts->file_count] = (struct vst_journal_file){.path = vst_strdup(path)};
	return more[facts->file_count++].path ? 0 : vst_err_nomem(err);
}

static int set_error(struct vst_journal_file *file, const char *error, struct vst_err *err)
{
	file->error = vst_strdup(error);
	return file->error ? 0 : vst_err_nomem(err);
}

int vst_journal_facts_add_error(
        struct vst_journal_facts *facts, const char *path, const char *error, struct vst_err *err)
{
	int rc = new_file(facts, path, err);
	return rc == 0 ? set_error(&facts->files[facts->file_count - 1], error, err) : rc;
}

static int read_header(
        const struct vst_journal_bytes *bytes, struct vst_journal_file *file, struct vst_err *why)
{
	uint8_t head[VST_JOURNAL_HEADER_MIN];
	int error = bytes->read(bytes->ctx, 0, head, VST_JOURNAL_SIGNATURE);
	if (error < 0 && bytes->size(bytes->ctx) == 0)
		return vst_err_set(why, VST_EFORMAT, "empty");
	if (error < 0 || (error == 0 && !vst_journal_is(head)))
		return vst_err_set(why, VST_EFORMAT, "not a journal file");
	if (error == 0)
		error = bytes->read(bytes->ctx, 0, head, sizeof head);
	if (error > 0)
		return vst_err_sys(why, error, "read");
	if (error < 0)
		return vst_err_set(why, VST_EFORMAT, "cut within its header");
	int rc = vst_journal_header_parse(head, &file->header, why);
	file->has_header = rc == 0 || rc == VST_EUNSUPPORTED;
	return rc;
}

int vst_journal_facts_add(struct vst_journal_facts *facts, const char *path,
        const struct vst_journal_bytes *bytes, vst_journal_check *check, void *ctx, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int rc = new_file(facts, path, err);
	if (rc != 0)
		return rc;
	struct adding a = {
	        .facts = facts,
	        .file = &facts->files[facts->file_count - 1],
	        .check = check,
	        .ctx = ctx,
	};
	if (read_header(bytes, a.file, &why) != 0)
		return set_error(a.file, why.text, err);
	if ((rc = use_seqnums(&a, err)) != 0)
		return rc;
	rc = vst_journal_walk(bytes, &a.file->header, add_entry, &a, &why);
	if (rc == 0)
		return 0;
	if (rc == VST_EFORMAT || rc == VST_EIO)
		return set_error(a.file, why.text, err);
	if (err)
		*err = why;
	return rc;
}

void vst_journal_facts_finish(struct vst_journal_facts *facts)
{
	for (size_t i = 0; i < facts->seqnum_count; i++) {
		struct vst_journal_seqnums *s = &facts->seqnums[i];
		join(s);
		s->present = 0;
		for (size_t j = 0; j < s->count; j++) {
			uint64_t more = s->ranges[j].to - s->ranges[j].from + 1;
			s->present = s->present + more < s->present ? UINT64_MAX : s->present + more;
		}
		s->first = s->count > 0 ? s->ranges[0].from : 0;
		s->last = s->count > 0 ? s->ranges[s->count - 1].to : 0;
	}
	if (facts->boot_count > 1)
		qsort(facts->boots, facts->boot_count, sizeof *facts->boots, by_time);
}

void vst_journal_facts_free(struct vst_journal_facts *facts)
{
	for (size_t i = 0; i < facts->file_count; i++) {
		free(facts->files[i].path);
		free(facts->files[i].error);
	}
	for (size_t i = 0; i < facts->seqnum_count; i++)
		free(facts->seqnums[i].ranges);
	free(facts->files);
	free(facts->seqnums);
	free(facts->boots);
	*facts = (struct vst_journal_facts){0};
}

uint64_t vst_journal_facts_broken(const struct vst_journal_facts *facts)
{
	uint64_t broken = 0;
	for (size_t i = 0; i < facts->file_count; i++)
		broken += facts->files[i].error != NULL;
	return broken;
}

/* ---- JSON ---- */

void vst_journal_write_time(struct vst_json *json, uint64_t realtime)
{
	vst_json_time(json, realtime <= INT64_MAX / 1000 ? (int64_t)realtime * 1000 : VST_TIME_NONE);
}

static void key_time(struct vst_json *json, const char *key, uint64_t realtime)
{
	vst_json_key(json, key);
	vst_journal_write_time(json, realtime);
}

/* A manifest holds whole numbers up to 2^63 - 1; a broken file may claim more. */
static void write_uint(struct vst_json *json, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, value);
	if (value <= INT64_MAX)
		vst_json_uint(json, value);
	else
		vst_json_string(json, text);
}

static void key_uint(struct vst_json *json, const char *key, uint64_t value)
{
	vst_json_key(json, key);
	write_uint(json, value);
}

static void key_id(struct vst_json *json, const char *key, const uint8_t id[VST_JOURNAL_ID])
{
	vst_json_key(json, key);
	vst_json_hex(json, id, VST_JOURNAL_ID);
}

static void write_header(const struct vst_journal_header *header, struct vst_json *json)
{
	key_id(json, "file_id", header->file_id);
	key_id(json, "machine_id", header->machine_id);
	key_id(json, "seqnum_id", header->seqnum_id);
	vst_json_key(json, "state");
	vst_json_string(json, vst_journal_state_name(header->state));
	key_uint(json, "compatible_flags", header->compatible);
	key_uint(json, "incompatible_flags", header->incompatible);
	key_uint(json, "head_seqnum", header->head_seqnum);
	key_uint(json, "tail_seqnum", header->tail_seqnum);
	key_uint(json, "entries", header->entries);
}

static void write_file(const struct vst_journal_file *file, struct vst_json *json)
{
	size_t len = strlen(file->path);
	vst_json_object(json);
	vst_json_key(json, "path");
	vst_json_text(json, file->path, len);
	if (!vst_utf8_valid(file->path, len)) {
		vst_json_key(json, "path_base64");
		vst_json_base64(json, file->path, len);
	}
	if (file->has_header)
		write_header(&file->header, json);
	key_uint(json, "read", file->read);
	if (file->read > 0) {
		key_uint(json, "first_seqnum", file->first_seqnum);
		key_uint(json, "last_seqnum", file->last_seqnum);
		key_time(json, "first", file->first_realtime);
		key_time(json, "last", file->last_realtime);
	}
	if (file->error) {
		vst_json_key(json, "error");
		vst_json_text(json, file->error, strlen(file->error));
	}
	vst_json_end(json);
}

static void write_boot(const struct vst_journal_boot *boot, struct vst_json *json)
{
	vst_json_object(json);
	key_id(json, "boot_id", boot->id);
	key_time(json, "first", boot->first);
	key_time(json, "last", boot->last);
	key_uint(json, "entries", boot->entries);
	vst_json_end(json);
}

static void write_seqnums(const struct vst_journal_seqnums *s, size_t max, struct vst_json *json)
{
	vst_json_object(json);
	key_id(json, "seqnum_id", s->id);
	if (s->present > 0) {
		key_uint(json, "first", s->first);
		key_uint(json, "last", s->last);
	}
	key_uint(json, "present", s->present);
	if (s->incomplete) {
		vst_json_key(json, "incomplete");
		vst_json_bool(json, true);
	} else {
		key_uint(json, "gap_count", s->count > 0 ? s->count - 1 : 0);
		vst_json_key(json, "gaps");
		vst_json_array(json);
		for (size_t i = 1; i < s->count && i <= max; i++) {
			vst_json_array(json);
			write_uint(json, s->ranges[i - 1].to + 1);
			write_uint(json, s->ranges[i].from - 1);
			vst_json_end(json);
		}
		vst_json_end(json);
	}
	vst_json_end(json);
}

/* Of boots, the last ones: they matter most. */
void vst_journal_facts_write(const struct vst_journal_facts *facts, size_t max, struct vst_json *json)
{
	size_t from = facts->boot_count > max ? facts->boot_count - max : 0;
	key_uint(json, "file_count", facts->file_count);
	vst_json_key(json, "files");
	vst_json_array(json);
	for (size_t i = 0; i < facts->file_count && i < max; i++)
		write_file(&facts->files[i], json);
	vst_json_end(json);
	key_uint(json, "boot_count", facts->boot_count);
	if (facts->boots_incomplete) {
		vst_json_key(json, "boots_incomplete");
		vst_json_bool(json, true);
	}
	vst_json_key(json, "boots");
	vst_json_array(json);
	for (size_t i = from; i < facts->boot_count; i++)
		write_boot(&facts->boots[i], json);
	vst_json_end(json);
	key_uint(json, "seqnum_count", facts->seqnum_count);
	vst_json_key(json, "seqnums");
	vst_json_array(json);
	for (size_t i = 0; i < facts->seqnum_count && i < max; i++)
		write_seqnums(&facts->seqnums[i], max, json);
	vst_json_end(json);
}
