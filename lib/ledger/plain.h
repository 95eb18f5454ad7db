/*
 * The plain texts and numbers that records of the ledger may hold.
 */
#ifndef LEDGER_PLAIN_H
#define LEDGER_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON readers agree on integers up to here (RFC 8259 section 6 warns of more than 2^53; jansson's end is
 * int64). */
#define VST_PLAIN_UINT_MAX ((uint64_t)INT64_MAX)

/* 1 to `max` bytes of UTF-8 without control characters (C0, DEL, C1). NULL is none. */
bool vst_plain_text(const char *text, size_t max);
/* 1 to `max` characters of a-z, 0-9, '_', '-'; the first a letter. NULL is none. */
bool vst_plain_word(const char *text, size_t max);

#endif
