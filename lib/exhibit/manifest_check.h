/*
 * Whether an item makes sense: what the encoder refuses to write and the parser refuses to believe.
 */
#ifndef EXHIBIT_MANIFEST_CHECK_H
#define EXHIBIT_MANIFEST_CHECK_H

#include "vestige/manifest.h"

/* 0, or VST_EUSAGE with the contradiction. */
int vst_item_check(const struct vst_item *item, struct vst_err *err);

#endif
