/* One change of diff, for people or as a JSON line. */
#ifndef ARCHIVER_DIFF_CHANGES_H
#define ARCHIVER_DIFF_CHANGES_H

#include "cli.h"
#include "vestige/compare.h"

void diff_change_print(const struct cli *cli, const struct vst_change *change);

#endif
