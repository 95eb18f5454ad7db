/*
 * One line on a terminal that says how far long work is: label, bytes, bar, items, rate, time left. Nothing
 * where stderr is no terminal.
 */
#ifndef ARCHIVER_PROGRESS_H
#define ARCHIVER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *label;    /* borrowed; may hold any bytes */
	uint64_t done, total; /* bytes; total 0: unknown, no bar and no time left */
	uint64_t items;
};

/* Off until this was called; `wanted` is false with --quiet or --json. */
void progress_start(bool wanted);
bool progress_is_on(void);
/* Draws at most ten times a second. */
void progress_update(const struct progress *progress);
/* Takes the line off the screen, so that something else can be written; the next update draws it again. */
void progress_clear(void);
/* Seconds since progress_start(). */
double progress_seconds(void);
/* "0:09", "1:02:33" */
void progress_duration(double seconds, char ret_text[24]);

#endif
