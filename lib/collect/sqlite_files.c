#include "collect/sqlite_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/beneath.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/* Which of the logs there are is part of how a database stands: one that is not there is no item. */
static bool is_there(int dirfd, const char *name, const char *suffix)
{
	char whole[NAME_MAX + 16];
	struct stat st;
	int len = snprintf(whole, sizeof whole, "%s%s", name, suffix);
	return len > 0 && (size_t)len < sizeof whole && fstatat(dirfd, whole, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static char *beside(const char *path, const char *suffix)
{
	struct vst_buf whole = VST_BUF_INIT;
	vst_buf_text(&whole, path);
	vst_buf_text(&whole, suffix);
	vst_buf_cstr(&whole);
	if (vst_buf_check(&whole, NULL) == 0)
		return (char *)whole.data;
	vst_buf_free(&whole);
	return NULL;
}

int vst_sqlite_files(const struct vst_collect_context *context, const char *database,
        char *ret[VST_SQLITE_FILES], size_t *ret_count, struct vst_err *err)
{
	static const char *const logs[VST_SQLITE_FILES - 1] = {"-wal", "-journal", "-shm"};
	char *resolved = NULL;
	const char *name = NULL;
	int fd = -1, dirfd = -1, rc = 0;
	*ret_count = 0;
	if (vst_beneath_resolve(context->root_fd, database, NULL, NULL, &fd, &resolved, NULL) == 0)
		(void)vst_beneath_parent(context->root_fd, resolved, &dirfd, &name, NULL);
	if (!(ret[0] = vst_strdup(database)))
		rc = vst_err_nomem(err);
	else
		*ret_count = 1;
	for (size_t i = 0; rc == 0 && dirfd >= 0 && i < VST_SQLITE_FILES - 1; i++) {
		if (!is_there(dirfd, name, logs[i]))
			continue;
		if (!(ret[*ret_count] = beside(resolved, logs[i])))
			rc = vst_err_nomem(err);
		else
			++*ret_count;
	}
	if (fd >= 0)
		close(fd);
	if (dirfd >= 0)
		close(dirfd);
	free(resolved);
	return rc;
}
