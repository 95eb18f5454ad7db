/* Whatever is read as Bech32 must be written back to the same text: the format allows one spelling. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/bech32.h"
#include "vestige/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char hrp[VST_BECH32_HRP_MAX + 1];
	struct vst_buf bytes = VST_BUF_INIT, text = VST_BUF_INIT;

	if (vst_bech32_decode((const char *)data, size, hrp, &bytes, NULL) == 0) {
		/* A prefix without letters leaves the case to the digits: lower is what is written. */
		bool has_case =
		        strcspn(hrp, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") < strlen(hrp);
		if (vst_bech32_encode(hrp, bytes.data, bytes.len, &text, NULL) != 0)
			abort();
		if (text.len != size || (has_case && memcmp(text.data, data, size) != 0))
			abort();
	} else if (bytes.len != 0) {
		abort();
	}
	vst_buf_free(&bytes);
	vst_buf_free(&text);
	return 0;
}
