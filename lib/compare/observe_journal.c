/*
 * Journal files of systemd, by their headers. Source: systemd's "Journal File Format" (JOURNAL_FILE_FORMAT).
 * Little-endian:
 *
 *       0  "LPKSHHRH"                    144  objects
 *      16  state (u8)                    152  entries
 *      24  file id                       160  last sequence number
 *      40  machine id                    168  first sequence number
 *      56  boot id of the last entry     184  first wall clock time (µs)
 *      72  sequence number id            192  last wall clock time (µs)
 *
 * Facts: format 1; journal (false: the file is none, and nothing follows); state, file_id, machine_id,
 * boot_id, seqnum_id, entries, head_seqnum, tail_seqnum, head_time, tail_time. Numbers over 63 bits are left
 * out. Of the items of a source `journal:` the facts are {"format":1,"details":true}: what matters is in
 * their manifest lines.
 */
#include <stdlib.h>
#include <string.h>

#include "compare/journal_set.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define HEADER_MIN 208
#define ID_LEN 16

struct journal {
	uint8_t head[HEADER_MIN];
	size_t len;
	bool is_stream;
};

static bool has_ending(const char *path, const char *ending)
{
	size_t len = strlen(path), end = strlen(ending);
	return len > end && strcmp(path + len - end, ending) == 0;
}

static bool wants(const struct vst_item *item)
{
	if (!item->path)
		return false;
	if (item->type == VST_ITEM_STREAM)
		return strcmp(item->path, "/journal/export") == 0 ||
		       strcmp(item->path, "/journal/facts") == 0;
	return item->type == VST_ITEM_FILE &&
	       (has_ending(item->path, ".journal") || has_ending(item->path, ".journal~"));
}

static int open_journal(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	struct journal *journal = vst_calloc(1, sizeof *journal);
	if (!journal)
		return vst_err_nomem(err);
	journal->is_stream = item->type == VST_ITEM_STREAM;
	*ret_state = journal;
	return 0;
}

static int data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	struct journal *journal = state;
	(void)err;
	if (offset >= HEADER_MIN)
		return 0;
	size_t piece = HEADER_MIN - (size_t)offset < len ? HEADER_MIN - (size_t)offset : len;
	memcpy(journal->head + offset, bytes, piece);
	journal->len = (size_t)offset + piece;
	return 0;
}

static uint64_t u64_at(const uint8_t *at)
{
	uint64_t value = 0;
	for (size_t i = 8; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

static void key_uint(struct vst_json *json, const char *key, uint64_t value)
{
	if (value > INT64_MAX)
		return;
	vst_json_key(json, key);
	vst_json_uint(json, value);
}

static void key_id(struct vst_json *json, const char *key, const uint8_t *id)
{
	vst_json_key(json, key);
	vst_json_hex(json, id, ID_LEN);
}

static void key_time(struct vst_json *json, const char *key, uint64_t realtime)
{
	if (realtime > INT64_MAX / 1000)
		return;
	vst_json_key(json, key);
	vst_json_time(json, (int64_t)realtime * 1000);
}

static void write_header(const uint8_t *head, struct vst_json *json)
{
	key_uint(json, "state", head[16]);
	key_id(json, "file_id", head + 24);
	key_id(json, "machine_id", head + 40);
	key_id(json, "boot_id", head + 56);
	key_id(json, "seqnum_id", head + 72);
	key_uint(json, "entries", u64_at(head + 152));
	key_uint(json, "head_seqnum", u64_at(head + 168));
	key_uint(json, "tail_seqnum", u64_at(head + 160));
	key_time(json, "head_time", u64_at(head + 184));
	key_time(json, "tail_time", u64_at(head + 192));
}

static int close_journal(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	const struct journal *journal = state;
	bool is = journal->len == HEADER_MIN && memcmp(journal->head, "LPKSHHRH", 8) == 0;
	struct vst_json json = vst_json_begin(ret_facts);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, journal->is_stream ? "details" : "journal");
	vst_json_bool(&json, journal->is_stream || is);
	if (is && !journal->is_stream)
		write_header(journal->head, &json);
	vst_json_end(&json);
	return vst_buf_check(ret_facts, err);
}

const struct vst_observer vst_observe_journal = {
        .name = "journal",
        .wants = wants,
        .open = open_journal,
        .data = data,
        .close = close_journal,
        .free = free,
        .judge = vst_journal_judge,
};
