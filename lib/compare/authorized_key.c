#include "compare/authorized_key.h"

#include <string.h>
#include <strings.h>

#include "vestige/buf.h"
#include "vestige/text.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static const char *past_space(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	return at;
}

static const char *past_word(const char *at, const char *end)
{
	while (at < end && !is_space(*at))
		at++;
	return at;
}

/* Up to white space, or `stop`, outside of quotes; inside of them `\"` is no end. */
static const char *past_quoted(const char *at, const char *end, char stop)
{
	bool quoted = false;
	for (; at < end && (quoted || (!is_space(*at) && *at != stop)); at++) {
		if (*at == '\\' && at + 1 < end && at[1] == '"')
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

/* A key that starts with a string of its type. */
static bool holds_type(const struct vst_buf *blob, const char *type, size_t len)
{
	if (blob->len < 4 + len)
		return false;
	const uint8_t *at = blob->data;
	uint32_t said = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	return said == len && memcmp(at + 4, type, len) == 0;
}

static bool parse_key(const char *at, const char *end, struct vst_buf *blob, struct vst_authorized_key *ret)
{
	const char *type_end = past_word(at, end), *key = past_space(type_end, end),
	           *key_end = past_word(key, end);
	size_t type_len = (size_t)(type_end - at);
	vst_buf_clear(blob);
	if (type_len == 0 || key == key_end ||
	        !vst_base64_decode(key, (size_t)(key_end - key), VST_BASE64_PADDED, blob) ||
	        !holds_type(blob, at, type_len))
		return false;
	ret->type = at;
	ret->type_len = type_len;
	ret->comment = past_space(key_end, end);
	ret->comment_len = (size_t)(end - ret->comment);
	vst_sha256(blob->data, blob->len, ret->fingerprint);
	return true;
}

static bool is_option(const char *at, size_t len, const char *name)
{
	return len == strlen(name) && strncasecmp(at, name, len) == 0;
}

static void parse_options(struct vst_authorized_key *key)
{
	const char *at = key->options, *end = at + key->options_len;
	while (at < end) {
		const char *stop = past_quoted(at, end, ',');
		const char *equals = memchr(at, '=', (size_t)(stop - at));
		size_t name = (size_t)((equals ? equals : stop) - at);
		key->from |= is_option(at, name, "from");
		key->cert_authority |= is_option(at, name, "cert-authority");
		key->restricted |= is_option(at, name, "restrict");
		if (equals && is_option(at, name, "command")) {
			const char *from = equals + 1, *to = stop;
			if (to - from >= 2 && *from == '"' && to[-1] == '"') {
				from++;
				to--;
			}
			key->command = from;
			key->command_len = (size_t)(to - from);
		}
		at = stop < end ? stop + 1 : end;
	}
}

int vst_authorized_key_parse(const char *line, size_t len, enum vst_authorized_line *ret_kind,
        struct vst_authorized_key *ret, struct vst_err *err)
{
	const char *end = line + len;
	while (end > line && (is_space(end[-1]) || end[-1] == '\r'))
		end--;
	const char *at = past_space(line, end);
	if (at == end || *at == '#') {
		*ret_kind = VST_AUTHORIZED_NOTHING;
		return 0;
	}
	struct vst_buf blob = VST_BUF_INIT;
	struct vst_authorized_key key = {.options = at};
	bool found = parse_key(at, end, &blob, &key);
	if (!found) {
		const char *stop = past_quoted(at, end, 0);
		key.options_len = (size_t)(stop - at);
		found = parse_key(past_space(stop, end), end, &blob, &key);
	}
	int rc = vst_buf_check(&blob, err);
	vst_buf_free(&blob);
	if (rc != 0)
		return rc;
	parse_options(&key);
	*ret_kind = found ? VST_AUTHORIZED_KEY : VST_AUTHORIZED_ODD;
	*ret = key;
	return 0;
}
