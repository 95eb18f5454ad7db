/*
 * A file's MD5 while it is read, and what the package database says of it. Format: manifest.h, `details`:
 * {"package":{"name":…,"version":…, "md5":…,"same":…}}, beside what the details have already. `md5` is the
 * database's; `same` is left out where not all of the file was read.
 *
 * Costs nothing for files that no package names, but for those of several names: one of the others may be
 * named.
 */
#ifndef COLLECT_FILE_PACKAGE_H
#define COLLECT_FILE_PACKAGE_H

#include "vestige/buf.h"
#include "vestige/collector.h"

struct vst_file_package { /* zero-initialise; memory is kept from file to file */
	bool on;          /* the policy asks for it; else nothing is done below */
	bool named;       /* a package names the file at hand */
	bool running;     /* its MD5 is being made */
	bool has_md5;     /* it was, of the whole file */
	uint64_t at;      /* bytes of the file that it has seen */
	uint8_t md5[VST_MD5_LEN];
	struct vst_hash *hash;
	struct vst_buf details;
};

void vst_file_package_free(struct vst_file_package *package);

/* A file begins. `linked`: it has other names. `holes`: bytes of it that are not data. */
int vst_file_package_begin(struct vst_file_package *package, struct vst_collect_context *context,
        const char *path, bool linked, uint64_t holes, struct vst_err *err);
/* Content at `offset`, which rises; what is jumped over is a hole. */
void vst_file_package_add(struct vst_file_package *package, uint64_t offset, const void *data, size_t len);
/* The end: the item's details, which point into `package` then. `whole`: all of the file's `size` bytes were
 * read. */
int vst_file_package_end(struct vst_file_package *package, struct vst_collect_context *context,
        const char *path, uint64_t size, bool whole, struct vst_item *item, struct vst_err *err);
/*
 * Another name of a file that was read before, whose MD5 was `md5` (NULL: not known): its details.
 * `*ret_read`: it has to be read, since a package names it.
 */
int vst_file_package_link(struct vst_file_package *package, struct vst_collect_context *context,
        const char *path, const uint8_t *md5, struct vst_item *item, bool *ret_read, struct vst_err *err);

#endif
