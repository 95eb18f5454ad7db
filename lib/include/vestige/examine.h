/*
 * Opening a sealed exhibit of a case with an identity, and recording that it was opened before plaintext is
 * released.
 */
#ifndef VESTIGE_EXAMINE_H
#define VESTIGE_EXAMINE_H

#include "vestige/case.h"
#include "vestige/exhibit_reader.h"

struct vst_examination; /* an exhibit that fits its seal */

/* Opens exhibit `number`: the file's length and payload length, then root and count against the seal of the
 * checked log. Content of earlier exhibits of its generation is taken from them, each opened in the same way
 * when it is needed. Case and identities are borrowed until the examination is freed.
 * VST_ENOTFOUND, with when and by which event, if it was disposed of. */
int vst_examine_open(struct vst_case *c, uint64_t number, const struct vst_age_identities *identities,
        struct vst_examination **ret, struct vst_err *err);
void vst_examine_free(struct vst_examination *examination);
struct vst_exhibit *vst_examine_exhibit(struct vst_examination *examination);
const struct vst_seal *vst_examine_seal(const struct vst_examination *examination);

/*
 * Adds an extract event signed by the examiner: which verb, how many items, SHA-256 over their leaf hashes in
 * order of seq. To be called before anything of them is shown. Fails rather than goes on unrecorded: the
 * caller decides to open without an examiner's key and then says `not recorded`.
 */
struct vst_selection; /* running digest over leaf hashes */
int vst_selection_new(struct vst_selection **ret, struct vst_err *err);
void vst_selection_add(struct vst_selection *selection, const uint8_t leaf[VST_HASH_LEN]);
void vst_selection_free(struct vst_selection *selection);
int vst_examine_record(struct vst_examination *examination, const char *verb, struct vst_selection *selection,
        struct vst_signer *examiner, uint64_t *ret_event, struct vst_err *err);

/*
 * recover: an unfinished or damaged exhibit file. Records a partial file of the case by number, digest and
 * length (examiner NULL: the collector signs). VST_EEXIST if an event already speaks of that number.
 */
int vst_recover_record(struct vst_case *c, const char *partial_name, struct vst_signer *examiner,
        uint64_t *ret_event, struct vst_err *err);

#endif
