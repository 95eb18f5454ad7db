/* Any bytes as utmp: each record's texts have at most the length of their fields. */
#include <stdint.h>
#include <stdlib.h>

#include "collect/live_utmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t record_size = vst_utmp_record_size(data, size);
	struct vst_utmp record;
	if (record_size != VST_UTMP_RECORD && record_size != VST_UTMP_RECORD_64)
		abort();
	for (size_t at = 0; size - at >= record_size; at += record_size)
		if (vst_utmp_parse(data + at, record_size, &record) &&
		        (record.line_len > 32 || record.id_len > 4 || record.user_len > 32 ||
		                record.host_len > 256))
			abort();
	return 0;
}
