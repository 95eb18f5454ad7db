#include "vestige/series_holes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"

#define BEGUN_MAX 100000 /* unfinished files in exhibits/; nobody has looked after a case with more */

struct found {
	struct vst_series_hole *list;
	size_t count, cap;
};

static int add(struct found *found, const struct vst_series_hole *hole, struct vst_err *err)
{
	struct vst_series_hole *list = vst_grow(found->list, found->count, &found->cap, sizeof *list);
	if (!list)
		return vst_err_nomem(err);
	found->list = list;
	found->list[found->count++] = *hole;
	return 0;
}

/* ---- gaps in time ---- */

/* From a snapshot of the series to the next one that is not of the same night. */
struct interval {
	size_t from, to; /* points */
	int64_t length;
};

static size_t list_intervals(const struct vst_series_point *points, size_t count, struct interval *ret)
{
	size_t intervals = 0, from = count;

	for (size_t i = 0; i < count; i++) {
		int64_t length;

		if (!points[i].in_series)
			continue;
		if (from < count && !__builtin_sub_overflow(points[i].time, points[from].time, &length) &&
		        length > 0) {
			if (length < VST_SERIES_APART)
				continue;
			ret[intervals++] = (struct interval){from, i, length};
		}
		from = i;
	}
	return intervals;
}

static int compare_lengths(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * The usual length around the interval `at` (their number: behind them all), itself left out: the median of
 * the last ones before it, and of those behind it where they are too few. 0: there are too few all the same.
 */
static int64_t usual_length(const struct interval *intervals, size_t count, size_t at)
{
	int64_t lengths[VST_SERIES_INTERVALS];
	size_t n = 0;

	for (size_t i = at; i > 0 && n < VST_SERIES_INTERVALS; i--)
		lengths[n++] = intervals[i - 1].length;
	if (n < VST_SERIES_INTERVALS_LEAST)
		for (size_t i = at + 1; i < count && n < VST_SERIES_INTERVALS; i++)
			lengths[n++] = intervals[i].length;
	if (n < VST_SERIES_INTERVALS_LEAST)
		return 0;
	qsort(lengths, n, sizeof *lengths, compare_lengths);
	return lengths[n / 2];
}

static bool is_long(int64_t length, int64_t usual)
{
	return usual > 0 && length > usual && length - usual > usual / 5 * 3;
}

static int find_gaps(const struct vst_series_point *points, size_t count, int64_t now, struct found *found,
        struct vst_err *err)
{
	struct interval *intervals = vst_calloc(count + 1, sizeof *intervals);
	size_t n, newest = count;
	int64_t usual, since;
	int rc = 0;

	if (!intervals)
		return vst_err_nomem(err);
	n = list_intervals(points, count, intervals);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct interval *in = &intervals[i];

		usual = usual_length(intervals, n, i);
		if (is_long(in->length, usual))
			rc = add(found,
			        &(struct vst_series_hole){.kind = VST_HOLE_GAP,
			                .before = in->to,
			                .from_number = points[in->from].number,
			                .from = points[in->from].time,
			                .to = points[in->to].time,
			                .usual = usual},
			        err);
	}
	for (size_t i = 0; i < count; i++)
		if (points[i].in_series)
			newest = i;
	usual = usual_length(intervals, n, n);
	if (rc == 0 && newest < count && !__builtin_sub_overflow(now, points[newest].time, &since) &&
	        is_long(since, usual))
		rc = add(found,
		        &(struct vst_series_hole){.kind = VST_HOLE_LATE,
		                .before = count,
		                .from_number = points[newest].number,
		                .from = points[newest].time,
		                .to = now,
		                .usual = usual},
		        err);
	free(intervals);
	return rc;
}

/* ---- numbers that were used up ---- */

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The first sealed exhibit with a higher number, from `at` on: the numbers of seals rise. */
static size_t place_of(const struct vst_series_point *points, size_t count, uint64_t number, size_t at)
{
	while (at < count && !(points[at].is_sealed && points[at].number > number))
		at++;
	return at;
}

static int find_numbers(const struct vst_series_point *points, size_t count, uint64_t next,
        struct found *found, struct vst_err *err)
{
	uint64_t *numbers = vst_calloc(count + 1, sizeof *numbers);
	uint64_t expected = 1;
	size_t place = 0;
	int rc = 0;

	if (!numbers)
		return vst_err_nomem(err);
	for (size_t i = 0; i < count; i++)
		numbers[i] = points[i].number;
	qsort(numbers, count, sizeof *numbers, compare_numbers);
	numbers[count] = next;
	for (size_t i = 0; rc == 0 && i <= count; i++) {
		if (numbers[i] > expected) {
			place = place_of(points, count, expected, place);
			rc = add(found,
			        &(struct vst_series_hole){.kind = VST_HOLE_NUMBERS,
			                .before = place,
			                .first = expected,
			                .last = numbers[i] - 1},
			        err);
		}
		if (numbers[i] >= expected)
			expected = numbers[i] + 1;
	}
	free(numbers);
	return rc;
}

/* ---- both ---- */

static int compare_holes(const void *a, const void *b)
{
	const struct vst_series_hole *x = a, *y = b;

	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

int vst_series_holes(const struct vst_series_point *points, size_t count, uint64_t next, int64_t now,
        struct vst_series_hole **ret, size_t *ret_count, struct vst_err *err)
{
	struct found found = {0};
	int rc = find_numbers(points, count, next, &found, err);

	if (rc == 0)
		rc = find_gaps(points, count, now, &found, err);
	if (rc != 0) {
		free(found.list);
		return rc;
	}
	if (found.count > 1)
		qsort(found.list, found.count, sizeof *found.list, compare_holes);
	*ret = found.list;
	*ret_count = found.count;
	return 0;
}

/* ---- of a case ---- */

/* Whether a snapshot runs, or its finished file waits for its event: then the newest unfinished file is no
 * hole. */
static bool is_at_work(const struct vst_case *c)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	bool locked;
	int fd;

	if (c->private_fd < 0)
		return false;
	if (faccessat(c->private_fd, PRIVATE_PENDING, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	fd = openat(c->private_fd, PRIVATE_SNAPSHOT_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return locked;
}

static uint64_t partial_number(const char *name)
{
	char expected[2 * VST_EXHIBIT_NAME_MAX], plain[VST_EXHIBIT_NAME_MAX];
	uint64_t number = strncmp(name, "EX", 2) == 0 ? strtoull(name + 2, NULL, 10) : 0;

	if (number == 0 || number > VST_EXHIBIT_MAX)
		return 0;
	vst_exhibit_name(number, plain);
	snprintf(expected, sizeof expected, "%s%s", plain, VST_PARTIAL_SUFFIX);
	return strcmp(name, expected) == 0 ? number : 0;
}

/* The numbers of unfinished files that the log does not know. */
struct begun {
	uint64_t *numbers;
	size_t count, cap;
};

static int add_begun(const struct vst_case *c, const char *name, struct begun *begun, struct vst_err *err)
{
	uint64_t number = partial_number(name);

	if (number == 0 || vst_custody_exhibit_find(c->custody, number))
		return 0;
	if (begun->count == BEGUN_MAX)
		return vst_err_set(
		        err, VST_ELIMIT, CASE_EXHIBITS ": more than %d unfinished files", BEGUN_MAX);
	uint64_t *numbers = vst_grow(begun->numbers, begun->count, &begun->cap, sizeof *numbers);
	if (!numbers)
		return vst_err_nomem(err);
	begun->numbers = numbers;
	begun->numbers[begun->count++] = number;
	return 0;
}

static int list_begun(const struct vst_case *c, struct begun *ret, struct vst_err *err)
{
	int fd = c->exhibits_fd >= 0 ? openat(c->exhibits_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	int rc = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		/* A copy of the trail alone has no exhibits, and can be read. */
		return c->exhibits_fd < 0 ? 0 : vst_err_sys(err, errno, CASE_EXHIBITS ": open");
	}
	while (rc == 0) {
		struct dirent *entry;

		errno = 0;
		if ((entry = readdir(dir)) == NULL) {
			rc = errno != 0 ? vst_err_sys(err, errno, CASE_EXHIBITS ": read directory") : 0;
			break;
		}
		rc = add_begun(c, entry->d_name, ret, err);
	}
	closedir(dir);
	if (rc == 0 && ret->count > 1)
		qsort(ret->numbers, ret->count, sizeof *ret->numbers, compare_numbers);
	return rc;
}

/* A snapshot tells of the cadence if it continues a series, or is continued. One alone is somebody's single
 * act. */
static void mark_series(const struct vst_custody *custody, struct vst_series_point *points)
{
	size_t before = SIZE_MAX;

	for (size_t i = 0; i < vst_custody_exhibit_count(custody); i++) {
		const struct vst_seal *seal = vst_custody_exhibit_at(custody, i)->seal;
		bool continues = seal && seal->has_series && seal->series.full != seal->exhibit;

		if (!seal)
			continue;
		points[i].in_series = continues;
		if (continues && before != SIZE_MAX)
			points[before].in_series = true;
		/* The next generation's first, behind an exhibit of a series: what `--full-every` makes, and
		 * not yet continued. */
		if (!continues && seal->has_series && before != SIZE_MAX && points[before].in_series)
			points[i].in_series = true;
		before = i;
	}
}

int vst_case_holes(const struct vst_case *c, bool begun, int64_t now, struct vst_series_hole **ret,
        size_t *ret_count, struct vst_err *err)
{
	size_t exhibits = vst_custody_exhibit_count(c->custody), count = exhibits;
	struct vst_series_point *points = NULL;
	struct begun files = {0};
	uint64_t next = 0;
	int rc = list_begun(c, &files, err);

	if (rc != 0)
		goto out;
	points = vst_calloc(exhibits + files.count + 1, sizeof *points);
	if (!points) {
		rc = vst_err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < exhibits; i++) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(c->custody, i);

		points[i] = (struct vst_series_point){.number = exhibit->number,
		        .time = exhibit->seal ? exhibit->seal->started : exhibit->time,
		        .is_sealed = exhibit->seal != NULL};
	}
	mark_series(c->custody, points);
	if (files.count > 0 && is_at_work(c))
		points[count++].number = files.numbers[--files.count];
	if (begun && files.count > 0)
		next = files.numbers[files.count - 1] + 1;
	else
		for (size_t i = 0; i < files.count; i++)
			points[count++].number = files.numbers[i];
	rc = vst_series_holes(points, count, next, now, ret, ret_count, err);
	/* Those that stand behind the log's exhibits stand behind them all. */
	for (size_t i = 0; rc == 0 && i < *ret_count; i++)
		if ((*ret)[i].before > exhibits)
			(*ret)[i].before = exhibits;
out:
	free(points);
	free(files.numbers);
	return rc;
}

/* ---- words ---- */

void vst_series_hole_text(const struct vst_series_hole *hole, char ret_text[VST_SERIES_HOLE_TEXT])
{
	char length[VST_DURATION_TEXT], usual[VST_DURATION_TEXT];
	char first[VST_EXHIBIT_NAME_MAX], last[VST_EXHIBIT_NAME_MAX];

	if (hole->kind == VST_HOLE_NUMBERS) {
		vst_exhibit_name(hole->first, first);
		vst_exhibit_name(hole->last, last);
		if (hole->first == hole->last)
			snprintf(ret_text, VST_SERIES_HOLE_TEXT, "%.20s was begun and never finished", first);
		else
			snprintf(ret_text, VST_SERIES_HOLE_TEXT,
			        "%.20s to %.20s were begun and never finished", first, last);
		return;
	}
	vst_duration_text(hole->to - hole->from, length);
	vst_duration_text(hole->usual, usual);
	snprintf(ret_text, VST_SERIES_HOLE_TEXT, "no snapshot for %s%s (usual: %s)", length,
	        hole->kind == VST_HOLE_LATE ? " until now" : "", usual);
}
