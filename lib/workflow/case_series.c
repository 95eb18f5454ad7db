#include "workflow/case_series.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"

/* One of the two names. Sets the state unless a better one is known. */
static int try_open(struct vst_case *c, const char *name, const uint8_t *expected, struct case_series *series,
        struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int fd = openat(c->private_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return vst_err_sys(err, errno, CASE_PRIVATE "/%s", name);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) { /* something was put in its place */
		if (fd >= 0)
			close(fd);
		series->state = CASE_SERIES_CHANGED;
		return 0;
	}
	int rc = vst_series_index_open(fd, expected, &series->index, &why);
	close(fd);
	if (rc == 0) {
		series->state = CASE_SERIES_GOOD;
		return 0;
	}
	series->state = CASE_SERIES_CHANGED;
	if (rc != VST_ENOMEM && rc != VST_EIO)
		return 0;
	if (err)
		*err = why;
	return vst_err_prepend(err, CASE_PRIVATE "/%s", name);
}

int case_series_open(struct vst_case *c, struct case_series *ret, struct vst_err *err)
{
	*ret = (struct case_series){.latest = vst_custody_exhibit_latest(c->custody)};
	const struct vst_seal *seal = ret->latest ? ret->latest->seal : NULL;
	if (!seal || !seal->has_series || c->private_fd < 0)
		return 0;
	ret->state = CASE_SERIES_MISSING;
	int rc = try_open(c, PRIVATE_SERIES, seal->series.index_sha256, ret, err);
	if (rc == 0 && ret->state != CASE_SERIES_GOOD) {
		rc = try_open(c, PRIVATE_SERIES_NEW, seal->series.index_sha256, ret, err);
		/* A crash came between the event and this. Where it cannot take its place, it is the index by its
		 * digest. */
		if (rc == 0 && ret->state == CASE_SERIES_GOOD)
			(void)case_series_adopt(c, NULL);
	}
	if (rc == 0 && ret->state == CASE_SERIES_GOOD &&
	        vst_series_exhibit(ret->index) != ret->latest->number) {
		case_series_close(ret);
		ret->state = CASE_SERIES_CHANGED;
	}
	return rc;
}

void case_series_close(struct case_series *series)
{
	vst_series_index_free(series->index);
	series->index = NULL;
}

/* Of the right size, so that what is stored there can be had again. Content is checked by verify. */
static bool is_in_place(const struct vst_case *c, const struct vst_custody_exhibit *exhibit)
{
	char name[VST_EXHIBIT_NAME_MAX], file[2 * VST_EXHIBIT_NAME_MAX];
	struct stat st;
	vst_exhibit_name(exhibit->number, name);
	snprintf(file, sizeof file, "%s" VST_EXHIBIT_SUFFIX, name);
	return fstatat(c->exhibits_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == exhibit->file_bytes;
}

static bool same_recipients(const struct vst_seal *a, const struct vst_custody *custody)
{
	size_t count;
	const uint8_t *now = vst_custody_fingerprints(custody, &count);
	return a->recipient_count == count && memcmp(a->recipients, now, count * VST_HASH_LEN) == 0;
}

bool case_series_may_continue(const struct vst_case *c, const struct case_series *series,
        const struct vst_policy_every *every, int64_t now, const char **ret_why)
{
	static const char *const states[] = {
	        [CASE_SERIES_NONE] = "there is no exhibit before it to refer to",
	        [CASE_SERIES_MISSING] = "private/" PRIVATE_SERIES " is not there",
	        [CASE_SERIES_CHANGED] = "private/" PRIVATE_SERIES " is not the one that the last seal names",
	};
	uint64_t in_generation = 0;
	*ret_why = NULL;
	if (series->state != CASE_SERIES_GOOD) {
		*ret_why = states[series->state];
		return false;
	}
	uint64_t full = series->latest->seal->series.full;
	for (uint64_t number = full; number <= series->latest->number; number++) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(c->custody, number);
		if (!exhibit || !exhibit->seal)
			continue; /* a number that an unfinished snapshot used up */
		in_generation++;
		if (!is_in_place(c, exhibit))
			*ret_why = "an exhibit that it would refer to is not in place: vestige verify";
		else if (!same_recipients(exhibit->seal, c->custody))
			*ret_why = "the recipients have changed since";
		else if (number == full && every->seconds > 0 && now > exhibit->seal->started &&
		         (uint64_t)(now - exhibit->seal->started) / VST_NS_PER_S >= every->seconds)
			*ret_why = "the last full one is as old as full_every says";
		if (*ret_why)
			return false;
	}
	uint64_t count = every->count > 0 ? every->count : every->seconds > 0 ? UINT64_MAX : VST_FULL_EVERY;
	if (in_generation >= count)
		*ret_why = "as many as full_every says have followed the last full one";
	return *ret_why == NULL;
}

int case_series_create(struct vst_case *c, int *ret_fd, struct vst_err *err)
{
	if (unlinkat(c->private_fd, PRIVATE_SERIES_NEW, 0) != 0 && errno != ENOENT)
		return vst_err_sys(err, errno, CASE_PRIVATE "/" PRIVATE_SERIES_NEW ": remove");
	*ret_fd = openat(
	        c->private_fd, PRIVATE_SERIES_NEW, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *ret_fd >= 0 ? 0 : vst_err_sys(err, errno, CASE_PRIVATE "/" PRIVATE_SERIES_NEW ": create");
}

int case_series_adopt(struct vst_case *c, struct vst_err *err)
{
	return vst_io_rename(c->private_fd, PRIVATE_SERIES_NEW, c->private_fd, PRIVATE_SERIES, false, err);
}

void case_series_discard(struct vst_case *c)
{
	(void)unlinkat(c->private_fd, PRIVATE_SERIES_NEW, 0);
}
