/* Details of any item are those of a table or are not; names lie inside the copy and end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/table_details.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_table_details details;
	if (vst_table_details_parse((const char *)data, size, &details, NULL) != 0)
		abort();
	if (!details.is_table && (details.text || details.key_count || details.has_rows))
		abort();
	for (size_t i = 0; i < details.key_count; i++) {
		const char *name = details.key[i];
		if (name < details.text || name + strlen(name) > details.text + size)
			abort();
	}
	vst_table_details_free(&details);
	return 0;
}
