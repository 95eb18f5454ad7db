#include "crypto/age_header.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/secret.h"
#include "vestige/text.h"

#define FIRST_READ 4096
#define BODY_COLUMNS 64
#define VERSION_PREFIX "age-encryption.org/v"
#define NEED_MORE 1 /* beside 0 and the negative codes */

static int bad(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EFORMAT, "age header: %s", what);
}

void vst_age_header_free(struct vst_age_header *header)
{
	vst_buf_free(&header->raw);
	vst_buf_free(&header->bodies);
	free(header->stanzas);
	*header = (struct vst_age_header)VST_AGE_HEADER_INIT;
}

static int parse_version(struct vst_reader *in, struct vst_err *err)
{
	struct vst_reader ahead = *in;
	const uint8_t *line;
	size_t len;

	if (vst_reader_literal(in, VST_AGE_VERSION_LINE))
		return 0;
	if (!vst_reader_literal(&ahead, VERSION_PREFIX)) {
		size_t left = vst_reader_left(in);
		size_t same = left < sizeof VERSION_PREFIX - 1 ? left : sizeof VERSION_PREFIX - 1;
		if (memcmp(in->data + in->pos, VERSION_PREFIX, same) == 0)
			return NEED_MORE;
		return bad(err, "this is no age file");
	}
	if (!vst_reader_line(&ahead, &line, &len))
		return NEED_MORE;
	for (size_t i = 0; i < len; i++)
		if (line[i] < '0' || line[i] > '9')
			return bad(err, "malformed version line");
	if (len == 0)
		return bad(err, "malformed version line");
	return vst_err_set(err, VST_EVERSION, "age header: version %.*s is not known",
	        len < 20 ? (int)len : 20, (const char *)line);
}

/* Type and arguments: not empty, printable ASCII, one space between. */
static int parse_args(const uint8_t *line, size_t len, size_t *ret_count, struct vst_err *err)
{
	size_t spaces = 0;
	bool empty = true;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == ' ') {
			if (empty)
				return bad(err, "a stanza has an empty argument");
			spaces++;
			empty = true;
		} else if (line[i] > 32 && line[i] < 127) {
			empty = false;
		} else {
			return bad(err, "a stanza has a character that is not allowed");
		}
	}
	if (empty)
		return bad(err, "a stanza has an empty argument");
	*ret_count = spaces;
	return 0;
}

static int parse_body(struct vst_reader *in, struct vst_age_header *header, struct vst_age_stanza *stanza,
        struct vst_err *err)
{
	const uint8_t *line;
	size_t len;

	stanza->body_at = header->bodies.len;
	do {
		if (!vst_reader_line(in, &line, &len))
			return NEED_MORE;
		if (len > BODY_COLUMNS)
			return bad(err, "a line of a stanza's body is too long");
		if (!vst_base64_decode(line, len, VST_BASE64_RAW, &header->bodies))
			return header->bodies.failed ? vst_err_nomem(err)
			                             : bad(err, "a stanza's body is not canonical base64 "
			                                        "that a short line ends");
	} while (len == BODY_COLUMNS);
	stanza->body_len = header->bodies.len - stanza->body_at;
	return vst_buf_check(&header->bodies, err);
}

static int parse_stanza(struct vst_reader *in, struct vst_age_header *header, struct vst_err *err)
{
	struct vst_age_stanza stanza = {0};
	const uint8_t *line;
	size_t len;
	int rc;

	if (!vst_reader_line(in, &line, &len))
		return NEED_MORE;
	stanza.args_at = (size_t)(line - in->data);
	stanza.args_len = len;
	rc = parse_args(line, len, &stanza.arg_count, err);
	if (rc == 0)
		rc = parse_body(in, header, &stanza, err);
	if (rc != 0)
		return rc;
	if (header->count == header->cap) {
		size_t cap = header->cap ? header->cap * 2 : 8;
		struct vst_age_stanza *grown = vst_realloc(header->stanzas, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		header->stanzas = grown;
		header->cap = cap;
	}
	header->stanzas[header->count++] = stanza;
	return 0;
}

/* Behind the three dashes. */
static int parse_mac(struct vst_reader *in, struct vst_age_header *header, struct vst_err *err)
{
	struct vst_buf mac = VST_BUF_INIT;
	const uint8_t *line;
	size_t len;
	int rc = 0;

	if (!vst_reader_line(in, &line, &len))
		return NEED_MORE;
	if (len < 1 || len > BODY_COLUMNS || line[0] != ' ' ||
	        !vst_base64_decode(line + 1, len - 1, VST_BASE64_RAW, &mac) || mac.len != sizeof header->mac)
		rc = mac.failed ? vst_err_nomem(err) : bad(err, "malformed closing line");
	else
		memcpy(header->mac, mac.data, sizeof header->mac);
	vst_buf_free(&mac);
	return rc;
}

static int parse(struct vst_age_header *header, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(header->raw.data, header->raw.len);
	int rc = parse_version(&in, err);

	header->count = 0;
	vst_buf_clear(&header->bodies);
	while (rc == 0) {
		if (vst_reader_literal(&in, "-> ")) {
			rc = parse_stanza(&in, header, err);
		} else if (vst_reader_literal(&in, "---")) {
			header->mac_covers = in.pos;
			rc = parse_mac(&in, header, err);
			if (rc == 0)
				header->raw.len = in.pos;
			break;
		} else {
			rc = vst_reader_left(&in) < 3 ? NEED_MORE
			                              : bad(err, "a line is neither a stanza nor the end");
		}
	}
	return rc;
}

static int check_passphrase_alone(const struct vst_age_header *header, struct vst_err *err)
{
	if (header->count == 0)
		return bad(err, "it has no stanzas");
	for (size_t i = 0; i < header->count && header->count > 1; i++)
		if (vst_age_stanza_is(header, &header->stanzas[i], "scrypt"))
			return bad(err, "a passphrase stanza does not stand alone");
	return 0;
}

int vst_age_header_read(const struct vst_input *in, struct vst_age_header *ret, struct vst_err *err)
{
	uint64_t limit = in->size < VST_AGE_HEADER_MAX ? in->size : VST_AGE_HEADER_MAX;
	size_t have = 0;
	size_t want = FIRST_READ;
	int rc;

	if (in->size == 0)
		return bad(err, "the file is empty");
	/* Headers are short and exhibits are not: read little, and twice as much each time that it was not
	 * enough. */
	for (;;) {
		want = want < limit ? want : (size_t)limit;
		vst_buf_reserve(&ret->raw, want - have);
		rc = vst_buf_check(&ret->raw, err);
		if (rc == 0 && want > have)
			rc = vst_input_read(in, have, ret->raw.data + have, want - have, err);
		if (rc != 0)
			return rc;
		ret->raw.len = have = want;
		rc = parse(ret, err);
		if (rc != NEED_MORE)
			break;
		if (have == in->size)
			return bad(err, "it is cut short");
		if (have == limit)
			return vst_err_set(err, VST_ELIMIT, "age header: it is longer than 1 MiB");
		want *= 2;
	}
	return rc != 0 ? rc : check_passphrase_alone(ret, err);
}

/* ---- stanzas ---- */

bool vst_age_stanza_is(
        const struct vst_age_header *header, const struct vst_age_stanza *stanza, const char *type)
{
	const uint8_t *line = header->raw.data + stanza->args_at;
	size_t len = strlen(type);

	return stanza->args_len >= len && memcmp(line, type, len) == 0 &&
	       (stanza->args_len == len || line[len] == ' ');
}

const char *vst_age_stanza_arg(const struct vst_age_header *header, const struct vst_age_stanza *stanza,
        size_t number, size_t *ret_len)
{
	struct vst_reader in = vst_reader_of(header->raw.data + stanza->args_at, stanza->args_len);
	const uint8_t *arg = in.data;
	size_t len = 0;

	/* The type is passed over like an argument; the last one has no space behind it. */
	for (size_t i = 0; i < number + 2; i++)
		if (!vst_reader_until(&in, ' ', &arg, &len)) {
			len = vst_reader_left(&in);
			if (!vst_reader_bytes(&in, len, &arg))
				len = 0;
		}
	*ret_len = len;
	return (const char *)arg;
}

const uint8_t *vst_age_stanza_body(const struct vst_age_header *header, const struct vst_age_stanza *stanza)
{
	/* Where all bodies are empty there is no memory behind them. */
	return stanza->body_len ? header->bodies.data + stanza->body_at : (const uint8_t *)"";
}

void vst_age_header_mac(const uint8_t file_key[VST_AGE_FILE_KEY_LEN], const uint8_t *data, size_t len,
        uint8_t ret[VST_HASH_LEN])
{
	static const char label[] = "header";
	uint8_t key[VST_HASH_LEN];

	vst_hkdf_sha256(file_key, VST_AGE_FILE_KEY_LEN, NULL, 0, label, sizeof label - 1, key, sizeof key);
	vst_hmac_sha256(key, sizeof key, &(struct vst_part){data, len}, 1, ret);
	vst_wipe(key, sizeof key);
}
