/*
 * The C library's ways to the host: name service modules, the resolver, shared objects, character set
 * modules, message catalogues, configuration files. In a static program these would load or read what lies on
 * the host all the same, and an intruder put there what he liked.
 *
 * Some names are the C library's own and undocumented (two underscores). If another version of it has others,
 * the link fails or tools/build-static finds its code in the file: nothing is lost unnoticed.
 */
#undef _FILE_OFFSET_BITS /* fopen() and fopen64() are two names here */

#include "refused.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gconv.h>
#include <iconv.h>
#include <libintl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- names of users: libgit2 asks for a home directory, libgpg-error as well; we parse passwd ourselves
 * ---- */

int getpwuid_r(uid_t uid, struct passwd *entry, char *buf, size_t len, struct passwd **ret)
{
	(void)uid, (void)entry, (void)buf, (void)len;
	*ret = NULL;
	return ENOSYS;
}
REFUSED(getpwuid_r);

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOSYS;
	return NULL;
}
REFUSED(getpwuid);

struct passwd *getpwnam(const char *name)
{
	(void)name;
	errno = ENOSYS;
	return NULL;
}
REFUSED(getpwnam);

/* ---- names of hosts: libcrypto's sockets, which nobody here opens ---- */

int getaddrinfo(
        const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
	(void)node, (void)service, (void)hints, (void)ret_list;
	return EAI_FAIL;
}
REFUSED(getaddrinfo);

void freeaddrinfo(struct addrinfo *list)
{
	(void)list; /* none was ever given out */
}
REFUSED(freeaddrinfo);

const char *gai_strerror(int code)
{
	(void)code;
	return "names are not resolved by this program";
}
REFUSED(gai_strerror);

int getnameinfo(const struct sockaddr *address, socklen_t address_len, char *host, socklen_t host_len,
        char *service, socklen_t service_len, int flags)
{
	(void)address, (void)address_len, (void)host, (void)host_len, (void)service, (void)service_len,
	        (void)flags;
	return EAI_FAIL;
}
REFUSED(getnameinfo);

struct hostent *gethostbyname(const char *name)
{
	(void)name;
	errno = ENOSYS;
	return NULL;
}
REFUSED(gethostbyname);

/* Every thread is given a place for the resolver's state; the library's own definition brings the resolver
 * along. */
extern _Thread_local struct __res_state *__libc_resp;
_Thread_local struct __res_state *__libc_resp;

/* ---- shared objects: libcrypto's providers and engines, sqlite's extensions ---- */

void *dlopen(const char *file, int mode)
{
	(void)file, (void)mode;
	return NULL;
}
REFUSED(dlopen);

void *dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle, (void)name;
	return NULL;
}
REFUSED(dlsym);

int dlclose(void *handle)
{
	(void)handle;
	return -1;
}
REFUSED(dlclose);

char *dlerror(void)
{
	static char text[] = "shared objects are not loaded by this program";
	return text;
}
REFUSED(dlerror);

int dladdr(const void *address, Dl_info *ret)
{
	(void)address, (void)ret;
	return 0; /* this function's word for an error */
}
REFUSED(dladdr);

/* ---- configuration files ---- */

/*
 * Nothing of ours uses it, and libraries use it for files that would change how they work: libgcrypt for
 * hwf.deny and random.conf, libcrypto for openssl.cnf. The C library does not come by here itself.
 */
FILE *fopen(const char *restrict path, const char *restrict mode)
{
	(void)path, (void)mode;
	errno = EACCES;
	return NULL;
}
REFUSED(fopen);

FILE *fopen64(const char *restrict path, const char *restrict mode)
{
	return fopen(path, mode);
}
REFUSED(fopen64);

/* libgcrypt asks whether a file is there that would turn on FIPS mode, which refuses to seal at all. */
int access(const char *path, int mode)
{
	static const char refused[] = "/etc/gcrypt/";
	if (strncmp(path, refused, sizeof refused - 1) == 0) {
		errno = ENOENT;
		return -1;
	}
	return faccessat(AT_FDCWD, path, mode, 0);
}
REFUSED(access);

/* ---- character sets: libarchive converts names, which none of ours wants; locale.c says what is the case
 * ---- */

iconv_t iconv_open(const char *to, const char *from)
{
	(void)to, (void)from;
	errno = EINVAL;
	return (iconv_t)-1;
}
REFUSED(iconv_open);

size_t iconv(iconv_t handle, char **restrict in, size_t *restrict in_left, char **restrict out,
        size_t *restrict out_left)
{
	(void)handle, (void)in, (void)in_left, (void)out, (void)out_left;
	errno = EBADF;
	return (size_t)-1;
}
REFUSED(iconv);

int iconv_close(iconv_t handle)
{
	(void)handle;
	errno = EBADF;
	return -1;
}
REFUSED(iconv_close);

/*
 * The same for streams of wide characters, which the C library carries along with every other stream. Only
 * its conversions between ASCII and wchar_t stay, which are built in: they need no look-up.
 */
int __gconv_find_transform(
        const char *to, const char *from, struct __gconv_step **ret, size_t *ret_count, int flags);
int __gconv_close_transform(struct __gconv_step *steps, size_t count);
void __gconv_release_step(struct __gconv_step *step);
extern int __gconv_lock;

int __gconv_lock; /* fclose() takes it */

int __gconv_find_transform(
        const char *to, const char *from, struct __gconv_step **ret, size_t *ret_count, int flags)
{
	(void)to, (void)from, (void)ret, (void)ret_count, (void)flags;
	return __GCONV_NODB;
}
REFUSED(__gconv_find_transform);

int __gconv_close_transform(struct __gconv_step *steps, size_t count)
{
	(void)steps, (void)count;
	return __GCONV_ILLEGAL_DESCRIPTOR;
}
REFUSED(__gconv_close_transform);

void __gconv_release_step(struct __gconv_step *step)
{
	(void)step; /* what is built in is not released */
}
REFUSED(__gconv_release_step);

/* ---- message catalogues: strerror() and libgpg-error would look for translations ---- */

#undef dcgettext

char *__dcgettext(const char *domain, const char *message, int category);

char *__dcgettext(const char *domain, const char *message, int category)
{
	(void)domain, (void)category;
	return (char *)(uintptr_t)message;
}
REFUSED(__dcgettext);

char *dcgettext(const char *domain, const char *message, int category)
{
	return __dcgettext(domain, message, category);
}
REFUSED(dcgettext);

char *bindtextdomain(const char *domain, const char *directory)
{
	(void)domain, (void)directory;
	errno = ENOSYS;
	return NULL;
}
REFUSED(bindtextdomain);
