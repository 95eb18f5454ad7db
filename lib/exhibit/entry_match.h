/*
 * Reading tar entries with libarchive, and comparing them with what the manifest says.
 *
 * A tar entry is a claim, the line is what the Merkle root covers. Whatever stock tar would restore from the
 * entry must be what the line says, or people with stock tools would be shown something else than people with
 * ours.
 */
#ifndef VESTIGE_EXHIBIT_ENTRY_MATCH_H
#define VESTIGE_EXHIBIT_ENTRY_MATCH_H

#include <stdbool.h>
#include <stdint.h>

struct archive;
struct archive_entry;
struct vst_buf;
struct vst_err;
struct vst_item;

#define VST_ENTRY_NO_PART UINT64_MAX

/* A libarchive reader for tar alone: no filters, names as raw bytes. The caller sets callbacks, opens and
 * frees it. */
int vst_entry_reader_new(struct archive **ret, struct vst_err *err);

/*
 * archive_read_next_header() with its results told apart: 0 and an entry; VST_ENOTFOUND at the end of the
 * archive; VST_EFORMAT for bytes that are no tar entry. Names are raw bytes, whatever the locale. A warning
 * of libarchive's is no error here: vst_entry_match() decides whether the entry says what it should.
 */
int vst_entry_next(struct archive *archive, struct archive_entry **ret, struct vst_err *err);

/*
 * Compares name, type, size, and every piece of metadata that the entry carries with the item of a checked
 * line, and that it carries all that stock tar restores: mode, owners, mtime, link target, device numbers,
 * ACLs, xattrs. `part` is the number of the stream's part, else VST_ENTRY_NO_PART: name and type are
 * compared, not the size. `link_name` is the entry name of a hard link's target (NULL: not known to the
 * caller, then not compared). 0, or VST_ETAMPERED with a text that names the field and both values, or
 * VST_ENOMEM.
 */
int vst_entry_match(struct archive_entry *entry, const struct vst_item *item, uint64_t part,
        const char *link_name, struct vst_err *err);

/* `PATH/part-NNNNNN`, from the stream's entry name. */
void vst_entry_part_name(struct vst_buf *name, uint64_t part);

/* Inode flags as bits of FS_IOC_GETFLAGS, from chattr letters in the order of lsattr. False for a letter not
 * known. */
bool vst_entry_flags_parse(const char *letters, unsigned *ret_bits);

#endif
