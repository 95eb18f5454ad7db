/* As a journal file, and as the details of a journal source. */
#include "compare/watched.h"

extern const struct vst_observer vst_observe_journal;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_item item;
	vst_item_init(&item);
	item.source = "logs";
	item.path = "/var/log/journal/0/system@1.journal";
	item.type = VST_ITEM_FILE;
	fuzz_observer(&vst_observe_journal, &item, data, size);
	item.path = "/journal/export";
	item.type = VST_ITEM_STREAM;
	item.details = (const char *)data;
	item.details_len = size;
	fuzz_observer(&vst_observe_journal, &item, data, size);
	return 0;
}
