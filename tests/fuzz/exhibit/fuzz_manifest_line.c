/* A line is refused, or it is the only spelling of its item and has a place in the tar. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_item *item = NULL;
	struct vst_buf again = VST_BUF_INIT, name = VST_BUF_INIT;

	if (vst_item_parse(data, size, &item, NULL) != 0)
		return 0;
	if (vst_item_encode(item, &again, NULL) != 0 || again.len != size ||
	        memcmp(again.data, data, size) != 0)
		abort();
	if (vst_item_entry_name(item, &name, NULL) != 0 || name.len >= 4096 ||
	        strstr(vst_buf_cstr(&name), "/../"))
		abort();
	(void)vst_item_has_entry(item);
	vst_buf_free(&again);
	vst_buf_free(&name);
	vst_item_free(item);
	return 0;
}
