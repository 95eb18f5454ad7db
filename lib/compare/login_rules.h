/*
 * What login files of two exhibits say. Rules and severities:
 *
 *     login_records_removed    high    records of the earlier exhibit are in no later file, and rotation does
 *                                      not explain it
 *                              medium  a whole file went, and several rotations, or one to a file that is not
 *                                      collected, would do that
 *     login_records_zeroed     high    records blanked in place or amid others
 *                              medium  such as a crash leaves, before a boot or at the end
 *     login_time_backwards     medium  steps back in time without a boot or a set clock
 *     login_file_odd           medium  a size that is no multiple of a record, or content of another kind
 *     login_records_unchecked  info    what facts cannot tell: records packed away, or too many since
 *
 * Rotation explains that the oldest file is gone as a whole while a younger one took another name.
 */
#ifndef COMPARE_LOGIN_RULES_H
#define COMPARE_LOGIN_RULES_H

struct vst_err;
struct vst_finding_sink;
struct vst_observed_set;

/* The observer's judge. */
int vst_login_rules(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err);

#endif
