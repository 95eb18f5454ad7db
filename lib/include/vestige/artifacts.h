/*
 * ForensicArtifacts definitions: where things of interest lie on a host, by name, as the community keeps
 * them.
 *
 * Source: the format specification of the ForensicArtifacts project ("Artifact definition format and style
 * guide"), and what its definitions do: YAML of many documents, a definition each.
 *
 *     name: SSHKnownHosts                 letters, digits, '-', '_', '.'; a letter or digit first
 *     doc: …
 *     sources:
 *     - type: FILE                        ARTIFACT_GROUP {names}, COMMAND {cmd, args}, FILE and PATH and
 * DIRECTORY {paths, attributes: {paths: [/etc/x]}     separator}, REGISTRY_KEY {keys}, REGISTRY_VALUE
 * {key_value_pairs}, WMI {query, supported_os: [Linux]             base_object}; also conditions, provides,
 * returned_types, which are not looked at aliases, supported_os, urls; conditions, labels, provides, which
 * are not looked at
 *
 * Neither anchors, aliases of YAML nor tags; no unknown or repeated keys. A definition that is wrong is a
 * problem with file and line and does not hide the others, not even where it is no YAML. Of two definitions
 * of a name the first counts.
 *
 * What a path means here (pattern.h): `*`, `?`, `[]`, `{a,b}` as ours; `**N` from one to N levels of
 * directories, `**` up to VST_ARTIFACT_DEPTH_DEFAULT; a backslash is itself, unless it is the separator.
 * FILE, PATH and DIRECTORY are taken as the paths of a files source are: what is named without wildcards, and
 * is a directory, with all below it. `%%users.homedir%%` is each account's home, /root and each directory in
 * /home; `%%users.username%%` each account's name; other variables have no meaning on Linux.
 */
#ifndef VESTIGE_ARTIFACTS_H
#define VESTIGE_ARTIFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_ARTIFACT_FILES_MAX 1024
#define VST_ARTIFACT_FILE_MAX (4 * 1024 * 1024)   /* bytes */
#define VST_ARTIFACT_BYTES_MAX (64 * 1024 * 1024) /* of all files */
#define VST_ARTIFACTS_MAX 16384                   /* definitions */
#define VST_ARTIFACT_NAME_MAX 128                 /* bytes of a name or alias */
#define VST_ARTIFACT_PROBLEMS_MAX 256             /* kept; the others are counted */
#define VST_ARTIFACT_DEPTH_DEFAULT 10             /* levels of `**` without a number, as plaso has it */
#define VST_ARTIFACT_ACCOUNTS_MAX 4096            /* whose homes are looked into */
#define VST_ARTIFACT_TEXTS_MAX 1000000            /* patterns of all steps together */

struct vst_err;
struct vst_artifact_set;

struct vst_artifact {
	const char *name;
	const char *file;   /* its name, without directory */
	size_t line;        /* where the definition starts */
	const char *broken; /* what is wrong with it; NULL: nothing */
};

struct vst_artifact_problem {
	const char *file;
	size_t line; /* 0: the file itself */
	const char *text;
};

/* All *.yaml of a directory, by name. Errors: VST_ENOTFOUND (no directory, or nothing in it), VST_ELIMIT. */
int vst_artifacts_load(const char *directory, struct vst_artifact_set **ret, struct vst_err *err);
/* The same in steps, from memory. */
int vst_artifacts_new(struct vst_artifact_set **ret, struct vst_err *err);
int vst_artifacts_add(
        struct vst_artifact_set *set, const char *file, const void *text, size_t len, struct vst_err *err);
void vst_artifacts_free(struct vst_artifact_set *set);

size_t vst_artifacts_count(const struct vst_artifact_set *set);
/* Borrowed. In the order of the files, and in each as it stands there. */
const struct vst_artifact *vst_artifacts_at(const struct vst_artifact_set *set, size_t index);
/* By name or alias. NULL: there is none. */
const struct vst_artifact *vst_artifacts_find(const struct vst_artifact_set *set, const char *name);
/* The name that was most likely meant, or NULL. */
const char *vst_artifacts_nearest(const struct vst_artifact_set *set, const char *name);
/* How many there are, and the first VST_ARTIFACT_PROBLEMS_MAX of them (NULL behind). */
size_t vst_artifacts_problem_count(const struct vst_artifact_set *set);
const struct vst_artifact_problem *vst_artifacts_problem(const struct vst_artifact_set *set, size_t index);

/* ---- what definitions ask of a host ---- */

struct vst_artifact_account {
	const char *user;
	const char *home;
	size_t line;        /* of passwd */
	const char *reason; /* why this home is not to be looked into, as its caller knows; NULL: it is */
};

/* Why a home would take more than a home, or nothing: the root, no absolute path, /nonexistent…; NULL: it is
 * one. Constant. */
const char *vst_artifact_home_refusal(const char *home);

enum vst_artifact_step_kind {
	VST_ARTIFACT_PATHS,
	VST_ARTIFACT_COMMAND,
	VST_ARTIFACT_NOT_APPLICABLE, /* means nothing on Linux: nothing is missing */
	VST_ARTIFACT_FAILED,         /* was wanted, and the definition is missing or wrong */
};

struct vst_artifact_step {
	enum vst_artifact_step_kind kind;
	char *artifact; /* the definition that has the source; NULL: about the account in `line` of passwd */
	size_t source;  /* from 1; 0: the definition as a whole */
	size_t path;    /* from 1, or of a group's name; 0: the source as a whole */
	size_t line;    /* of passwd */
	char *command;  /* COMMAND: its program */
	char **texts;   /* PATHS: patterns that compile and are absolute; COMMAND: its arguments */
	size_t count;
	char *reason; /* the last two kinds: one line for people */
};

struct vst_artifact_plan {
	struct vst_artifact_step *steps; /* in the order of the names, and in each as its sources stand */
	size_t count;
	bool *used; /* by index: the definitions that it comes from */
};

/*
 * What the definitions of these names come to. Each definition, pattern and command is there once, at its
 * first place. Groups may nest and name themselves. Accounts are the evidence's own. Errors: VST_ENOMEM,
 * VST_ELIMIT (more patterns than above).
 */
int vst_artifacts_resolve(const struct vst_artifact_set *set, char *const *names, size_t name_count,
        const struct vst_artifact_account *accounts, size_t account_count, struct vst_artifact_plan **ret,
        struct vst_err *err);
void vst_artifact_plan_free(struct vst_artifact_plan *plan);

/*
 * The definitions with used[index], byte for byte as they stand in their files, file by file; `---` stands
 * between them. Non-zero from `each` stops.
 */
typedef int vst_artifacts_each_file(
        void *ctx, const char *file, const void *text, size_t len, struct vst_err *err);
int vst_artifacts_each_used(const struct vst_artifact_set *set, const bool *used,
        vst_artifacts_each_file *each, void *ctx, struct vst_err *err);

#endif
