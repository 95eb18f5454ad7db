/*
 * A set of definitions, as its parts see it:
 *
 *     artifacts.c           files and names
 *     artifacts_parse.c     one document of YAML: a definition, or what is wrong with it
 *     artifacts_resolve.c   names, groups and sources: steps
 *     artifacts_path.c      one path of a source: patterns
 */
#ifndef POLICY_ARTIFACTS_SET_H
#define POLICY_ARTIFACTS_SET_H

#include "vestige/artifacts.h"

enum artifact_type {
	ARTIFACT_GROUP,
	ARTIFACT_COMMAND,
	ARTIFACT_FILE,
	ARTIFACT_PATH,
	ARTIFACT_DIRECTORY,
	ARTIFACT_REGISTRY_KEY,
	ARTIFACT_REGISTRY_VALUE,
	ARTIFACT_WMI,
};
#define ARTIFACT_TYPES (ARTIFACT_WMI + 1)

/* Lists of texts that something else owns. */
struct artifact_texts {
	char **texts;
	size_t count;
};

/* What `supported_os` says. */
struct artifact_os {
	bool linux_host; /* also if it is not there */
	char *names;     /* "Windows, Darwin"; NULL: all */
};

struct artifact_source {
	enum artifact_type type;
	struct artifact_os os;
	char separator;
	char *command;
	struct artifact_texts texts; /* names of a group, arguments, paths */
};

struct artifact_definition {
	struct vst_artifact shown; /* first, so that the one is the other */
	size_t index;
	char *name;
	char *broken;
	struct artifact_os os;
	struct artifact_texts aliases;
	struct artifact_source *sources;
	size_t source_count;
	size_t file;      /* in the set */
	const char *text; /* in the file's */
	size_t text_len;
};

const char *artifact_type_name(enum artifact_type type);

/* "Windows, Linux" has a member that is ours; empty: all are. */
void artifact_definition_free(struct artifact_definition *definition);

/*
 * One document, which stands behind `lines_before` lines of the file. Gives NULL for one with nothing in it.
 * For one that is wrong `why` is filled and the definition has a name at most (NULL if none was found) and
 * `broken`. VST_ENOMEM alone is a failure.
 */
int artifact_parse(const char *file, size_t lines_before, const char *text, size_t len,
        struct artifact_definition **ret, size_t *ret_line, struct vst_err *err);

/* The definition of a name or alias, or NULL. */
const struct artifact_definition *artifact_find(const struct vst_artifact_set *set, const char *name);

/* ---- paths ---- */

struct artifact_homes {
	const struct vst_artifact_account *accounts;
	size_t count;
};

typedef int artifact_each_pattern(void *ctx, const char *pattern, struct vst_err *err);
/*
 * The patterns of one path, each to `each`. If it means nothing, `*ret_reason` says why (owned by the
 * caller), and `*ret_failed` whether that is the definition's fault. `*ret_homes` is set if it asks for
 * homes.
 */
int artifact_path_patterns(const char *path, char separator, const struct artifact_homes *homes,
        artifact_each_pattern *each, void *ctx, bool *ret_homes, char **ret_reason, bool *ret_failed,
        struct vst_err *err);

#endif
