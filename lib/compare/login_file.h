/*
 * utmp, wtmp and btmp as the content passes: what must be known of the records to see later whether one is
 * missing.
 *
 * Source: utmp(5), <utmpx.h> of glibc. 384 bytes with times of 32 bits (x86-64, and most others), 400 with 64
 * bits (aarch64 and newer ones), in the machine's byte order. Which it is is told by the content, not by the
 * name.
 *
 *     offset  384                    400
 *     0       i16 type, 2 unused     the same
 *     4       i32 pid
 *     8       line[32] id[4] user[32] host[256]
 *     332     i16 termination, i16 exit
 *     336     i32 session            i64 session
 *     340     i32 seconds            344: i64 seconds
 *
 * Facts:
 *     {"format":1,"record":384,"endian":"little","count":812,"over":0,
 *      "first":s,"last":s,        times of the first and last record that has one; left out if none has
 *      "blank":3,                 blanked records
 *      "blanks":[[at, records, before boot],…],    runs of them
 *      "back":1,                  steps back in time that no boot or set clock explains
 *      "backs":[[at, seconds],…],
 *      "blocks":base64,           8 bytes of SHA-256 for each full block of 512 records, from the first
 *      "from":0,"records":base64} 8 bytes of SHA-256 for each of the last records, from that one on; zeros:
 *                                 blanked
 *
 * `over` are bytes beyond the last whole record. "record":0: no such file (with "packed":true it is a
 * compressed one, whose records are not known). A blanked record is all zeros, or lacks its type and time, or
 * is a login without user or time. Capped are the lists; the numbers before them are not.
 */
#ifndef COMPARE_LOGIN_FILE_H
#define COMPARE_LOGIN_FILE_H

#include <stddef.h>
#include <stdint.h>

struct vst_buf;
struct vst_err;
struct vst_login_file;

#define VST_LOGIN_FORMAT 1
#define VST_LOGIN_BLOCK 512     /* records */
#define VST_LOGIN_RECORDS 14336 /* of which the facts have a digest each: 150 KiB */
#define VST_LOGIN_BLOCKS 6144   /* 64 KiB; three million records */
#define VST_LOGIN_LIST 64       /* entries of a list */
#define VST_LOGIN_DIGEST 8

/* Owns: the caller, vst_login_file_free(). */
int vst_login_file_new(struct vst_login_file **ret, struct vst_err *err);
void vst_login_file_free(struct vst_login_file *file);
/* Bytes in order of rising offset; what is left out are zeros. */
void vst_login_file_data(struct vst_login_file *file, uint64_t offset, const void *bytes, size_t len);
/* Appends the facts. */
int vst_login_file_end(struct vst_login_file *file, struct vst_buf *ret, struct vst_err *err);

#endif
