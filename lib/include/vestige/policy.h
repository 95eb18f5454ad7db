/*
 * Policies: what a snapshot is asked to take. YAML, read by schema; an error names line and key.
 *
 *     policy: linux-logs                  required: letters, digits, '-', '_', '.'; a letter or digit first
 *     about: One sentence for people.
 *     regimes: [gdpr]                     words (a-z, 0-9, '-', '_'): legal regimes, for reports
 *     hashes: [sha256]                    sha256 always; sha1, md5 for old hash sets
 *     limits: {item: 8GiB, exhibit: 200GiB}   sizes: bytes, or with KiB, MiB, GiB, TiB
 *     sources:                            in order of acquisition
 *       - name: logs                      required, unique: as above without '.'; not "exhibit", not "long"
 *         files:
 *           paths: [/var/log/mysql]       required: absolute patterns (pattern.h)
 *           exclude: ["*.iso"]            patterns; a relative one matches a path's last components
 *           append_only: true             files only grow: a baseline compares their old bytes
 *           one_file_system: true         do not cross mount points below a path's literal prefix
 *
 * One UTF-8 document; no aliases, anchors or tags, no duplicate and no unknown keys, no value that is empty
 * or of another type.
 *
 * A new kind of source is added in policy_check.c, in policy.c's schema, here, and as a collector.
 */
#ifndef VESTIGE_POLICY_H
#define VESTIGE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_POLICY_MAX (1024 * 1024)      /* bytes of a policy file */
#define VST_POLICY_NAME_MAX 64            /* bytes of a policy's, source's or regime's name */
#define VST_POLICY_ABOUT_MAX 1024         /* bytes */
#define VST_POLICY_SOURCES_MAX 256        /* and regimes */
#define VST_POLICY_ALTERNATIVES_MAX 16384 /* of all patterns together, braces multiplied out */

struct vst_err;

enum vst_source_kind { VST_SOURCE_FILES = 1 };

struct vst_policy_files {
	char **paths;
	size_t path_count;
	char **exclude;
	size_t exclude_count;
	bool append_only;
	bool one_file_system;
};

struct vst_policy_source {
	char *name;
	enum vst_source_kind kind;
	struct vst_policy_files files;
};

struct vst_policy {
	char *name;
	char *about; /* NULL if none */
	char **regimes;
	size_t regime_count;
	unsigned hashes;        /* set of enum vst_hash_set's bits: sha256 = 1, sha1 = 2, md5 = 4 */
	uint64_t item_limit;    /* bytes; UINT64_MAX: none */
	uint64_t exhibit_limit; /* bytes of content; UINT64_MAX: none */
	struct vst_policy_source *sources;
	size_t source_count;
};

/* `name` is used in errors ("policy.yaml:7: sources[0].files: unknown key 'path'"), with the nearest
   known key or a hint where one helps. VST_EFORMAT, VST_ELIMIT for a text longer than VST_POLICY_MAX. */
int vst_policy_parse(
        const void *text, size_t len, const char *name, struct vst_policy **ret, struct vst_err *err);
void vst_policy_free(struct vst_policy *policy);

#endif
