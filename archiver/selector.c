#include "selector.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/mem.h"

static int add(struct selector *selector, const char *text, struct vst_err *err)
{
	struct vst_pattern *pattern = NULL;
	int rc = vst_pattern_compile(text, &pattern, err);
	if (rc == 0)
		selector->patterns[selector->count++] = pattern;
	return rc;
}

int selector_make(struct selector *selector, char **args, size_t count, struct vst_err *err)
{
	struct vst_buf below = VST_BUF_INIT;
	int rc = 0;
	selector->patterns = vst_calloc(2 * count + 1, sizeof *selector->patterns);
	if (!selector->patterns)
		return vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = add(selector, args[i], err);
		/* "/etc/ssh" means the directory and what is in it. */
		size_t len = strlen(args[i]);
		if (rc == 0 && args[i][0] == '/' && (len < 2 || strcmp(args[i] + len - 2, "**") != 0)) {
			vst_buf_clear(&below);
			vst_buf_printf(
			        &below, "%s%s**", args[i], len > 0 && args[i][len - 1] == '/' ? "" : "/");
			rc = add(selector, vst_buf_cstr(&below), err);
		}
	}
	vst_buf_free(&below);
	if (rc != 0)
		selector_free(selector);
	return rc;
}

bool selector_matches(const struct selector *selector, const struct vst_item *item)
{
	if (selector->count == 0)
		return true;
	for (size_t i = 0; i < selector->count; i++)
		if (vst_pattern_match(selector->patterns[i], item->path))
			return true;
	return false;
}

void selector_free(struct selector *selector)
{
	for (size_t i = 0; i < selector->count; i++)
		vst_pattern_free(selector->patterns[i]);
	free(selector->patterns);
	*selector = (struct selector){0};
}
