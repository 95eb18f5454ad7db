#include "opened.h"

#include "open_case.h"

int opened_open(struct opened *opened, const struct cli *cli, const char *exhibit,
        const struct opened_options *options, struct vst_err *err)
{
	bool by_passphrase = false;
	*opened = (struct opened){.cli = cli};
	int rc = open_case(cli, &opened->c, err);
	if (rc == 0)
		rc = vst_case_exhibit_parse(opened->c, exhibit, &opened->number, err);
	if (rc == 0)
		rc = keys_case_by_passphrase(opened->c, &by_passphrase, err);
	if (rc == 0)
		rc = keys_identities(&options->identities, by_passphrase, &opened->identities, err);
	if (rc == 0)
		rc = keys_signer(options->signing_key, &opened->examiner, err);
	if (rc == 0)
		rc = vst_examine_open(
		        opened->c, opened->number, &opened->identities, &opened->examination, err);
	if (rc == 0)
		opened->exhibit = vst_examine_exhibit(opened->examination);
	return rc;
}

void opened_close(struct opened *opened)
{
	vst_examine_free(opened->examination);
	vst_age_identities_free(&opened->identities);
	vst_signer_free(opened->examiner);
	vst_case_free(opened->c);
	*opened = (struct opened){0};
}

bool opened_will_record(struct opened *opened)
{
	if (opened->examiner && vst_case_is_writable(opened->c))
		return true;
	cli_say(opened->cli, "not recorded: %s",
	        opened->examiner ? "the case cannot be written from here"
	                         : "no examiner's key was given (--signing-key)");
	return false;
}

int opened_record(
        struct opened *opened, const char *verb, struct vst_selection *selection, struct vst_err *err)
{
	uint64_t event = 0;
	int rc = vst_examine_record(opened->examination, verb, selection, opened->examiner, &event, err);
	if (rc == 0)
		cli_say(opened->cli, "recorded as event %llu", (unsigned long long)event);
	return rc;
}
