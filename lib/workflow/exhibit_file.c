#include "workflow/exhibit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/age.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define READ_CHUNK (1024 * 1024)

int exhibit_file_open(
        int exhibits_fd, const char *name, int *ret_fd, uint64_t *ret_bytes, struct vst_err *err)
{
	struct stat st;
	int fd = openat(exhibits_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO)) /* a link, a socket: somebody put it there */
		return vst_err_set(err, VST_ETAMPERED, "%s: not a regular file", name);
	if (fd < 0)
		return errno == ENOENT ? vst_err_set(err, VST_ENOTFOUND, "%s: no such file", name)
		                       : vst_err_sys(err, errno, "%s: open", name);
	if (fstat(fd, &st) != 0) {
		int rc = vst_err_sys(err, errno, "%s: stat", name);
		close(fd);
		return rc;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return vst_err_set(err, VST_ETAMPERED, "%s: not a regular file", name);
	}
	*ret_fd = fd;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

/* Hashes [from, bytes) into `hash`, and the same bytes into `second` if there is one. */
static int hash_range(int fd, uint64_t from, uint64_t to, struct vst_hash *hash, struct vst_hash *second,
        uint64_t total, exhibit_file_progress *progress, void *ctx, struct vst_err *err)
{
	uint8_t *chunk = vst_alloc(READ_CHUNK);
	int rc = chunk ? 0 : vst_err_nomem(err);
	while (rc == 0 && from < to) {
		size_t want = to - from < READ_CHUNK ? (size_t)(to - from) : READ_CHUNK, got = 0;
		rc = vst_io_pread(fd, from, chunk, want, &got, err);
		if (rc == 0 && got < want)
			rc = vst_err_set(err, VST_ETAMPERED, "shrank while it was read");
		if (rc != 0)
			break;
		vst_hash_update(hash, chunk, got);
		if (second)
			vst_hash_update(second, chunk, got);
		from += got;
		if (progress)
			progress(ctx, from, total);
	}
	free(chunk);
	return rc;
}

int exhibit_file_digest(int fd, uint64_t bytes, exhibit_file_progress *progress, void *ctx,
        uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	int rc = vst_hash_new(&hash, VST_HASH_SHA256, err);
	if (rc == 0)
		rc = hash_range(fd, 0, bytes, hash, NULL, bytes, progress, ctx, err);
	if (rc == 0)
		memcpy(ret, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
	vst_hash_free(hash);
	return rc;
}

static int check_payload(int fd, uint64_t bytes, const struct vst_seal *seal, struct vst_hash *payload,
        struct vst_hash *file, exhibit_file_progress *progress, void *ctx, struct vst_err *err)
{
	struct vst_input in;
	uint64_t header = 0;
	int rc = vst_input_fd(fd, &in, err);
	if (rc == 0)
		rc = vst_age_header_len(&in, &header, err);
	if (rc != 0 && rc != VST_EIO && rc != VST_ENOMEM) /* looked at: the sealed one was an age file */
		return vst_err_set(err, VST_ETAMPERED, "is not an age file");
	if (rc == 0)
		rc = hash_range(fd, 0, header, file, NULL, bytes, NULL, NULL, err);
	if (rc == 0)
		rc = hash_range(fd, header, bytes, payload, file, bytes, progress, ctx, err);
	if (rc != 0)
		return rc;
	bool same_payload =
	        bytes - header == seal->payload_bytes &&
	        memcmp(vst_hash_final(payload, VST_HASH_SHA256), seal->payload_sha256, VST_HASH_LEN) == 0;
	bool same_file = memcmp(vst_hash_final(file, VST_HASH_SHA256), seal->file_sha256, VST_HASH_LEN) == 0;
	if (same_payload && same_file)
		return 0;
	if (same_payload)
		return vst_err_set(err, VST_ETAMPERED,
		        "the age header differs from its seal, the payload behind it is as sealed");
	return vst_err_set(err, VST_ETAMPERED, "ciphertext differs from its seal");
}

int exhibit_file_check_open(int fd, uint64_t bytes, const struct vst_seal *seal,
        exhibit_file_progress *progress, void *ctx, struct vst_err *err)
{
	struct vst_hash *payload = NULL, *file = NULL;
	int rc;
	if (bytes != seal->file_bytes)
		return vst_err_set(err, VST_ETAMPERED, "is %llu bytes long, sealed were %llu",
		        (unsigned long long)bytes, (unsigned long long)seal->file_bytes);
	rc = vst_hash_new(&payload, VST_HASH_SHA256, err);
	if (rc == 0)
		rc = vst_hash_new(&file, VST_HASH_SHA256, err);
	if (rc == 0)
		rc = check_payload(fd, bytes, seal, payload, file, progress, ctx, err);
	vst_hash_free(payload);
	vst_hash_free(file);
	return rc;
}

int exhibit_file_check(int exhibits_fd, const char *name, const struct vst_seal *seal,
        exhibit_file_progress *progress, void *ctx, struct vst_err *err)
{
	uint64_t bytes = 0;
	int fd = -1;
	int rc = exhibit_file_open(exhibits_fd, name, &fd, &bytes, err);
	if (rc != 0)
		return rc;
	rc = exhibit_file_check_open(fd, bytes, seal, progress, ctx, err);
	if (rc != 0)
		(void)vst_err_prepend(err, "%s", name);
	close(fd);
	return rc;
}
