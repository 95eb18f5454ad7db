/*
 * One line of sudoers, as far as it matters who may become somebody else without being asked.
 *
 * Source: sudoers(5). A `#` starts a comment, unless digits follow (a user by number) or it is the old
 * spelling of `@include`. Aliases are not resolved.
 */
#ifndef COMPARE_SUDOERS_LINE_H
#define COMPARE_SUDOERS_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct vst_sudoers_line {
	const char *text; /* without white space at its ends; borrowed */
	size_t len;
	size_t who_len;   /* its first word: a user, %group, ALL, Defaults, an alias' kind, @include */
	bool no_password; /* NOPASSWD: or !authenticate */
	bool everything;  /* no_password, for the command ALL or for all that a Defaults line is about */
	bool include;
};

/* False: nothing but a comment. */
bool vst_sudoers_line_parse(const char *line, size_t len, struct vst_sudoers_line *ret);

#endif
