/*
 * The time that a line of a log says, in the usual shapes, at its start or, of access logs and audit records,
 * inside:
 *
 *     Nov 22 03:40:13  <13>Nov 22 03:40:13     RFC 3164: no year, no zone
 *     2026-11-22T03:40:13.123+01:00            RFC 3339, RFC 5424 behind "<13>1 "
 *     2026-11-22 03:40:13,123  2026/11/22 03:40:13  [2026-11-22 03:40:13]
 *     [Sun Nov 22 03:40:13.123456 2026]        ctime(3), Apache's error log
 *     1763782813  1763782813.123  1763782813123
 *     … [22/Nov/2026:03:40:13 +0100] …         common log format
 *     type=… msg=audit(1763782813.123:45): …
 *
 * A time without a zone is given as if it were UTC.
 */
#ifndef COMPARE_LOG_TIME_H
#define COMPARE_LOG_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vst_log_time_kind {
	VST_LOG_TIME_SYSLOG,
	VST_LOG_TIME_ISO,
	VST_LOG_TIME_CTIME,
	VST_LOG_TIME_EPOCH,
	VST_LOG_TIME_ACCESS,
	VST_LOG_TIME_AUDIT,
	VST_LOG_TIME_KINDS
};

struct vst_log_time {
	int64_t seconds; /* since the epoch */
	enum vst_log_time_kind kind;
	bool has_zone;
	bool has_year;
	int month; /* 1 to 12, where there is no year */
};

/* `year` is taken where the line has none. False: the line says no time. */
bool vst_log_time_parse(const char *line, size_t len, int64_t year, struct vst_log_time *ret);

int64_t vst_log_time_year(int64_t seconds); /* of a time */
/* The same day and time in another year; 29 February may become 1 March. */
int64_t vst_log_time_shift(int64_t seconds, int64_t years);

#endif
