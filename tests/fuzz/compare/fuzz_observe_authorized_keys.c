/* Any bytes as keys that may log in. */
#include "compare/observing.h"

extern const struct vst_observer vst_observe_authorized_keys;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"/root/.ssh/authorized_keys", "/etc/ssh/authorized_keys/root"};
	fuzz_content(&vst_observe_authorized_keys, paths, sizeof paths / sizeof *paths, data, size);
	return 0;
}
