/*
 * Where files without a name go that hold what exhibits say while they are compared: TMPDIR, else /var/tmp.
 * Never the case.
 */
#ifndef WORKFLOW_SCRATCH_DIR_H
#define WORKFLOW_SCRATCH_DIR_H

struct vst_err;

/* Owns: the caller, close(). VST_EIO with a hint. */
int scratch_dir_open(int *ret_fd, struct vst_err *err);
/* A file without a name in it (scratch.h). Owns and errors as above. */
int scratch_dir_file(int dirfd, int *ret_fd, struct vst_err *err);

#endif
