#include "collect/live_utmp.h"

#include <string.h>

static const char *const types[] = {"empty", "run_level", "boot_time", "new_time", "old_time", "init_process",
        "login_process", "user_process", "dead_process", "accounting"};

const char *vst_utmp_type_name(int type)
{
	return type >= 0 && (size_t)type < sizeof types / sizeof *types ? types[type] : NULL;
}

static const char *text(const uint8_t *at, size_t size, size_t *ret_len)
{
	*ret_len = strnlen((const char *)at, size);
	return (const char *)at;
}

static int32_t i32(const uint8_t *at)
{
	int32_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static int64_t i64(const uint8_t *at)
{
	int64_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static int16_t i16(const uint8_t *at)
{
	int16_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

bool vst_utmp_parse(const void *record, size_t size, struct vst_utmp *ret)
{
	const uint8_t *at = record;
	bool wide = size == VST_UTMP_RECORD_64, used = false;
	for (size_t i = 0; i < size && !used; i++)
		used = at[i] != 0;
	*ret = (struct vst_utmp){.type = i16(at),
	        .pid = i32(at + 4),
	        .termination = i16(at + 332),
	        .exit = i16(at + 334),
	        .session = wide ? i64(at + 336) : i32(at + 336),
	        .seconds = wide ? i64(at + 344) : i32(at + 340),
	        .microseconds = wide ? i64(at + 352) : i32(at + 344)};
	ret->line = text(at + 8, 32, &ret->line_len);
	ret->id = text(at + 40, 4, &ret->id_len);
	ret->user = text(at + 44, 32, &ret->user_len);
	ret->host = text(at + 76, 256, &ret->host_len);
	memcpy(ret->address, at + (wide ? 360 : 348), sizeof ret->address);
	return used;
}

static size_t sensible(const uint8_t *data, size_t len, size_t size)
{
	struct vst_utmp record;
	size_t count = 0;
	for (size_t at = 0; len - at >= size; at += size) {
		bool used = vst_utmp_parse(data + at, size, &record);
		count += used && vst_utmp_type_name(record.type) && record.type != 0 && data[at + 2] == 0 &&
		         data[at + 3] == 0 && record.microseconds >= 0 && record.microseconds < 1000000;
	}
	return count;
}

size_t vst_utmp_record_size(const void *data, size_t len)
{
	size_t narrow = sensible(data, len, VST_UTMP_RECORD), wide = sensible(data, len, VST_UTMP_RECORD_64);
	if (narrow == wide)
		return len % VST_UTMP_RECORD != 0 && len % VST_UTMP_RECORD_64 == 0 ? VST_UTMP_RECORD_64
		                                                                   : VST_UTMP_RECORD;
	return narrow > wide ? VST_UTMP_RECORD : VST_UTMP_RECORD_64;
}
