#include "policy_artifacts.h"

#include <string.h>

#include "vestige/artifacts.h"
#include "vestige/buf.h"

static const char *const kind_names[] = {
        [VST_ARTIFACT_PATHS] = "paths",
        [VST_ARTIFACT_COMMAND] = "command",
        [VST_ARTIFACT_NOT_APPLICABLE] = "not applicable",
        [VST_ARTIFACT_FAILED] = "wrong",
};

/* NULL if there are no definitions at hand. */
static struct vst_artifact_plan *resolve(const struct vst_policy_source *source)
{
	const struct vst_policy_artifacts *artifacts = &source->artifacts;
	struct vst_artifact_plan *plan = NULL;
	struct vst_err err = VST_ERR_INIT;
	if (artifacts->set && vst_artifacts_resolve(artifacts->set, artifacts->names, artifacts->name_count,
	                              NULL, 0, &plan, &err) != 0)
		cli_fail(&err);
	return plan;
}

/* ---- for people ---- */

static void show_step(const struct vst_artifact_step *step)
{
	const char *name = step->artifact ? step->artifact : "";
	if (step->kind == VST_ARTIFACT_PATHS) {
		for (size_t i = 0; i < step->count; i++)
			cli_print("    %-32s %s\n", i == 0 ? cli_show_text(name) : "",
			        cli_show_text(step->texts[i]));
		return;
	}
	cli_print("    %-32s %s: ", cli_show_text(name), kind_names[step->kind]);
	if (step->reason)
		cli_print("%s", cli_show_text(step->reason));
	if (step->command)
		cli_print("%s", cli_show_text(step->command));
	for (size_t i = 0; i < step->count; i++)
		cli_print(" %s", cli_show_text(step->texts[i]));
	cli_print("\n");
}

void policy_artifacts_show(const struct cli *cli, const struct vst_policy_source *source)
{
	const struct vst_policy_artifacts *artifacts = &source->artifacts;
	struct vst_artifact_plan *plan = resolve(source);
	cli_print("\n%-12s%s%s%s, commands %s\n", "source", cli_style(cli, CLI_BOLD),
	        cli_show_text(source->name), cli_style(cli, CLI_PLAIN),
	        artifacts->commands ? "allowed" : "refused");
	for (size_t i = 0; i < artifacts->name_count; i++)
		cli_print("%-12s%s\n", i == 0 ? "  artifacts" : "", cli_show_text(artifacts->names[i]));
	for (size_t i = 0; plan && i < plan->count; i++)
		show_step(&plan->steps[i]);
	vst_artifact_plan_free(plan);
}

/* ---- for programs ---- */

static void json_texts(struct vst_json *json, const char *key, char *const *texts, size_t count)
{
	vst_json_key(json, key);
	vst_json_array(json);
	for (size_t i = 0; i < count; i++)
		vst_json_text(json, texts[i], strlen(texts[i]));
	vst_json_end(json);
}

static void json_step(struct vst_json *json, const struct vst_artifact_step *step)
{
	vst_json_object(json);
	vst_json_key(json, "artifact");
	vst_json_string(json, step->artifact);
	vst_json_key(json, "kind");
	vst_json_string(json, kind_names[step->kind]);
	if (step->source) {
		vst_json_key(json, "source");
		vst_json_uint(json, step->source);
	}
	if (step->kind == VST_ARTIFACT_PATHS)
		json_texts(json, "paths", step->texts, step->count);
	if (step->command) {
		vst_json_key(json, "command");
		vst_json_text(json, step->command, strlen(step->command));
		json_texts(json, "arguments", step->texts, step->count);
	}
	if (step->reason) {
		vst_json_key(json, "reason");
		vst_json_text(json, step->reason, strlen(step->reason));
	}
	vst_json_end(json);
}

void policy_artifacts_json(struct vst_json *json, const struct vst_policy_source *source)
{
	struct vst_artifact_plan *plan = resolve(source);
	json_texts(json, "artifacts", source->artifacts.names, source->artifacts.name_count);
	vst_json_key(json, "commands");
	vst_json_bool(json, source->artifacts.commands);
	vst_json_key(json, "steps");
	vst_json_array(json);
	for (size_t i = 0; plan && i < plan->count; i++)
		json_step(json, &plan->steps[i]);
	vst_json_end(json);
	vst_artifact_plan_free(plan);
}
