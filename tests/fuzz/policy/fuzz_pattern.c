/* A pattern and, behind a line feed, a path. What matches below a directory must have been announced by it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct vst_pattern *pattern, char *path)
{
	bool matches = vst_pattern_match(pattern, path);
	for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		bool below = slash[1] != '\0';
		*slash = '\0';
		if (matches && below && !vst_pattern_may_match_below(pattern, path))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_pattern *pattern = NULL;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	char *path = strchr(text, '\n');
	if (path)
		*path++ = '\0';

	if (vst_pattern_compile(text, &pattern, NULL) == 0) {
		if (pattern->count == 0 || pattern->count > VST_PATTERN_ALTERNATIVES_MAX)
			abort();
		if (path)
			look(pattern, path);
	}
	vst_pattern_free(pattern);
	free(text);
	return 0;
}
