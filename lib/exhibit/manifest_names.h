/* Names of types that only the parser needs. */
#ifndef EXHIBIT_MANIFEST_NAMES_H
#define EXHIBIT_MANIFEST_NAMES_H

#include <stdbool.h>

#include "vestige/manifest.h"

bool vst_item_type_parse(const char *name, enum vst_item_type *ret);
/* Not "full", which is never written. */
bool vst_item_content_parse(const char *name, enum vst_item_content *ret);

#endif
