/*
 * The same bytes as a checkpoint's text and as a whole note. A text that parses is written back to the same
 * bytes; a note that opens was signed by the key whose seed is 32 zeros, which a fuzzer does not find but the
 * corpus has.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[VST_ED25519_SEED_LEN];
	uint8_t key[VST_ED25519_KEY_LEN];
	struct vst_note_key log_key;
	struct vst_checkpoint checkpoint;
	struct vst_buf again = VST_BUF_INIT;

	if (vst_checkpoint_parse(data, size, &checkpoint, NULL) == 0) {
		vst_checkpoint_text(&checkpoint, &again);
		if (again.len != size || memcmp(again.data, data, size) != 0)
			abort();
	}
	if (vst_ed25519_public(seed, key, NULL) == 0 &&
	        vst_note_key_make("vestige/9f3c61d2", key, &log_key, NULL) == 0 &&
	        vst_checkpoint_open(data, size, &log_key, NULL, &checkpoint, NULL) == 0 &&
	        strcmp(checkpoint.origin, log_key.name) != 0)
		abort();
	vst_buf_free(&again);
	return 0;
}
