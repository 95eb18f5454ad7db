/*
 * Values of a policy: each function checks a node of the tree, says with line and key what is wrong with it,
 * and stores what it means. A field of a mapping names the check and where in a structure its value goes, so
 * that there is one schema, not two.
 */
#ifndef POLICY_POLICY_VALUES_H
#define POLICY_POLICY_VALUES_H

#include <stdint.h>

#include "policy/policy_tree.h"

struct policy_check {
	const struct policy_tree *tree;
	struct vst_err *err;
	size_t alternatives; /* of all patterns so far */
};

/* Checks `node` and stores it at `to`, whose type is the function's own; memory belongs to the structure,
 * also after a failure. */
typedef int policy_take(struct policy_check *c, size_t node, void *to);

struct policy_field {
	const char *key;
	bool required;
	policy_take *take;
	size_t offset; /* in the structure that the mapping fills */
};

/* A list in a structure: its elements, and how many. The members stand so in vestige/policy.h. */
struct policy_texts {
	char **list;
	size_t count;
};

const struct policy_node *policy_node(const struct policy_check *c, size_t node);
/* The child of a mapping by its key; 0: none. */
size_t policy_child(const struct policy_check *c, size_t map, const char *key);

int policy_take_map(
        struct policy_check *c, size_t node, const struct policy_field *fields, size_t count, void *to);
/* `take` gets each element's place in `to`, which is `size` apart and zeroed. The list's head is a
 * policy_texts in shape. */
int policy_take_list(
        struct policy_check *c, size_t node, size_t min, policy_take *take, size_t size, void *to);

/* char **: text with something in it */
policy_take policy_take_text;
/* bool * */
policy_take policy_take_flag;
/* uint64_t *: "1048576", "8GiB": from 1 byte to INT64_MAX */
policy_take policy_take_size;
/* uint64_t *: "200MiB/s" */
policy_take policy_take_rate;
/* uint64_t *: seconds of "90s", "10min", "2h", "30d" */
policy_take policy_take_duration;
/* struct vst_policy_every *: "30", "30d" */
policy_take policy_take_every;
/* uint64_t *: a whole number from 1 */
policy_take policy_take_number;
/* unsigned *: "50%", up to 6400 */
policy_take policy_take_percent;
/* struct policy_texts *: texts, at least one, at most VST_POLICY_SOURCES_MAX, none twice */
policy_take policy_take_texts;

/* Which of `count` known words it is; the nearest is offered where it is none. `what` names the kind of
 * word. */
int policy_take_word(struct policy_check *c, size_t node, const char *what, const char *const *known,
        size_t count, size_t *ret);
/* VST_EFORMAT if an earlier element of its list has the same text, or there are too many. */
int policy_check_once(struct policy_check *c, size_t node);
/* A letter or digit, then these and `marks`. */
bool policy_is_name(const char *text, const char *marks);

/* "1048576", "8GiB" and behind it `suffix`: from 1 byte to INT64_MAX; `ret` is untouched if it is no size. */
bool policy_parse_size(const char *text, const char *suffix, uint64_t *ret);

int policy_error(struct policy_check *c, size_t node, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
