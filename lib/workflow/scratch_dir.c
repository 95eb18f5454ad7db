#include "workflow/scratch_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "vestige/err.h"
#include "vestige/scratch.h"

static const char *name(void)
{
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/var/tmp";
}

static int fail(int rc, struct vst_err *err)
{
	vst_err_hint(err, "set TMPDIR to a directory with room");
	return rc;
}

int scratch_dir_open(int *ret_fd, struct vst_err *err)
{
	int fd = open(name(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(vst_err_sys(err, errno, "%s", name()), err);
	*ret_fd = fd;
	return 0;
}

int scratch_dir_file(int dirfd, int *ret_fd, struct vst_err *err)
{
	int rc = vst_scratch_open(dirfd, ret_fd, err);
	if (rc == 0)
		return 0;
	vst_err_prepend(err, "%s", name());
	return fail(rc, err);
}
