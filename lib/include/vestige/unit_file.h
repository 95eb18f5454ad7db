/*
 * The systemd units of a nightly snapshot: a service that may do what a snapshot needs and nothing else, and
 * the timer that starts it.
 *
 * Texts only: nothing is written, started or asked here. What the sandbox leaves open, and why, stands as
 * comments in the service itself, because whoever reviews it reads that file. The rule for each restriction:
 * it must not hide from the snapshot, or change, what is evidence.
 *
 * Source: systemd.syntax(7), systemd.exec(5), systemd.service(5), systemd.timer(5), version 247 and later.
 */
#ifndef VESTIGE_UNIT_FILE_H
#define VESTIGE_UNIT_FILE_H

#include <stdbool.h>

struct vst_buf;
struct vst_err;

#define VST_UNIT_NAME_MAX 200  /* bytes, without ".service" */
#define VST_UNIT_VALUE_MAX 256 /* of a calendar or a duration */

struct vst_unit_plan {
	const char *name;    /* of the units, without ending */
	const char *program; /* absolute */
	const char *case_dir;
	const char *policy;     /* absolute path, or the name of a shipped one */
	const char *calendar;   /* OnCalendar= */
	const char *full_every; /* NULL: left to the policy */
	const char *keep;       /* NULL: exhibits are kept */
	const char *metrics;    /* absolute path; NULL: none */
	/* The case or the metrics directory belongs to somebody else than root, who can write there by a
	 * capability only. */
	bool writes_as_owner;
};

/* VST_EUSAGE: a text that a unit file cannot carry (control characters, no UTF-8, too long), a relative path,
 * a name that is none. */
int vst_unit_check(const struct vst_unit_plan *plan, struct vst_err *err);
/* Append the file's text; the plan has passed vst_unit_check(). Failure to allocate sticks to the buffer. */
void vst_unit_service(const struct vst_unit_plan *plan, struct vst_buf *out);
void vst_unit_timer(const struct vst_unit_plan *plan, struct vst_buf *out);

/* The first line of both files: by it they are known as ours, and as this case's. */
void vst_unit_mark(const char *case_dir, struct vst_buf *out);
#define VST_UNIT_MARK "# vestige schedule: units of the case "

/* A word of ExecStart=: quoted if it must be, specifiers and variables escaped. The program itself
 * (`is_program`) knows no variables. */
void vst_unit_word(struct vst_buf *out, const char *text, bool is_program);
/* A path of ReadWritePaths= and RequiresMountsFor=. */
void vst_unit_path(struct vst_buf *out, const char *text);

#endif
