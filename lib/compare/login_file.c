#include "compare/login_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/json.h"
#include "vestige/mem.h"

#define NARROW 384
#define WIDE 400
#define HEAD_MAX (64 * 1024)   /* bytes by which the form is told */
#define ZEROS_MAX (256 * 1024) /* of a hole that are read as bytes; larger ones are counted */
#define JITTER 60    /* seconds: programs that log in at once do not write in order of their times */
#define AFTER_BOOT 8 /* records after a boot in which the clock is being set */

enum type {
	EMPTY,
	RUN_LEVEL,
	BOOT_TIME,
	NEW_TIME,
	OLD_TIME,
	INIT_PROCESS,
	LOGIN_PROCESS,
	USER_PROCESS,
	DEAD_PROCESS,
	ACCOUNTING
};

struct form {
	size_t size; /* 0: none fits */
	bool big;
};

struct run {
	uint64_t at, count;
	bool before_boot; /* a boot follows, or nothing: zeros that a crash leaves */
};

struct back {
	uint64_t at;
	int64_t seconds;
};

struct vst_login_file {
	uint8_t *head;
	size_t head_len;
	bool decided, packed;
	struct form form;

	uint64_t offset; /* of what comes next */
	uint8_t record[WIDE];
	size_t filled;
	uint64_t count;

	bool has_time;
	int64_t first, last;
	uint64_t unsettled; /* records that may still step back after a boot or a set clock */

	uint64_t blank, back;
	struct run runs[VST_LOGIN_LIST];
	size_t run_count;
	bool in_run, run_kept;
	struct back backs[VST_LOGIN_LIST];
	size_t back_count;

	uint8_t block[VST_LOGIN_BLOCK][VST_LOGIN_DIGEST];
	uint8_t blocks[VST_LOGIN_BLOCKS][VST_LOGIN_DIGEST];
	size_t block_count;
	bool blocks_end; /* a hole too large to be read: no further block is known */

	uint64_t from;                                     /* the first of the records in the ring */
	uint8_t ring[VST_LOGIN_RECORDS][VST_LOGIN_DIGEST]; /* of record n at n modulo its length */
};

int vst_login_file_new(struct vst_login_file **ret, struct vst_err *err)
{
	struct vst_login_file *file = vst_calloc(1, sizeof *file);
	if (file)
		file->head = vst_alloc(HEAD_MAX);
	if (!file || !file->head) {
		free(file);
		return vst_err_nomem(err);
	}
	*ret = file;
	return 0;
}

void vst_login_file_free(struct vst_login_file *file)
{
	if (!file)
		return;
	free(file->head);
	free(file);
}

/* ---- one record ---- */

static uint64_t whole_number(const uint8_t *at, size_t len, bool big)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[big ? i : len - 1 - i];
	return value;
}

static unsigned type_of(const uint8_t *record, struct form form)
{
	return (unsigned)whole_number(record, 2, form.big);
}

/* 32 bits are taken without a sign, as they are until 2106. */
static int64_t time_of(const uint8_t *record, struct form form)
{
	return form.size == NARROW ? (int64_t)whole_number(record + 340, 4, form.big)
	                           : (int64_t)whole_number(record + 344, 8, form.big);
}

static bool is_zero(const uint8_t *at, size_t len)
{
	return at[0] == 0 && memcmp(at, at + 1, len - 1) == 0;
}

static bool is_blank(const uint8_t *record, struct form form)
{
	unsigned type = type_of(record, form);
	int64_t time = time_of(record, form);
	if (type == EMPTY)
		return time == 0;
	return (type == USER_PROCESS && record[44] == 0) ||
	       ((type == USER_PROCESS || type == LOGIN_PROCESS) && time == 0);
}

/* ---- which form ---- */

static bool is_sensible(const uint8_t *record, struct form form)
{
	unsigned type = type_of(record, form);
	int64_t time = time_of(record, form);
	uint64_t micro = form.size == NARROW ? whole_number(record + 344, 4, form.big)
	                                     : whole_number(record + 352, 8, form.big);
	/* The two unused bytes behind the type tell one byte order from the other. */
	return type > EMPTY && type <= ACCOUNTING && record[2] == 0 && record[3] == 0 && time >= 0 &&
	       time <= UINT32_MAX && micro < 1000000;
}

static bool is_packed(const uint8_t *at, size_t len)
{
	static const struct {
		const char *magic;
		size_t len;
	} kinds[] = {{"\x1f\x8b", 2}, {"BZh", 3},
	        {"\xfd"
	         "7zXZ",
	                5},
	        {"\x28\xb5\x2f\xfd", 4}, {"\x04\x22\x4d\x18", 4}};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (len >= kinds[i].len && memcmp(at, kinds[i].magic, kinds[i].len) == 0)
			return true;
	return false;
}

/* The form in which most records make sense; among equals the first. A file of zeros alone has the first. */
static void decide(struct vst_login_file *file)
{
	static const struct form forms[] = {{NARROW, false}, {WIDE, false}, {WIDE, true}, {NARROW, true}};
	uint64_t best = 0;
	file->decided = true;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		uint64_t sensible = 0;
		for (size_t at = 0; file->head_len - at >= forms[i].size; at += forms[i].size)
			sensible += is_sensible(file->head + at, forms[i]);
		if (sensible > best) {
			best = sensible;
			file->form = forms[i];
		}
	}
	if (best > 0)
		return;
	file->packed = is_packed(file->head, file->head_len);
	if (file->head_len == 0 || is_zero(file->head, file->head_len))
		file->form = forms[0];
}

/* ---- the records ---- */

static void end_run(struct vst_login_file *file, bool before_boot)
{
	if (file->in_run && file->run_kept)
		file->runs[file->run_count - 1].before_boot = before_boot;
	file->in_run = false;
}

static void count_blanks(struct vst_login_file *file, uint64_t count)
{
	file->blank += count;
	if (!file->in_run) {
		file->in_run = true;
		file->run_kept = file->run_count < VST_LOGIN_LIST;
		if (file->run_kept)
			file->runs[file->run_count++] = (struct run){.at = file->count};
	}
	if (file->run_kept)
		file->runs[file->run_count - 1].count += count;
}

static void check_time(struct vst_login_file *file, unsigned type, int64_t time)
{
	bool sets_clock = type == BOOT_TIME || type == NEW_TIME || type == OLD_TIME;
	if (time <= 0)
		return;
	if (!file->has_time)
		file->first = time;
	if (file->has_time && time < file->last - JITTER && !sets_clock && file->unsettled == 0) {
		if (file->back_count < VST_LOGIN_LIST)
			file->backs[file->back_count++] = (struct back){file->count, file->last - time};
		file->back++;
	}
	if (sets_clock)
		file->unsettled = AFTER_BOOT;
	else if (file->unsettled > 0)
		file->unsettled--;
	file->has_time = true;
	file->last = time;
}

static void keep_digest(struct vst_login_file *file, const uint8_t *digest)
{
	size_t in_block = (size_t)(file->count % VST_LOGIN_BLOCK);
	memcpy(file->ring[file->count % VST_LOGIN_RECORDS], digest, VST_LOGIN_DIGEST);
	memcpy(file->block[in_block], digest, VST_LOGIN_DIGEST);
	file->count++;
	if (file->count - file->from > VST_LOGIN_RECORDS)
		file->from = file->count - VST_LOGIN_RECORDS;
	if (in_block + 1 == VST_LOGIN_BLOCK && !file->blocks_end && file->block_count < VST_LOGIN_BLOCKS) {
		uint8_t whole[VST_HASH_LEN];
		vst_sha256(file->block, sizeof file->block, whole);
		memcpy(file->blocks[file->block_count++], whole, VST_LOGIN_DIGEST);
	}
}

static void take_record(struct vst_login_file *file)
{
	uint8_t digest[VST_HASH_LEN] = {0};
	unsigned type = type_of(file->record, file->form);
	if (is_blank(file->record, file->form)) {
		count_blanks(file, 1);
	} else {
		end_run(file, type == BOOT_TIME || type == RUN_LEVEL);
		check_time(file, type, time_of(file->record, file->form));
		vst_sha256(file->record, file->form.size, digest);
	}
	keep_digest(file, digest);
	file->filled = 0;
}

static void take_bytes(struct vst_login_file *file, const uint8_t *at, size_t len)
{
	while (len > 0) {
		size_t part = file->form.size - file->filled;
		if (part > len)
			part = len;
		memcpy(file->record + file->filled, at, part);
		file->filled += part;
		at += part;
		len -= part;
		if (file->filled == file->form.size)
			take_record(file);
	}
}

/* Of a hole beyond reason whole records are counted only; what follows has its number all the same. */
static void take_zeros(struct vst_login_file *file, uint64_t len)
{
	static const uint8_t zeros[WIDE];
	size_t size = file->form.size;
	if (len > ZEROS_MAX) {
		size_t rest = (size - file->filled) % size;
		take_bytes(file, zeros, rest);
		len -= rest;
		count_blanks(file, len / size);
		file->count += len / size;
		file->from = file->count;
		file->blocks_end = true;
		len %= size;
	}
	while (len > 0) {
		size_t part = len < sizeof zeros ? (size_t)len : sizeof zeros;
		take_bytes(file, zeros, part);
		len -= part;
	}
}

static void take_head(struct vst_login_file *file)
{
	decide(file);
	if (file->form.size != 0)
		take_bytes(file, file->head, file->head_len);
}

/* Until the form is known bytes are kept, zeros of holes too. */
static void fill_head(struct vst_login_file *file, const uint8_t **at, uint64_t *len)
{
	size_t room = HEAD_MAX - file->head_len, part = *len < room ? (size_t)*len : room;
	if (*at)
		memcpy(file->head + file->head_len, *at, part);
	else
		memset(file->head + file->head_len, 0, part);
	file->head_len += part;
	*len -= part;
	if (*at)
		*at += part;
	if (file->head_len == HEAD_MAX)
		take_head(file);
}

static void take(struct vst_login_file *file, const uint8_t *at, uint64_t len)
{
	if (!file->decided)
		fill_head(file, &at, &len);
	if (len == 0 || file->form.size == 0)
		return;
	if (at)
		take_bytes(file, at, (size_t)len);
	else
		take_zeros(file, len);
}

void vst_login_file_data(struct vst_login_file *file, uint64_t offset, const void *bytes, size_t len)
{
	if (offset > file->offset)
		take(file, NULL, offset - file->offset);
	file->offset = offset + len;
	if (len > 0)
		take(file, bytes, len);
}

/* ---- facts ---- */

static void write_lists(const struct vst_login_file *file, struct vst_json *json)
{
	vst_json_key(json, "blank");
	vst_json_uint(json, file->blank);
	vst_json_key(json, "blanks");
	vst_json_array(json);
	for (size_t i = 0; i < file->run_count; i++) {
		vst_json_array(json);
		vst_json_uint(json, file->runs[i].at);
		vst_json_uint(json, file->runs[i].count);
		vst_json_bool(json, file->runs[i].before_boot);
		vst_json_end(json);
	}
	vst_json_end(json);
	vst_json_key(json, "back");
	vst_json_uint(json, file->back);
	vst_json_key(json, "backs");
	vst_json_array(json);
	for (size_t i = 0; i < file->back_count; i++) {
		vst_json_array(json);
		vst_json_uint(json, file->backs[i].at);
		vst_json_int(json, file->backs[i].seconds);
		vst_json_end(json);
	}
	vst_json_end(json);
}

static int write_digests(const struct vst_login_file *file, struct vst_json *json, struct vst_err *err)
{
	struct vst_buf records = VST_BUF_INIT;
	vst_buf_reserve(&records, VST_LOGIN_DIGEST);
	for (uint64_t at = file->from; at < file->count; at++)
		vst_buf_bytes(&records, file->ring[at % VST_LOGIN_RECORDS], VST_LOGIN_DIGEST);
	int rc = vst_buf_check(&records, err);
	if (rc == 0) {
		vst_json_key(json, "blocks");
		vst_json_base64(json, file->blocks, file->block_count * VST_LOGIN_DIGEST);
		vst_json_key(json, "from");
		vst_json_uint(json, file->from);
		vst_json_key(json, "records");
		vst_json_base64(json, records.data, records.len);
	}
	vst_buf_free(&records);
	return rc;
}

int vst_login_file_end(struct vst_login_file *file, struct vst_buf *ret, struct vst_err *err)
{
	int rc = 0;
	if (!file->decided)
		take_head(file);
	end_run(file, true);
	struct vst_json json = vst_json_begin(ret);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, VST_LOGIN_FORMAT);
	vst_json_key(&json, "record");
	vst_json_uint(&json, file->form.size);
	if (file->packed) {
		vst_json_key(&json, "packed");
		vst_json_bool(&json, true);
	}
	if (file->form.size != 0) {
		vst_json_key(&json, "endian");
		vst_json_string(&json, file->form.big ? "big" : "little");
		vst_json_key(&json, "count");
		vst_json_uint(&json, file->count);
		vst_json_key(&json, "over");
		vst_json_uint(&json, file->filled);
		if (file->has_time) {
			vst_json_key(&json, "first");
			vst_json_int(&json, file->first);
			vst_json_key(&json, "last");
			vst_json_int(&json, file->last);
		}
		write_lists(file, &json);
		rc = write_digests(file, &json, err);
	}
	vst_json_end(&json);
	return rc ? rc : vst_buf_check(ret, err);
}
