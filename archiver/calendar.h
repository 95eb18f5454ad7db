/*
 * Whether systemd understands a calendar expression: asked of systemd-analyze(1), if the host has it.
 */
#ifndef ARCHIVER_CALENDAR_H
#define ARCHIVER_CALENDAR_H

#include "cli.h"

/* 0 also where nobody can be asked, which *ret_known tells. VST_EUSAGE: it is none; the text is systemd's. */
int calendar_check(const char *calendar, bool *ret_known, struct vst_err *err);

#endif
