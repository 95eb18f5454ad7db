/* Two texts, divided by a NUL, are refused or compared, and the numbers add up; each compared with itself is
 * the same. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *ctx, const struct vst_rows_difference *difference, struct vst_err *err)
{
	(void)err;
	if (difference->key_len > VST_ROWS_KEY_TEXT_MAX || (!difference->row[0] && !difference->row[1]))
		abort();
	if ((difference->change == VST_ROWS_CHANGED) != (difference->column_count > 0))
		abort();
	++*(uint64_t *)ctx;
	return 0;
}

/* False: refused. */
static bool compare(
        const uint8_t *const texts[2], const size_t lens[2], bool keyed, struct vst_rows_result *ret)
{
	static const char *const key[] = {"k"};
	int dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	struct vst_rows *rows = NULL;
	uint64_t told = 0;
	if (dirfd < 0 || vst_rows_new(dirfd, key, keyed, &rows, NULL) != 0)
		abort();
	for (int i = 0; i < 2 && rc == 0; i++) {
		struct vst_output out = vst_rows_input(rows, (enum vst_rows_side)i);
		if ((rc = out.write(out.ctx, texts[i], lens[i] / 2, NULL)) == 0 &&
		        (rc = out.write(out.ctx, texts[i] + lens[i] / 2, lens[i] - lens[i] / 2, NULL)) == 0)
			rc = vst_rows_end(rows, (enum vst_rows_side)i, false, NULL);
	}
	if (rc == 0 && vst_rows_compare(rows, count, &told, ret, NULL) != 0)
		abort();
	if (rc == 0 && told != ret->added + ret->removed + ret->changed)
		abort();
	vst_rows_free(rows);
	close(dirfd);
	return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t first = nul ? (size_t)(nul - data) : size, second = nul ? size - first - 1 : 0;
	const uint8_t *const texts[] = {data, data + size - second}, *const same[] = {data, data};
	const size_t lens[] = {first, second}, same_lens[] = {first, first};
	struct vst_rows_result result;
	if (size == 0)
		return 0;
	for (int keyed = 0; keyed < 2; keyed++) {
		if (compare(texts, lens, keyed, &result) &&
		        (result.same + result.changed + result.removed != result.rows[0] ||
		                result.same + result.changed + result.added != result.rows[1]))
			abort();
		if (compare(same, same_lens, keyed, &result) && result.same != result.rows[0])
			abort();
	}
	return 0;
}
