/* A manifest line, LF, and the tar that is to hold its entry: read by libarchive, compared, its content read.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/entry_match.h"
#include "vestige/err.h"
#include "vestige/manifest.h"
#include "vestige/reader.h"

#define ENTRIES_MAX 8
#define BLOCKS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_tar(const uint8_t *data, size_t len, const struct vst_item *item)
{
	struct archive *archive = NULL;
	struct archive_entry *entry = NULL;

	if (vst_entry_reader_new(&archive, NULL) != 0)
		return;
	if (archive_read_open_memory(archive, data, len) != ARCHIVE_OK)
		goto out;
	for (unsigned i = 0; i < ENTRIES_MAX && vst_entry_next(archive, &entry, NULL) == 0; i++) {
		const void *block = NULL;
		size_t block_len = 0;
		la_int64_t at = 0;
		struct vst_err err = VST_ERR_INIT;
		int rc = vst_entry_match(entry, item, i, "items/src/target", &err);

		if (rc == 0 && item->type != VST_ITEM_STREAM)
			rc = vst_entry_match(entry, item, VST_ENTRY_NO_PART, NULL, &err);
		if (rc != err.code)
			abort();
		for (unsigned j = 0; j < BLOCKS_MAX; j++)
			if (archive_read_data_block(archive, &block, &block_len, &at) != ARCHIVE_OK)
				break;
	}
out:
	archive_read_free(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_reader in = vst_reader_of(data, size);
	struct vst_item any, *item = NULL;
	const uint8_t *line = NULL;
	size_t len = 0;

	if (!vst_reader_line(&in, &line, &len))
		return 0;
	if (vst_item_parse(line, len, &item, NULL) == 0) {
		read_tar(data + in.pos, vst_reader_left(&in), item);
		vst_item_free(item);
	} else {
		vst_item_init(&any);
		any.source = "src";
		any.path = "/file";
		any.type = VST_ITEM_FILE;
		any.has_stat = true;
		any.acl = "user::rw-,user:1000:r--,group::r--,mask::r--,other::---";
		read_tar(data + in.pos, vst_reader_left(&in), &any);
	}
	return 0;
}
