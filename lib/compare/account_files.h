/*
 * The files that say who may come in, line by line into facts, and back.
 *
 * Source: passwd(5), group(5), shadow(5), crypt(5), sudoers(5).
 *
 *     {"format":1,"kind":"passwd","entries":[…],"lines":17,"odd":0,"cut":true}
 *
 *     kind     an entry
 *     passwd   [name, uid, gid, home, shell, password]
 *     shadow   [name, password, method, day]       day of the last change, -1: none
 *     group    [name, gid, [members]]              privileged groups and those with number 0
 *     sudoers  [digest of the line, no password, everything, who, include]
 *     lastlog  see lastlog_file.h
 *
 * A password is "shadow" (in that file), "locked" (nothing can equal it), "empty" or "set"; its method is
 * crypt's prefix without the dollars, "des", or "": no digit of a hash is kept. `lines` are those that count,
 * kept or not, `odd` those not of the format. `cut`: there were more than facts hold, then accounts with
 * number 0 are still kept. Texts as fact_text.h has them.
 */
#ifndef COMPARE_ACCOUNT_FILES_H
#define COMPARE_ACCOUNT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"
#include "vestige/json.h"

struct vst_err;

#define VST_ACCOUNT_FORMAT 1
#define VST_ACCOUNT_LINE_MAX 16384 /* bytes of a line that are read, of sudoers with those that continue it */

enum vst_account_file {
	VST_ACCOUNT_NONE,
	VST_ACCOUNT_PASSWD,
	VST_ACCOUNT_SHADOW,
	VST_ACCOUNT_GROUP,
	VST_ACCOUNT_SUDOERS,
	VST_ACCOUNT_LASTLOG,
};
#define VST_ACCOUNT_FILES (VST_ACCOUNT_LASTLOG + 1)

const char *vst_account_file_name(enum vst_account_file kind);
/* By path. Of sudoers.d those that sudo reads: no `.` in the name, no `~` at its end. */
enum vst_account_file vst_account_file_of(const char *path);

/* Groups whose members can become root or read what others may not. */
bool vst_account_group_is_privileged(const char *name, size_t len);

struct vst_account_facts {
	enum vst_account_file kind;
	struct vst_buf out;
	struct vst_json json;
	uint64_t lines, odd;
	bool cut;
};

void vst_account_facts_begin(struct vst_account_facts *facts, enum vst_account_file kind);
/* One line without LF; comments and empty ones do nothing. */
void vst_account_facts_line(struct vst_account_facts *facts, const char *line, size_t len, bool whole);
/* Appends the object. Errors: VST_ENOMEM, which may be of a line before. */
int vst_account_facts_end(struct vst_account_facts *facts, struct vst_buf *ret, struct vst_err *err);
void vst_account_facts_free(struct vst_account_facts *facts);

#endif
