#include "workflow/seal_definitions.h"

#include <stdlib.h>

#include "vestige/artifacts.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"

/* The definitions of one set that its sources use. A second set's files go into a directory of their own. */
struct definitions {
	struct vst_exhibit_writer *writer;
	const struct vst_policy *policy;
	const struct vst_artifact_set *set;
	bool *used;
	size_t number;
};

static int write_definition_file(
        void *ctx, const char *file, const void *text, size_t len, struct vst_err *err)
{
	const struct definitions *d = ctx;
	struct vst_buf name = VST_BUF_INIT;
	vst_buf_text(&name, VST_ENTRY_DEFINITIONS "/");
	if (d->number > 1)
		vst_buf_printf(&name, "%zu/", d->number);
	vst_buf_text(&name, file);
	int rc = vst_buf_check(&name, err);
	if (rc == 0)
		rc = vst_exhibit_writer_record(d->writer, vst_buf_cstr(&name), text, len, err);
	vst_buf_free(&name);
	return rc;
}

static int write_definitions_from(struct definitions *d, size_t first, struct vst_err *err)
{
	size_t count = vst_artifacts_count(d->set);
	int rc = 0;
	if (!(d->used = vst_calloc(count + 1, sizeof *d->used)))
		return vst_err_nomem(err);
	for (size_t i = first; rc == 0 && i < d->policy->source_count; i++) {
		struct vst_artifact_plan *plan = NULL;
		const struct vst_policy_artifacts *artifacts = &d->policy->sources[i].artifacts;
		if (artifacts->set != d->set)
			continue;
		/* Which definitions are used does not depend on whose homes there are. */
		rc = vst_artifacts_resolve(
		        d->set, artifacts->names, artifacts->name_count, NULL, 0, &plan, err);
		for (size_t k = 0; rc == 0 && k < count; k++)
			d->used[k] = d->used[k] || plan->used[k];
		vst_artifact_plan_free(plan);
	}
	if (rc == 0)
		rc = vst_artifacts_each_used(d->set, d->used, write_definition_file, d, err);
	free(d->used);
	d->used = NULL;
	return rc;
}

int seal_definitions(struct vst_exhibit_writer *writer, const struct vst_policy *policy, struct vst_err *err)
{
	struct definitions d = {.writer = writer, .policy = policy};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < policy->source_count; i++) {
		size_t earlier = 0;
		if (!(d.set = policy->sources[i].artifacts.set))
			continue;
		while (policy->sources[earlier].artifacts.set != d.set)
			earlier++;
		if (earlier < i)
			continue;
		d.number++;
		rc = write_definitions_from(&d, i, err);
	}
	return rc;
}
