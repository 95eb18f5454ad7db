/* allowed_signers: whatever parses is written back to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/signers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_signers signers;
	struct vst_buf out = VST_BUF_INIT;

	if (vst_signers_parse(data, size, &signers, NULL) != 0)
		return 0;
	vst_signers_write(&signers, &out);
	if (out.len != size || (size > 0 && memcmp(out.data, data, size) != 0))
		abort();
	for (size_t i = 0; i < signers.count; i++)
		if (vst_signers_find(&signers, &signers.list[i].key) != &signers.list[i])
			abort();
	vst_signers_free(&signers);
	vst_buf_free(&out);
	return 0;
}
