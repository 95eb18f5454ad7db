#include "compare/lastlog_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compare/account_files.h"
#include "compare/fact_text.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/json.h"
#include "vestige/mem.h"

#define NARROW 292
#define WIDE 296
#define TEXTS (32 + 256)
#define ENTRIES_MAX 4096
#define UID_MAX UINT32_MAX

struct entry {
	uint32_t uid;
	uint8_t time[8]; /* as it lies in the file */
	uint8_t digest[VST_FACT_DIGEST_LEN];
};

/* The file read with records of one size: both are tried at once, as the content comes but once. */
struct reading {
	size_t size;
	uint64_t index; /* of the record that is being put together */
	uint8_t record[WIDE];
	bool used; /* some byte of it is not zero */
	struct entry *entries;
	size_t count, cap;
	bool cut;
	uint64_t sensible[2]; /* little, big */
};

struct vst_lastlog {
	struct reading readings[2];
};

int vst_lastlog_new(struct vst_lastlog **ret, struct vst_err *err)
{
	struct vst_lastlog *lastlog = vst_calloc(1, sizeof *lastlog);
	if (!lastlog)
		return vst_err_nomem(err);
	lastlog->readings[0].size = NARROW;
	lastlog->readings[1].size = WIDE;
	*ret = lastlog;
	return 0;
}

void vst_lastlog_free(struct vst_lastlog *lastlog)
{
	if (!lastlog)
		return;
	free(lastlog->readings[0].entries);
	free(lastlog->readings[1].entries);
	free(lastlog);
}

static int64_t time_of(const uint8_t *at, size_t size, bool big)
{
	size_t len = size == NARROW ? 4 : 8;
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[big ? i : len - 1 - i];
	return len == 4 ? (int64_t)(uint32_t)value : (int64_t)value;
}

/* Printable up to the first NUL, and zeros from there on. */
static bool is_text(const uint8_t *at, size_t len)
{
	size_t i = 0;
	while (i < len && at[i] >= 0x20 && at[i] != 0x7f)
		i++;
	while (i < len && at[i] == 0)
		i++;
	return i == len;
}

static void weigh(struct reading *reading)
{
	const uint8_t *texts = reading->record + (reading->size - TEXTS);
	if (!is_text(texts, 32) || !is_text(texts + 32, 256))
		return;
	for (int big = 0; big < 2; big++) {
		int64_t time = time_of(reading->record, reading->size, big);
		/* 1990 to 2106. */
		reading->sensible[big] += time > INT64_C(631152000) && time <= UINT32_MAX;
	}
}

static int finish(struct reading *reading, struct vst_err *err)
{
	if (!reading->used)
		return 0;
	reading->used = false;
	if (reading->index > UID_MAX || reading->count == ENTRIES_MAX) {
		reading->cut = true;
	} else {
		if (reading->count == reading->cap) {
			size_t cap = reading->cap ? 2 * reading->cap : 64;
			struct entry *grown = vst_realloc(reading->entries, cap, sizeof *grown);
			if (!grown)
				return vst_err_nomem(err);
			reading->entries = grown;
			reading->cap = cap;
		}
		struct entry *entry = &reading->entries[reading->count++];
		uint8_t digest[VST_HASH_LEN];
		vst_sha256(reading->record, reading->size, digest);
		entry->uid = (uint32_t)reading->index;
		memcpy(entry->time, reading->record, sizeof entry->time);
		memcpy(entry->digest, digest, sizeof entry->digest);
		weigh(reading);
	}
	memset(reading->record, 0, sizeof reading->record);
	return 0;
}

static bool is_zero(const uint8_t *at, size_t len)
{
	return len == 0 || (at[0] == 0 && memcmp(at, at + 1, len - 1) == 0);
}

static int take(struct reading *reading, uint64_t offset, const uint8_t *at, size_t len, struct vst_err *err)
{
	while (len > 0) {
		uint64_t index = offset / reading->size;
		size_t from = (size_t)(offset % reading->size), part = reading->size - from;
		if (part > len)
			part = len;
		if (index != reading->index) {
			int rc = finish(reading, err);
			if (rc != 0)
				return rc;
			reading->index = index;
		}
		if (!is_zero(at, part)) {
			memcpy(reading->record + from, at, part);
			reading->used = true;
		}
		at += part;
		offset += part;
		len -= part;
	}
	return 0;
}

int vst_lastlog_data(
        struct vst_lastlog *lastlog, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	int rc = take(&lastlog->readings[0], offset, bytes, len, err);
	return rc ? rc : take(&lastlog->readings[1], offset, bytes, len, err);
}

static void write_facts(const struct reading *reading, bool big, struct vst_json *json)
{
	vst_json_object(json);
	vst_json_key(json, "format");
	vst_json_uint(json, VST_ACCOUNT_FORMAT);
	vst_json_key(json, "kind");
	vst_json_string(json, vst_account_file_name(VST_ACCOUNT_LASTLOG));
	vst_json_key(json, "record");
	vst_json_uint(json, reading->size);
	vst_json_key(json, "endian");
	vst_json_string(json, big ? "big" : "little");
	vst_json_key(json, "entries");
	vst_json_array(json);
	for (size_t i = 0; i < reading->count; i++) {
		const struct entry *entry = &reading->entries[i];
		vst_json_array(json);
		vst_json_uint(json, entry->uid);
		vst_json_int(json, time_of(entry->time, reading->size, big));
		vst_json_hex(json, entry->digest, sizeof entry->digest);
		vst_json_end(json);
	}
	vst_json_end(json);
	if (reading->cut) {
		vst_json_key(json, "cut");
		vst_json_bool(json, true);
	}
	vst_json_end(json);
}

int vst_lastlog_end(struct vst_lastlog *lastlog, struct vst_buf *ret, struct vst_err *err)
{
	const struct reading *best = &lastlog->readings[0];
	int best_big = 0;
	for (int i = 0; i < 2; i++) {
		struct reading *reading = &lastlog->readings[i];
		int rc = finish(reading, err);
		if (rc != 0)
			return rc;
		for (int big = 0; big < 2; big++) {
			if (reading->sensible[big] > best->sensible[best_big]) {
				best = reading;
				best_big = big;
			}
		}
	}
	struct vst_json json = vst_json_begin(ret);
	write_facts(best, best_big, &json);
	return vst_buf_check(ret, err);
}
