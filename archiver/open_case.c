#include "open_case.h"

#include <stdlib.h>

int open_case_find(const struct cli *cli, char **ret_dir, struct vst_err *err)
{
	return vst_case_find(cli->dir ? cli->dir : ".", ret_dir, err);
}

int open_case(const struct cli *cli, struct vst_case **ret, struct vst_err *err)
{
	char *dir = NULL;
	int rc = open_case_find(cli, &dir, err);
	if (rc == 0)
		rc = vst_case_open(dir, ret, err);
	if (rc == VST_ETAMPERED || rc == VST_EAUTH)
		vst_err_hint(err, "vestige verify says more; nothing of a log that is not good is shown");
	free(dir);
	return rc;
}
