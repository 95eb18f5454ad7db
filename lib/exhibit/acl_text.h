/*
 * POSIX ACLs in the numeric text form of manifest lines:
 * `user::rw-,user:1000:r--,group::r--,mask::r--,other::---`.
 */
#ifndef EXHIBIT_ACL_TEXT_H
#define EXHIBIT_ACL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum vst_acl_tag {
	VST_ACL_USER_OBJ,
	VST_ACL_USER,
	VST_ACL_GROUP_OBJ,
	VST_ACL_GROUP,
	VST_ACL_MASK,
	VST_ACL_OTHER
};

struct vst_acl_entry {
	enum vst_acl_tag tag;
	uint32_t id;      /* USER and GROUP only */
	unsigned permset; /* 4 read, 2 write, 1 execute */
};

/*
 * Takes the next entry off `*at`, which starts as the text and is NULL after the last. False for anything
 * that is not written so (`*at` is then not to be used). An empty text is not an ACL.
 */
bool vst_acl_next(const char **at, struct vst_acl_entry *ret);

/* Whether all of the text is entries. */
bool vst_acl_valid(const char *text);

#endif
