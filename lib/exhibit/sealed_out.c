#include "exhibit/sealed_out.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

struct vst_sealed_out {
	struct vst_output out;
	struct vst_age_writer *age;
	struct vst_hash *file, *payload;
	uint64_t file_bytes, payload_bytes;
	/*
	 * The age writer puts header and nonce out before it can say how long the header is: until it is
	 * known, what comes is kept.
	 */
	bool header_known;
	uint8_t *start;
	size_t start_len;
};

static int write_out(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_sealed_out *sealed = ctx;
	vst_hash_update(sealed->file, data, len);
	sealed->file_bytes += len;
	if (sealed->header_known) {
		vst_hash_update(sealed->payload, data, len);
		sealed->payload_bytes += len;
	} else if (len > 0) {
		uint8_t *start = vst_realloc(sealed->start, sealed->start_len + len, 1);
		if (!start)
			return vst_err_nomem(err);
		memcpy(start + sealed->start_len, data, len);
		sealed->start = start;
		sealed->start_len += len;
	}
	return sealed->out.write(sealed->out.ctx, data, len, err);
}

int vst_sealed_out_new(const struct vst_age_recipients *recipients, const struct vst_output *out,
        struct vst_sealed_out **ret, struct vst_err *err)
{
	struct vst_sealed_out *sealed = vst_calloc(1, sizeof *sealed);
	const struct vst_output to_here = {sealed, write_out};
	uint64_t header_len;
	int rc;
	if (!sealed)
		return vst_err_nomem(err);
	sealed->out = *out;
	if ((rc = vst_hash_new(&sealed->file, VST_HASH_SHA256, err)) != 0 ||
	        (rc = vst_hash_new(&sealed->payload, VST_HASH_SHA256, err)) != 0 ||
	        (rc = vst_age_writer_new(&sealed->age, recipients, &to_here, err)) != 0)
		goto out;
	header_len = vst_age_writer_header_len(sealed->age);
	if (header_len > sealed->start_len) {
		rc = vst_err_set(err, VST_ELIBRARY, "age: a header longer than what was written");
		goto out;
	}
	sealed->payload_bytes = sealed->start_len - header_len;
	vst_hash_update(sealed->payload, sealed->start + header_len, sealed->payload_bytes);
	free(sealed->start);
	sealed->start = NULL;
	sealed->header_known = true;
	*ret = sealed;
	return 0;
out:
	vst_sealed_out_free(sealed);
	return rc;
}

void vst_sealed_out_free(struct vst_sealed_out *sealed)
{
	if (!sealed)
		return;
	vst_age_writer_free(sealed->age);
	vst_hash_free(sealed->file);
	vst_hash_free(sealed->payload);
	free(sealed->start);
	free(sealed);
}

static int encrypt(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_sealed_out *sealed = ctx;
	return vst_age_writer_write(sealed->age, data, len, err);
}

struct vst_output vst_sealed_out_input(struct vst_sealed_out *sealed)
{
	return (struct vst_output){sealed, encrypt};
}

int vst_sealed_out_finish(struct vst_sealed_out *sealed, struct vst_sealed_digests *ret, struct vst_err *err)
{
	int rc = vst_age_writer_finish(sealed->age, err);
	if (rc != 0)
		return rc;
	memcpy(ret->file, vst_hash_final(sealed->file, VST_HASH_SHA256), VST_HASH_LEN);
	memcpy(ret->payload, vst_hash_final(sealed->payload, VST_HASH_SHA256), VST_HASH_LEN);
	ret->file_bytes = sealed->file_bytes;
	ret->payload_bytes = sealed->payload_bytes;
	return 0;
}
