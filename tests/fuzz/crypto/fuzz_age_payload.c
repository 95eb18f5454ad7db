/*
 * Whole age files, opened with the identity of the published test vectors, so that the corpus reaches the
 * payload and what the stanzas mean. The stream of chunks and the chunks one by one must agree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vst_age_identities *identities(void)
{
	static const char text[] =
	        "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
	static struct vst_age_identities set;

	if (set.count == 0 && vst_age_identities_parse(text, sizeof text - 1, NULL, NULL, &set, NULL) != 0)
		abort();
	return &set;
}

static void read_chunks(const struct vst_input *in, const struct vst_buf *plain, bool complete)
{
	static uint8_t chunk[VST_AGE_CHUNK];
	struct vst_age_reader *reader = NULL;
	size_t len = 0, done = 0;

	if (vst_age_reader_open(&reader, in, identities(), NULL) != 0) {
		if (complete || plain->len != 0)
			abort();
		return;
	}
	uint64_t chunks = vst_age_reader_chunks(reader);
	bool good = true;
	for (uint64_t i = 0; i < chunks && good; i++) {
		good = vst_age_reader_chunk(reader, i, chunk, &len, NULL) == 0;
		if (!good)
			break;
		if (plain->len - done < len || memcmp(plain->data + done, chunk, len) != 0)
			abort();
		done += len;
	}
	if (good != complete || (good && (done != plain->len || vst_age_reader_size(reader) != done)))
		abort();
	vst_age_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vst_input in = vst_input_memory(data, size);
	struct vst_buf plain = VST_BUF_INIT;
	const struct vst_output out = vst_output_buf(&plain);

	/* An empty payload needs memory to compare with. */
	vst_buf_reserve(&plain, 1);
	bool complete = vst_age_decrypt(&in, identities(), &out, NULL) == 0;
	read_chunks(&in, &plain, complete);
	vst_buf_free(&plain);
	return 0;
}
