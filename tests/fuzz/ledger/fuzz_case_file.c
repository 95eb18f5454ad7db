/* Whatever parses as case.json encodes back to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/case_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_case_file *file = NULL;
	struct vst_buf again = VST_BUF_INIT;

	if (vst_case_file_parse(data, size, &file, NULL) != 0)
		return 0;
	if (vst_case_file_encode(file, &again, NULL) != 0 || again.len != size ||
	        memcmp(again.data, data, size) != 0)
		abort();
	vst_buf_free(&again);
	vst_case_file_free(file);
	return 0;
}
