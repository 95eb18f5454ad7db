#include "trail/trail_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/io.h"
#include "vestige/mem.h"

/* O_NONBLOCK: a FIFO in place of a file must not make us wait for its writer. */
int vst_trail_file_read(int dirfd, const char *name, size_t max, struct vst_buf *out, struct stat *ret_stat,
        struct vst_err *err)
{
	struct stat st;
	int fd, rc;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			return vst_err_set(err, VST_ENOTFOUND, "%s: missing", name);
		if (errno == ELOOP || errno == ENXIO || errno == ENOTDIR)
			return vst_err_set(err, VST_ETAMPERED, "%s: not a regular file", name);
		return vst_err_sys(err, errno, "%s: open", name);
	}
	if (fstat(fd, &st) != 0)
		rc = vst_err_sys(err, errno, "%s: stat", name);
	else if (!S_ISREG(st.st_mode))
		rc = vst_err_set(err, VST_ETAMPERED, "%s: not a regular file", name);
	else if ((uint64_t)st.st_size > max)
		rc = vst_err_set(err, VST_ETAMPERED, "%s: longer than %zu bytes", name, max);
	else if ((rc = vst_io_read_all(fd, max, out, err)) != 0)
		vst_err_prepend(err, "%s", name);
	close(fd);
	if (rc == 0 && ret_stat)
		*ret_stat = st;
	return rc;
}

int vst_trail_dir_open(int dirfd, const char *name, int *ret_fd, struct vst_err *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno == ENOENT)
			return vst_err_set(err, VST_ENOTFOUND, "%s: missing", name);
		if (errno == ELOOP || errno == ENOTDIR)
			return vst_err_set(err, VST_ETAMPERED, "%s: not a directory", name);
		return vst_err_sys(err, errno, "%s: open", name);
	}
	*ret_fd = fd;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int collect_names(DIR *dir, struct trail_names *names, struct vst_err *err)
{
	size_t cap = 0;
	struct dirent *entry;

	while ((void)(errno = 0), (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->count == cap) {
			size_t more = cap ? cap * 2 : 32;
			char **grown = vst_realloc(names->names, more, sizeof(*grown));

			if (!grown)
				return vst_err_nomem(err);
			names->names = grown;
			cap = more;
		}
		names->names[names->count] = vst_strdup(entry->d_name);
		if (!names->names[names->count])
			return vst_err_nomem(err);
		names->count++;
	}
	return errno ? vst_err_sys(err, errno, "readdir") : 0;
}

int vst_trail_names_read(int dirfd, struct trail_names *ret, struct vst_err *err)
{
	struct trail_names names = {0};
	DIR *dir;
	int fd, rc;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vst_err_sys(err, errno, "open directory");
	dir = fdopendir(fd);
	if (!dir) {
		rc = vst_err_sys(err, errno, "open directory");
		close(fd);
		return rc;
	}
	rc = collect_names(dir, &names, err);
	closedir(dir);
	if (rc != 0) {
		vst_trail_names_free(&names);
		return rc;
	}
	if (names.count > 1)
		qsort(names.names, names.count, sizeof(*names.names), by_name);
	*ret = names;
	return 0;
}

void vst_trail_names_free(struct trail_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct trail_names){0};
}
