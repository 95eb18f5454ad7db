/*
 * What a dpkg database says of files: which MD5 a path has by the package that owns it. Pure: bytes in, a
 * table in memory.
 *
 * Source: deb(5), deb-md5sums(5), dpkg's doc/ and lib/dpkg (parse.c, db-fsys-divert.c, db-fsys-digest.c).
 *   status      stanzas of `Field: value`, continued by lines that begin with a blank, ended by an empty line
 *   diversions  three lines each: what is diverted, where to, by which package (":" is the administrator)
 *   *.md5sums   32 digits, two blanks, a path without the slash at its start
 *
 * Only packages whose files lie unpacked are in it (installed, unpacked, half-configured, triggers-…).
 * Configuration files are named by no package: who changes them may. A path that several packages name
 * (Multi-Arch, or one that Replaces another's file, whose old list stays as it was) has a claim of each, and
 * is good if it is as one of them says.
 *
 * Lines that do not fit are counted and passed over. Paths are kept as digests: memory is 40 bytes a file,
 * and at most what the caps below allow, whose reach is told by `cut`.
 */
#ifndef COLLECT_PACKAGE_TABLE_H
#define COLLECT_PACKAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

#define VST_PACKAGES_MAX (128 * 1024) /* of one database */
#define VST_PACKAGE_FILES_MAX                                                                                \
	(3U * 1024 * 1024) /* of all packages together; a large desktop has half a million */
#define VST_PACKAGE_DIVERSIONS_MAX (64 * 1024)
#define VST_PACKAGE_WORD_MAX 255  /* bytes of a package's name, version, architecture */
#define VST_PACKAGE_PATH_MAX 4096 /* bytes of a path in the database */

struct vst_buf;
struct vst_err;

struct vst_package {
	uint8_t key[16];
	const char *name, *version, *arch;
	bool unpacked;   /* its files are those of this version */
	bool multi_arch; /* Multi-Arch: same: the architecture is in the names of its files */
};

struct vst_package_counts {
	uint64_t files;     /* paths with a digest, configuration files not among them */
	uint64_t odd_lines; /* of all files of the database */
	bool cut;           /* a cap above was reached: the rest is not in the table */
};

/*
 * Where a directory of the database really is: appends the path of `dir` (absolute, no slash at its end, ""
 * the root) without links to `out`. Returns non-zero for want of memory only.
 */
struct vst_package_places {
	int (*place)(void *ctx, const char *dir, struct vst_buf *out, struct vst_err *err);
	void *ctx;
};

struct vst_package_table;

/* `places` is copied; its `place` NULL: all directories are where they are said to be. */
int vst_package_table_new(
        const struct vst_package_places *places, struct vst_package_table **ret, struct vst_err *err);
void vst_package_table_free(struct vst_package_table *table);

/*
 * In this order: status, then what of updates/ comes after it (a later stanza of a package takes the place of
 * an earlier one), diversions, and the list of each package. They fail for want of memory only.
 */
int vst_package_table_status(
        struct vst_package_table *table, const void *text, size_t len, struct vst_err *err);
int vst_package_table_diversions(
        struct vst_package_table *table, const void *text, size_t len, struct vst_err *err);
int vst_package_table_md5sums(
        struct vst_package_table *table, size_t package, const void *text, size_t len, struct vst_err *err);

/* By number, from 0, also those that are not unpacked; NULL past the last. Borrowed until the next status. */
const struct vst_package *vst_package_table_at(const struct vst_package_table *table, size_t number);
struct vst_package_counts vst_package_table_counts(const struct vst_package_table *table);

struct vst_package_claim {
	const struct vst_package *package;
	uint8_t md5[VST_MD5_LEN];
};

/* Whether a package names this path (absolute, without links). */
bool vst_package_table_names(const struct vst_package_table *table, const char *path);
/* The claim that `md5` fits, and if none does the first: `*ret_same` tells. False if no package names the
 * path. */
bool vst_package_table_judge(const struct vst_package_table *table, const char *path,
        const uint8_t md5[VST_MD5_LEN], struct vst_package_claim *ret, bool *ret_same);

#endif
