/*
 * Errors as values: a negative code to act on, and text for people, in a record that the caller owns.
 *
 * The lower layer states the fact, each caller prepends its context, so that the text reads from the outside
 * in: `snapshot: source logs: /var/log/x: read: Input/output error`. A function that fails returns the code
 * that it put into the record. `err` may be NULL everywhere: the code alone is then the answer.
 *
 * The text may hold bytes from a hostile host. Whoever shows it passes it through vst_text_show() first.
 */
#ifndef VESTIGE_ERR_H
#define VESTIGE_ERR_H

#include <stddef.h>

enum vst_code {
	VST_EIO = -1,          /* a system call failed; `sys` holds its errno */
	VST_ENOMEM = -2,       /* no memory */
	VST_EFORMAT = -3,      /* bytes that do not follow their format */
	VST_EAUTH = -4,        /* a tag, MAC, digest or signature does not fit its bytes */
	VST_EKEY = -5,         /* well-formed, but no key or passphrase given fits */
	VST_EVERSION = -6,     /* a format version that this program does not know */
	VST_EUNSUPPORTED = -7, /* known, but cannot be done here (a key type, a kernel without a feature) */
	VST_ELIMIT = -8,       /* larger than a named cap */
	VST_EEXIST = -9,       /* would overwrite something */
	VST_ENOTFOUND = -10,   /* no such exhibit, item, event, file */
	VST_ELOCKED = -11,     /* another snapshot or commit holds the lock */
	VST_ENOCASE = -12,     /* the directory is not a case */
	VST_EUSAGE = -13,      /* the caller asked for something that makes no sense */
	VST_ETAMPERED = -14,   /* checked and found different from what was recorded */
	VST_ECANCELLED = -15,  /* stopped by a signal or by a callback */
	VST_ELIBRARY = -16,    /* a library failed for a reason of its own */
};

#define VST_ERR_TEXT_MAX 768
#define VST_ERR_HINT_MAX 320

struct vst_err {
	int code;                    /* a vst_code, 0 if nothing failed */
	int sys;                     /* errno of the failed call, else 0 */
	char text[VST_ERR_TEXT_MAX]; /* too long, it loses its middle: where and why both stay */
	char hint[VST_ERR_HINT_MAX]; /* what to do about it, or empty */
};

/* clang-format off */
#define VST_ERR_INIT {0}
/* clang-format on */

/* Starts a new error, forgetting what the record held. Returns `code`. */
int vst_err_set(struct vst_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: code VST_EIO (VST_ENOMEM for ENOMEM), text ends in `: strerror(sys)`. */
int vst_err_sys(struct vst_err *err, int sys, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Puts `context: ` before the text. Returns the record's code, so `return vst_err_prepend(...)` works; -1 if
 * NULL. A record without an error becomes VST_ELIBRARY: who prepends has failed, and must not return 0.
 */
int vst_err_prepend(struct vst_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what to do. The first hint, set nearest to the cause, stays. */
void vst_err_hint(struct vst_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the error. */
void vst_err_clear(struct vst_err *err);

#endif
