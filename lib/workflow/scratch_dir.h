/*
 * Where files without a name go that hold what exhibits say while they are compared: TMPDIR, else /var/tmp.
 * Never the case.
 */
#ifndef WORKFLOW_SCRATCH_DIR_H
#define WORKFLOW_SCRATCH_DIR_H

struct vst_err;

const char *scratch_dir_name(void); /* borrowed from the environment */
/* Owns: the caller, close(). VST_EIO with a hint. */
int scratch_dir_open(int *ret_fd, struct vst_err *err);

#endif
