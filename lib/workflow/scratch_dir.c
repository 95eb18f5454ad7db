#include "workflow/scratch_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "vestige/err.h"

const char *scratch_dir_name(void)
{
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/var/tmp";
}

int scratch_dir_open(int *ret_fd, struct vst_err *err)
{
	int fd = open(scratch_dir_name(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int rc = vst_err_sys(err, errno, "%s", scratch_dir_name());
		vst_err_hint(err, "set TMPDIR to a directory with room");
		return rc;
	}
	*ret_fd = fd;
	return 0;
}
