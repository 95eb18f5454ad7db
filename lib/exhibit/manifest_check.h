/*
 * Whether an item makes sense: what the encoder refuses to write and the parser refuses to believe.
 */
#ifndef EXHIBIT_MANIFEST_CHECK_H
#define EXHIBIT_MANIFEST_CHECK_H

#include <stdbool.h>

#include "vestige/manifest.h"

#define VST_ENTRY_SUFFIX 24 /* "@" and 64 bits, NUL */

/* Whether the name that its path gives it in the tar is short enough (manifest.c). Not for records. */
bool vst_item_entry_fits(const struct vst_item *item);

/* 0, or VST_EUSAGE with the contradiction. */
int vst_item_check(const struct vst_item *item, struct vst_err *err);

#endif
