#include "definitions.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/mem.h"

#define USUAL "/usr/share/artifacts"
#define PROBLEMS_SHOWN 10

/* <prefix>/share/artifacts for a program <prefix>/bin/vestige; false if there is no such directory. */
static bool find_beside(char ret[PATH_MAX])
{
	static const char rest[] = "/share/artifacts";
	ssize_t len = readlink("/proc/self/exe", ret, PATH_MAX - sizeof rest);
	if (len <= 0)
		return false;
	ret[len] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(ret, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	strcat(ret, rest); /* room was left for it */
	return access(ret, X_OK) == 0;
}

static char *find_directory(const struct vst_policy_source *source)
{
	char beside[PATH_MAX];
	const char *from_environment = getenv("VESTIGE_ARTIFACTS");
	if (source->artifacts.definitions)
		return vst_strdup(source->artifacts.definitions);
	if (from_environment && *from_environment)
		return vst_strdup(from_environment);
	return vst_strdup(find_beside(beside) ? beside : USUAL);
}

/* The set of an earlier source with the same directory, else a new one. */
static int load_set(struct definitions *definitions, size_t index, struct vst_err *err)
{
	for (size_t i = 0; i < index; i++)
		if (definitions->sets[i] &&
		        strcmp(definitions->directories[i], definitions->directories[index]) == 0) {
			definitions->sets[index] = definitions->sets[i];
			return 0;
		}
	return vst_artifacts_load(definitions->directories[index], &definitions->sets[index], err);
}

static int check_names(const struct vst_policy_source *source, const char *directory, struct vst_err *err)
{
	for (size_t i = 0; i < source->artifacts.name_count; i++) {
		const char *name = source->artifacts.names[i];
		if (vst_artifacts_find(source->artifacts.set, name))
			continue;
		const char *meant = vst_artifacts_nearest(source->artifacts.set, name);
		int rc = vst_err_set(err, VST_ENOTFOUND, "unknown artifact '%.128s'%s%s%s", name,
		        meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
		vst_err_hint(err, "the definitions are those in %s", directory);
		return rc;
	}
	return 0;
}

int definitions_load(struct vst_policy *policy, struct definitions *ret, struct vst_err *err)
{
	struct definitions definitions = {.count = policy->source_count};
	int rc = 0;
	definitions.sets = vst_calloc(policy->source_count + 1, sizeof *definitions.sets);
	definitions.directories = vst_calloc(policy->source_count + 1, sizeof *definitions.directories);
	if (!definitions.sets || !definitions.directories) {
		definitions.count = 0;
		rc = vst_err_nomem(err);
	}
	for (size_t i = 0; rc == 0 && i < policy->source_count; i++) {
		struct vst_policy_source *source = &policy->sources[i];
		if (source->kind != VST_SOURCE_ARTIFACTS)
			continue;
		if (!(definitions.directories[i] = find_directory(source)))
			rc = vst_err_nomem(err);
		if (rc == 0)
			rc = load_set(&definitions, i, err);
		source->artifacts.set = definitions.sets[i];
		if (rc == 0)
			rc = check_names(source, definitions.directories[i], err);
		if (rc != 0)
			vst_err_prepend(err, "source %s", source->name);
	}
	if (rc != 0) {
		for (size_t i = 0; i < policy->source_count; i++)
			policy->sources[i].artifacts.set = NULL;
		definitions_free(&definitions);
		return rc;
	}
	*ret = definitions;
	return 0;
}

static bool is_first(const struct definitions *definitions, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (definitions->sets[i] == definitions->sets[index])
			return false;
	return definitions->sets[index] != NULL;
}

void definitions_free(struct definitions *definitions)
{
	for (size_t i = definitions->count; i-- > 0;) {
		if (is_first(definitions, i))
			vst_artifacts_free(definitions->sets[i]);
		free(definitions->directories[i]);
	}
	free(definitions->sets);
	free(definitions->directories);
	*definitions = (struct definitions){0};
}

static void warn_of(const struct vst_artifact_set *set, const char *directory)
{
	const struct vst_artifact_problem *problem;
	size_t count = vst_artifacts_problem_count(set), shown = 0;
	for (; shown < PROBLEMS_SHOWN && (problem = vst_artifacts_problem(set, shown)) != NULL; shown++) {
		struct vst_buf place = VST_BUF_INIT;
		vst_buf_printf(&place, "%s/%s", directory, problem->file);
		if (problem->line)
			vst_buf_printf(&place, ":%zu", problem->line);
		vst_buf_printf(&place, ": %s", problem->text);
		cli_warn("%s", cli_show_text(vst_buf_cstr(&place)));
		vst_buf_free(&place);
	}
	if (count > shown)
		cli_warn("%s: and %zu more", cli_show_text(directory), count - shown);
}

void definitions_warn(const struct definitions *definitions)
{
	for (size_t i = 0; i < definitions->count; i++)
		if (is_first(definitions, i))
			warn_of(definitions->sets[i], definitions->directories[i]);
}
