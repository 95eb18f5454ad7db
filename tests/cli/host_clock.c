/*
 * For tests of a host that lives a month in seconds, loaded before the C library (LD_PRELOAD):
 *   VESTIGE_CLOCK=SECONDS   what the clock says
 *   HOST_TIMES=FILE         what statx(2) says of birth and change of inodes, which nobody can set: records
 *                           of five int64 each, sorted by inode: inode, birth, birth to say, change, change
 *                           to say (ns). An inode that is not as it was recorded keeps its own times.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000

struct record {
	int64_t inode, birth, birth_said, change, change_said;
};
static const struct record *records;
static size_t count;

__attribute__((constructor)) static void load(void)
{
	const char *path = getenv("HOST_TIMES");
	struct stat st;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		records = map == MAP_FAILED ? NULL : map;
		count = records ? (size_t)st.st_size / sizeof *records : 0;
	}
	close(fd);
}

static int by_inode(const void *key, const void *member)
{
	int64_t a = *(const int64_t *)key, b = ((const struct record *)member)->inode;
	return (a > b) - (a < b);
}

static void say(struct statx_timestamp *time, int64_t was, int64_t said)
{
	if (time->tv_sec * NS + time->tv_nsec != was)
		return;
	time->tv_sec = said / NS;
	time->tv_nsec = (uint32_t)(said % NS);
}

int statx(int fd, const char *path, int flags, unsigned mask, struct statx *ret)
{
	int rc = (int)syscall(SYS_statx, fd, path, flags, mask, ret);
	int64_t inode = rc == 0 ? (int64_t)ret->stx_ino : 0;
	const struct record *found =
	        rc == 0 && count > 0 ? bsearch(&inode, records, count, sizeof *records, by_inode) : NULL;
	if (found && ret->stx_mask & STATX_BTIME)
		say(&ret->stx_btime, found->birth, found->birth_said);
	if (found)
		say(&ret->stx_ctime, found->change, found->change_said);
	return rc;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	const char *text = getenv("VESTIGE_CLOCK");
	int rc = (int)syscall(SYS_clock_gettime, id, ret);
	if (text && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ret->tv_sec = strtoll(text, NULL, 10);
	return rc;
}

time_t time(time_t *ret)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec now;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}
