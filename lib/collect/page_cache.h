/*
 * Reading a large file without pushing the host's own pages out of memory: what was not cached before is
 * dropped behind the reader.
 */
#ifndef COLLECT_PAGE_CACHE_H
#define COLLECT_PAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define VST_PAGE_CACHE_FROM (16 * 1024 * 1024) /* smaller files are not worth the calls */

/*
 * What was cached is looked up for many windows at once and long before they are read: the kernel reads ahead
 * of us, by many megabytes on some disks, and then a window would look as if it had been cached all along.
 */
#define VST_PAGE_CACHE_WINDOWS 128
struct vst_page_cache {
	int fd;              /* -1: does nothing */
	uint64_t size;       /* of the file */
	uint64_t start, end; /* of the window being read */
	bool drop;           /* it, once it is read */
	uint64_t known;      /* first window that `cached` speaks of */
	bool is_known, cached[VST_PAGE_CACHE_WINDOWS];
};

/* For a file of `size` bytes, of which `bytes` will be read. */
void vst_page_cache_init(struct vst_page_cache *cache, int fd, uint64_t size, uint64_t bytes);
/* Before reading at `offset`; offsets rise. */
void vst_page_cache_advance(struct vst_page_cache *cache, uint64_t offset);
void vst_page_cache_finish(struct vst_page_cache *cache);

#endif
