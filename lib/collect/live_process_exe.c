#include "collect/live_process.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define DIGEST_MAX (UINT64_C(4) << 30) /* bytes of an executable; larger ones have no digest */

static int64_t time_of(const struct timespec *spec)
{
	int64_t ns;
	return vst_time_from_spec(spec, &ns) ? ns : VST_TIME_NONE;
}

/* The digest's place in the list; NULL: no memory. */
static struct vst_exe_digest *place_of(struct vst_processes *run, const struct vst_inode *inode)
{
	size_t number = vst_inode_map_find(&run->exe_map, inode);
	if (number != VST_INODE_NONE)
		return &run->digests[number];
	if (run->digest_count == run->digest_cap) {
		size_t cap = run->digest_cap ? run->digest_cap * 2 : 64;
		struct vst_exe_digest *digests = vst_realloc(run->digests, cap, sizeof *digests);
		if (!digests)
			return NULL;
		run->digests = digests;
		run->digest_cap = cap;
	}
	if (vst_inode_map_add(&run->exe_map, inode, run->digest_count) != 0)
		return NULL;
	struct vst_exe_digest *digest = &run->digests[run->digest_count++];
	*digest = (struct vst_exe_digest){.mtime = VST_TIME_NONE, .error = ENOENT};
	return digest;
}

static const struct vst_exe_digest *digest_of(struct vst_processes *run, int fd, const struct stat *st)
{
	struct vst_inode inode = {major(st->st_dev), minor(st->st_dev), st->st_ino};
	struct vst_exe_digest *digest = place_of(run, &inode);
	if (!digest)
		return NULL;
	uint64_t size = (uint64_t)st->st_size;
	int64_t mtime = time_of(&st->st_mtim), ctime = time_of(&st->st_ctim);
	if (digest->mtime == VST_TIME_NONE || digest->size != size || digest->mtime != mtime ||
	        digest->ctime != ctime) {
		*digest = (struct vst_exe_digest){.size = size, .mtime = mtime, .ctime = ctime};
		digest->error = vst_proc_digest(run->live->context, fd, DIGEST_MAX, digest->sha256);
	}
	return digest;
}

static void put_file(struct vst_process *p, int fd)
{
	struct vst_json *json = p->json;
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		vst_process_error(p, "exe.sha256", ENXIO);
		return;
	}
	vst_live_put_dev(json, major(st.st_dev), minor(st.st_dev));
	vst_live_put_uint(json, "ino", st.st_ino);
	vst_live_put_uint(json, "nlink", st.st_nlink);
	vst_live_put_uint(json, "size", (uint64_t)st.st_size);
	vst_json_key(json, "mtime");
	vst_json_time(json, time_of(&st.st_mtim));
	p->exe_deleted = vst_proc_is_deleted(&p->run->link, &st);
	const struct vst_exe_digest *digest = digest_of(p->run, fd, &st);
	if (!digest || digest->error != 0) {
		vst_process_error(p, "exe.sha256", digest ? digest->error : ENOMEM);
		return;
	}
	vst_json_key(json, "sha256");
	vst_json_hex(json, digest->sha256, VST_HASH_LEN);
}

void vst_process_put_exe(struct vst_process *p)
{
	struct vst_buf *link = &p->run->link;
	p->exe_error = vst_proc_link(p->fd, "exe", link);
	if (p->exe_error != 0) {
		/* Kernel threads have none, and what has ended has none any more. */
		if (p->exe_error != ENOENT || !(p->is_kernel || p->stat.state == 'Z' || p->stat.state == 'X'))
			vst_process_error(p, "exe", p->exe_error);
		return;
	}
	p->has_exe = true;
	vst_json_key(p->json, "exe");
	vst_json_object(p->json);
	struct vst_text path = vst_proc_text(link);
	p->exe_deleted = vst_proc_strip_deleted(&path);
	int fd = vst_proc_open_file(p->fd, "exe");
	int error = fd < 0 ? errno : 0;
	if (fd >= 0) {
		put_file(p, fd);
		close(fd);
	} else {
		vst_process_error(p, "exe.sha256", error);
	}
	if (!p->exe_deleted)
		path = vst_proc_text(link);
	p->exe_memfd = p->exe_deleted && vst_text_starts(path, "/memfd:");
	vst_live_put_text(p->json, "path", path);
	vst_live_put_bool(p->json, "deleted", p->exe_deleted);
	if (p->exe_memfd)
		vst_live_put_bool(p->json, "memfd", true);
	vst_json_end(p->json);
	vst_buf_bytes(&p->exe, path.data, path.len);
}
