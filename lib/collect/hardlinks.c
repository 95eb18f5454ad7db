#include "collect/hardlinks.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

struct entry {
	struct vst_hardlink link; /* its path is the one below */
	char *path;
};

/* Open addressing, at most half full. */
struct vst_hardlinks {
	struct entry *entries;
	size_t count, cap;
	size_t *slots;     /* number of the entry plus 1; 0: free */
	size_t slot_count; /* a power of two */
	char **sources;    /* each name once */
	size_t source_count;
};

#define FIRST_SLOTS 256

int vst_hardlinks_new(struct vst_hardlinks **ret, struct vst_err *err)
{
	struct vst_hardlinks *links = vst_calloc(1, sizeof *links);
	if (links) {
		links->slot_count = FIRST_SLOTS;
		links->slots = vst_calloc(FIRST_SLOTS, sizeof *links->slots);
	}
	if (!links || !links->slots) {
		vst_hardlinks_free(links);
		return vst_err_nomem(err);
	}
	*ret = links;
	return 0;
}

void vst_hardlinks_free(struct vst_hardlinks *links)
{
	if (!links)
		return;
	for (size_t i = 0; i < links->count; i++)
		free(links->entries[i].path);
	for (size_t i = 0; i < links->source_count; i++)
		free(links->sources[i]);
	free(links->sources);
	free(links->entries);
	free(links->slots);
	free(links);
}

static uint64_t hash(const struct vst_file_id *id)
{
	uint64_t h = id->ino ^ ((uint64_t)id->dev_major << 44) ^ ((uint64_t)id->dev_minor << 24);
	h = (h ^ (h >> 31)) * UINT64_C(0x7fb5d329728ea185);
	h = (h ^ (h >> 27)) * UINT64_C(0x81dadef4bc2dd44d);
	return h ^ (h >> 33);
}

static bool same_id(const struct vst_file_id *a, const struct vst_file_id *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* The slot that holds the inode, or the free one where it would go. */
static size_t *slot_of(const struct vst_hardlinks *links, const struct vst_file_id *id)
{
	size_t at = (size_t)hash(id) & (links->slot_count - 1);
	while (links->slots[at] != 0 && !same_id(&links->entries[links->slots[at] - 1].link.id, id))
		at = (at + 1) & (links->slot_count - 1);
	return &links->slots[at];
}

const struct vst_hardlink *vst_hardlinks_find(
        const struct vst_hardlinks *links, const struct vst_file_id *id, const struct vst_item_stat *stat)
{
	size_t number = *slot_of(links, id);
	if (number == 0)
		return NULL;
	const struct vst_hardlink *link = &links->entries[number - 1].link;
	bool same = link->stat.size == stat->size && link->stat.mtime == stat->mtime &&
	            link->stat.ctime == stat->ctime;
	return same ? link : NULL;
}

static int make_room(struct vst_hardlinks *links, struct vst_err *err)
{
	if (links->count == links->cap) {
		size_t cap = links->cap ? links->cap * 2 : FIRST_SLOTS / 2;
		struct entry *grown = vst_realloc(links->entries, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		links->entries = grown;
		links->cap = cap;
	}
	if (links->count < links->slot_count / 2)
		return 0;
	size_t *old = links->slots;
	size_t *slots = vst_calloc(links->slot_count * 2, sizeof *slots);
	if (!slots)
		return vst_err_nomem(err);
	links->slots = slots;
	links->slot_count *= 2;
	for (size_t i = 0; i < links->count; i++)
		*slot_of(links, &links->entries[i].link.id) = i + 1;
	free(old);
	return 0;
}

/* Our own copy of a source's name; there are few. NULL without memory. */
static const char *intern(struct vst_hardlinks *links, const char *source)
{
	for (size_t i = links->source_count; i > 0; i--) {
		if (strcmp(links->sources[i - 1], source) == 0)
			return links->sources[i - 1];
	}
	char **grown = vst_realloc(links->sources, links->source_count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	links->sources = grown;
	return (grown[links->source_count] = vst_strdup(source)) ? grown[links->source_count++] : NULL;
}

int vst_hardlinks_add(struct vst_hardlinks *links, const struct vst_hardlink *link, struct vst_err *err)
{
	struct entry entry = {.link = *link};
	int rc = make_room(links, err);
	if (rc != 0)
		return rc;
	entry.link.source = intern(links, link->source);
	entry.path = entry.link.source ? vst_strdup(link->path) : NULL;
	if (!entry.path)
		return vst_err_nomem(err);
	entry.link.path = entry.path;
	size_t *slot = slot_of(links, &link->id);
	if (*slot != 0) {
		free(links->entries[*slot - 1].path);
		links->entries[*slot - 1] = entry;
		return 0;
	}
	links->entries[links->count++] = entry;
	*slot = links->count;
	return 0;
}
