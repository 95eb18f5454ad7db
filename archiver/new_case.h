/*
 * Making a case, for `init` and for `snapshot --new`.
 */
#ifndef ARCHIVER_NEW_CASE_H
#define ARCHIVER_NEW_CASE_H

#include "cli.h"
#include "vestige/case.h"

struct new_case_options {
	const char *dir, *title, *number;
	struct cli_list recipients, recipient_files, examiners;
	bool by_passphrase; /* nothing is asked yet: the passphrase belongs to the snapshot */
};

int new_case(const struct new_case_options *options, struct vst_case **ret, struct vst_err *err);
void new_case_print(const struct cli *cli, struct vst_case *c);
void new_case_options_free(struct new_case_options *options);

#endif
