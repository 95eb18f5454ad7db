/*
 * `verify --deep` of incremental exhibits: whether what they refer to is there, and is what they say.
 *
 * Of every exhibit that is read, or that one refers to, it is kept what each entry holds: where the log has
 * all exhibits checked in their order, no manifest is read twice. One piece that is the whole content is
 * compared by its digest: the entry itself is hashed where its exhibit is checked, or, if that is not asked
 * for, is read here. Content of several pieces has to be read; the state of the digest is
 * kept under the list of its pieces, so that a file which grows every night is read once and not once a
 * night.
 *
 * Memory: 64 bytes for each entry with content of a generation, and REFERENCE_STATES digests.
 */
#ifndef WORKFLOW_VERIFY_REFERENCES_H
#define WORKFLOW_VERIFY_REFERENCES_H

#include <stdint.h>

#include "vestige/verify.h"

struct vst_case;
struct vst_err;
struct vst_item;
struct verify_references;

/* How a fault is told: of an item, or, `path` NULL, of the exhibit. Non-zero stops and is returned. */
typedef int verify_references_say(
        void *ctx, enum vst_verdict verdict, const char *source, const char *path, const char *what);

/* Case and identities are borrowed. */
int verify_references_new(const struct vst_case *c, const struct vst_age_identities *identities,
        verify_references_say *say, struct verify_references **ret, struct vst_err *err);
void verify_references_free(struct verify_references *references);

/* One exhibit: begin, every line as it passes, end. `ctx` is given to `say`. */
int verify_references_begin(
        struct verify_references *references, uint64_t number, void *ctx, struct vst_err *err);
int verify_references_item(
        struct verify_references *references, const struct vst_item *item, struct vst_err *err);
/* The lines were not all of them, or not all good: who refers to this exhibit looks into it anew. Instead of
 * end. */
void verify_references_drop(struct verify_references *references);
/* Reads what only reading can tell. `ret_items`: items of which some or all is in earlier exhibits. */
int verify_references_end(struct verify_references *references, uint64_t *ret_items, struct vst_err *err);

#endif
