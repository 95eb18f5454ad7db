/*
 * The case that a verb works on.
 */
#ifndef ARCHIVER_OPEN_CASE_H
#define ARCHIVER_OPEN_CASE_H

#include "cli.h"
#include "vestige/case.h"

/* -C DIR or VESTIGE_CASE, else upwards from the working directory. The caller frees. */
int open_case_find(const struct cli *cli, char **ret_dir, struct vst_err *err);
/* Finds and opens it: its whole log is checked. */
int open_case(const struct cli *cli, struct vst_case **ret, struct vst_err *err);

#endif
