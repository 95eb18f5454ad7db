/*
 * Loose objects: `xx/` and 38 digits; a zlib stream of `TYPE SIZE NUL CONTENT`.
 *
 * Ours are written as stored (uncompressed) deflate blocks. Compressed deflate can say the same content in
 * more than one way (a match at another distance), so a flipped bit may leave no trace in the content; in a
 * stored block none can. Packs compress later. Objects that stock git wrote are compressed and read all the
 * same, with everything checked that can be.
 */
#include "trail/trail_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#include <git2/sys/odb_backend.h>
#define ZLIB_CONST
#include <zlib.h>

#define HEADER_MAX 32
#define STORED_MAX 65535u /* bytes in one stored block */

struct trail_loose {
	git_odb_backend parent;
	struct vst_trail *trail;
};

void vst_trail_loose_name(const git_oid *id, char ret_name[GIT_OID_HEXSZ + 2])
{
	char hex[GIT_OID_HEXSZ + 1];

	git_oid_tostr(hex, sizeof(hex), id);
	memcpy(ret_name, hex, 2);
	ret_name[2] = '/';
	memcpy(ret_name + 3, hex + 2, GIT_OID_HEXSZ - 1);
}

/* ---- reading ---- */

/* Inflate ignores the bits that fill a byte up: here they must be zero. `at` is a position in bits. */
static bool rest_of_byte_zero(const uint8_t *data, size_t at)
{
	return at % 8 == 0 || data[at / 8] >> (at % 8) == 0;
}

/* At the start of a deflate block: a stored block's header of three bits is followed by padding. */
static bool block_start_valid(const uint8_t *data, size_t len, size_t at)
{
	unsigned type = 0;

	if (at + 3 > len * 8)
		return true; /* inflate finds that it is cut */
	for (unsigned i = 0; i < 2; i++)
		type |= (unsigned)(data[(at + 1 + i) / 8] >> ((at + 1 + i) % 8) & 1) << i;
	return type != 0 || rest_of_byte_zero(data, at + 3);
}

/* Inflates block by block, so that the bits around each block can be looked at. */
static int inflate_blocks(
        z_stream *stream, const uint8_t *data, size_t len, struct vst_buf *out, struct vst_err *err)
{
	uint8_t chunk[16384];

	for (;;) {
		size_t used;
		int result;

		stream->next_out = chunk;
		stream->avail_out = sizeof(chunk);
		result = inflate(stream, Z_BLOCK);
		if (result == Z_MEM_ERROR)
			return vst_err_nomem(err);
		if (result != Z_OK && result != Z_STREAM_END)
			return vst_err_set(err, VST_ETAMPERED, "damaged zlib stream");
		if (sizeof(chunk) - stream->avail_out > TRAIL_OBJECT_MAX + HEADER_MAX - out->len)
			return vst_err_set(err, VST_ETAMPERED, "longer than %u bytes", TRAIL_OBJECT_MAX);
		vst_buf_bytes(out, chunk, sizeof(chunk) - stream->avail_out);
		if (out->failed)
			return vst_buf_check(out, err);
		used = len - stream->avail_in;
		if (result == Z_STREAM_END)
			return stream->avail_in == 0
			               ? 0
			               : vst_err_set(err, VST_ETAMPERED, "bytes behind the zlib stream");
		if (stream->data_type & 128) {
			size_t at = used * 8 - (size_t)(stream->data_type & 63);

			if (stream->data_type & 64 ? !rest_of_byte_zero(data, at)
			                           : !block_start_valid(data, len, at))
				return vst_err_set(err, VST_ETAMPERED, "padding bits are not zero");
		}
	}
}

static int inflate_all(const uint8_t *data, size_t len, struct vst_buf *out, struct vst_err *err)
{
	z_stream stream = {0};
	int rc;

	if (len < 2 || data[0] != 0x78 || data[1] != 0x01)
		return vst_err_set(err, VST_ETAMPERED, "not a zlib stream as git writes it");
	if (inflateInit(&stream) != Z_OK)
		return vst_err_nomem(err);
	stream.next_in = data;
	stream.avail_in = (uInt)len;
	rc = inflate_blocks(&stream, data, len, out, err);
	inflateEnd(&stream);
	return rc;
}

static int header_parse(
        const struct vst_buf *raw, git_object_t *ret_type, size_t *ret_offset, struct vst_err *err)
{
	static const struct {
		const char *text;
		git_object_t type;
	} types[] = {{"blob ", GIT_OBJECT_BLOB}, {"tree ", GIT_OBJECT_TREE}, {"commit ", GIT_OBJECT_COMMIT},
	        {"tag ", GIT_OBJECT_TAG}};
	struct vst_reader in = vst_reader_of(raw->data, raw->len);
	git_object_t type = GIT_OBJECT_INVALID;
	uint64_t size;
	uint8_t nul;

	for (size_t i = 0; type == GIT_OBJECT_INVALID && i < sizeof(types) / sizeof(types[0]); i++)
		if (vst_reader_literal(&in, types[i].text))
			type = types[i].type;
	if (type == GIT_OBJECT_INVALID || !vst_reader_decimal(&in, &size) || !vst_reader_u8(&in, &nul) ||
	        nul != 0 || size != vst_reader_left(&in))
		return vst_err_set(err, VST_ETAMPERED, "not an object: wrong header");
	*ret_type = type;
	*ret_offset = in.pos;
	return 0;
}

int vst_trail_loose_read(int objectsfd, const git_oid *id, git_object_t *ret_type, struct vst_buf *content,
        struct vst_err *err)
{
	struct vst_buf file = VST_BUF_INIT, raw = VST_BUF_INIT;
	char name[GIT_OID_HEXSZ + 2];
	git_object_t type = GIT_OBJECT_INVALID;
	git_oid real;
	size_t offset = 0;
	int rc;

	vst_trail_loose_name(id, name);
	/* Stored blocks add five bytes to 65,535; twice as much is more than any deflate adds. */
	rc = vst_trail_file_read(objectsfd, name, TRAIL_OBJECT_MAX + TRAIL_OBJECT_MAX / 8, &file, NULL, err);
	if (rc == 0)
		rc = inflate_all(file.data, file.len, &raw, err);
	if (rc == 0)
		rc = header_parse(&raw, &type, &offset, err);
	if (rc != 0)
		goto out;
	if (git_odb_hash(&real, raw.data + offset, raw.len - offset, type) < 0) {
		rc = vst_trail_lib_err(err, VST_ETAMPERED, "hash");
		goto out;
	}
	if (!git_oid_equal(&real, id)) {
		rc = vst_err_set(err, VST_ETAMPERED, "content does not fit its name");
		goto out;
	}
	vst_buf_bytes(content, raw.data + offset, raw.len - offset);
	rc = vst_buf_check(content, err);
	if (rc == 0)
		*ret_type = type;
out:
	if (rc != 0 && rc != VST_ENOTFOUND)
		vst_err_prepend(err, ".git/objects/%s", name);
	vst_buf_free(&file);
	vst_buf_free(&raw);
	return rc;
}

/* ---- writing ---- */

static void stored_blocks(struct vst_buf *out, const struct vst_buf *raw)
{
	size_t at = 0;

	vst_buf_byte(out, 0x78);
	vst_buf_byte(out, 0x01);
	do {
		size_t len = raw->len - at < STORED_MAX ? raw->len - at : STORED_MAX;

		vst_buf_byte(out, at + len == raw->len); /* the last one? and type 0 */
		vst_buf_byte(out, (uint8_t)len);
		vst_buf_byte(out, (uint8_t)(len >> 8));
		vst_buf_byte(out, (uint8_t)~len);
		vst_buf_byte(out, (uint8_t)(~len >> 8));
		vst_buf_bytes(out, raw->data + at, len);
		at += len;
	} while (at < raw->len);
	vst_buf_u32be(out, (uint32_t)adler32_z(adler32(0, NULL, 0), raw->data, raw->len));
}

int vst_trail_loose_write(int objectsfd, const git_oid *id, git_object_t type, const void *data, size_t len,
        struct vst_err *err)
{
	struct vst_buf raw = VST_BUF_INIT, file = VST_BUF_INIT;
	char name[GIT_OID_HEXSZ + 2], dir[3];
	int dirfd = -1, rc;

	vst_trail_loose_name(id, name);
	memcpy(dir, name, 2);
	dir[2] = '\0';
	vst_buf_printf(&raw, "%s %zu", git_object_type2string(type), len);
	vst_buf_byte(&raw, 0);
	vst_buf_bytes(&raw, data, len);
	rc = vst_buf_check(&raw, err);
	if (rc != 0)
		goto out;
	stored_blocks(&file, &raw);
	rc = vst_buf_check(&file, err);
	if (rc != 0)
		goto out;
	rc = vst_io_mkdir(objectsfd, dir, 0755, err);
	if (rc != 0 && rc != VST_EEXIST)
		goto out;
	vst_err_clear(err);
	rc = vst_trail_dir_open(objectsfd, dir, &dirfd, err);
	if (rc == 0)
		rc = vst_io_write_file(dirfd, name + 3, 0444, file.data, file.len, VST_IO_REPLACE, err);
out:
	if (rc != 0)
		vst_err_prepend(err, ".git/objects/%s", name);
	if (dirfd >= 0)
		close(dirfd);
	vst_buf_free(&raw);
	vst_buf_free(&file);
	return rc;
}

/* ---- the same for libgit2 ---- */

static int backend_read(
        void **ret_data, size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend, const git_oid *id)
{
	struct vst_trail *trail = ((struct trail_loose *)backend)->trail;
	struct vst_buf content = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	void *data;
	int rc;

	rc = vst_trail_loose_read(trail->objectsfd, id, ret_type, &content, &err);
	if (rc == VST_ENOTFOUND)
		return GIT_ENOTFOUND;
	if (rc != 0) {
		trail->loose_err = err;
		vst_buf_free(&content);
		return GIT_ERROR;
	}
	data = git_odb_backend_data_alloc(backend, content.len + 1);
	if (!data) {
		vst_buf_free(&content);
		return GIT_ERROR;
	}
	if (content.len > 0)
		memcpy(data, content.data, content.len);
	((char *)data)[content.len] = '\0';
	*ret_data = data;
	*ret_len = content.len;
	vst_buf_free(&content);
	return 0;
}

static int backend_read_header(
        size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend, const git_oid *id)
{
	void *data;
	int result = backend_read(&data, ret_len, ret_type, backend, id);

	if (result == 0)
		git_odb_backend_data_free(backend, data);
	return result;
}

static int backend_exists(git_odb_backend *backend, const git_oid *id)
{
	struct vst_trail *trail = ((struct trail_loose *)backend)->trail;
	char name[GIT_OID_HEXSZ + 2];

	vst_trail_loose_name(id, name);
	return faccessat(trail->objectsfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void backend_free(git_odb_backend *backend)
{
	free(backend);
}

int vst_trail_loose_backend(struct vst_trail *trail, git_odb_backend **ret, struct vst_err *err)
{
	struct trail_loose *loose = vst_calloc(1, sizeof(*loose));

	if (!loose)
		return vst_err_nomem(err);
	if (git_odb_init_backend(&loose->parent, GIT_ODB_BACKEND_VERSION) < 0) {
		free(loose);
		return vst_trail_lib_err(err, VST_ELIBRARY, "loose objects");
	}
	loose->trail = trail;
	loose->parent.read = backend_read;
	loose->parent.read_header = backend_read_header;
	loose->parent.exists = backend_exists;
	loose->parent.free = backend_free;
	*ret = &loose->parent;
	return 0;
}
