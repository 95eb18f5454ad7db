#include "vestige/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for a path of full length and some words before the text is cut to its field. */
#define FULL_MAX 6144

static const char ellipsis[] = "...";

/* Moves a cut to the left until it does not stand inside a UTF-8 sequence. */
static size_t cut_before(const char *text, size_t at)
{
	for (int i = 0; i < 3 && at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80; i++)
		at--;
	return at;
}

static size_t cut_after(const char *text, size_t at)
{
	for (int i = 0; i < 3 && ((unsigned char)text[at] & 0xc0) == 0x80; i++)
		at++;
	return at;
}

/* The head says where, the tail says why: when both do not fit, the middle goes. */
static void fit(char *ret, size_t max, const char *full)
{
	size_t len = strlen(full);
	if (len < max) {
		memcpy(ret, full, len + 1);
		return;
	}
	size_t room = max - sizeof ellipsis;
	size_t head = cut_before(full, room / 2);
	size_t tail = cut_after(full, len - (room - room / 2));
	memcpy(ret, full, head);
	memcpy(ret + head, ellipsis, sizeof ellipsis - 1);
	memcpy(ret + head + sizeof ellipsis - 1, full + tail, len - tail + 1);
}

__attribute__((format(printf, 2, 0))) static size_t print(
        char full[FULL_MAX], const char *format, va_list args)
{
	int n = vsnprintf(full, FULL_MAX, format, args);
	if (n < 0)
		full[0] = '\0';
	return strlen(full);
}

static int start(struct vst_err *err, int code, int sys, const char *full)
{
	err->code = code;
	err->sys = sys;
	err->hint[0] = '\0';
	fit(err->text, sizeof err->text, full);
	return code;
}

int vst_err_set(struct vst_err *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	/* Not printed in place: an argument may be the text of this same record. */
	char full[FULL_MAX];
	va_list args;
	va_start(args, format);
	print(full, format, args);
	va_end(args);
	return start(err, code, 0, full);
}

int vst_err_sys(struct vst_err *err, int sys, const char *format, ...)
{
	int code = sys == ENOMEM ? VST_ENOMEM : VST_EIO;
	if (!err)
		return code;

	char full[FULL_MAX + 128];
	va_list args;
	va_start(args, format);
	size_t len = print(full, format, args);
	va_end(args);
	/* Unlike strerror(): safe between threads, and the same text in every locale. */
	const char *reason = strerrordesc_np(sys);
	if (reason)
		snprintf(full + len, sizeof full - len, ": %s", reason);
	else
		snprintf(full + len, sizeof full - len, ": error %d", sys);
	return start(err, code, sys, full);
}

int vst_err_prepend(struct vst_err *err, const char *format, ...)
{
	if (!err)
		return -1;
	if (err->code == 0)
		vst_err_set(err, VST_ELIBRARY, "failed without a reason");

	char full[FULL_MAX + VST_ERR_TEXT_MAX + 2];
	va_list args;
	va_start(args, format);
	size_t len = print(full, format, args);
	va_end(args);
	snprintf(full + len, sizeof full - len, ": %s", err->text);
	fit(err->text, sizeof err->text, full);
	return err->code;
}

void vst_err_hint(struct vst_err *err, const char *format, ...)
{
	if (!err || err->hint[0])
		return;
	char full[FULL_MAX];
	va_list args;
	va_start(args, format);
	print(full, format, args);
	va_end(args);
	fit(err->hint, sizeof err->hint, full);
}

void vst_err_clear(struct vst_err *err)
{
	if (!err)
		return;
	err->code = 0;
	err->sys = 0;
	err->text[0] = '\0';
	err->hint[0] = '\0';
}
