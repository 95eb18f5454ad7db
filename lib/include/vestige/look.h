/*
 * A quick look at what a path pattern leads to on a host, for people who write policies: how many names, and
 * the first of them.
 *
 * It never goes down a tree: a pattern is followed up to its first `**`, and a directory stands for what is
 * below it. Directories are listed and nothing else is opened; links are followed in the literal prefix only,
 * inside the root, as the files collector does.
 */
#ifndef VESTIGE_LOOK_H
#define VESTIGE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#define VST_LOOK_EXAMPLES 3
#define VST_LOOK_PLACES_MAX 1024  /* directories that are looked into at each component */
#define VST_LOOK_NAMES_MAX 200000 /* names that are read in all, one directory more or less */

struct vst_err;

struct vst_look {
	uint64_t matches;
	bool more;      /* one of the limits above ended it: there may be more */
	bool any_depth; /* the matches are directories, below which the rest of the pattern is looked for at
	                   any depth */
	uint64_t denied, failed;           /* places that could not be looked at */
	char *examples[VST_LOOK_EXAMPLES]; /* the first, in the order of the walk, links of the prefix
	                                      resolved; NULL: no more */
};

/* `pattern` is as in a policy, absolute. Owns: the caller, vst_look_free(). Errors: VST_EFORMAT, VST_ENOMEM.
 */
int vst_look(int root_fd, const char *pattern, struct vst_look *ret, struct vst_err *err);
void vst_look_free(struct vst_look *look);

#endif
