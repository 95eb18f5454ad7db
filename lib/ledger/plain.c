#include "ledger/plain.h"

#include <string.h>

#include "vestige/text.h"

bool vst_plain_text(const char *text, size_t max)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len > max || !vst_utf8_valid(text, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
		/* C1 in UTF-8 is C2 80 to C2 9F; the text is valid, so a byte follows. */
		if (byte == 0xc2 && (uint8_t)text[i + 1] < 0xa0)
			return false;
	}
	return true;
}

bool vst_plain_word(const char *text, size_t max)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len > max || text[0] < 'a' || text[0] > 'z')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}
