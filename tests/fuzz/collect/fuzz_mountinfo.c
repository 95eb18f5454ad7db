/* A line of mountinfo: all texts lie inside the line, and no text grows when its escapes are undone. */
#include <stdint.h>
#include <stdlib.h>

#include "collect/live_mountinfo.h"
#include "vestige/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, struct vst_mount_text text)
{
	struct vst_buf out = VST_BUF_INIT;
	const uint8_t *at = (const uint8_t *)text.text;
	if (at < data || at + text.len > data + size)
		abort();
	vst_mountinfo_unescape(&out, text);
	if (out.len > text.len)
		abort();
	vst_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_mountinfo mount;
	if (!vst_mountinfo_parse((const char *)data, size, &mount))
		return 0;
	check(data, size, mount.root);
	check(data, size, mount.point);
	check(data, size, mount.options);
	check(data, size, mount.type);
	check(data, size, mount.source);
	check(data, size, mount.super_options);
	for (size_t i = 0; i < mount.tag_count; i++)
		check(data, size, mount.tags[i]);
	return 0;
}
