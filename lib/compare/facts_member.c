#include "compare/facts_member.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/json_pull.h"
#include "vestige/mem.h"

bool facts_member(const char *facts, size_t len, const char *name, size_t *ret_at, size_t *ret_len)
{
	char *copy = vst_memdup(facts, len); /* pulling writes into what it reads */
	bool found = false;
	if (!copy)
		return false;
	struct vst_json_pull in = vst_json_pull_of(copy, len, NULL);
	vst_json_pull_enter_object(&in, NULL);
	while (!found && vst_json_pull_more(&in)) {
		found = strcmp(vst_json_pull_key(&in), name) == 0;
		const char *value = vst_json_pull_raw(&in, NULL, ret_len);
		found = found && in.rc == 0;
		if (found)
			*ret_at = (size_t)(value - copy);
	}
	free(copy);
	return found;
}
