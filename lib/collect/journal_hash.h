/*
 * Whether the fields of a journal entry are those that were written: an entry holds the exclusive or of its
 * fields' hashes.
 *
 * Source: systemd's "Journal File Format", xor_hash of an entry object; the hash is Bob Jenkins' lookup3,
 * hashlittle2() with both seeds zero, the first result in the upper half.
 */
#ifndef COLLECT_JOURNAL_HASH_H
#define COLLECT_JOURNAL_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_JOURNAL_HASHES 256 /* fields of an entry among which a repeated one is looked for */

uint64_t vst_journal_hash(const void *data, size_t len);

struct vst_journal_fields { /* zero-initialise for each entry */
	uint64_t sum;
	size_t count;
	uint64_t hashes[VST_JOURNAL_HASHES];
};

/* `field` is NAME=value as it was logged. */
void vst_journal_fields_add(struct vst_journal_fields *fields, const void *field, size_t len);
/* A field that was given twice counts twice in what was written, and stands once in the file: up to two of
 * these are allowed for. */
bool vst_journal_fields_are(const struct vst_journal_fields *fields, uint64_t written);

#endif
