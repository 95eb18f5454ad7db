/* exhibit.json and closing.json from anybody: what is taken is written back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(int rc, struct vst_buf *again, const uint8_t *data, size_t size)
{
	if (rc != VST_ENOMEM && (rc != 0 || again->len != size || memcmp(again->data, data, size) != 0))
		abort();
	vst_buf_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_exhibit_info *info = NULL;
	struct vst_exhibit_closing *closing = NULL;
	struct vst_buf again = VST_BUF_INIT;
	if (vst_exhibit_info_parse(data, size, &info, NULL) == 0)
		compare(vst_exhibit_info_encode(info, &again, NULL), &again, data, size);
	if (vst_exhibit_closing_parse(data, size, &closing, NULL) == 0)
		compare(vst_exhibit_closing_encode(
		                &closing->clocks, closing->sources, closing->source_count, &again, NULL),
		        &again, data, size);
	vst_exhibit_info_free(info);
	vst_exhibit_closing_free(closing);
	return 0;
}
