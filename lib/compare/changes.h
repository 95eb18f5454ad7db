/* What differs between two items of one place. */
#ifndef COMPARE_CHANGES_H
#define COMPARE_CHANGES_H

#include <stdbool.h>

#include "vestige/compare.h"

/* By records alone. The time of the last access is no difference, nor is whether content is stored here or in
 * an earlier exhibit. */
bool changes_differ(const struct vst_series_record *before, const struct vst_series_record *after);
/* Why it cannot be told whether their content is the same; NULL: it can, or there is none. `other_key`:
 * digests that stand for content are by another key on each side. */
const char *changes_unknown(
        const struct vst_series_record *before, const struct vst_series_record *after, bool other_key);
/* A set of enum vst_change_field. */
unsigned changes_fields(const struct vst_series_record *before_record, const struct vst_item *before,
        const struct vst_series_record *after_record, const struct vst_item *after);
/* Whether both are known to have content, and it differs. What was not had, or of which the policy asked for
 * another extent, is not known to. */
bool changes_content(const struct vst_series_record *before, const struct vst_series_record *after);
/* Whether the exhibit has what the item was: collected here, or known to be in an earlier one. */
bool changes_was_had(enum vst_item_status status);

#endif
