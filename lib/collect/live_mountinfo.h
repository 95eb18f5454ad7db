/*
 * Lines of /proc/PID/mountinfo (proc(5)):
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *
 * Blank, tab, LF, backslash and # are spelled as a backslash and three octal digits in it.
 */
#ifndef COLLECT_LIVE_MOUNTINFO_H
#define COLLECT_LIVE_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_MOUNTINFO_TAGS_MAX 16 /* optional fields of one line */

struct vst_buf;

struct vst_mount_text {
	const char *text;
	size_t len;
};

struct vst_mountinfo {
	uint64_t id, parent, major, minor;
	struct vst_mount_text root, point, options, type, source,
	        super_options; /* as spelled: escapes are not undone */
	struct vst_mount_text tags[VST_MOUNTINFO_TAGS_MAX];
	size_t tag_count;
};

/* False if the line is none; all is borrowed from it. */
bool vst_mountinfo_parse(const char *line, size_t len, struct vst_mountinfo *ret);

/* Appends the text with its escapes undone. A backslash that starts none stays. */
void vst_mountinfo_unescape(struct vst_buf *out, struct vst_mount_text text);

#endif
