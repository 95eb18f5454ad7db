/*
 * The verbs: one file each, cmd_<verb>.c.
 */
#ifndef ARCHIVER_VERBS_H
#define ARCHIVER_VERBS_H

#include "cli.h"

extern const struct cli_verb verb_keygen, verb_init, verb_snapshot, verb_list, verb_show, verb_log, verb_ls,
        verb_cat, verb_extract, verb_verify, verb_recover, verb_policy, verb_signers, verb_diff, verb_custody,
        verb_schedule;

#endif
