/*
 * The account files of one exhibit, looked up by name. Of a path that several sources collected the first
 * item counts.
 */
#ifndef COMPARE_ACCOUNT_SET_H
#define COMPARE_ACCOUNT_SET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "compare/account_files.h"

struct vst_err;
struct vst_observed;
struct vst_observed_set;

/* One file; `facts` NULL: the exhibit does not have it, or of another format. */
struct vst_account_table {
	const struct vst_observed *item;
	json_t *facts;
	/* Name (lastlog: the number) → entry; of two with one name the first, as programs find it. */
	json_t *by_name;
	bool cut;
};

struct vst_account_set {
	/* Of sudoers all files together, `item` the first of them. */
	struct vst_account_table tables[VST_ACCOUNT_FILES];
};

/* Owns: the caller, vst_account_set_free(); `observed` outlives it and may be NULL. Errors: VST_EFORMAT,
 * VST_ENOMEM. */
int vst_account_set_read(
        const struct vst_observed_set *observed, struct vst_account_set *ret, struct vst_err *err);
void vst_account_set_free(struct vst_account_set *set);

/* Borrowed; NULL: there is none. */
const json_t *vst_account_find(
        const struct vst_account_set *set, enum vst_account_file kind, const char *name);
/* "set", "locked", "empty", or "unknown" where the file that would tell is not there. */
const char *vst_account_password(const struct vst_account_set *set, const char *name);
bool vst_account_shell_opens(const char *shell);
/* An account of a service: its number is not 0 and below those that people get. */
bool vst_account_is_system(int64_t uid);

enum {
	VST_PASSWD_NAME,
	VST_PASSWD_UID,
	VST_PASSWD_GID,
	VST_PASSWD_HOME,
	VST_PASSWD_SHELL,
	VST_PASSWD_PASSWORD
};
enum { VST_SHADOW_NAME, VST_SHADOW_PASSWORD, VST_SHADOW_METHOD, VST_SHADOW_DAY };
enum { VST_GROUP_NAME, VST_GROUP_GID, VST_GROUP_MEMBERS };
enum {
	VST_SUDOERS_DIGEST,
	VST_SUDOERS_NO_PASSWORD,
	VST_SUDOERS_EVERYTHING,
	VST_SUDOERS_WHO,
	VST_SUDOERS_INCLUDE
};
enum { VST_LASTLOG_UID, VST_LASTLOG_TIME, VST_LASTLOG_DIGEST };

#endif
