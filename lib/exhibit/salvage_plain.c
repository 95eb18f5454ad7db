#include "exhibit/salvage_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/age.h"
#include "vestige/err.h"
#include "vestige/exhibit_salvage.h"
#include "vestige/mem.h"

#define SEALED_CHUNK (VST_AGE_CHUNK + VST_AGE_TAG)
#define PROGRESS_EVERY 256 /* chunks */

struct vst_salvage_plain {
	struct vst_age_reader *age;
	uint8_t *good; /* a bit for each chunk */
	uint64_t chunks;
	uint64_t size, file_size;
	uint64_t damaged;
	bool closed;
	uint8_t *chunk; /* the one read last */
	uint64_t chunk_index;
	size_t chunk_len;
};

static bool is_good(const struct vst_salvage_plain *plain, uint64_t index)
{
	return index < plain->chunks && (plain->good[index / 8] >> (index % 8) & 1) != 0;
}

static uint64_t chunk_in_file(const struct vst_salvage_plain *plain, uint64_t index)
{
	return vst_age_reader_header_len(plain->age) + VST_AGE_NONCE + index * SEALED_CHUNK;
}

uint64_t vst_salvage_plain_in_file(const struct vst_salvage_plain *plain, uint64_t offset)
{
	return chunk_in_file(plain, offset / VST_AGE_CHUNK) + offset % VST_AGE_CHUNK;
}

static int report(struct vst_salvage_plain *plain, const struct vst_salvage_options *options, uint64_t first,
        uint64_t behind, struct vst_err *err)
{
	char what[96];
	struct vst_salvage_damage damage = {.offset = chunk_in_file(plain, first), .what = what};
	uint64_t end = behind == plain->chunks ? plain->file_size : chunk_in_file(plain, behind);

	damage.len = end > damage.offset ? end - damage.offset : 0;
	plain->damaged += damage.len;
	if (options->damage == NULL)
		return 0;
	if (behind - first > 1)
		(void)snprintf(what, sizeof(what), "age chunks %llu to %llu do not authenticate",
		        (unsigned long long)first, (unsigned long long)behind - 1);
	else
		(void)snprintf(what, sizeof(what), "age chunk %llu %s", (unsigned long long)first,
		        behind == plain->chunks && damage.len < SEALED_CHUNK
		                ? "is cut short or does not authenticate"
		                : "does not authenticate");
	return options->damage(options->ctx, &damage, err);
}

static int try_chunks(
        struct vst_salvage_plain *plain, const struct vst_salvage_options *options, struct vst_err *err)
{
	uint64_t bad_from = UINT64_MAX;
	int rc = 0;

	for (uint64_t i = 0; i < plain->chunks && rc == 0; i++) {
		bool last = false;
		size_t len = 0;

		rc = vst_age_reader_salvage_chunk(plain->age, i, plain->chunk, &len, &last, err);
		if (rc == VST_EAUTH || rc == VST_EFORMAT) {
			bad_from = bad_from == UINT64_MAX ? i : bad_from;
			rc = 0;
		} else if (rc == 0) {
			plain->good[i / 8] |= (uint8_t)(1u << (i % 8));
			plain->closed = last && i + 1 == plain->chunks;
			if (bad_from != UINT64_MAX)
				rc = report(plain, options, bad_from, i, err);
			bad_from = UINT64_MAX;
		}
		if (options->progress != NULL && i % PROGRESS_EVERY == 0)
			options->progress(options->ctx, chunk_in_file(plain, i) / 2, plain->file_size);
	}
	if (rc == 0 && bad_from != UINT64_MAX)
		rc = report(plain, options, bad_from, plain->chunks, err);
	if (rc == 0 && !plain->closed && options->damage != NULL) {
		struct vst_salvage_damage damage = {
		        plain->file_size, 0, "cut short: the last age chunk is not there"};

		rc = options->damage(options->ctx, &damage, err);
	}
	plain->chunk_index = UINT64_MAX;
	if (rc == 0)
		vst_err_clear(err);
	return rc;
}

int vst_salvage_plain_open(struct vst_salvage_plain **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, const struct vst_salvage_options *options,
        struct vst_err *err)
{
	struct vst_salvage_plain *plain = vst_calloc(1, sizeof(*plain));
	int rc = 0;

	if (plain == NULL)
		return vst_err_nomem(err);
	plain->file_size = in->size;
	if ((rc = vst_age_reader_open(&plain->age, in, identities, err)) != 0)
		goto out;
	plain->chunks = vst_age_reader_chunks(plain->age);
	plain->size = vst_age_reader_size(plain->age);
	plain->good = vst_calloc((size_t)(plain->chunks / 8 + 1), 1);
	plain->chunk = vst_alloc(VST_AGE_CHUNK);
	rc = plain->good == NULL || plain->chunk == NULL ? vst_err_nomem(err)
	                                                 : try_chunks(plain, options, err);
	if (rc == 0) {
		*ret = plain;
		plain = NULL;
	}
out:
	vst_salvage_plain_free(plain);
	return rc;
}

void vst_salvage_plain_free(struct vst_salvage_plain *plain)
{
	if (plain == NULL)
		return;
	vst_age_reader_free(plain->age);
	free(plain->good);
	free(plain->chunk);
	free(plain);
}

uint64_t vst_salvage_plain_size(const struct vst_salvage_plain *plain)
{
	return plain->size;
}

uint64_t vst_salvage_plain_damaged(const struct vst_salvage_plain *plain)
{
	return plain->damaged;
}

bool vst_salvage_plain_closed(const struct vst_salvage_plain *plain)
{
	return plain->closed;
}

uint64_t vst_salvage_plain_run(const struct vst_salvage_plain *plain, uint64_t offset)
{
	uint64_t index = offset / VST_AGE_CHUNK, end = 0;

	if (offset >= plain->size || !is_good(plain, index))
		return 0;
	while (is_good(plain, index))
		index++;
	end = index * VST_AGE_CHUNK;
	return (end < plain->size ? end : plain->size) - offset;
}

uint64_t vst_salvage_plain_next(const struct vst_salvage_plain *plain, uint64_t offset)
{
	uint64_t index = offset / VST_AGE_CHUNK;

	if (offset < plain->size && is_good(plain, index))
		return offset;
	while (index < plain->chunks && !is_good(plain, index))
		index++;
	return index < plain->chunks && index * VST_AGE_CHUNK < plain->size ? index * VST_AGE_CHUNK
	                                                                    : plain->size;
}

static int load(struct vst_salvage_plain *plain, uint64_t index, struct vst_err *err)
{
	bool last = false;
	int rc = 0;

	if (plain->chunk_index == index)
		return 0;
	plain->chunk_index = UINT64_MAX;
	rc = vst_age_reader_salvage_chunk(plain->age, index, plain->chunk, &plain->chunk_len, &last, err);
	if (rc == 0)
		plain->chunk_index = index;
	return rc;
}

int vst_salvage_plain_read(
        struct vst_salvage_plain *plain, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	uint8_t *out = ret_data;

	while (len > 0) {
		size_t skip = (size_t)(offset % VST_AGE_CHUNK), take = 0;
		int rc = load(plain, offset / VST_AGE_CHUNK, err);

		if (rc != 0)
			return rc;
		if (skip >= plain->chunk_len)
			return vst_err_set(err, VST_EFORMAT, "beyond the end of the decrypted stream");
		take = plain->chunk_len - skip < len ? plain->chunk_len - skip : len;
		memcpy(out, plain->chunk + skip, take);
		out += take;
		offset += take;
		len -= take;
	}
	return 0;
}
