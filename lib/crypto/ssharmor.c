#include "crypto/ssharmor.h"

#include <string.h>

#include "vestige/buf.h"
#include "vestige/text.h"

/* Breaks the last `digits` bytes of `out` into lines, from the end, so that nothing is copied elsewhere. */
static void break_lines(struct vst_buf *out, size_t start, size_t digits)
{
	size_t lines = (digits + VST_SSH_ARMOR_COLUMNS - 1) / VST_SSH_ARMOR_COLUMNS;
	for (size_t i = 0; i < lines; i++)
		vst_buf_byte(out, '\n');
	if (out->failed)
		return;
	for (size_t i = lines; i-- > 0;) {
		size_t from = i * VST_SSH_ARMOR_COLUMNS;
		size_t n = digits - from < VST_SSH_ARMOR_COLUMNS ? digits - from : VST_SSH_ARMOR_COLUMNS;
		uint8_t *line = out->data + start + from + i;
		memmove(line, out->data + start + from, n);
		line[n] = '\n';
	}
}

void vst_ssh_armor_append(struct vst_buf *out, const char *label, const void *data, size_t len)
{
	/* All at once: a buffer that moves while it grows leaves pieces of a private key behind. */
	vst_buf_reserve(out, len / 3 * 4 + len / 40 + 2 * strlen(label) + 64);
	vst_buf_text(out, "-----BEGIN ");
	vst_buf_text(out, label);
	vst_buf_text(out, "-----\n");
	size_t start = out->len;
	vst_base64_append(out, data, len, VST_BASE64_PADDED);
	break_lines(out, start, out->len - start);
	vst_buf_text(out, "-----END ");
	vst_buf_text(out, label);
	vst_buf_text(out, "-----\n");
}
