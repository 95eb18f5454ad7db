/*
 * One header of an exhibit's tar, taken apart strictly: only what our writer (libarchive's pax format) writes
 * is a member; whatever two tar programs could read differently is an error.
 *
 * Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Storing
 * Sparse Files" 1.0; star(5) for the SCHILY keywords.
 *
 *   accepted  ustar blocks of types 0 1 2 3 4 5 6, each with at most one pax header (x) before it
 *   refused   global headers (g), GNU's L, K, S, V, M, D, any other type, unknown or repeated keywords, NUL
 * inside a name, bytes behind a field's NUL, GNU's magic, content on anything but a regular file
 */
#ifndef EXHIBIT_TAR_MEMBER_H
#define EXHIBIT_TAR_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_TAR_BLOCK 512
#define VST_TAR_PAX_MAX (20 * 1024 * 1024) /* as much as a manifest line may hold, and its names */

struct archive_entry;
struct vst_err;

enum vst_tar_block_kind {
	VST_TAR_ZERO,   /* all zeros */
	VST_TAR_PAX,    /* a pax header: `size` bytes of records follow */
	VST_TAR_MAIN,   /* a member's own block */
	VST_TAR_BROKEN, /* none of these; the error says why */
};

/* Looks at one block without its pax records. `ret_size`: of what follows, by this block alone. */
enum vst_tar_block_kind vst_tar_block_kind(
        const uint8_t block[VST_TAR_BLOCK], uint64_t *ret_size, struct vst_err *err);

struct vst_tar_member {
	struct archive_entry
	        *entry;   /* everything that the headers say, as libarchive's reader would give it */
	const char *name; /* borrowed from the entry: without a directory's closing slash */
	size_t name_len;
	char type;       /* the ustar type */
	uint64_t offset; /* of the first header in the tar stream */
	uint64_t body;   /* bytes behind the headers, without padding */
	uint64_t size;   /* logical size of the content */
	bool sparse;     /* the body begins with a map */
};

/* From the pax records (may be empty) and the block that follows them. VST_EFORMAT names what is odd. */
int vst_tar_member_decode(const void *pax, size_t pax_len, const uint8_t block[VST_TAR_BLOCK],
        uint64_t offset, struct vst_tar_member *ret, struct vst_err *err);
/* A regular file of which only name and size are known. */
int vst_tar_member_make(
        const char *name, uint64_t size, uint64_t offset, struct vst_tar_member *ret, struct vst_err *err);
void vst_tar_member_free(struct vst_tar_member *member);

/* Size with the padding that tar puts behind it. False on overflow. */
bool vst_tar_padded(uint64_t size, uint64_t *ret);

#endif
