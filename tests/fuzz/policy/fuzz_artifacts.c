/* Definitions from anybody. Whatever they ask for, its paths are patterns, and what was used stands in the
 * file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/artifacts.h"
#include "vestige/err.h"
#include "vestige/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct whole {
	const uint8_t *data;
	size_t size;
};

static int look_at_file(void *ctx, const char *file, const void *text, size_t len, struct vst_err *err)
{
	const struct whole *whole = ctx;
	(void)err;
	/* A marker and a line feed may have come in between. */
	if (strcmp(file, "f.yaml") != 0 || len > whole->size + 5 * VST_ARTIFACTS_MAX || !text)
		abort();
	return 0;
}

static void look_at_step(const struct vst_artifact_step *step)
{
	if ((step->kind == VST_ARTIFACT_COMMAND) != (step->command != NULL) ||
	        (step->kind == VST_ARTIFACT_PATHS && step->count == 0) ||
	        (step->kind >= VST_ARTIFACT_NOT_APPLICABLE) != (step->reason != NULL))
		abort();
	for (size_t i = 0; step->kind == VST_ARTIFACT_PATHS && i < step->count; i++) {
		struct vst_pattern *pattern = NULL;
		int rc = vst_pattern_compile(step->texts[i], &pattern, NULL);
		if ((rc != 0 && rc != VST_ENOMEM) || (rc == 0 && !pattern->absolute))
			abort();
		vst_pattern_free(pattern);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vst_artifact_account accounts[] = {
	        {"a", "/home/a", 1, NULL}, {"{,*", "/x/[{,*?\\", 2, NULL}, {"..", "/", 3, NULL}};
	struct vst_artifact_set *set = NULL;
	struct vst_artifact_plan *plan = NULL;
	struct whole whole = {data, size};
	if (vst_artifacts_new(&set, NULL) != 0)
		return 0;
	int rc = vst_artifacts_add(set, "f.yaml", data, size, NULL);
	size_t count = rc == 0 ? vst_artifacts_count(set) : 0;
	char **names = calloc(count + 1, sizeof *names);
	for (size_t i = 0; names && i < count; i++)
		names[i] = strdup(vst_artifacts_at(set, i)->name);
	if (names && vst_artifacts_resolve(set, names, count, accounts, 3, &plan, NULL) == 0) {
		for (size_t i = 0; i < plan->count; i++)
			look_at_step(&plan->steps[i]);
		vst_artifacts_each_used(set, plan->used, look_at_file, &whole, NULL);
	}
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
	vst_artifact_plan_free(plan);
	vst_artifacts_free(set);
	return 0;
}
