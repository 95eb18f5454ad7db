/* Whatever parses as an event encodes back to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_event *event = NULL;
	struct vst_buf again = VST_BUF_INIT;

	if (vst_event_parse(data, size, &event, NULL) != 0)
		return 0;
	if (vst_event_encode(event, &again, NULL) != 0 || again.len != size ||
	        memcmp(again.data, data, size) != 0)
		abort();
	vst_buf_free(&again);
	vst_event_free(event);
	return 0;
}
