/*
 * The receipt of a verification: a dated text that a paralegal can file, and an SSH signature over it beside
 * it.
 *
 * Checked with stock tools: `ssh-keygen -Y verify -f ALLOWED -I NAME -n vestige-receipt -s FILE.sig < FILE`.
 */
#ifndef ARCHIVER_RECEIPT_H
#define ARCHIVER_RECEIPT_H

#include "vestige/signer.h"
#include "vestige/verify.h"

#define RECEIPT_NAMESPACE "vestige-receipt"

struct receipt;

/* Opens the signing key (required: an unsigned receipt proves nothing) and sees that neither file exists.
 * Nothing inside the case `dir`. */
int receipt_begin(const char *dir, const char *path, const char *signing_key, struct vst_signer **ret_signer,
        struct receipt **ret, struct vst_err *err);
void receipt_add(struct receipt *receipt, const struct vst_verify_finding *finding);
int receipt_write(struct receipt *receipt, const struct vst_verify_options *options,
        const struct vst_verify_result *result, struct vst_signer *signer, struct vst_err *err);
void receipt_free(struct receipt *receipt);

#endif
