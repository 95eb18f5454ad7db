#include "trail/trail_internal.h"

#include <stdlib.h>

#include "vestige/mem.h"

int vst_trail_oids_add(git_oid **ids, size_t *count, size_t *cap, const git_oid *id, struct vst_err *err)
{
	if (*count >= *cap) {
		size_t more = *count ? *count * 2 : 256;
		git_oid *grown = vst_realloc(*ids, more, sizeof(*grown));

		if (!grown)
			return vst_err_nomem(err);
		*ids = grown;
		*cap = more;
	}
	(*ids)[(*count)++] = *id;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

/* Sorted, each once. */
void vst_trail_oids_sort(git_oid *ids, size_t *count)
{
	size_t kept = 0;

	if (*count == 0)
		return;
	qsort(ids, *count, sizeof(*ids), compare);
	for (size_t i = 1; i < *count; i++)
		if (!git_oid_equal(&ids[kept], &ids[i]))
			ids[++kept] = ids[i];
	*count = kept + 1;
}

bool vst_trail_oids_has(const git_oid *ids, size_t count, const git_oid *id)
{
	return count > 0 && bsearch(id, ids, count, sizeof(*ids), compare) != NULL;
}
