/*
 * git's index, version 2, as far as a trail needs it (numbers big-endian):
 *
 *     0    "DIRC", version 2, number of entries
 *     12   entries, sorted by path:
 *          0   ctime s, ns, mtime s, ns, device, inode   the cached stat data
 *          24  mode 0100644
 *          28  uid, gid, size
 *          40  id, 20 bytes
 *          60  flags: length of the path (at most 0xfff); all others zero
 *          62  path, and 1 to 8 NULs to a length that 8 divides
 *     …    extensions: 4 letters, length, content; those that begin with A-Z may be left out by a reader
 *     -20  SHA-1 of all before
 *
 * Source: gitformat-index(5). It is written here and not by libgit2, so that it is replaced as durably as all
 * else, and read here because libgit2 would take more forms than we want to call good.
 */
#include "trail/trail_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/hash.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define MODE_FILE 0100644u
#define FIXED 62u

void vst_trail_index_free(struct trail_index *index)
{
	vst_buf_free(&index->bytes);
	free(index->entries);
	*index = (struct trail_index){0};
}

/* ---- reading ---- */

static bool entry_read(struct vst_reader *in, struct trail_index_entry *ret)
{
	size_t start = in->pos, len;
	const uint8_t *id, *path, *padding;
	uint32_t mode = 0;
	uint8_t high, low;

	for (int i = 0; i < 10; i++) {
		uint32_t value;

		if (!vst_reader_u32be(in, &value))
			return false;
		if (i == 6)
			mode = value;
		else
			ret->stat[i < 6 ? i : i - 1] = value;
	}
	if (mode != MODE_FILE || !vst_reader_bytes(in, GIT_OID_RAWSZ, &id) || !vst_reader_u8(in, &high) ||
	        !vst_reader_u8(in, &low))
		return false;
	git_oid_fromraw(&ret->id, id);
	len = (size_t)high << 8 | low;
	if (len == 0 || len >= 0xfff || !vst_reader_bytes(in, len, &path) || memchr(path, 0, len))
		return false;
	if (!vst_reader_bytes(in, 8 - (in->pos - start) % 8, &padding))
		return false;
	for (size_t i = 0; i < 8 - (FIXED + len) % 8; i++)
		if (padding[i] != 0)
			return false;
	ret->path = (const char *)path;
	return true;
}

static int parse(struct trail_index *index, struct vst_err *err)
{
	size_t body = index->bytes.len - VST_SHA1_LEN;
	struct vst_reader in = vst_reader_of(index->bytes.data, body);
	uint32_t version, len;

	if (!vst_reader_literal(&in, "DIRC") || !vst_reader_u32be(&in, &version) ||
	        !vst_reader_u32be(&in, &index->count))
		return vst_err_set(err, VST_ETAMPERED, "index: wrong header");
	if (version != 2)
		return vst_err_set(err, VST_ETAMPERED, "index: version %u where a trail has 2", version);
	if (index->count > body / FIXED)
		return vst_err_set(err, VST_ETAMPERED, "index: cut short");
	index->entries = vst_calloc((size_t)index->count + 1, sizeof(*index->entries));
	if (!index->entries)
		return vst_err_nomem(err);
	for (uint32_t i = 0; i < index->count; i++) {
		if (!entry_read(&in, &index->entries[i]))
			return vst_err_set(err, VST_ETAMPERED, "index: entry %u is not one of a trail", i);
		if (i > 0 && strcmp(index->entries[i - 1].path, index->entries[i].path) >= 0)
			return vst_err_set(err, VST_ETAMPERED, "index: not in order");
	}
	while (!vst_reader_at_end(&in)) {
		const uint8_t *name, *content;

		if (!vst_reader_bytes(&in, 4, &name) || name[0] < 'A' || name[0] > 'Z' ||
		        !vst_reader_u32be(&in, &len) || !vst_reader_bytes(&in, len, &content))
			return vst_err_set(err, VST_ETAMPERED, "index: unknown extension");
	}
	return 0;
}

static int checksum(const void *data, size_t len, uint8_t ret[VST_SHA1_LEN], struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	int rc = vst_hash_new(&hash, VST_HASH_SHA1, err);

	if (rc != 0)
		return rc;
	vst_hash_update(hash, data, len);
	memcpy(ret, vst_hash_final(hash, VST_HASH_SHA1), VST_SHA1_LEN);
	vst_hash_free(hash);
	return 0;
}

int vst_trail_index_read(int gitfd, struct trail_index *ret, struct vst_err *err)
{
	struct trail_index index = {.bytes = VST_BUF_INIT};
	uint8_t sum[VST_SHA1_LEN];
	int rc;

	rc = vst_trail_file_read(gitfd, "index", TRAIL_INDEX_MAX, &index.bytes, NULL, err);
	if (rc == 0 && index.bytes.len < 12 + VST_SHA1_LEN)
		rc = vst_err_set(err, VST_ETAMPERED, "index: cut short");
	if (rc == 0)
		rc = checksum(index.bytes.data, index.bytes.len - VST_SHA1_LEN, sum, err);
	if (rc == 0 && memcmp(sum, index.bytes.data + index.bytes.len - VST_SHA1_LEN, VST_SHA1_LEN) != 0)
		rc = vst_err_set(err, VST_ETAMPERED, "index: wrong checksum");
	if (rc == 0)
		rc = parse(&index, err);
	if (rc != 0) {
		vst_trail_index_free(&index);
		return rc;
	}
	*ret = index;
	return 0;
}

bool vst_trail_index_is(
        const struct trail_index *index, const struct trail_state *state, const git_oid *events)
{
	uint64_t count = vst_trail_path_count(state);

	if (index->count != count)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		char path[TRAIL_EVENT_PATH];
		git_oid id;

		vst_trail_path_at(state, events, i, path, &id);
		if (strcmp(index->entries[i].path, path) != 0 || !git_oid_equal(&index->entries[i].id, &id))
			return false;
	}
	return true;
}

/* ---- writing ---- */

static void stat_put(struct vst_buf *out, const uint32_t stat_data[9])
{
	for (int i = 0; i < 6; i++)
		vst_buf_u32be(out, stat_data[i]);
	vst_buf_u32be(out, MODE_FILE);
	for (int i = 6; i < 9; i++)
		vst_buf_u32be(out, stat_data[i]);
}

static void stat_take(int dirfd, const char *path, uint32_t ret[9])
{
	struct stat st;

	memset(ret, 0, 9 * sizeof(*ret));
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return;
	ret[0] = (uint32_t)st.st_ctim.tv_sec;
	ret[1] = (uint32_t)st.st_ctim.tv_nsec;
	ret[2] = (uint32_t)st.st_mtim.tv_sec;
	ret[3] = (uint32_t)st.st_mtim.tv_nsec;
	ret[4] = (uint32_t)st.st_dev;
	ret[5] = (uint32_t)st.st_ino;
	ret[6] = st.st_uid;
	ret[7] = st.st_gid;
	ret[8] = (uint32_t)st.st_size;
}

static void entry_put(struct vst_buf *out, const uint32_t stat_data[9], const git_oid *id, const char *path)
{
	size_t len = strlen(path);

	stat_put(out, stat_data);
	vst_buf_bytes(out, id->id, GIT_OID_RAWSZ);
	vst_buf_byte(out, (uint8_t)(len >> 8));
	vst_buf_byte(out, (uint8_t)len);
	vst_buf_bytes(out, path, len);
	vst_buf_bytes(out, "\0\0\0\0\0\0\0", 8 - (FIXED + len) % 8);
}

/*
 * Cached stat data tell git that a file need not be read, so they may only stand for bytes that someone
 * compared: those of the old index for entries that stay, fresh ones for files that were written or read just
 * now, else none.
 */
static int build(struct vst_trail *trail, const struct trail_index *old, const struct trail_state *state,
        const git_oid *events, uint64_t fresh_from, struct vst_buf *out, struct vst_err *err)
{
	uint64_t count = vst_trail_path_count(state);
	uint32_t at = 0;
	uint8_t sum[VST_SHA1_LEN];
	int rc;

	vst_buf_text(out, "DIRC");
	vst_buf_u32be(out, 2);
	vst_buf_u32be(out, (uint32_t)count);
	for (uint64_t i = 0; i < count; i++) {
		static const uint32_t none[9] = {0};
		uint32_t taken[9];
		const uint32_t *stat_data = none;
		char path[TRAIL_EVENT_PATH];
		git_oid id;

		vst_trail_path_at(state, events, i, path, &id);
		while (at < old->count && strcmp(old->entries[at].path, path) < 0)
			at++;
		if (at < old->count && strcmp(old->entries[at].path, path) == 0 &&
		        git_oid_equal(&old->entries[at].id, &id)) {
			stat_data = old->entries[at].stat;
		} else if (i < TRAIL_RECIPIENTS || i - TRAIL_RECIPIENTS >= fresh_from) {
			stat_take(trail->dirfd, path, taken);
			stat_data = taken;
		}
		entry_put(out, stat_data, &id, path);
	}
	rc = vst_buf_check(out, err);
	if (rc == 0)
		rc = checksum(out->data, out->len, sum, err);
	vst_buf_bytes(out, sum, rc == 0 ? sizeof(sum) : 0);
	return rc ? rc : vst_buf_check(out, err);
}

int vst_trail_index_write(struct vst_trail *trail, const struct trail_state *state, const git_oid *events,
        uint64_t fresh_from, struct vst_err *err)
{
	struct trail_index old = {.bytes = VST_BUF_INIT};
	struct vst_buf bytes = VST_BUF_INIT;
	int rc;

	/* An old index that is missing or broken only costs git reading the files. */
	if (vst_trail_index_read(trail->gitfd, &old, NULL) != 0)
		old = (struct trail_index){.bytes = VST_BUF_INIT};
	rc = build(trail, &old, state, events, fresh_from, &bytes, err);
	if (rc == 0)
		rc = vst_io_write_file(
		        trail->gitfd, "index", 0644, bytes.data, bytes.len, VST_IO_REPLACE, err);
	vst_buf_free(&bytes);
	vst_trail_index_free(&old);
	return rc;
}
