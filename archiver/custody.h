/*
 * The actions of `vestige custody`: one file each, custody_<action>.c, and one row in cmd_custody.c.
 */
#ifndef ARCHIVER_CUSTODY_H
#define ARCHIVER_CUSTODY_H

#include "cli.h"

/* Each is a verb of its own, by the name "custody <action>"; argv[0] is the action. */
extern const struct cli_verb custody_dispose;

#endif
