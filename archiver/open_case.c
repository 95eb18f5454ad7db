#include "open_case.h"

#include <stdlib.h>
#include <string.h>

int open_case_find(const struct cli *cli, char **ret_dir, struct vst_err *err)
{
	char *named = cli->dir ? realpath(cli->dir, NULL) : NULL, *dir = NULL;
	int rc = vst_case_find(cli->dir ? cli->dir : ".", &dir, err);
	/* A directory that was named is the case or none is: a copy that lost its trail, inside another case,
	 * must not have that one verified in its stead. */
	if (rc == 0 && named && strcmp(named, dir) != 0) {
		rc = vst_err_set(err, VST_ENOCASE, "%s: not a case", cli->dir);
		vst_err_hint(
		        err, "a case is a directory with trail/, exhibits/ and private/; %s is one", dir);
	}
	free(named);
	if (rc == 0)
		*ret_dir = dir;
	else
		free(dir);
	return rc;
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
