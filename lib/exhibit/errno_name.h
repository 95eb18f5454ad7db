/*
 * Errno values by name, the same on every platform and in every release: a manifest line must read back in
 * ten years.
 */
#ifndef EXHIBIT_ERRNO_NAME_H
#define EXHIBIT_ERRNO_NAME_H

#include <stdbool.h>

#define VST_ERRNO_MAX 4095 /* the kernel's own bound */
#define VST_ERRNO_TEXT 24

/* "EIO"; the decimal number for a value without a name. `error` is 1 to VST_ERRNO_MAX. */
void vst_errno_name(int error, char ret_text[VST_ERRNO_TEXT]);
/* Reads what vst_errno_name() writes, and nothing else. */
bool vst_errno_parse(const char *text, int *ret);

#endif
