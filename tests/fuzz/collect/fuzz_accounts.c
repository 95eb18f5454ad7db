/* passwd and group files from anybody, in halves of the input. A name that is given is one of the input's
 * own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_accounts *accounts = NULL;
	size_t half = size / 2;

	if (vst_accounts_parse(data, half, data + half, size - half, &accounts, NULL) != 0)
		return 0;
	for (uint64_t id = 0; id < 2000; id++) {
		const char *user = vst_accounts_user(accounts, id), *group = vst_accounts_group(accounts, id);
		if (user && (strlen(user) == 0 || !memmem(data, half, user, strlen(user))))
			abort();
		if (group && (strlen(group) == 0 || !memmem(data + half, size - half, group, strlen(group))))
			abort();
	}
	struct vst_account_home at;
	for (size_t i = 0; vst_accounts_home(accounts, i, &at); i++)
		if (!memmem(data, half, at.user, strlen(at.user)) ||
		        !memmem(data, half, at.home, strlen(at.home)) || at.line == 0)
			abort();
	if (vst_accounts_user(accounts, UINT32_MAX))
		abort();
	vst_accounts_free(accounts);
	return 0;
}
