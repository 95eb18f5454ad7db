/*
 * Names of owners, from passwd and group files of the evidence itself, parsed here: the C library's functions would load the
 * host's name service modules (an intruder's), and under --root would answer for the analyst's host.
 *
 * Source: passwd(5), group(5). Lines that do not parse are skipped (`name:password:id:`, the id in decimal digits and below
 * 2^32 - 1; no comments, no `+` or `-` of NIS, no NUL), so are those after the first VST_ACCOUNTS_MAX. The first entry of an id
 * wins. A name may hold any other bytes.
 */
#ifndef VESTIGE_ACCOUNTS_H
#define VESTIGE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_ACCOUNTS_FILE_MAX (64 * 1024 * 1024)
#define VST_ACCOUNTS_MAX 1000000
#define VST_ACCOUNTS_NAME_MAX 256

struct vst_err;
struct vst_accounts;

/* Reads etc/passwd and etc/group beneath root_fd (links followed inside the root only). Files that are missing or cannot be read
   give no names and are no error. */
int vst_accounts_load(int root_fd, struct vst_accounts **ret, struct vst_err *err);
/* The same from memory, for tests and archives. NULL texts are empty. */
int vst_accounts_parse(const void *passwd, size_t passwd_len, const void *group, size_t group_len,
	struct vst_accounts **ret, struct vst_err *err);
void vst_accounts_free(struct vst_accounts *accounts);
/* Borrowed; NULL if there is no such account. */
const char *vst_accounts_user(const struct vst_accounts *accounts, uint64_t uid);
const char *vst_accounts_group(const struct vst_accounts *accounts, uint64_t gid);

/*
 * The home of each line of passwd that parses, also where its id or name was there before: an intruder's second root has a home of
 * its own. False: there are no more. Borrowed; the home is as it stands there, "" if the line has none.
 */
struct vst_account_home {
	const char *user, *home;
	size_t line; /* from 1 */
};
bool vst_accounts_home(const struct vst_accounts *accounts, size_t index, struct vst_account_home *ret);

#endif
