/*
 * Packs as they lie on disk. libgit2 unpacks; what it would trust is checked here first.
 *
 * Index, version 2 (numbers big-endian):
 *
 *     0                  ff 't' 'O' 'c', version 2
 *     8                  256 counts: objects whose first byte is at most i
 *     1032               N ids, ascending
 *     1032 + 20 N        N CRC-32s of the packed bytes
 *     1032 + 24 N        N offsets; with bit 31, an index into the table that follows
 *     1032 + 28 N        8-byte offsets
 *     end - 40           SHA-1 of the pack, SHA-1 of this file up to here
 *
 * Source: gitformat-pack(5).
 */
#include "trail/trail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/hash.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#include <git2/sys/odb_backend.h>
#include <zlib.h>

#define IDX_IDS 1032u
#define IDX_TRAILER 40u
#define PACK_HEADER 12u
#define SHA1 VST_SHA1_LEN

static uint32_t u32_at(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

bool vst_trail_pack_name(const char *name, const char *suffix)
{
	return strncmp(name, "pack-", 5) == 0 && strspn(name + 5, "0123456789abcdef") == GIT_OID_HEXSZ &&
	       strcmp(name + 5 + GIT_OID_HEXSZ, suffix) == 0;
}

void vst_trail_pack_free(struct trail_pack *pack)
{
	free(pack->entries);
	*pack = (struct trail_pack){0};
}

/* ---- the index ---- */

/* The file's last 20 bytes are the SHA-1 of what stands before them. */
static int trailer_verify(const uint8_t *data, size_t len, struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	int rc = vst_hash_new(&hash, VST_HASH_SHA1, err);

	if (rc != 0)
		return rc;
	vst_hash_update(hash, data, len - SHA1);
	if (memcmp(vst_hash_final(hash, VST_HASH_SHA1), data + len - SHA1, SHA1) != 0)
		rc = vst_err_set(err, VST_ETAMPERED, "wrong checksum");
	vst_hash_free(hash);
	return rc;
}

static bool fanout_valid(const uint8_t *data, uint32_t count)
{
	const uint8_t *ids = data + IDX_IDS;
	uint32_t at = 0;

	for (unsigned byte = 0; byte < 256; byte++) {
		while (at < count && ids[(size_t)at * GIT_OID_RAWSZ] == byte)
			at++;
		if (u32_at(data + 8 + 4 * byte) != at)
			return false;
	}
	return at == count;
}

static int index_entries(const uint8_t *data, size_t len, struct trail_pack *pack, struct vst_err *err)
{
	size_t n = pack->count, large = 0;
	const uint8_t *crcs = data + IDX_IDS + 20 * n, *offsets = data + IDX_IDS + 24 * n,
	              *larges = data + IDX_IDS + 28 * n;
	size_t large_max = (len - IDX_TRAILER - IDX_IDS - 28 * n) / 8;

	for (size_t i = 0; i < n; i++) {
		struct trail_pack_entry *entry = &pack->entries[i];
		uint32_t offset = u32_at(offsets + 4 * i);

		git_oid_fromraw(&entry->id, data + IDX_IDS + 20 * i);
		if (i > 0 && git_oid_cmp(&pack->entries[i - 1].id, &entry->id) >= 0)
			return vst_err_set(err, VST_ETAMPERED, "ids are not in order");
		entry->crc = u32_at(crcs + 4 * i);
		entry->offset = offset;
		if (offset & UINT32_C(0x80000000)) {
			size_t which = offset & UINT32_C(0x7fffffff);

			if (which >= large_max)
				return vst_err_set(err, VST_ETAMPERED, "an offset is outside its table");
			entry->offset =
			        (uint64_t)u32_at(larges + 8 * which) << 32 | u32_at(larges + 8 * which + 4);
			large++;
		}
		if (entry->offset < PACK_HEADER || entry->offset >= pack->size - SHA1)
			return vst_err_set(err, VST_ETAMPERED, "an offset is outside the pack");
	}
	if (large != large_max)
		return vst_err_set(err, VST_ETAMPERED, "offsets that nothing uses");
	return 0;
}

static int index_parse(const struct vst_buf *idx, struct trail_pack *pack, struct vst_err *err)
{
	static const uint8_t magic[8] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};
	const uint8_t *data = idx->data;
	uint64_t least;
	int rc;

	if (idx->len < IDX_IDS + IDX_TRAILER || memcmp(data, magic, sizeof(magic)) != 0)
		return vst_err_set(err, VST_ETAMPERED, "not a pack index of version 2");
	pack->count = u32_at(data + 8 + 4 * 255);
	least = IDX_IDS + IDX_TRAILER + UINT64_C(28) * pack->count;
	if (idx->len < least || (idx->len - least) % 8 != 0)
		return vst_err_set(err, VST_ETAMPERED, "wrong length");
	if (!fanout_valid(data, pack->count))
		return vst_err_set(err, VST_ETAMPERED, "wrong table of counts");
	rc = trailer_verify(data, idx->len, err);
	if (rc != 0)
		return rc;
	memcpy(pack->checksum, data + idx->len - IDX_TRAILER, SHA1);
	pack->entries = vst_calloc(pack->count ? pack->count : 1, sizeof(*pack->entries));
	if (!pack->entries)
		return vst_err_nomem(err);
	return index_entries(data, idx->len, pack, err);
}

/* ---- the pack ---- */

static int pack_open(int packfd, const char *stem, int *ret_fd, uint64_t *ret_size, struct vst_err *err)
{
	char name[80];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s.pack", stem);
	fd = openat(packfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			return vst_err_set(err, VST_ENOTFOUND, "%s: missing", name);
		return vst_err_sys(err, errno, "%s: open", name);
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return vst_err_set(err, VST_ETAMPERED, "%s: not a regular file", name);
	}
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int pack_header(int fd, const struct trail_pack *pack, struct vst_err *err)
{
	static const uint8_t magic[8] = {'P', 'A', 'C', 'K', 0, 0, 0, 2};
	uint8_t header[PACK_HEADER];
	size_t got;
	int rc;

	rc = vst_io_pread(fd, 0, header, sizeof(header), &got, err);
	if (rc != 0)
		return rc;
	if (got != sizeof(header) || memcmp(header, magic, sizeof(magic)) != 0 ||
	        u32_at(header + 8) != pack->count)
		return vst_err_set(err, VST_ETAMPERED, "not the pack of its index");
	return 0;
}

int vst_trail_pack_load(int packfd, const char *stem, struct trail_pack *ret, struct vst_err *err)
{
	struct trail_pack pack = {0};
	struct vst_buf idx = VST_BUF_INIT;
	char name[80];
	int fd = -1, rc;

	rc = pack_open(packfd, stem, &fd, &pack.size, err);
	if (rc != 0)
		return rc;
	if (pack.size < PACK_HEADER + SHA1) {
		rc = vst_err_set(err, VST_ETAMPERED, "%s.pack: cut short", stem);
		goto out;
	}
	snprintf(name, sizeof(name), "%s.idx", stem);
	rc = vst_trail_file_read(packfd, name, TRAIL_INDEX_MAX, &idx, NULL, err);
	if (rc == 0)
		rc = index_parse(&idx, &pack, err);
	if (rc == 0)
		rc = pack_header(fd, &pack, err);
	if (rc == 0)
		rc = vst_trail_pack_deltas(fd, &pack, err);
	if (rc != 0)
		goto out;
	*ret = pack;
	pack = (struct trail_pack){0};
out:
	vst_trail_pack_free(&pack);
	vst_buf_free(&idx);
	close(fd);
	return rc;
}

/* ---- everything in it ---- */

static int by_offset(const void *a, const void *b)
{
	const struct trail_pack_entry *left = *(const struct trail_pack_entry *const *)a;
	const struct trail_pack_entry *right = *(const struct trail_pack_entry *const *)b;

	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int entries_sort(
        const struct trail_pack *pack, const struct trail_pack_entry ***ret, struct vst_err *err)
{
	const struct trail_pack_entry **sorted = vst_calloc((size_t)pack->count + 1, sizeof(*sorted));

	if (!sorted)
		return vst_err_nomem(err);
	for (uint32_t i = 0; i < pack->count; i++)
		sorted[i] = &pack->entries[i];
	qsort(sorted, pack->count, sizeof(*sorted), by_offset);
	*ret = sorted;
	return 0;
}

/* Hashes [from, to) of the pack and gives its CRC-32. */
static int span_read(
        int fd, uint64_t from, uint64_t to, struct vst_hash *hash, uint32_t *ret_crc, struct vst_err *err)
{
	uint8_t chunk[65536];
	uLong crc = crc32(0, NULL, 0);

	while (from < to) {
		size_t want = to - from < sizeof(chunk) ? (size_t)(to - from) : sizeof(chunk), got;
		int rc = vst_io_pread(fd, from, chunk, want, &got, err);

		if (rc != 0)
			return rc;
		if (got != want)
			return vst_err_set(err, VST_ETAMPERED, "cut short");
		vst_hash_update(hash, chunk, got);
		crc = crc32(crc, chunk, (uInt)got);
		from += got;
	}
	*ret_crc = (uint32_t)crc;
	return 0;
}

/* The entries lie one behind the other from the header to the checksum: no byte belongs to none. */
static int bytes_verify(
        int fd, const struct trail_pack *pack, const struct trail_pack_entry **sorted, struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	uint8_t checksum[SHA1];
	uint64_t end = pack->size - SHA1;
	uint32_t crc;
	size_t got;
	int rc;

	rc = vst_hash_new(&hash, VST_HASH_SHA1, err);
	if (rc != 0)
		return rc;
	rc = span_read(fd, 0, PACK_HEADER, hash, &crc, err);
	if (rc == 0 && (pack->count ? sorted[0]->offset : end) != PACK_HEADER)
		rc = vst_err_set(err, VST_ETAMPERED, "bytes that belong to no object");
	for (uint32_t i = 0; rc == 0 && i < pack->count; i++) {
		uint64_t next = i + 1 < pack->count ? sorted[i + 1]->offset : end;

		if (next <= sorted[i]->offset)
			rc = vst_err_set(err, VST_ETAMPERED, "two objects at one place");
		else
			rc = span_read(fd, sorted[i]->offset, next, hash, &crc, err);
		if (rc == 0 && crc != sorted[i]->crc)
			rc = vst_err_set(err, VST_ETAMPERED, "wrong CRC-32 at offset %llu",
			        (unsigned long long)sorted[i]->offset);
	}
	if (rc == 0)
		rc = vst_io_pread(fd, end, checksum, SHA1, &got, err);
	if (rc == 0 && (got != SHA1 || memcmp(checksum, vst_hash_final(hash, VST_HASH_SHA1), SHA1) != 0 ||
	                       memcmp(checksum, pack->checksum, SHA1) != 0))
		rc = vst_err_set(err, VST_ETAMPERED, "wrong checksum");
	vst_hash_free(hash);
	return rc;
}

/* In an object store of its own, so that no other copy of an object can stand in for this one. */
static int objects_verify(struct vst_trail *trail, const char *idx_path, const struct trail_pack *pack,
        const struct trail_pack_entry **sorted, struct vst_err *err)
{
	git_odb *odb = NULL;
	git_odb_backend *backend = NULL;
	struct vst_buf content = VST_BUF_INIT;
	int rc = 0;

	if (git_odb_new(&odb) < 0 || git_odb_backend_one_pack(&backend, idx_path) < 0) {
		rc = vst_trail_lib_err(err, VST_ETAMPERED, "open");
		goto out;
	}
	if (git_odb_add_backend(odb, backend, 1) < 0) {
		backend->free(backend);
		rc = vst_trail_lib_err(err, VST_ELIBRARY, "open");
		goto out;
	}
	for (uint32_t i = 0; rc == 0 && i < pack->count; i++) {
		git_object_t type;

		vst_buf_clear(&content);
		rc = vst_trail_odb_read(trail, odb, &sorted[i]->id, &type, &content, err);
		if (rc == VST_ENOTFOUND)
			rc = vst_err_set(err, VST_ETAMPERED, "an object cannot be found");
	}
out:
	if (odb)
		git_odb_free(odb);
	vst_buf_free(&content);
	return rc;
}

int vst_trail_pack_verify(struct vst_trail *trail, int packfd, const char *dir, const char *stem,
        const struct trail_pack *pack, struct vst_err *err)
{
	const struct trail_pack_entry **sorted = NULL;
	struct vst_buf path = VST_BUF_INIT;
	uint64_t size;
	int fd = -1, rc;

	rc = pack_open(packfd, stem, &fd, &size, err);
	if (rc == 0 && size != pack->size)
		rc = vst_err_set(err, VST_ETAMPERED, "its length changed");
	if (rc == 0)
		rc = entries_sort(pack, &sorted, err);
	if (rc == 0)
		rc = bytes_verify(fd, pack, sorted, err);
	if (rc == 0) {
		vst_buf_printf(&path, "%s/%s.idx", dir, stem);
		rc = vst_buf_check(&path, err);
	}
	if (rc == 0)
		rc = objects_verify(trail, vst_buf_cstr(&path), pack, sorted, err);
	vst_buf_free(&path);
	free(sorted);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Newer git writes NAME.rev: `RIDX`, 1, 1, for each object in pack order its place in the index, two
 * checksums. */
int vst_trail_rev_verify(int packfd, const char *name, const struct trail_pack *pack, struct vst_err *err)
{
	static const uint8_t magic[12] = {'R', 'I', 'D', 'X', 0, 0, 0, 1, 0, 0, 0, 1};
	const struct trail_pack_entry **sorted = NULL;
	struct vst_buf rev = VST_BUF_INIT;
	int rc;

	rc = vst_trail_file_read(packfd, name, TRAIL_INDEX_MAX, &rev, NULL, err);
	if (rc == 0 && (rev.len != sizeof(magic) + (size_t)4 * pack->count + 2 * SHA1 ||
	                       memcmp(rev.data, magic, sizeof(magic)) != 0 ||
	                       memcmp(rev.data + rev.len - IDX_TRAILER, pack->checksum, SHA1) != 0))
		rc = vst_err_set(err, VST_ETAMPERED, "not the reverse index of its pack");
	if (rc == 0)
		rc = trailer_verify(rev.data, rev.len, err);
	if (rc == 0)
		rc = entries_sort(pack, &sorted, err);
	for (uint32_t i = 0; rc == 0 && i < pack->count; i++)
		if (u32_at(rev.data + sizeof(magic) + 4 * (size_t)i) != (uint32_t)(sorted[i] - pack->entries))
			rc = vst_err_set(err, VST_ETAMPERED, "reverse index in the wrong order");
	free(sorted);
	vst_buf_free(&rev);
	return rc;
}
