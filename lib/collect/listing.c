#include "collect/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/mem.h"

#define BLOCK (32 * 1024)

static enum vst_item_type type_of(unsigned char d_type)
{
	switch (d_type) {
	case DT_REG:
		return VST_ITEM_FILE;
	case DT_DIR:
		return VST_ITEM_DIRECTORY;
	case DT_LNK:
		return VST_ITEM_SYMLINK;
	case DT_FIFO:
		return VST_ITEM_FIFO;
	case DT_SOCK:
		return VST_ITEM_SOCKET;
	case DT_CHR:
		return VST_ITEM_CHAR_DEVICE;
	case DT_BLK:
		return VST_ITEM_BLOCK_DEVICE;
	default:
		return VST_ITEM_UNKNOWN;
	}
}

static int add(struct vst_listing *listing, const char *name, unsigned char d_type, struct vst_err *err)
{
	if (listing->count == listing->cap) {
		size_t cap = listing->cap ? listing->cap * 2 : 32;
		size_t *grown = vst_realloc(listing->offsets, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		listing->offsets = grown;
		listing->cap = cap;
	}
	listing->offsets[listing->count++] = listing->text.len;
	vst_buf_byte(&listing->text, (uint8_t)type_of(d_type));
	vst_buf_bytes(&listing->text, name, strlen(name) + 1);
	return vst_buf_check(&listing->text, err);
}

static int compare(const void *a, const void *b, void *text)
{
	const char *names = text;
	return strcmp(names + *(const size_t *)a + 1, names + *(const size_t *)b + 1);
}

/* A directory that changes while it is read may give a name twice, and so may a broken file system. */
static void drop_repeated(struct vst_listing *listing)
{
	size_t kept = 0;
	for (size_t i = 0; i < listing->count; i++) {
		if (kept > 0 &&
		        compare(&listing->offsets[kept - 1], &listing->offsets[i], listing->text.data) == 0)
			continue;
		listing->offsets[kept++] = listing->offsets[i];
	}
	listing->count = kept;
}

static ssize_t read_entries(int fd, void *block)
{
	int fault = vst_fault(VST_FAULT_READ, NULL);
	if (fault > 0) {
		errno = fault;
		return -1;
	}
	return getdents64(fd, block, BLOCK);
}

int vst_listing_read(struct vst_listing *listing, int fd, int *ret_error, struct vst_err *err)
{
	_Alignas(struct dirent64) char block[BLOCK];
	int error = 0, rc = 0;
	for (;;) {
		ssize_t len = read_entries(fd, block);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno != ENOENT) /* ENOENT: removed since, and so empty */
			error = errno;
		if (len <= 0)
			break;
		for (size_t at = 0; rc == 0 && at < (size_t)len;) {
			const struct dirent64 *entry = (const struct dirent64 *)(const void *)(block + at);
			const char *name = entry->d_name;
			at += entry->d_reclen;
			if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				continue;
			if (name[0] == '\0' || strchr(name, '/'))
				error = EIO;
			else
				rc = add(listing, name, entry->d_type, err);
		}
		if (rc != 0)
			return rc;
	}
	if (listing->count > 1)
		qsort_r(listing->offsets, listing->count, sizeof *listing->offsets, compare,
		        listing->text.data);
	drop_repeated(listing);
	*ret_error = error;
	return 0;
}

void vst_listing_free(struct vst_listing *listing)
{
	vst_buf_free(&listing->text);
	free(listing->offsets);
	*listing = (struct vst_listing){0};
}

const char *vst_listing_name(const struct vst_listing *listing, size_t number)
{
	return (const char *)listing->text.data + listing->offsets[number] + 1;
}

enum vst_item_type vst_listing_type(const struct vst_listing *listing, size_t number)
{
	return (enum vst_item_type)listing->text.data[listing->offsets[number]];
}
