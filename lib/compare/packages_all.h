/*
 * The rule of packages (rules_packages.c) on every item of the later exhibit: what a package brought and is
 * not so is found where nothing of the file differs between the two exhibits too, since the earlier one may
 * not have been compared with packages, or there may be none.
 */
#ifndef COMPARE_PACKAGES_ALL_H
#define COMPARE_PACKAGES_ALL_H

#include "vestige/finding.h"
#include "vestige/series_index.h"

/* `origin`: for each seq of `after` the seq in `before` that it is compared with, or UINT32_MAX. Both may be
 * NULL. */
int packages_judge_all(struct vst_series_index *before, const uint32_t *origin,
        struct vst_series_index *after, const struct vst_finding_sink *findings, struct vst_err *err);

#endif
