/* Entries of a legacy table whose lengths lie: the first 44 bytes are what the kernel says of the table. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/live_xtables.h"
#include "vestige/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_xtables_info info;
	struct vst_buf line = VST_BUF_INIT;
	if (size < sizeof info)
		return 0;
	memcpy(&info, data, sizeof info);
	for (int v6 = 0; v6 < 2; v6++) {
		struct vst_json json = vst_json_begin(&line);
		vst_json_object(&json);
		vst_xtables_write(vst_xtables_layout_of(v6 ? AF_INET6 : AF_INET), &info, data + sizeof info,
		        size - sizeof info, &json);
		vst_json_end(&json);
		json_t *value = json_loadb(
		        (const char *)line.data, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		if (!value)
			abort();
		json_decref(value);
		vst_buf_clear(&line);
	}
	vst_buf_free(&line);
	return 0;
}
