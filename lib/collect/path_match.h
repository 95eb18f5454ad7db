/*
 * Matching a pattern's alternative while walking down: which of its components the next name may be.
 *
 * A set of positions in the alternative, one bit each. Position `count` means that all of it has matched. A
 * literal last component that is a directory stands for its whole tree, as for tar and restic: then one more
 * component, "any depth", is thought behind it.
 */
#ifndef COLLECT_PATH_MATCH_H
#define COLLECT_PATH_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/pattern.h"

struct vst_path_match {
	const struct vst_pattern_alternative *alternative;
	size_t size;  /* components, with the one thought behind */
	size_t words; /* of a set */
};

void vst_path_match_init(struct vst_path_match *match, const struct vst_pattern_alternative *alternative);

/* The set after the literal prefix. `ret_set` holds `words` words. */
void vst_path_match_start(const struct vst_path_match *match, uint64_t *ret_set);
/* The set after one more name; false if it is empty: neither the name nor anything below it can match. */
bool vst_path_match_step(
        const struct vst_path_match *match, const uint64_t *set, const char *name, uint64_t *ret_set);

/* The path so far matches. */
bool vst_path_match_done(const struct vst_path_match *match, const uint64_t *set);
/* Something below it may match. */
bool vst_path_match_below(const struct vst_path_match *match, const uint64_t *set);
/* Everything below it matches: no need to step. */
bool vst_path_match_all_below(const struct vst_path_match *match, const uint64_t *set);

#endif
