#include "collect/page_cache.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define WINDOW (8 * 1024 * 1024)
#define PAGE_SMALLEST 4096

void vst_page_cache_init(struct vst_page_cache *cache, int fd, uint64_t size, uint64_t bytes)
{
	*cache = (struct vst_page_cache){.fd = bytes >= VST_PAGE_CACHE_FROM ? fd : -1, .size = size};
	if (cache->fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

/* Whether at least half of a window is in memory. The kernel says so of everything to those who may not know.
 */
static bool is_cached(const struct vst_page_cache *cache, uint64_t start)
{
	unsigned char pages[WINDOW / PAGE_SMALLEST];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), cached = 0;
	uint64_t left = cache->size - start;
	size_t len = left < WINDOW ? (size_t)left : WINDOW, count = (len + page - 1) / page;
	void *window = mmap(NULL, len, PROT_READ, MAP_SHARED, cache->fd, (off_t)start);
	if (window == MAP_FAILED)
		return true;
	bool known = mincore(window, len, pages) == 0;
	munmap(window, len);
	for (size_t i = 0; known && i < count; i++)
		cached += pages[i] & 1;
	return !known || cached * 2 >= count;
}

/* Whether the window at `start` was cached before we came. */
static bool was_cached(struct vst_page_cache *cache, uint64_t start)
{
	uint64_t number = start / WINDOW;
	if (start >= cache->size)
		return true;
	if (!cache->is_known || number - cache->known >= VST_PAGE_CACHE_WINDOWS) {
		for (uint64_t i = 0; i < VST_PAGE_CACHE_WINDOWS && (number + i) * WINDOW < cache->size; i++)
			cache->cached[i] = is_cached(cache, (number + i) * WINDOW);
		cache->known = number;
		cache->is_known = true;
	}
	return cache->cached[number - cache->known];
}

static void leave_window(struct vst_page_cache *cache)
{
	if (cache->drop && cache->end > cache->start)
		posix_fadvise(cache->fd, (off_t)cache->start, (off_t)(cache->end - cache->start),
		        POSIX_FADV_DONTNEED);
	cache->drop = false;
}

void vst_page_cache_advance(struct vst_page_cache *cache, uint64_t offset)
{
	if (cache->fd < 0 || offset < cache->end)
		return;
	leave_window(cache);
	cache->start = offset - offset % WINDOW;
	cache->end = cache->start + WINDOW;
	cache->drop = !was_cached(cache, cache->start);
}

void vst_page_cache_finish(struct vst_page_cache *cache)
{
	if (cache->fd >= 0)
		leave_window(cache);
}
