#include "opened.h"

#include <stdlib.h>
#include <string.h>

#include "open_case.h"

static bool is_same_case(const struct opened *a, const struct opened *b)
{
	return strcmp(vst_custody_case(vst_case_custody(a->c))->id,
	               vst_custody_case(vst_case_custody(b->c))->id) == 0;
}

/* Given ones are for any case; the passphrase that is asked for is a case's own. */
static int take_identities(struct opened *opened, const struct opened_options *options, struct vst_err *err)
{
	const struct opened *earlier = options->earlier;
	const char *named = getenv("VESTIGE_IDENTITY");
	bool given = options->identities.count > 0 || (named && *named), by_passphrase = false;
	if (earlier && (given || is_same_case(opened, earlier))) {
		opened->identities = earlier->identities;
		opened->borrows = true;
		return 0;
	}
	int rc = keys_case_by_passphrase(opened->c, &by_passphrase, err);
	return rc == 0 ? keys_identities(&options->identities, by_passphrase, &opened->identities, err) : rc;
}

int opened_open(struct opened *opened, const struct cli *cli, const char *exhibit,
        const struct opened_options *options, struct vst_err *err)
{
	*opened = (struct opened){.cli = cli};
	int rc = open_case(cli, &opened->c, err);
	if (rc == 0)
		rc = vst_case_exhibit_parse(opened->c, exhibit, &opened->number, err);
	if (rc == 0)
		rc = take_identities(opened, options, err);
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
	if (!opened->borrows)
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
