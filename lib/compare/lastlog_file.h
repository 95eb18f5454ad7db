/*
 * lastlog: the last login of each account, a record at uid * size, with holes where there is none.
 *
 * Source: lastlog(8), <lastlog.h> of glibc: time, line[32], host[256]. The time has 32 bits (292 bytes:
 * x86-64 and most others) or 64 (296 bytes: aarch64 and newer ones), in the machine's byte order. Which of
 * the four it is is told by what makes sense.
 *
 *     {"format":1,"kind":"lastlog","record":292,"endian":"little",
 *      "entries":[[uid, seconds, digest],…],"cut":true}
 */
#ifndef COMPARE_LASTLOG_FILE_H
#define COMPARE_LASTLOG_FILE_H

#include <stddef.h>
#include <stdint.h>

struct vst_buf;
struct vst_err;
struct vst_lastlog;

/* Owns: the caller, vst_lastlog_free(). */
int vst_lastlog_new(struct vst_lastlog **ret, struct vst_err *err);
void vst_lastlog_free(struct vst_lastlog *lastlog);
/* Bytes in order of rising offset; what is left out are zeros. */
int vst_lastlog_data(
        struct vst_lastlog *lastlog, uint64_t offset, const void *bytes, size_t len, struct vst_err *err);
/* Appends the facts. */
int vst_lastlog_end(struct vst_lastlog *lastlog, struct vst_buf *ret, struct vst_err *err);

#endif
