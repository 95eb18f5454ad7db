/*
 * Bits of /proc/sys/kernel/tainted (Documentation/admin-guide/tainted-kernels.rst), as letters and words.
 */
#ifndef COLLECT_LIVE_TAINT_H
#define COLLECT_LIVE_TAINT_H

#include <stdint.h>

#define VST_TAINTS 20

struct vst_taint {
	char letter;
	const char *word;     /* "out_of_tree_module" */
	const char *severity; /* of the finding; NULL: none is made */
	const char *text;     /* of the finding */
};

/* NULL for a bit that is not known. */
const struct vst_taint *vst_taint_of(unsigned bit);

#endif
