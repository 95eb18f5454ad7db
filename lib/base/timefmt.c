#include "vestige/timefmt.h"

#include <stdio.h>
#include <string.h>

#ifdef VESTIGE_FAULTS
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#endif

#define S_PER_DAY 86400
/* Days from 0000-03-01 to 1970-01-01. Years here begin in March, so that a leap day is the last one of its
 * year. */
#define EPOCH_DAY 719468
#define DAYS_PER_400_YEARS 146097
#define DAYS_PER_100_YEARS 36524
#define DAYS_PER_4_YEARS 1461

static const uint16_t month_start[13] = {0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337, 366};

struct civil {
	unsigned year, month, day;
};

/* ---- the clock ---- */

static int64_t clock_read(void)
{
	struct timespec spec = {0};
	clock_gettime(CLOCK_REALTIME, &spec);
	return (int64_t)spec.tv_sec * VST_NS_PER_S + spec.tv_nsec;
}

#ifdef VESTIGE_FAULTS
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool fixed;
static _Atomic int64_t fixed_next;

static void fix(void)
{
	const char *text = getenv("VESTIGE_CLOCK");
	if (!text || !*text)
		return;
	char *end;
	long long seconds = strtoll(text, &end, 10);
	int64_t ns;
	/* A clock that cannot be understood must not pass for the real one. */
	if (*end || __builtin_mul_overflow((int64_t)seconds, VST_NS_PER_S, &ns))
		abort();
	atomic_store(&fixed_next, ns);
	fixed = true;
}

int64_t vst_time_now(void)
{
	pthread_once(&once, fix);
	return fixed ? atomic_fetch_add(&fixed_next, VST_NS_PER_S / 1000) : clock_read();
}
#else
int64_t vst_time_now(void)
{
	return clock_read();
}
#endif

/* ---- the calendar (Gregorian, for every year that int64 nanoseconds reach) ---- */

static struct civil civil_of_day(int64_t epoch_day)
{
	uint32_t day = (uint32_t)(epoch_day + EPOCH_DAY);
	uint32_t era = day / DAYS_PER_400_YEARS;
	day %= DAYS_PER_400_YEARS;
	/* The last century and the last year of a leap span have a day more, which division would count as a
	 * new one. */
	uint32_t century = day / DAYS_PER_100_YEARS;
	if (century > 3)
		century = 3;
	day -= century * DAYS_PER_100_YEARS;
	uint32_t span = day / DAYS_PER_4_YEARS;
	day %= DAYS_PER_4_YEARS;
	uint32_t year = day / 365;
	if (year > 3)
		year = 3;
	day -= year * 365;

	unsigned month = day / 31;
	if (day >= month_start[month + 1])
		month++;
	struct civil c = {
	        .year = era * 400 + century * 100 + span * 4 + year,
	        .month = month + 3,
	        .day = day - month_start[month] + 1,
	};
	if (c.month > 12) {
		c.month -= 12;
		c.year++;
	}
	return c;
}

/* The caller has checked the month; a day that the month does not have comes out as one of the next. */
static int64_t day_of_civil(struct civil c)
{
	int64_t year = (int64_t)c.year - (c.month < 3);
	unsigned month = c.month < 3 ? c.month + 9 : c.month - 3;
	return year * 365 + year / 4 - year / 100 + year / 400 + month_start[month] + c.day - 1 - EPOCH_DAY;
}

/* ---- text ---- */

static void put_digits(char *to, unsigned count, uint32_t value)
{
	for (unsigned i = count; i > 0; i--) {
		to[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
}

void vst_time_format(int64_t ns, char ret_text[VST_TIME_TEXT])
{
	if (ns == VST_TIME_NONE) {
		ret_text[0] = '\0';
		return;
	}
	int64_t seconds = ns / VST_NS_PER_S, fraction = ns % VST_NS_PER_S;
	if (fraction < 0) {
		fraction += VST_NS_PER_S;
		seconds--;
	}
	int64_t day = seconds / S_PER_DAY, second = seconds % S_PER_DAY;
	if (second < 0) {
		second += S_PER_DAY;
		day--;
	}
	struct civil c = civil_of_day(day);
	memcpy(ret_text, "0000-00-00T00:00:00", 19);
	put_digits(ret_text, 4, c.year);
	put_digits(ret_text + 5, 2, c.month);
	put_digits(ret_text + 8, 2, c.day);
	put_digits(ret_text + 11, 2, (uint32_t)(second / 3600));
	put_digits(ret_text + 14, 2, (uint32_t)(second / 60 % 60));
	put_digits(ret_text + 17, 2, (uint32_t)(second % 60));
	char *end = ret_text + 19;
	if (fraction) {
		*end++ = '.';
		put_digits(end, 9, (uint32_t)fraction);
		end += 9;
	}
	*end++ = 'Z';
	*end = '\0';
}

static bool get_digits(const char *text, unsigned count, unsigned *ret)
{
	unsigned value = 0;
	for (unsigned i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*ret = value;
	return true;
}

bool vst_time_parse(const char *text, size_t len, int64_t *ret_ns)
{
	struct civil c;
	unsigned hour, minute, second, fraction = 0;
	if (len != 20 && len != 30)
		return false;
	if (!get_digits(text, 4, &c.year) || !get_digits(text + 5, 2, &c.month) ||
	        !get_digits(text + 8, 2, &c.day) || !get_digits(text + 11, 2, &hour) ||
	        !get_digits(text + 14, 2, &minute) || !get_digits(text + 17, 2, &second) ||
	        (len == 30 && !get_digits(text + 20, 9, &fraction)))
		return false;
	if (c.year == 0 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31)
		return false;
	struct timespec spec = {
	        .tv_sec = (time_t)(day_of_civil(c) * S_PER_DAY + hour * 3600 + minute * 60 + second),
	        .tv_nsec = (long)fraction,
	};
	int64_t ns;
	if (!vst_time_from_spec(&spec, &ns))
		return false;
	/* Separators, February 30th, hour 24, a leap second, a fraction of zeros: none of them comes back the
	 * same. */
	char again[VST_TIME_TEXT];
	vst_time_format(ns, again);
	if (strlen(again) != len || memcmp(again, text, len) != 0)
		return false;
	*ret_ns = ns;
	return true;
}

bool vst_duration_parse(const char *text, uint64_t *ret_seconds)
{
	static const struct {
		const char *name;
		unsigned seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", S_PER_DAY}};
	const char *at = text;
	uint64_t value = 0;
	for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	if (value == 0 || value > UINT32_MAX)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(at, units[i].name) == 0) {
			*ret_seconds = value * units[i].seconds;
			return true;
		}
	}
	return false;
}

void vst_duration_text(int64_t ns, char ret_text[VST_DURATION_TEXT])
{
	int64_t s = ns > 0 ? ns / VST_NS_PER_S : 0;

	if (s >= S_PER_DAY)
		s = (s + 1800) / 3600 * 3600;
	else if (s >= 60)
		s = (s + 30) / 60 * 60;
	long long days = s / S_PER_DAY, hours = s / 3600 % 24, minutes = s / 60 % 60;

	if (days > 0 && hours > 0)
		snprintf(ret_text, VST_DURATION_TEXT, "%lld d %lld h", days, hours);
	else if (days > 0)
		snprintf(ret_text, VST_DURATION_TEXT, "%lld d", days);
	else if (hours > 0 && minutes > 0)
		snprintf(ret_text, VST_DURATION_TEXT, "%lld h %lld min", hours, minutes);
	else if (hours > 0)
		snprintf(ret_text, VST_DURATION_TEXT, "%lld h", hours);
	else if (minutes > 0)
		snprintf(ret_text, VST_DURATION_TEXT, "%lld min", minutes);
	else
		snprintf(ret_text, VST_DURATION_TEXT, "%lld s", (long long)s);
}

bool vst_time_from_spec(const struct timespec *spec, int64_t *ret_ns)
{
	if (spec->tv_nsec < 0 || spec->tv_nsec >= VST_NS_PER_S)
		return false;
	/* Wider than 64 bits: near the lower end the product alone does not fit while the sum does. */
	__int128 ns = (__int128)spec->tv_sec * VST_NS_PER_S + spec->tv_nsec;
	if (ns <= INT64_MIN || ns > INT64_MAX)
		return false;
	*ret_ns = (int64_t)ns;
	return true;
}
