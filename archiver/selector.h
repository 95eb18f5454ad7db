/*
 * Which items of an exhibit a person means by the patterns on the command line.
 */
#ifndef ARCHIVER_SELECTOR_H
#define ARCHIVER_SELECTOR_H

#include "vestige/err.h"
#include "vestige/manifest.h"
#include "vestige/pattern.h"

struct selector {
	struct vst_pattern **patterns;
	size_t count; /* 0: every item */
};

/* Each argument, and all below it if it names a directory. */
int selector_make(struct selector *selector, char **args, size_t count, struct vst_err *err);
bool selector_matches(const struct selector *selector, const struct vst_item *item);
void selector_free(struct selector *selector);

#endif
