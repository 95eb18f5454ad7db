/* Signed notes and note keys: whatever parses is written back to the same bytes (but for the case of a key's
 * hexadecimal id). */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/note.h"
#include "vestige/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_line(const struct vst_note_signature *line, struct vst_buf *out)
{
	struct vst_buf bytes = VST_BUF_INIT;

	vst_buf_bytes(&bytes, line->id, sizeof line->id);
	vst_buf_bytes(&bytes, line->signature, line->signature_len);
	vst_buf_text(out, "\xe2\x80\x94 ");
	vst_buf_bytes(out, line->name, line->name_len);
	vst_buf_byte(out, ' ');
	vst_base64_append(out, bytes.data, bytes.len, VST_BASE64_PADDED);
	vst_buf_byte(out, '\n');
	vst_buf_free(&bytes);
}

static void try_note(const uint8_t *data, size_t size)
{
	static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	struct vst_note_key key;
	struct vst_note note;
	struct vst_buf out = VST_BUF_INIT;

	if (vst_note_parse(data, size, &note, NULL) != 0)
		return;
	if (vst_note_begin(note.text, note.text_len, &out, NULL) != 0 || note.count == 0)
		abort();
	for (size_t i = 0; i < note.count; i++)
		write_line(&note.signatures[i], &out);
	if (out.len != size || memcmp(out.data, data, size) != 0)
		abort();
	if (vst_note_key_parse(vkey, strlen(vkey), &key, NULL) != 0)
		abort();
	(void)vst_note_verify(&note, &key, NULL);
	vst_note_free(&note);
	vst_buf_free(&out);
}

static void try_key(const uint8_t *data, size_t size)
{
	struct vst_note_key key;
	struct vst_buf out = VST_BUF_INIT;

	if (vst_note_key_parse((const char *)data, size, &key, NULL) != 0)
		return;
	vst_note_key_text(&key, &out);
	size_t id = strlen(key.name) + 1;
	if (out.len != size)
		abort();
	for (size_t i = 0; i < size; i++)
		if (out.data[i] != (i >= id && i < id + 8 ? (uint8_t)tolower(data[i]) : data[i]))
			abort();
	vst_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_note(data, size);
	try_key(data, size);
	return 0;
}
