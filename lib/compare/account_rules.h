/*
 * What account files of two exhibits say. Rules and severities:
 *
 *     account_uid_zero           high    another account than root with number 0
 *     account_system_opened      high    an account of a service has a shell and a password, and had not both
 *     account_password_empty     high    medium without an earlier exhibit: images are delivered so
 *     account_added              medium  info: a closed account of a service; low: one with a shell
 *     account_removed            low
 *     account_uid_changed        medium
 *     account_shell_opened       medium
 *     account_password_changed   low     medium: by a weaker method than before, or the day went back
 *     group_member_added         medium
 *     group_number_zero          medium
 *     sudoers_line_added         medium  high: everything without a password, for all or for a service;
 *                                        low: a Defaults line
 *     sudoers_line_removed       low
 *     account_file_odd           medium  lines that are none of that file, or more of them than facts hold
 *     lastlog_entry_gone         high    low, as the next two, where the number belongs to another account
 *     lastlog_entry_earlier      high    now: adding one clears the entry
 *     lastlog_entry_rewritten    high
 */
#ifndef COMPARE_ACCOUNT_RULES_H
#define COMPARE_ACCOUNT_RULES_H

struct vst_err;
struct vst_finding_sink;
struct vst_observed_set;
struct vst_account_set;

/* The observer's judge. */
int vst_account_rules(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err);

/* Its parts; account_rules.c, privilege_rules.c, lastlog_rules.c. */
int vst_privilege_rules(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err);
int vst_sudoers_rules(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_observed_set *items, const struct vst_finding_sink *findings, struct vst_err *err);
int vst_lastlog_rules(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_observed_set *earlier, const struct vst_finding_sink *findings, struct vst_err *err);

#endif
