/*
 * An exhibit opened for a person: ls, cat and extract share how it is opened and how the opening is recorded.
 */
#ifndef ARCHIVER_OPENED_H
#define ARCHIVER_OPENED_H

#include "keys.h"
#include "vestige/examine.h"

struct opened_options {
	struct cli_list identities;
	const char *signing_key;
	/* One that was opened before: it lends its identities where they would be the same, so that nobody is
	   asked for them twice and standard input is read once. It is closed later. */
	const struct opened *earlier;
};

struct opened {
	const struct cli *cli;
	struct vst_case *c;
	uint64_t number;
	struct vst_age_identities
	        identities; /* earlier exhibits are opened when content of theirs is needed */
	bool borrows;       /* the identities are another's */
	struct vst_examination *examination;
	struct vst_exhibit *exhibit; /* borrowed from the examination */
	struct vst_signer *examiner; /* NULL: opening cannot be recorded */
};

int opened_open(struct opened *opened, const struct cli *cli, const char *exhibit,
        const struct opened_options *options, struct vst_err *err);
void opened_close(struct opened *opened);

/* Whether vst_examine_record() will be possible; if not, says `not recorded` and why, once. */
bool opened_will_record(struct opened *opened);
/* Records what was selected, before anything of it is shown. */
int opened_record(
        struct opened *opened, const char *verb, struct vst_selection *selection, struct vst_err *err);

#endif
