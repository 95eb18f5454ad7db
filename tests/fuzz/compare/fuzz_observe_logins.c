/* Any bytes as login records. */
#include "compare/observing.h"

extern const struct vst_observer vst_observe_logins;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"/var/log/wtmp", "/var/log/btmp.1", "/run/utmp"};
	fuzz_content(&vst_observe_logins, paths, sizeof paths / sizeof *paths, data, size);
	return 0;
}
