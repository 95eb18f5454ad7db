/* Any bytes as account files: passwd, shadow, group, sudoers, lastlog. */
#include "compare/observing.h"

extern const struct vst_observer vst_observe_accounts;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {
	        "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers", "/var/log/lastlog"};
	fuzz_content(&vst_observe_accounts, paths, sizeof paths / sizeof *paths, data, size);
	return 0;
}
