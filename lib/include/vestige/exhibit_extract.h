/*
 * Taking items out of an exhibit into a directory, as files again.
 *
 * Names and metadata come from checked manifest lines, contents only once their digest is known to be right;
 * still both were chosen on a host that may be hostile. Therefore: nothing is written outside of the
 * directory given, no link is followed, nothing is overwritten, and what a line says never becomes a device
 * or a set-id file unless asked for.
 */
#ifndef VESTIGE_EXHIBIT_EXTRACT_H
#define VESTIGE_EXHIBIT_EXTRACT_H

#include "vestige/exhibit_reader.h"

enum vst_extract_outcome {
	VST_EXTRACT_OUT,     /* it is there, its digest was right */
	VST_EXTRACT_NOTHING, /* the exhibit holds nothing of it that could be taken out; its status or type
	                        says why */
	VST_EXTRACT_FAILED,  /* it is not there, or (`problem` says so) some of its metadata is not */
};

struct vst_exhibit_extract_options {
	int out_dirfd;
	/* Owners, set-id bits, ACLs, xattrs, inode flags, devices, FIFOs and sockets too. Else: the caller's
	   files, mode & 0777, no devices, FIFOs or sockets (VST_EXTRACT_NOTHING). Times and holes are set in
	   both ways. */
	bool preserve;
	/* Which items; NULL: all. */
	bool (*select)(void *ctx, const struct vst_item *item);
	/*
	 * Once for each selected item (for directories at the end, when their metadata is set). `problem` is
	 * NULL but for VST_EXTRACT_FAILED; it may hold bytes from the exhibit. Non-zero stops and is
	 * returned. NULL: none.
	 */
	int (*done)(void *ctx, const struct vst_item *item, enum vst_extract_outcome outcome,
	        const char *problem, struct vst_err *err);
	void *ctx;
};

/*
 * Writes items under out_dirfd with the names they have in the tar (items/<source>/…; the parts of a stream
 * become one file, and a tail becomes its whole file: an incremental exhibit comes out as a full one would).
 * Directories on the way are made with mode 0700 if they are not there. Metadata of directories and inode
 * flags are set last, deepest first. A hard link to an item that is not selected becomes a file of its own.
 * Returns 0 also when items failed (`done` counts them); an error when nothing further can be read or
 * written.
 */
int vst_exhibit_extract(
        struct vst_exhibit *exhibit, const struct vst_exhibit_extract_options *options, struct vst_err *err);

#endif
