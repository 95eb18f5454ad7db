/*
 * The text level of patterns: tokens, and braces multiplied out.
 */
#ifndef POLICY_PATTERN_BRACES_H
#define POLICY_PATTERN_BRACES_H

#include <stddef.h>

struct vst_err;

struct pattern_texts {
	char **texts;
	size_t count, cap;
};

/*
 * Behind one token: an escaped byte, a class or a single byte. Tokens are whole after pattern_check(), and
 * stay so in every expansion, because braces are cut between tokens. On a text that was not checked: a '['
 * without its ']' and a backslash at the end stand for themselves.
 */
const char *pattern_token_end(const char *token);

/* Whether `token`, as above, takes the byte. */
int pattern_token_takes(const char *token, unsigned char byte);

/* All that can be wrong with a text before it is split at slashes. VST_EFORMAT. */
int pattern_check(const char *text, struct vst_err *err);

/* Multiplies the braces of a checked text out. Owns: `ret`, which starts zeroed; also after a failure. */
int pattern_expand(const char *text, struct pattern_texts *ret, struct vst_err *err);
void pattern_texts_free(struct pattern_texts *texts);

#endif
