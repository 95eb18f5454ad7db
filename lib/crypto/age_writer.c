/*
 * Invariants of a writer:
 * 1. The buffer holds the newest bytes that may yet be the last chunk: never more than one chunk, and nothing
 * while nothing was written. A full chunk leaves only when it is known that more follows.
 * 2. `chunk` is the number of the next chunk to leave.
 * 3. After a failure or after the end nothing more is written: `state` says which.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/age_keys.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "vestige/text.h"

enum state { OPEN, FAILED, FINISHED };

struct vst_age_writer {
	struct vst_output out;
	struct vst_age_cipher *cipher;
	uint64_t header_len;
	uint64_t chunk;
	enum state state;
	size_t held;
	uint8_t buffer[VST_AGE_CHUNK];
	uint8_t sealed[VST_AGE_SEALED_CHUNK];
};

static int check_recipients(const struct vst_age_recipients *recipients, struct vst_err *err)
{
	if (recipients->count == 0)
		return vst_err_set(err, VST_EUSAGE, "there is no recipient to encrypt to");
	for (size_t i = 0; i < recipients->count && recipients->count > 1; i++)
		if (vst_age_recipient_is_passphrase(recipients->list[i]))
			return vst_err_set(
			        err, VST_EUSAGE, "a passphrase cannot stand beside other recipients");
	return 0;
}

static int write_header(struct vst_age_writer *writer, const struct vst_age_recipients *recipients,
        const uint8_t file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	struct vst_buf header = VST_BUF_INIT;
	uint8_t mac[VST_HASH_LEN];
	int rc = 0;

	vst_buf_text(&header, VST_AGE_VERSION_LINE);
	for (size_t i = 0; i < recipients->count && rc == 0; i++)
		rc = vst_age_wrap(recipients->list[i], file_key, &header, err);
	vst_buf_text(&header, "---");
	if (rc == 0)
		rc = vst_buf_check(&header, err);
	if (rc != 0)
		goto out;
	vst_age_header_mac(file_key, header.data, header.len, mac);
	vst_buf_byte(&header, ' ');
	vst_base64_append(&header, mac, sizeof mac, VST_BASE64_RAW);
	vst_buf_byte(&header, '\n');
	rc = vst_buf_check(&header, err);
	if (rc == 0 && header.len > VST_AGE_HEADER_MAX)
		rc = vst_err_set(err, VST_ELIMIT, "too many recipients for one header");
	if (rc == 0)
		rc = writer->out.write(writer->out.ctx, header.data, header.len, err);
	if (rc == 0)
		writer->header_len = header.len;
out:
	vst_buf_free(&header);
	return rc;
}

int vst_age_writer_new(struct vst_age_writer **ret, const struct vst_age_recipients *recipients,
        const struct vst_output *out, struct vst_err *err)
{
	struct vst_age_writer *writer = NULL;
	uint8_t file_key[VST_AGE_FILE_KEY_LEN];
	uint8_t nonce[VST_AGE_NONCE];
	uint8_t key[VST_AGE_KEY_LEN];
	int rc = check_recipients(recipients, err);

	if (rc != 0)
		return rc;
	writer = vst_calloc(1, sizeof *writer);
	if (!writer)
		return vst_err_nomem(err);
	writer->out = *out;
	rc = vst_random(file_key, sizeof file_key, err);
	if (rc == 0)
		rc = vst_random(nonce, sizeof nonce, err);
	if (rc != 0)
		goto out;
	/* The cipher before the header: nothing is written of a file that could not be carried on. */
	vst_age_payload_key(file_key, nonce, key);
	rc = vst_age_cipher_new(&writer->cipher, key, err);
	if (rc == 0)
		rc = write_header(writer, recipients, file_key, err);
	if (rc == 0)
		rc = out->write(out->ctx, nonce, sizeof nonce, err);
	if (rc == 0) {
		*ret = writer;
		writer = NULL;
	}
out:
	vst_wipe(file_key, sizeof file_key);
	vst_wipe(key, sizeof key);
	vst_age_writer_free(writer);
	return rc;
}

static int write_chunk(
        struct vst_age_writer *writer, const uint8_t *data, size_t len, bool last, struct vst_err *err)
{
	int rc = vst_age_cipher_seal(writer->cipher, writer->chunk, last, data, len, writer->sealed, err);

	if (rc == 0)
		rc = writer->out.write(writer->out.ctx, writer->sealed, len + VST_AGE_TAG, err);
	if (rc != 0)
		writer->state = FAILED;
	writer->chunk++;
	return rc;
}

static int check_open(const struct vst_age_writer *writer, struct vst_err *err)
{
	if (writer->state == OPEN)
		return 0;
	return vst_err_set(err, VST_EUSAGE, "write to an age file that %s",
	        writer->state == FINISHED ? "is finished" : "failed before");
}

int vst_age_writer_write(struct vst_age_writer *writer, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *at = data;
	int rc = check_open(writer, err);

	if (rc == 0 && writer->held > 0 && len > 0) {
		size_t room = VST_AGE_CHUNK - writer->held;
		size_t take = len < room ? len : room;
		memcpy(writer->buffer + writer->held, at, take);
		writer->held += take;
		at += take;
		len -= take;
		if (len > 0) {
			rc = write_chunk(writer, writer->buffer, VST_AGE_CHUNK, false, err);
			writer->held = 0;
		}
	}
	/* What follows here finds the buffer empty, and whole chunks go straight from the caller's memory. */
	while (rc == 0 && len > VST_AGE_CHUNK) {
		rc = write_chunk(writer, at, VST_AGE_CHUNK, false, err);
		at += VST_AGE_CHUNK;
		len -= VST_AGE_CHUNK;
	}
	if (rc == 0 && len > 0) {
		memcpy(writer->buffer, at, len);
		writer->held = len;
	}
	return rc;
}

int vst_age_writer_finish(struct vst_age_writer *writer, struct vst_err *err)
{
	int rc = check_open(writer, err);

	if (rc == 0)
		rc = write_chunk(writer, writer->buffer, writer->held, true, err);
	if (rc == 0)
		writer->state = FINISHED;
	return rc;
}

uint64_t vst_age_writer_header_len(const struct vst_age_writer *writer)
{
	return writer->header_len;
}

void vst_age_writer_free(struct vst_age_writer *writer)
{
	if (!writer)
		return;
	vst_age_cipher_free(writer->cipher);
	vst_wipe(writer->buffer, sizeof writer->buffer);
	free(writer);
}
