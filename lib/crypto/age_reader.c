/*
 * Invariants of a reader:
 * 1. All that it holds is fixed once it is open, but for the pool of ready ciphers, which has its own lock.
 * So chunks may be read from several threads through a const pointer.
 * 2. A place (cipher and room for one sealed chunk) is either in the pool or with one thread.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/age_keys.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

struct place {
	struct place *next;
	struct vst_age_cipher *cipher;
	uint8_t sealed[VST_AGE_SEALED_CHUNK];
};

struct pool {
	pthread_mutex_t lock;
	struct place *free;
	uint8_t *key; /* VST_AGE_KEY_LEN bytes of secure memory */
};

struct vst_age_reader {
	struct vst_input in; /* what stands behind it is borrowed */
	uint64_t header_len;
	uint64_t payload_at; /* the first chunk */
	uint64_t chunks;
	size_t last_len; /* sealed bytes of the last chunk, perhaps too few to be one */
	struct pool *pool;
};

/* ---- the pool ---- */

static void place_free(struct place *place)
{
	if (!place)
		return;
	vst_age_cipher_free(place->cipher);
	free(place);
}

static int pool_take(struct pool *pool, struct place **ret, struct vst_err *err)
{
	struct place *place;
	int rc;

	pthread_mutex_lock(&pool->lock);
	place = pool->free;
	if (place)
		pool->free = place->next;
	pthread_mutex_unlock(&pool->lock);
	if (place) {
		*ret = place;
		return 0;
	}
	place = vst_alloc(sizeof *place);
	if (!place)
		return vst_err_nomem(err);
	rc = vst_age_cipher_new(&place->cipher, pool->key, err);
	if (rc != 0)
		free(place);
	else
		*ret = place;
	return rc;
}

static void pool_give(struct pool *pool, struct place *place)
{
	pthread_mutex_lock(&pool->lock);
	place->next = pool->free;
	pool->free = place;
	pthread_mutex_unlock(&pool->lock);
}

static void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	while (pool->free) {
		struct place *place = pool->free;
		pool->free = place->next;
		place_free(place);
	}
	vst_secret_free(pool->key, VST_AGE_KEY_LEN);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static int pool_new(struct pool **ret, struct vst_err *err)
{
	struct pool *pool = vst_calloc(1, sizeof *pool);

	if (!pool)
		return vst_err_nomem(err);
	if (pthread_mutex_init(&pool->lock, NULL) != 0) {
		free(pool);
		return vst_err_nomem(err);
	}
	pool->key = vst_secret_alloc(VST_AGE_KEY_LEN);
	if (!pool->key) {
		pool_free(pool);
		return vst_err_nomem(err);
	}
	*ret = pool;
	return 0;
}

/* ---- opening ---- */

static int find_file_key(const struct vst_age_header *header, const struct vst_age_identities *identities,
        uint8_t ret_file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	bool by_passphrase = vst_age_stanza_is(header, &header->stanzas[0], "scrypt");
	bool tried_passphrase = false;

	for (size_t i = 0; i < identities->count; i++) {
		int rc = vst_age_unwrap(identities->list[i], header, ret_file_key, err);
		if (rc != VST_EKEY)
			return rc;
		tried_passphrase |= identities->list[i]->kind == VST_AGE_PASSPHRASE;
	}
	if (by_passphrase && tried_passphrase)
		return vst_err_set(err, VST_EKEY, "the passphrase does not fit");
	if (by_passphrase)
		return vst_err_set(err, VST_EKEY, "the file was sealed with a passphrase, and none is given");
	return vst_err_set(err, VST_EKEY, "none of %zu identities fits any of the file's %zu recipients",
	        identities->count, header->count);
}

static int check_mac(const struct vst_age_header *header, const uint8_t file_key[VST_AGE_FILE_KEY_LEN],
        struct vst_err *err)
{
	uint8_t mac[VST_HASH_LEN];

	vst_age_header_mac(file_key, header->raw.data, header->mac_covers, mac);
	if (!vst_secret_equal(mac, header->mac, sizeof mac))
		return vst_err_set(err, VST_EAUTH, "age header: its MAC does not fit: it was changed");
	return 0;
}

/* How the rest of the file divides into chunks. Nothing behind the nonce is one chunk, and a damaged one. */
static void divide(struct vst_age_reader *reader)
{
	uint64_t rest = reader->in.size - reader->payload_at;

	reader->chunks = rest / VST_AGE_SEALED_CHUNK + (rest % VST_AGE_SEALED_CHUNK != 0);
	if (reader->chunks == 0)
		reader->chunks = 1;
	reader->last_len = (size_t)(rest - (reader->chunks - 1) * VST_AGE_SEALED_CHUNK);
}

static int start_payload(
        struct vst_age_reader *reader, const uint8_t file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	uint8_t nonce[VST_AGE_NONCE];
	int rc;

	if (reader->in.size - reader->header_len < VST_AGE_NONCE)
		return vst_err_set(err, VST_EFORMAT, "age header: the file is cut short behind it");
	rc = vst_input_read(&reader->in, reader->header_len, nonce, sizeof nonce, err);
	if (rc != 0)
		return rc;
	reader->payload_at = reader->header_len + VST_AGE_NONCE;
	divide(reader);
	vst_age_payload_key(file_key, nonce, reader->pool->key);
	return 0;
}

int vst_age_reader_open(struct vst_age_reader **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, struct vst_err *err)
{
	struct vst_age_header header = VST_AGE_HEADER_INIT;
	struct vst_age_reader *reader = NULL;
	uint8_t file_key[VST_AGE_FILE_KEY_LEN];
	int rc = vst_age_header_read(in, &header, err);

	if (rc == 0)
		rc = find_file_key(&header, identities, file_key, err);
	if (rc == 0)
		rc = check_mac(&header, file_key, err);
	if (rc != 0)
		goto out;
	reader = vst_calloc(1, sizeof *reader);
	if (!reader) {
		rc = vst_err_nomem(err);
		goto out;
	}
	reader->in = *in;
	reader->header_len = header.raw.len;
	rc = pool_new(&reader->pool, err);
	if (rc == 0)
		rc = start_payload(reader, file_key, err);
	if (rc == 0) {
		*ret = reader;
		reader = NULL;
	}
out:
	vst_wipe(file_key, sizeof file_key);
	vst_age_header_free(&header);
	vst_age_reader_free(reader);
	return rc;
}

void vst_age_reader_free(struct vst_age_reader *reader)
{
	if (!reader)
		return;
	pool_free(reader->pool);
	free(reader);
}

uint64_t vst_age_reader_header_len(const struct vst_age_reader *reader)
{
	return reader->header_len;
}

uint64_t vst_age_reader_size(const struct vst_age_reader *reader)
{
	size_t last = reader->last_len > VST_AGE_TAG ? reader->last_len - VST_AGE_TAG : 0;

	return (reader->chunks - 1) * VST_AGE_CHUNK + last;
}

uint64_t vst_age_reader_chunks(const struct vst_age_reader *reader)
{
	return reader->chunks;
}

/* ---- chunks ---- */

/* The sealed length of a chunk, if one of that length can stand there. */
static int sealed_len(const struct vst_age_reader *reader, uint64_t index, size_t *ret, struct vst_err *err)
{
	bool at_end = index + 1 == reader->chunks;
	size_t len = at_end ? reader->last_len : VST_AGE_SEALED_CHUNK;

	if (index >= reader->chunks)
		return vst_err_set(
		        err, VST_EUSAGE, "chunk %llu is beyond the end", (unsigned long long)index);
	/* An empty chunk ends an empty payload and no other. */
	if (len < VST_AGE_TAG || (len == VST_AGE_TAG && index > 0))
		return vst_err_set(err, VST_EAUTH, "chunk %llu is cut short", (unsigned long long)index);
	*ret = len;
	return 0;
}

static int read_chunk(const struct vst_age_reader *reader, uint64_t index, bool salvage, uint8_t *ret_data,
        size_t *ret_len, bool *ret_last, struct vst_err *err)
{
	struct place *place = NULL;
	bool last = index + 1 == reader->chunks;
	size_t len = 0;
	int rc = sealed_len(reader, index, &len, err);

	if (rc == 0)
		rc = pool_take(reader->pool, &place, err);
	if (rc != 0)
		return rc;
	rc = vst_input_read(
	        &reader->in, reader->payload_at + index * VST_AGE_SEALED_CHUNK, place->sealed, len, err);
	if (rc == 0)
		rc = vst_age_cipher_open(place->cipher, index, last, place->sealed, len, ret_data, err);
	/* Only a full chunk can have another standing than its place says: a short one is always meant as the
	 * last. */
	if (rc == VST_EAUTH && salvage && len == VST_AGE_SEALED_CHUNK) {
		last = !last;
		rc = vst_age_cipher_open(place->cipher, index, last, place->sealed, len, ret_data, err);
	}
	pool_give(reader->pool, place);
	if (rc == 0) {
		*ret_len = len - VST_AGE_TAG;
		*ret_last = last;
	} else if (rc == VST_EAUTH) {
		rc = vst_err_set(err, VST_EAUTH, "chunk %llu is damaged, or not the one that stood here",
		        (unsigned long long)index);
	}
	return rc;
}

int vst_age_reader_chunk(const struct vst_age_reader *reader, uint64_t index, uint8_t ret_data[VST_AGE_CHUNK],
        size_t *ret_len, struct vst_err *err)
{
	bool last;

	return read_chunk(reader, index, false, ret_data, ret_len, &last, err);
}

int vst_age_reader_salvage_chunk(const struct vst_age_reader *reader, uint64_t index,
        uint8_t ret_data[VST_AGE_CHUNK], size_t *ret_len, bool *ret_last, struct vst_err *err)
{
	return read_chunk(reader, index, true, ret_data, ret_len, ret_last, err);
}

/* ---- all of it ---- */

static int decrypt_chunks(const struct vst_age_reader *reader, const struct vst_output *out,
        uint8_t data[VST_AGE_CHUNK], struct vst_err *err)
{
	for (uint64_t i = 0; i < reader->chunks; i++) {
		bool last;
		size_t len;
		int rc = vst_age_reader_salvage_chunk(reader, i, data, &len, &last, err);
		/* Authentic even when the file was cut or continued at a chunk's border, so it may be given
		 * out. */
		if (rc == 0)
			rc = out->write(out->ctx, data, len, err);
		if (rc != 0)
			return rc;
		if (last && i + 1 < reader->chunks)
			return vst_err_set(err, VST_EAUTH, "something follows the last chunk");
		if (!last && i + 1 == reader->chunks)
			return vst_err_set(
			        err, VST_EAUTH, "the file is cut short: its last chunk is missing");
	}
	return 0;
}

int vst_age_decrypt(const struct vst_input *in, const struct vst_age_identities *identities,
        const struct vst_output *out, struct vst_err *err)
{
	struct vst_age_reader *reader = NULL;
	uint8_t *data = NULL;
	int rc = vst_age_reader_open(&reader, in, identities, err);

	if (rc != 0)
		return rc;
	data = vst_alloc(VST_AGE_CHUNK);
	rc = data ? decrypt_chunks(reader, out, data, err) : vst_err_nomem(err);
	if (data)
		vst_wipe(data, VST_AGE_CHUNK);
	free(data);
	vst_age_reader_free(reader);
	return rc;
}

int vst_age_header_len(const struct vst_input *in, uint64_t *ret_len, struct vst_err *err)
{
	struct vst_age_header header = VST_AGE_HEADER_INIT;
	int rc = vst_age_header_read(in, &header, err);

	if (rc == 0)
		*ret_len = header.raw.len;
	vst_age_header_free(&header);
	return rc;
}
