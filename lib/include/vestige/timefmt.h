/*
 * Time: nanoseconds since the epoch in UTC, written as RFC 3339 with `Z`, and a clock that tests can set.
 */
#ifndef VESTIGE_TIMEFMT_H
#define VESTIGE_TIMEFMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define VST_TIME_TEXT 36
#define VST_NS_PER_S INT64_C(1000000000)
/* No time: what a field holds that the file system did not give. It has no text form; encoders leave the key
 * out. */
#define VST_TIME_NONE INT64_MIN

/*
 * CLOCK_REALTIME, ns. In builds with VESTIGE_FAULTS, VESTIGE_CLOCK=<seconds since the epoch> fixes the first
 * reading and each further one comes 1 ms later, so that golden files can be made again.
 */
int64_t vst_time_now(void);

/* `2026-11-22T03:40:13.123456789Z`; nine digits of fraction, or none when it is zero. Years 1678 to 2262
 * (int64 ns). */
void vst_time_format(int64_t ns, char ret_text[VST_TIME_TEXT]);

/* Reads exactly what vst_time_format() writes: false for anything else, also for another spelling of the same
 * time. */
bool vst_time_parse(const char *text, size_t len, int64_t *ret_ns);

/* Whole seconds of "90s", "10min", "2h", "30d": a number from 1 to 2^32-1 and its unit. */
bool vst_duration_parse(const char *text, uint64_t *ret_seconds);

#define VST_DURATION_TEXT 48
/* "2 d 3 h", "1 d", "5 h 20 min", "12 min", "9 s": rounded to its second unit. */
void vst_duration_text(int64_t ns, char ret_text[VST_DURATION_TEXT]);

/* False if the timespec does not fit into int64 ns (a hostile file's time may be the year 10^11). */
bool vst_time_from_spec(const struct timespec *spec, int64_t *ret_ns);

#endif
