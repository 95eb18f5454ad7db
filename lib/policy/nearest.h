/*
 * What was most likely meant by a word that is not known.
 */
#ifndef POLICY_NEAREST_H
#define POLICY_NEAREST_H

#include <stddef.h>

#define POLICY_WORD_MAX 128 /* longer words are near to nothing */

/* How many letters have to be put in, taken out or changed to make one word of the other; POLICY_WORD_MAX for
 * a longer one. */
size_t policy_distance(const char *a, const char *b);

#endif
