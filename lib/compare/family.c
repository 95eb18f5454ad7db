#include "compare/family.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"

#define MEMBERS_MAX 1000000

struct vst_families {
	struct vst_family_member *list; /* by family, then modification time */
	uint32_t *by_inode;
	size_t count, cap;
};

/* ---- names ---- */

static bool is_word(const char *at, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && memcmp(*words, at, len) == 0)
			return true;
	return false;
}

static bool is_number(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] < '0' || at[i] > '9')
			return false;
	return len > 0;
}

/* "1", "20261124", "old", "gz"; and ISO dates' parts, 2026-11-24T02. */
static bool is_mark(const char *at, size_t len, bool *ret_compressed)
{
	static const char *const compressors[] = {"gz", "xz", "zst", "bz2", "Z", "lz4", "lzma", NULL};
	static const char *const words[] = {"old", "bak", "prev", NULL};
	const char *t = memchr(at, 'T', len);
	if (is_word(at, len, compressors)) {
		*ret_compressed = true;
		return true;
	}
	if (t && t > at && is_number(at, (size_t)(t - at)) && is_number(t + 1, len - (size_t)(t + 1 - at)))
		return true;
	return is_number(at, len) || is_word(at, len, words);
}

void vst_family_name(const char *path, struct vst_buf *ret, bool *ret_rotated, bool *ret_compressed)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	*ret_rotated = *ret_compressed = false;
	vst_buf_bytes(ret, path, (size_t)(base - path));
	bool first = true;
	for (const char *at = base; *at;) {
		size_t mark = strspn(at, ".-_");
		size_t len = strcspn(at + mark, ".-_");
		/* What a name begins with is its own, "2026.log" or ".old" too. */
		if (!first && len > 0 && is_mark(at + mark, len, ret_compressed))
			*ret_rotated = true;
		else
			vst_buf_bytes(ret, at, mark + len);
		first = false;
		at += mark + len;
	}
	vst_buf_byte(ret, 0);
}

static uint64_t digest(const char *source, const struct vst_buf *name)
{
	uint8_t bytes[VST_HASH_LEN];
	uint64_t family;
	const struct vst_part parts[] = {{source, strlen(source) + 1}, {name->data, name->len}};
	vst_sha256_parts(parts, 2, bytes);
	memcpy(&family, bytes, sizeof family);
	return family;
}

uint64_t vst_family_of(const char *source, const char *path)
{
	struct vst_buf name = VST_BUF_INIT;
	bool rotated, compressed;
	vst_family_name(path, &name, &rotated, &compressed);
	uint64_t family = name.failed ? 0 : digest(source, &name);
	vst_buf_free(&name);
	return family;
}

/* ---- all of an index ---- */

static int add(struct vst_families *families, struct vst_series_index *index, uint64_t seq,
        const struct vst_series_record *record, struct vst_err *err)
{
	struct vst_item *item = NULL;
	struct vst_buf name = VST_BUF_INIT;
	struct vst_family_member *list =
	        vst_grow(families->list, families->count, &families->cap, sizeof *list);
	if (!list)
		return vst_err_nomem(err);
	families->list = list;
	int rc = vst_series_item(index, record, &item, err);
	if (rc != 0)
		return rc;
	struct vst_family_member *member = &families->list[families->count];
	*member = (struct vst_family_member){.seq = seq, .record = *record};
	vst_family_name(item->path, &name, &member->rotated, &member->compressed);
	if ((rc = vst_buf_check(&name, err)) == 0) {
		member->family = digest(item->source, &name);
		families->count++;
	}
	vst_buf_free(&name);
	vst_item_free(item);
	return rc;
}

static int compare_members(const void *a, const void *b)
{
	const struct vst_family_member *x = a, *y = b;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->record.mtime != y->record.mtime)
		return x->record.mtime < y->record.mtime ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int compare_inodes(const void *a, const void *b, void *ctx)
{
	const struct vst_family_member *list = ctx;
	const struct vst_series_record *x = &list[*(const uint32_t *)a].record,
	                               *y = &list[*(const uint32_t *)b].record;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int sort(struct vst_families *families, struct vst_err *err)
{
	if (families->count == 0)
		return 0;
	qsort(families->list, families->count, sizeof *families->list, compare_members);
	families->by_inode = vst_calloc(families->count, sizeof *families->by_inode);
	if (!families->by_inode)
		return vst_err_nomem(err);
	for (size_t i = 0; i < families->count; i++)
		families->by_inode[i] = (uint32_t)i;
	qsort_r(families->by_inode, families->count, sizeof *families->by_inode, compare_inodes,
	        families->list);
	return 0;
}

int vst_families_new(struct vst_series_index *index, struct vst_families **ret, struct vst_err *err)
{
	struct vst_families *families = vst_calloc(1, sizeof *families);
	struct vst_series_record record;
	int rc = families ? 0 : vst_err_nomem(err);
	uint64_t seq, count = index && families ? vst_series_listed(index, VST_SERIES_GROWING) : 0;
	for (uint64_t i = 0; rc == 0 && i < count && families->count < MEMBERS_MAX; i++)
		if (vst_series_listed_at(index, VST_SERIES_GROWING, i, &seq, &record) &&
		        record.flags & VST_SERIES_STAT && record.type == VST_ITEM_FILE)
			rc = add(families, index, seq, &record, err);
	if (rc == 0)
		rc = sort(families, err);
	if (rc != 0) {
		vst_families_free(families);
		return rc;
	}
	*ret = families;
	return 0;
}

void vst_families_free(struct vst_families *families)
{
	if (!families)
		return;
	free(families->list);
	free(families->by_inode);
	free(families);
}

size_t vst_families_count(const struct vst_families *families)
{
	return families->count;
}

const struct vst_family_member *vst_families_of(
        const struct vst_families *families, uint64_t family, size_t *ret_count)
{
	size_t low = 0, high = families->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (families->list[middle].family < family)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low, beyond = families->count;
	while (end < beyond) {
		size_t middle = end + (beyond - end) / 2;
		if (families->list[middle].family <= family)
			end = middle + 1;
		else
			beyond = middle;
	}
	*ret_count = end - low;
	return end > low ? &families->list[low] : NULL;
}

const struct vst_family_member *vst_families_by_inode(
        const struct vst_families *families, uint32_t dev_major, uint32_t dev_minor, uint64_t ino)
{
	size_t low = 0, high = families->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (families->list[families->by_inode[middle]].record.ino < ino)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < families->count; low++) {
		const struct vst_family_member *member = &families->list[families->by_inode[low]];
		if (member->record.ino != ino)
			return NULL;
		if (member->record.dev_major == dev_major && member->record.dev_minor == dev_minor)
			return member;
	}
	return NULL;
}
