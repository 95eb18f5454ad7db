/*
 * What the facts of the observer `audit` look like, for the two files that make and judge them.
 *
 * One object:
 *   format       1
 *   lines        how many the file has
 *   records      of them, those that are records of the audit system
 *   other_nodes  records of other hosts than the first line's (node=), which are not looked at
 *   boots        [{grain, ranges: [[from, to, first, last], …]}, …] in the order of the file: serial numbers
 *                that are there, with the times (ms) of the lowest and the highest of each range. A kernel
 *                counts from 1 each time that it starts. Up to `grain` numbers that are missing between two
 *                ranges may not be seen. The daemon's own records (DAEMON_*) have numbers of their own and
 *                are not in it
 *   marks        [[time, kind, serial], …]: enum vst_audit_mark
 *   lost         the highest "audit_lost=" that the kernel told in a log of its own
 *   backlog      how often it told that its backlog was full
 *   cut          true: there was more of something than is kept
 */
#ifndef COMPARE_AUDIT_FACTS_H
#define COMPARE_AUDIT_FACTS_H

#include "compare/observer.h"

enum vst_audit_mark {
	VST_AUDIT_DAEMON_START = 1,
	VST_AUDIT_DAEMON_END,
	VST_AUDIT_DAEMON_ABORT,
	VST_AUDIT_DAEMON_OTHER, /* it stopped writing, or went on: no disk space, an error */
	VST_AUDIT_DISABLED,     /* audit_enabled=0 */
};

/* audit_judge.c */
int vst_audit_judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err);

#endif
