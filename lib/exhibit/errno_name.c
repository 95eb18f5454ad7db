#include "exhibit/errno_name.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NAME(value)                                                                                          \
	{                                                                                                    \
		value, #value                                                                                \
	}

/* Aliases (EWOULDBLOCK, EDEADLOCK, ENOTSUP) have one entry only. */
static const struct {
	int error;
	const char *name;
} names[] = {
        NAME(EPERM),
        NAME(ENOENT),
        NAME(ESRCH),
        NAME(EINTR),
        NAME(EIO),
        NAME(ENXIO),
        NAME(E2BIG),
        NAME(ENOEXEC),
        NAME(EBADF),
        NAME(ECHILD),
        NAME(EAGAIN),
        NAME(ENOMEM),
        NAME(EACCES),
        NAME(EFAULT),
        NAME(ENOTBLK),
        NAME(EBUSY),
        NAME(EEXIST),
        NAME(EXDEV),
        NAME(ENODEV),
        NAME(ENOTDIR),
        NAME(EISDIR),
        NAME(EINVAL),
        NAME(ENFILE),
        NAME(EMFILE),
        NAME(ENOTTY),
        NAME(ETXTBSY),
        NAME(EFBIG),
        NAME(ENOSPC),
        NAME(ESPIPE),
        NAME(EROFS),
        NAME(EMLINK),
        NAME(EPIPE),
        NAME(EDOM),
        NAME(ERANGE),
        NAME(EDEADLK),
        NAME(ENAMETOOLONG),
        NAME(ENOLCK),
        NAME(ENOSYS),
        NAME(ENOTEMPTY),
        NAME(ELOOP),
        NAME(ENOMSG),
        NAME(EIDRM),
        NAME(ECHRNG),
        NAME(EL2NSYNC),
        NAME(EL3HLT),
        NAME(EL3RST),
        NAME(ELNRNG),
        NAME(EUNATCH),
        NAME(ENOCSI),
        NAME(EL2HLT),
        NAME(EBADE),
        NAME(EBADR),
        NAME(EXFULL),
        NAME(ENOANO),
        NAME(EBADRQC),
        NAME(EBADSLT),
        NAME(EBFONT),
        NAME(ENOSTR),
        NAME(ENODATA),
        NAME(ETIME),
        NAME(ENOSR),
        NAME(ENONET),
        NAME(ENOPKG),
        NAME(EREMOTE),
        NAME(ENOLINK),
        NAME(EADV),
        NAME(ESRMNT),
        NAME(ECOMM),
        NAME(EPROTO),
        NAME(EMULTIHOP),
        NAME(EDOTDOT),
        NAME(EBADMSG),
        NAME(EOVERFLOW),
        NAME(ENOTUNIQ),
        NAME(EBADFD),
        NAME(EREMCHG),
        NAME(ELIBACC),
        NAME(ELIBBAD),
        NAME(ELIBSCN),
        NAME(ELIBMAX),
        NAME(ELIBEXEC),
        NAME(EILSEQ),
        NAME(ERESTART),
        NAME(ESTRPIPE),
        NAME(EUSERS),
        NAME(ENOTSOCK),
        NAME(EDESTADDRREQ),
        NAME(EMSGSIZE),
        NAME(EPROTOTYPE),
        NAME(ENOPROTOOPT),
        NAME(EPROTONOSUPPORT),
        NAME(ESOCKTNOSUPPORT),
        NAME(EOPNOTSUPP),
        NAME(EPFNOSUPPORT),
        NAME(EAFNOSUPPORT),
        NAME(EADDRINUSE),
        NAME(EADDRNOTAVAIL),
        NAME(ENETDOWN),
        NAME(ENETUNREACH),
        NAME(ENETRESET),
        NAME(ECONNABORTED),
        NAME(ECONNRESET),
        NAME(ENOBUFS),
        NAME(EISCONN),
        NAME(ENOTCONN),
        NAME(ESHUTDOWN),
        NAME(ETOOMANYREFS),
        NAME(ETIMEDOUT),
        NAME(ECONNREFUSED),
        NAME(EHOSTDOWN),
        NAME(EHOSTUNREACH),
        NAME(EALREADY),
        NAME(EINPROGRESS),
        NAME(ESTALE),
        NAME(EUCLEAN),
        NAME(ENOTNAM),
        NAME(ENAVAIL),
        NAME(EISNAM),
        NAME(EREMOTEIO),
        NAME(EDQUOT),
        NAME(ENOMEDIUM),
        NAME(EMEDIUMTYPE),
        NAME(ECANCELED),
        NAME(ENOKEY),
        NAME(EKEYEXPIRED),
        NAME(EKEYREVOKED),
        NAME(EKEYREJECTED),
        NAME(EOWNERDEAD),
        NAME(ENOTRECOVERABLE),
        NAME(ERFKILL),
        NAME(EHWPOISON),
};

#define NAMES (sizeof names / sizeof *names)

void vst_errno_name(int error, char ret_text[VST_ERRNO_TEXT])
{
	for (size_t i = 0; i < NAMES; i++) {
		if (names[i].error == error) {
			snprintf(ret_text, VST_ERRNO_TEXT, "%s", names[i].name);
			return;
		}
	}
	snprintf(ret_text, VST_ERRNO_TEXT, "%d", error);
}

bool vst_errno_parse(const char *text, int *ret)
{
	int error = 0;
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(names[i].name, text) == 0) {
			*ret = names[i].error;
			return true;
		}
	}
	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || error > VST_ERRNO_MAX)
			return false;
		error = error * 10 + (*at - '0');
	}
	if (error < 1 || error > VST_ERRNO_MAX)
		return false;
	/* One spelling only: no leading zeros, and no number where there is a name. */
	char canonical[VST_ERRNO_TEXT];
	vst_errno_name(error, canonical);
	if (strcmp(canonical, text) != 0)
		return false;
	*ret = error;
	return true;
}
