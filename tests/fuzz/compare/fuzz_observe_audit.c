#include "compare/watched.h"

extern const struct vst_observer vst_observe_audit;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_item item;
	vst_item_init(&item);
	item.source = "logs";
	item.path = "/var/log/audit/audit.log";
	item.type = VST_ITEM_FILE;
	fuzz_observer(&vst_observe_audit, &item, data, size);
	return 0;
}
