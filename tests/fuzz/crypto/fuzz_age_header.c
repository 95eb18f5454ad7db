/* Headers, armour and recipients files from anybody. What is accepted must stand up to a second reading. */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/age_header.h"
#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_header(const uint8_t *data, size_t size)
{
	const struct vst_input in = vst_input_memory(data, size);
	struct vst_age_header header = VST_AGE_HEADER_INIT;
	size_t len;

	if (vst_age_header_read(&in, &header, NULL) == 0) {
		if (header.count == 0 || header.raw.len > size || header.mac_covers > header.raw.len)
			abort();
		for (size_t i = 0; i < header.count; i++)
			for (size_t arg = 0; arg < header.stanzas[i].arg_count; arg++)
				if (!vst_age_stanza_arg(&header, &header.stanzas[i], arg, &len) || len == 0)
					abort();
		/* The header stands for itself: nothing behind it was needed. */
		const struct vst_input alone = vst_input_memory(data, header.raw.len);
		uint64_t again = 0;
		if (vst_age_header_len(&alone, &again, NULL) != 0 || again != header.raw.len)
			abort();
	}
	vst_age_header_free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_buf binary = VST_BUF_INIT;
	struct vst_age_recipients recipients = {0};

	read_header(data, size);
	if (vst_age_armor_decode(data, size, &binary, NULL) == 0)
		read_header(binary.data, binary.len);
	else if (binary.len != 0)
		abort();
	if (vst_age_recipients_parse(data, size, &recipients, NULL) != 0 && recipients.count != 0)
		abort();
	vst_age_recipients_free(&recipients);
	vst_buf_free(&binary);
	return 0;
}
