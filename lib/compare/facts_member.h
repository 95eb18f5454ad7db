/* One member of the facts of an item: what one observer had to say. */
#ifndef COMPARE_FACTS_MEMBER_H
#define COMPARE_FACTS_MEMBER_H

#include <stdbool.h>
#include <stddef.h>

#define FACTS_KEPT "kept" /* true: an earlier exhibit found them, and nobody looked this time */

/* Where its value stands in the facts. False: there is none, the facts are damaged, or no memory. */
bool facts_member(const char *facts, size_t len, const char *name, size_t *ret_at, size_t *ret_len);

#endif
