#include "compare/watched.h"

extern const struct vst_observer vst_observe_cadence;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_item item;
	vst_item_init(&item);
	item.source = "logs";
	item.path = "/var/log/syslog.1";
	item.type = VST_ITEM_FILE;
	item.has_stat = true;
	item.mtime = size % 2 ? INT64_C(1764028800) * VST_NS_PER_S : VST_TIME_NONE;
	fuzz_observer(&vst_observe_cadence, &item, data, size);
	return 0;
}
