/*
 * Keys given on the command line: recipients, identities, signing keys, passphrases.
 */
#ifndef ARCHIVER_KEYS_H
#define ARCHIVER_KEYS_H

#include "cli.h"
#include "vestige/age.h"
#include "vestige/case.h"
#include "vestige/signer.h"

#define PASSPHRASE_MAX 1024

/* -r TEXT… and -R FILE… */
int keys_recipients(const struct cli_list *texts, const struct cli_list *files,
        struct vst_age_recipients *ret, struct vst_err *err);

/*
 * -i FILE… (`-` is stdin), else VESTIGE_IDENTITY. With none and `by_passphrase`, the passphrase is asked for.
 * VST_EKEY if there is nothing to open with.
 */
int keys_identities(const struct cli_list *files, bool by_passphrase, struct vst_age_identities *ret,
        struct vst_err *err);

/* --signing-key FILE, else VESTIGE_SIGNING_KEY; *ret NULL if neither is given. */
int keys_signer(const char *path, struct vst_signer **ret, struct vst_err *err);

/* Secure memory, PASSPHRASE_MAX bytes, from VESTIGE_PASSPHRASE_FILE or the terminal; `twice` for a new one.
 * vst_secret_free(). */
int keys_passphrase(const char *what, bool twice, char **ret, struct vst_err *err);

/* Whether the case's exhibits are sealed to a passphrase. */
int keys_case_by_passphrase(const struct vst_case *c, bool *ret, struct vst_err *err);

/* --examiner NAME=FILE.pub… Names are borrowed from the list after the '=' was cut out; the caller frees
 * *ret. */
int keys_examiners(
        const struct cli_list *list, struct vst_case_examiner **ret, size_t *ret_count, struct vst_err *err);

#endif
