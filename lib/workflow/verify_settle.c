/*
 * A case may be written while it is verified, and readers never wait. What a commit under way leaves between
 * two looks would be called tampered or unrecorded, so findings about what commits change are held back until
 * no commit was seen under way, or the look is taken again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/trail.h"
#include "workflow/verify_internal.h"

/* ---- whether somebody writes ---- */

static bool is_locked(const char *dir)
{
	char path[4096];
	/* Of open file descriptions, as vst_io_lock() takes it. Asking leaves no trace and holds nobody up.
	 */
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_PRIVATE "/" PRIVATE_COMMIT_LOCK, dir) >=
	        sizeof path)
		return false;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return locked;
}

void verify_activity(const char *dir, struct verify_activity *ret)
{
	char path[4096];
	struct vst_buf text = VST_BUF_INIT;
	*ret = (struct verify_activity){.locked = is_locked(dir)};
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL "/.git/refs/heads/" VST_TRAIL_BRANCH, dir) <
	                sizeof path &&
	        vst_io_read_file(AT_FDCWD, path, sizeof ret->head, &text, NULL) == 0)
		memcpy(ret->head, text.data, text.len);
	vst_buf_free(&text);
}

bool verify_was_busy(const struct verify_activity *before, const struct verify_activity *after)
{
	return before->locked || after->locked || memcmp(before->head, after->head, sizeof before->head) != 0;
}

/* ---- findings held back ---- */

static void free_finding(struct held_finding *finding)
{
	free(finding->subject);
	free(finding->text);
	free(finding->hint);
}

int verify_hold_add(struct verification *v, const struct vst_verify_finding *finding)
{
	struct held_finding copy = {.verdict = finding->verdict};
	if (v->held_count == v->held_cap) {
		size_t cap = v->held_cap ? v->held_cap * 2 : 16;
		struct held_finding *grown = vst_realloc(v->held, cap, sizeof *grown);
		if (!grown)
			goto fail;
		v->held = grown;
		v->held_cap = cap;
	}
	copy.subject = vst_strdup(finding->subject);
	copy.text = vst_strdup(finding->text);
	copy.hint = finding->hint ? vst_strdup(finding->hint) : NULL;
	if (!copy.subject || !copy.text || (finding->hint && !copy.hint))
		goto fail;
	v->held[v->held_count++] = copy;
	return 0;
fail:
	free_finding(&copy);
	v->hold_failed = true; /* a finding is lost: the whole check failed */
	return VST_ENOMEM;
}

bool verify_hold_is_good(const struct verification *v)
{
	for (size_t i = 0; i < v->held_count; i++)
		if (v->held[i].verdict >= VST_UNRECORDED)
			return false;
	return true;
}

void verify_hold_emit(struct verification *v)
{
	v->holding = false;
	for (size_t i = 0; i < v->held_count; i++)
		verify_say(v, v->held[i].verdict, v->held[i].subject, v->held[i].hint, "%s", v->held[i].text);
	verify_hold_drop(v);
}

void verify_hold_drop(struct verification *v)
{
	for (size_t i = 0; i < v->held_count; i++)
		free_finding(&v->held[i]);
	free(v->held);
	v->held = NULL;
	v->held_count = v->held_cap = 0;
}
