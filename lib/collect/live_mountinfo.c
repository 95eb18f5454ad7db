#include "collect/live_mountinfo.h"

#include <string.h>

#include "collect/live_field.h"
#include "vestige/buf.h"

static bool take(struct vst_reader *in, struct vst_mount_text *ret)
{
	return vst_live_word(in, &ret->text, &ret->len);
}

static bool take_number(struct vst_reader *in, uint64_t *ret)
{
	struct vst_mount_text word;
	return take(in, &word) && vst_live_number(word.text, word.len, 10, ret);
}

static bool take_device(struct vst_reader *in, struct vst_mountinfo *ret)
{
	struct vst_mount_text word;
	if (!take(in, &word))
		return false;
	const char *colon = memchr(word.text, ':', word.len);
	return colon && vst_live_number(word.text, (size_t)(colon - word.text), 10, &ret->major) &&
	       vst_live_number(colon + 1, (size_t)(word.text + word.len - colon - 1), 10, &ret->minor);
}

/* Up to the lone "-". More tags than there is room for make the line one that we do not know. */
static bool take_tags(struct vst_reader *in, struct vst_mountinfo *ret)
{
	struct vst_mount_text word;
	while (take(in, &word)) {
		if (word.len == 1 && word.text[0] == '-')
			return true;
		if (ret->tag_count == VST_MOUNTINFO_TAGS_MAX)
			return false;
		ret->tags[ret->tag_count++] = word;
	}
	return false;
}

/* The source may be the empty text: then two blanks follow each other. */
static void take_source(struct vst_reader *in, struct vst_mountinfo *ret)
{
	const char *text = (const char *)in->data + in->pos;
	size_t left = vst_reader_left(in);
	ret->source = ret->super_options = (struct vst_mount_text){text, 0};
	if (left >= 2 && text[0] == ' ' && text[1] == ' ')
		in->pos++;
	else
		take(in, &ret->source);
	take(in, &ret->super_options);
}

bool vst_mountinfo_parse(const char *line, size_t len, struct vst_mountinfo *ret)
{
	struct vst_reader in = vst_reader_of(line, len);
	*ret = (struct vst_mountinfo){0};
	if (!take_number(&in, &ret->id) || !take_number(&in, &ret->parent) || !take_device(&in, ret) ||
	        !take(&in, &ret->root) || !take(&in, &ret->point) || !take(&in, &ret->options) ||
	        !take_tags(&in, ret) || !take(&in, &ret->type))
		return false;
	take_source(&in, ret);
	return true;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

void vst_mountinfo_unescape(struct vst_buf *out, struct vst_mount_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.text + i;
		if (*at == '\\' && text.len - i >= 4 && at[1] <= '3' && is_octal(at[1]) && is_octal(at[2]) &&
		        is_octal(at[3])) {
			vst_buf_byte(out, (uint8_t)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0')));
			i += 3;
		} else {
			vst_buf_byte(out, (uint8_t)*at);
		}
	}
}
