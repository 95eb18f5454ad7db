/*
 * Reading facts back: what observers wrote, from a file that nobody vouches for. A key that is missing or of
 * another type reads as nothing; facts that are no JSON at all are no facts.
 */
#ifndef COMPARE_FACTS_READ_H
#define COMPARE_FACTS_READ_H

#include <jansson.h>
#include <stdint.h>

#include "compare/observer.h"

/* *ret is NULL if nothing can be read. Owns: the caller, json_decref(). Errors: VST_ENOMEM. */
int vst_facts_read(const void *facts, size_t len, json_t **ret, struct vst_err *err);
/*
 * For whoever has to hear of facts that cannot be read: VST_EFORMAT with the item's path. *ret is NULL if their
 * `format` is another: an observer of another version made them, and they are not compared.
 */
int vst_facts_read_item(
        const struct vst_observed *observed, uint64_t format, json_t **ret, struct vst_err *err);

int64_t vst_facts_int(const json_t *object, const char *key, int64_t otherwise);
uint64_t vst_facts_uint(const json_t *object, const char *key); /* 0: none, or below it */
bool vst_facts_bool(const json_t *object, const char *key);
const char *vst_facts_text(const json_t *object, const char *key); /* borrowed; "" */
const json_t *vst_facts_array(
        const json_t *object, const char *key); /* borrowed; NULL has size 0 for jansson */
int64_t vst_facts_at(const json_t *array, size_t index, int64_t otherwise); /* a number of an array */
const char *vst_facts_text_at(const json_t *array, size_t index);           /* borrowed; "" */

/* The content's digest of an item, of the whole file where only its end is here; NULL: none. Borrowed. */
const uint8_t *vst_facts_sha256(const struct vst_item *item);

#endif
