/*
 * Locales of the static program: "C" and "C.UTF-8", both built in; any other is refused. The C library would
 * look for locale archives on the host, and cannot help to read C.UTF-8 from there.
 *
 * They differ in what nl_langinfo(CODESET) says, which is what libarchive goes by: it writes names as they
 * are if the locale's character set is the UTF-8 that pax wants, and else tries to convert them. Everything
 * else, strtod_l() and the like, behaves as in C.
 */
#include "refused.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct built_in_locale {
	struct __locale_struct as_c; /* first: a pointer to it is the locale_t */
	bool utf8;
};

/* The C library's own: the locale that it starts with, and the lock which only setlocale() would take to
 * write. */
extern const struct __locale_struct _nl_C_locobj;
extern pthread_rwlock_t __libc_setlocale_lock;
pthread_rwlock_t __libc_setlocale_lock = PTHREAD_RWLOCK_INITIALIZER;

static _Thread_local locale_t current = LC_GLOBAL_LOCALE;

locale_t newlocale(int mask, const char *name, locale_t base)
{
	bool utf8 = strcmp(name, "C.UTF-8") == 0;
	(void)mask;
	if (base || (!utf8 && strcmp(name, "C") != 0)) {
		errno = base ? EINVAL : ENOENT;
		return (locale_t)0;
	}
	struct built_in_locale *locale = malloc(sizeof *locale);
	if (!locale)
		return (locale_t)0;
	*locale = (struct built_in_locale){_nl_C_locobj, utf8};
	return &locale->as_c;
}
REFUSED(newlocale);

void freelocale(locale_t locale)
{
	free(locale);
}
REFUSED(freelocale);

locale_t uselocale(locale_t locale)
{
	locale_t old = current;
	if (locale)
		current = locale;
	return old;
}
REFUSED(uselocale);

char *nl_langinfo(nl_item item)
{
	static char utf8[] = "UTF-8", ascii[] = "ANSI_X3.4-1968", none[] = "";
	if (item != CODESET)
		return none; /* the standard's answer to an item that is not known */
	if (current == LC_GLOBAL_LOCALE)
		return ascii;
	return ((const struct built_in_locale *)current)->utf8 ? utf8 : ascii;
}
REFUSED(nl_langinfo);
