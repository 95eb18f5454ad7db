#include "compare/watched.h"

extern const struct vst_observer vst_observe_live_findings;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_item item;
	vst_item_init(&item);
	item.source = "live";
	item.path = "/findings.jsonl";
	item.type = VST_ITEM_STREAM;
	fuzz_observer(&vst_observe_live_findings, &item, data, size);
	return 0;
}
