/*
 * Records of utmp(5), in the machine's byte order.
 *
 *     offset  384 bytes                  400 bytes (times of 64 bits)
 *     0       i16 type, 2 of padding     the same
 *     4       i32 pid
 *     8       line[32]
 *     40      id[4]
 *     44      user[32]
 *     76      host[256]
 *     332     i16 termination, i16 exit
 *     336     i32 session                i64 session
 *     340     i32 seconds, i32 µs        344: i64 seconds, i64 µs
 *     348     address: 16 bytes          360
 *     364     20 unused                  376: 20 unused, 4 of padding
 */
#ifndef COLLECT_LIVE_UTMP_H
#define COLLECT_LIVE_UTMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_UTMP_RECORD 384
#define VST_UTMP_RECORD_64 400

struct vst_utmp {
	int16_t type, termination, exit;
	int32_t pid;
	const char *line, *id, *user, *host; /* borrowed; the lengths are up to a NUL */
	size_t line_len, id_len, user_len, host_len;
	int64_t session, seconds, microseconds;
	uint8_t address[16];
};

/* Which size the records of a file have: the one that gives the more records that make sense, and 384 where
 * both do. */
size_t vst_utmp_record_size(const void *data, size_t len);

/* False if there is nothing but zeros in it: a record that was never used. `size` is one of the two. */
bool vst_utmp_parse(const void *record, size_t size, struct vst_utmp *ret);

/* "user_process"; NULL if there is no such type. */
const char *vst_utmp_type_name(int type);

#endif
