#include "compare/log_time.h"

#include <string.h>

#define DAY 86400
#define EPOCH_MIN 1000000000 /* 2001: a number below is none of a time */
#define EPOCH_MAX 4102444800 /* 2100 */
#define BRACKETS_MAX 4

struct text {
	const char *at, *end;
};

/* Days since the epoch of a date of the Gregorian calendar, years counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
	int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * years + years / 4 - years / 100),
	        from_march = (5 * of_year + 2) / 153;
	*ret_day = of_year - (153 * from_march + 2) / 5 + 1;
	*ret_month = from_march + (from_march < 10 ? 3 : -9);
	*ret_year = years + era * 400 + (*ret_month <= 2);
}

static int64_t day_number(int64_t seconds)
{
	return (seconds >= 0 ? seconds : seconds - (DAY - 1)) / DAY;
}

int64_t vst_log_time_year(int64_t seconds)
{
	int64_t year, month, day;
	date_of(day_number(seconds), &year, &month, &day);
	return year;
}

int64_t vst_log_time_shift(int64_t seconds, int64_t years)
{
	int64_t year, month, day, days = day_number(seconds);
	date_of(days, &year, &month, &day);
	return days_of(year + years, month, day) * DAY + (seconds - days * DAY);
}

/* ---- pieces ---- */

static bool take(struct text *in, char c)
{
	if (in->at >= in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

static bool digits(struct text *in, size_t min, size_t max, int64_t *ret)
{
	size_t count = 0;
	int64_t value = 0;
	for (; count < max && in->at < in->end && *in->at >= '0' && *in->at <= '9'; count++)
		value = value * 10 + (*in->at++ - '0');
	*ret = value;
	return count >= min;
}

static bool month_name(struct text *in, int *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	if (in->end - in->at < 3)
		return false;
	for (int i = 0; i < 12; i++) {
		if (memcmp(in->at, names + 3 * i, 3) == 0) {
			in->at += 3;
			*ret = i + 1;
			return true;
		}
	}
	return false;
}

/* HH:MM:SS */
static bool clock_time(struct text *in, int64_t *ret)
{
	int64_t hour, minute, second;
	if (!digits(in, 2, 2, &hour) || !take(in, ':') || !digits(in, 2, 2, &minute) || !take(in, ':') ||
	        !digits(in, 2, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	*ret = hour * 3600 + minute * 60 + second;
	return true;
}

static void skip_fraction(struct text *in)
{
	int64_t ignored;
	if (in->at + 1 < in->end && (*in->at == '.' || *in->at == ',') && in->at[1] >= '0' &&
	        in->at[1] <= '9') {
		in->at++;
		digits(in, 1, 12, &ignored);
	}
}

/* Z, +01:00, +0100 */
static bool zone(struct text *in, int64_t *ret)
{
	int64_t hours, minutes;
	*ret = 0;
	if (take(in, 'Z'))
		return true;
	bool is_west = in->at < in->end && *in->at == '-';
	if (!is_west && (in->at >= in->end || *in->at != '+'))
		return false;
	in->at++;
	if (!digits(in, 2, 2, &hours))
		return false;
	take(in, ':');
	if (!digits(in, 2, 2, &minutes) || hours > 14 || minutes > 59)
		return false;
	*ret = (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool is_date(int64_t year, int64_t month, int64_t day)
{
	return year >= 1970 && year <= 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* ---- shapes ---- */

static bool iso(struct text in, struct vst_log_time *ret)
{
	int64_t year, month, day, time, offset;
	if (!digits(&in, 4, 4, &year) || in.at >= in.end)
		return false;
	char separator = *in.at++;
	if ((separator != '-' && separator != '/') || !digits(&in, 2, 2, &month) || !take(&in, separator) ||
	        !digits(&in, 2, 2, &day) || !is_date(year, month, day))
		return false;
	if ((!take(&in, 'T') && !take(&in, ' ')) || !clock_time(&in, &time))
		return false;
	skip_fraction(&in);
	struct text behind = in;
	take(&behind, ' ');
	ret->has_zone = zone(&in, &offset) || zone(&behind, &offset) ||
	                (behind.end - behind.at >= 3 && memcmp(behind.at, "UTC", 3) == 0);
	ret->seconds = days_of(year, month, day) * DAY + time - offset;
	ret->has_year = true;
	ret->kind = VST_LOG_TIME_ISO;
	return true;
}

/* "Nov 22 03:40:13" or "Nov  2 03:40:13"; behind the name of a weekday with the year at its end. */
static bool named(struct text in, bool has_year, int64_t year, struct vst_log_time *ret)
{
	int64_t day, time;
	if (!month_name(&in, &ret->month) || !take(&in, ' '))
		return false;
	take(&in, ' ');
	if (!digits(&in, 1, 2, &day) || !take(&in, ' ') || !clock_time(&in, &time))
		return false;
	skip_fraction(&in);
	if (has_year && (!take(&in, ' ') || !digits(&in, 4, 4, &year)))
		return false;
	if (!is_date(year, ret->month, day))
		return false;
	ret->seconds = days_of(year, ret->month, day) * DAY + time;
	ret->has_year = has_year;
	ret->has_zone = false;
	ret->kind = has_year ? VST_LOG_TIME_CTIME : VST_LOG_TIME_SYSLOG;
	return true;
}

static bool is_weekday(const struct text *in)
{
	static const char names[] = "MonTueWedThuFriSatSun";
	if (in->end - in->at < 4 || in->at[3] != ' ')
		return false;
	for (int i = 0; i < 7; i++)
		if (memcmp(in->at, names + 3 * i, 3) == 0)
			return true;
	return false;
}

static bool epoch(struct text in, struct vst_log_time *ret)
{
	int64_t value;
	const char *start = in.at;
	if (!digits(&in, 10, 14, &value) || (in.at - start != 10 && in.at - start != 13))
		return false;
	if (in.at < in.end && !strchr(". :,\t]", *in.at))
		return false;
	value = in.at - start == 13 ? value / 1000 : value;
	if (value < EPOCH_MIN || value > EPOCH_MAX)
		return false;
	*ret = (struct vst_log_time){
	        .seconds = value, .kind = VST_LOG_TIME_EPOCH, .has_zone = true, .has_year = true};
	return true;
}

/* 22/Nov/2026:03:40:13 +0100 */
static bool access_time(struct text in, struct vst_log_time *ret)
{
	int64_t day, year, time, offset;
	if (!digits(&in, 2, 2, &day) || !take(&in, '/') || !month_name(&in, &ret->month) || !take(&in, '/') ||
	        !digits(&in, 4, 4, &year) || !take(&in, ':') || !clock_time(&in, &time) || !take(&in, ' ') ||
	        !zone(&in, &offset) || !is_date(year, ret->month, day))
		return false;
	ret->seconds = days_of(year, ret->month, day) * DAY + time - offset;
	ret->has_zone = ret->has_year = true;
	ret->kind = VST_LOG_TIME_ACCESS;
	return true;
}

static bool in_brackets(struct text in, struct vst_log_time *ret)
{
	for (int i = 0; i < BRACKETS_MAX && in.at < in.end; i++) {
		in.at = memchr(in.at, '[', (size_t)(in.end - in.at));
		if (!in.at)
			return false;
		in.at++;
		if (access_time(in, ret))
			return true;
	}
	return false;
}

static bool audit(struct text in, struct vst_log_time *ret)
{
	static const char word[] = "audit(";
	if (in.end - in.at < 5 || (memcmp(in.at, "type=", 5) != 0 && memcmp(in.at, "node=", 5) != 0))
		return false;
	in.at = memmem(in.at, (size_t)(in.end - in.at), word, sizeof word - 1);
	if (!in.at)
		return false;
	in.at += sizeof word - 1;
	if (!epoch(in, ret))
		return false;
	ret->kind = VST_LOG_TIME_AUDIT;
	return true;
}

/* "<13>" and of RFC 5424 the "1 " behind it. */
static void skip_priority(struct text *in)
{
	struct text at = *in;
	int64_t ignored;
	if (!take(&at, '<') || !digits(&at, 1, 3, &ignored) || !take(&at, '>'))
		return;
	*in = at;
	if (digits(&at, 1, 2, &ignored) && take(&at, ' '))
		*in = at;
}

bool vst_log_time_parse(const char *line, size_t len, int64_t year, struct vst_log_time *ret)
{
	struct text in = {line, line + len};
	*ret = (struct vst_log_time){0};
	skip_priority(&in);
	take(&in, '[');
	if (in.at >= in.end)
		return false;
	if (*in.at >= '0' && *in.at <= '9' && (iso(in, ret) || epoch(in, ret)))
		return true;
	if (*in.at >= 'A' && *in.at <= 'Z') {
		if (named(in, false, year, ret))
			return true;
		if (is_weekday(&in) && named((struct text){in.at + 4, in.end}, true, year, ret))
			return true;
	}
	in.at = line;
	return audit(in, ret) || in_brackets(in, ret);
}
