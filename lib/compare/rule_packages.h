/*
 * Package files that are not what their package brought: `details.package` of two items of one path
 * (lib/collect/file_package.h).
 *
 * Rules: package_file_differs (high) where `same` is false now and was not before; package_file_unread
 * (medium) where it was true before and could not be told now.
 */
#ifndef COMPARE_RULE_PACKAGES_H
#define COMPARE_RULE_PACKAGES_H

#include "vestige/finding.h"
#include "vestige/manifest.h"

/* `before` and its place may be NULL: there is no earlier item. Fails for want of memory, or as `findings`
 * does. */
int vst_rule_packages(const struct vst_item *before, const struct vst_place *before_place,
        const struct vst_item *after, const struct vst_place *after_place,
        const struct vst_finding_sink *findings, struct vst_err *err);

#endif
