#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "collect/files_run.h"
#include "collect/page_cache.h"
#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/timefmt.h"

#define SPARSE_FROM 8192 /* bytes; holes in a smaller file are not worth a map */

/*
 * A file being read. What is read is what lies in `extents`, end to end; a file without holes is one extent.
 *
 * Nothing is announced to the sink before the first block is there: a file that cannot be read at all has no
 * entry in the tar. Where the policy asks for a digest alone, that takes the content in the sink's place.
 */
struct reading {
	struct vst_files_run *run;
	int fd;
	struct vst_item *item;
	struct vst_item_extent whole;
	const struct vst_item_extent *extents;
	size_t extent_count;
	size_t extent;   /* where the next byte comes from */
	uint64_t inside; /* how much of that extent is read */
	uint64_t from;   /* where the block at hand begins in the file */
	uint64_t size;   /* of the file, 0 if that is not known */
	uint64_t holes;  /* bytes of it that are not data */
	uint64_t total;  /* bytes to take; UINT64_MAX for a stream */
	uint64_t got;
	uint64_t begun;  /* bytes of data that were announced */
	bool again;      /* the sink wants it once more */
	bool pseudo;     /* times and size are made up, and tell nothing of a change */
	bool at_end;     /* the file ended */
	int error;       /* errno of a read that failed */
	const char *cut; /* the rule by which less than the file is read, or NULL */
	struct vst_page_cache cache;
};

/* ---- limits ---- */

static void drop_content(struct vst_item *item)
{
	item->is_sparse = false;
	item->extents = NULL;
	item->extent_count = 0;
}

/* Nothing more fits, by this rule. */
static int emit_full(struct vst_files_run *run, struct vst_item *item, const char *rule)
{
	drop_content(item);
	item->has_read = false;
	item->status = VST_ITEM_EXCLUDED;
	item->rule = rule;
	return vst_files_emit(run, item);
}

/* Between blocks: what was read until the source's time is over stays. */
static bool is_expired(struct reading *r)
{
	if (!vst_limits_expired(r->run->context))
		return false;
	r->cut = VST_RULE_SOURCE_TIME;
	return true;
}

/* ---- reading ---- */

static ssize_t read_once(struct reading *r, void *data, size_t len, uint64_t offset)
{
	int fault = vst_fault(VST_FAULT_READ, NULL);
	if (fault > 0) {
		errno = fault;
		return -1;
	}
	if (fault < 0 && len > 1)
		len /= 2;
	/* Some files of /proc have a position and nothing else. */
	return r->total == UINT64_MAX ? read(r->fd, data, len) : pread(r->fd, data, len, (off_t)offset);
}

/* Fills `data` up to `len`, less at the end or at an error, which r->at_end and r->error tell. */
static size_t read_stretch(struct reading *r, uint8_t *data, size_t len, uint64_t offset)
{
	size_t got = 0;
	while (got < len) {
		ssize_t n = read_once(r, data + got, len - got, offset + got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r->error = errno;
		if (n == 0)
			r->at_end = true;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

static bool is_digest(const struct reading *r)
{
	return r->item->content == VST_ITEM_CONTENT_DIGEST;
}

/* The next block, from as many extents as fit into `room` bytes at `to`; where it is digested here, from one. */
static size_t read_block(struct reading *r, uint8_t *to, size_t room)
{
	size_t filled = 0;
	while (filled < room && r->extent < r->extent_count && !r->at_end && !r->error) {
		const struct vst_item_extent *extent = &r->extents[r->extent];
		uint64_t left = extent->len - r->inside, offset = extent->offset + r->inside;
		size_t want = left < room - filled ? (size_t)left : room - filled;
		if ((is_digest(r) || r->run->package.running) && filled > 0)
			break;
		if (filled == 0)
			r->from = offset;
		vst_page_cache_advance(&r->cache, offset);
		size_t n = read_stretch(r, to + filled, want, offset);
		filled += n;
		r->inside += n;
		if (r->inside == extent->len) {
			r->extent++;
			r->inside = 0;
		}
	}
	r->got += filled;
	return filled;
}

static bool is_done(const struct reading *r)
{
	return r->got == r->total || r->at_end || r->error;
}

/* ---- ending an item ---- */

static bool same_state(const struct vst_item_stat *a, const struct vst_item_stat *b)
{
	return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

static bool has_changed(const struct reading *r)
{
	bool shrank = r->total != UINT64_MAX && r->got < r->total;
	if (r->pseudo)
		return false;
	return shrank || !r->item->has_after || !same_state(&r->item->before, &r->item->after);
}

/* Status and read record, once all that will be read is read. */
static void conclude(struct reading *r)
{
	struct vst_item *item = r->item;
	item->has_after = !r->pseudo && vst_file_stat_state(r->fd, &item->after) == 0;
	item->read_end = vst_time_now();
	item->read_got = r->got;
	if (r->error)
		vst_files_set_error(item, r->error, "read");
	else if (r->cut) {
		item->status = VST_ITEM_TRUNCATED;
		item->rule = r->cut;
	} else if (has_changed(r))
		item->status = VST_ITEM_CHANGED;
	else
		item->status = VST_ITEM_COLLECTED;
}

static int begin(struct reading *r)
{
	r->item->source = r->run->source->name;
	r->item->path = vst_files_path(r->run);
	r->run->matched = true;
	if (is_digest(r))
		return 0;
	r->item->has_content = true;
	r->begun = vst_item_data_size(r->item);
	return r->run->sink->begin(r->run->sink->ctx, r->item, r->run->err);
}

static int give(struct reading *r, const uint8_t *block, size_t len)
{
	vst_limits_count(r->run->context, len);
	if (is_digest(r))
		vst_file_digest_add(&r->run->digest, r->from, block, len);
	vst_file_package_add(&r->run->package, r->from, block, len); /* the sink may take the block away */
	return len && !is_digest(r) ? r->run->sink->data(r->run->sink->ctx, block, len, r->run->err) : 0;
}

static int end_package(struct reading *r)
{
	struct vst_files_run *run = r->run;
	bool ended = r->total == UINT64_MAX ? r->at_end : r->got == r->total;
	return vst_file_package_end(&run->package, run->context, vst_files_path(run), r->size,
	        ended && !r->cut && !r->error, r->item, run->err);
}

/* The item of a digest: nothing of it went to the sink before. */
static int end_digest(struct reading *r)
{
	struct vst_files_run *run = r->run;
	bool whole = !r->cut && !r->error && !r->at_end;
	int rc = vst_file_digest_end(&run->digest, &run->map, r->got, r->size, whole, r->item, run->err);
	drop_content(r->item);
	if (rc == 0)
		rc = end_package(r);
	return rc == 0 ? vst_files_emit(run, r->item) : rc;
}

static int end(struct reading *r)
{
	const struct vst_files_run *run = r->run;
	uint8_t leaf[VST_HASH_LEN] = {0};
	if (is_digest(r))
		return end_digest(r);
	bool linked = r->item->nlink > 1 && run->context->hardlinks && r->item->type == VST_ITEM_FILE;
	bool collected =
	        r->item->status == VST_ITEM_COLLECTED; /* the sink may call it unchanged, or a tail */
	bool may_ask = run->sink->again && r->item->type == VST_ITEM_FILE && r->begun > VST_SINK_KEEPS;
	int rc = end_package(r);
	if (rc == 0)
		rc = run->sink->end(run->sink->ctx, r->item, linked ? leaf : NULL, run->err);
	r->again = rc == 0 && may_ask && run->sink->again(run->sink->ctx);
	if (rc == 0 && !r->again && linked && collected)
		rc = vst_files_remember(r->run, r->item, &r->item->before, leaf);
	return rc;
}

/* Nothing of it could be read: the item has no content. */
static int emit_unreadable(struct reading *r)
{
	conclude(r);
	drop_content(r->item);
	return vst_files_emit(r->run, r->item);
}

/* ---- files of known length ---- */

static int begin_package(struct reading *r)
{
	struct vst_files_run *run = r->run;
	bool linked = !is_digest(r) && r->item->nlink > 1 && run->context->hardlinks;
	return vst_file_package_begin(
	        &run->package, run->context, vst_files_path(run), linked, r->holes, run->err);
}

/* Where the sink wants the next bytes, if it says so: then they are copied once, from the kernel. */
static uint8_t *space(const struct reading *r, size_t *room)
{
	const struct vst_sink *sink = r->run->sink;
	size_t offered = 0;
	uint8_t *to = sink->space && !is_digest(r) ? sink->space(sink->ctx, &offered) : NULL;
	if (!to || offered == 0)
		return r->run->block;
	if (offered < *room)
		*room = offered;
	return to;
}

static int read_rest(struct reading *r)
{
	int rc = 0;
	while (rc == 0 && !is_done(r) && !is_expired(r)) {
		rc = vst_files_check_cancel(r->run);
		if (rc == 0) {
			size_t room = VST_FILES_BLOCK;
			uint8_t *to = space(r, &room);
			rc = give(r, to, read_block(r, to, room));
		}
	}
	return rc;
}

static int read_known(struct reading *r)
{
	int rc;
	vst_page_cache_init(&r->cache, r->fd, r->whole.len, r->total);
	size_t first = read_block(r, r->run->block, VST_FILES_BLOCK);
	if (r->error && first == 0)
		return emit_unreadable(r);
	bool ended = is_done(r) || is_expired(r);
	if (!r->item->is_sparse && !is_digest(r)) /* one that ends in the first block needs no padding */
		r->item->size = ended ? r->got : r->total;
	if (ended)
		conclude(r); /* before the sink takes its time: what changes after this read is not our
		                business */
	if ((rc = begin(r)) != 0 || (rc = give(r, r->run->block, first)) != 0 || (rc = read_rest(r)) != 0)
		return rc;
	vst_page_cache_finish(&r->cache);
	if (!ended)
		conclude(r);
	return end(r);
}

/*
 * Once more from the start, for a sink that hoped in vain to have the content: the second reading is the one that counts, and what
 * changed since the first stat makes it `changed`.
 */
static int read_twice(struct reading *r)
{
	int rc = read_known(r);
	if (rc != 0 || !r->again)
		return rc;
	vst_limits_give_back(r->run->context, r->got);
	r->extent = 0;
	r->inside = r->got = 0;
	r->at_end = false;
	r->error = 0;
	r->item->status = VST_ITEM_COLLECTED;
	r->item->rule = NULL;
	r->item->error = 0;
	r->item->read_start = vst_time_now();
	r->item->details = NULL;
	r->item->details_len = 0;
	rc = begin_package(r);
	return rc == 0 ? read_known(r) : rc;
}

static int map_holes(struct reading *r, const struct statx *st)
{
	struct vst_file_map *map = &r->run->map;
	bool sparse = false;
	if (r->item->size < SPARSE_FROM || st->stx_blocks >= r->item->size / 512)
		return 0;
	int rc = vst_file_map_read(map, r->fd, r->item->size, r->run->context->cancel, &sparse, r->run->err);
	if (rc != 0 || !sparse)
		return rc;
	r->item->is_sparse = true;
	r->total = 0;
	for (size_t i = 0; i < map->count; i++)
		r->total += map->extents[i].len;
	r->holes = r->size - r->total;
	return 0;
}

static void apply_limits(struct reading *r)
{
	const char *rule;
	uint64_t limit = vst_limits_room(r->run->context, &rule);
	if (r->total > limit) {
		r->cut = rule;
		r->total = limit;
	}
	if (!r->item->is_sparse) {
		r->whole.len = r->total;
		r->extents = &r->whole;
		r->extent_count = r->total > 0;
		return;
	}
	struct vst_file_map *map = &r->run->map;
	r->whole.len = r->item->size;
	if (r->cut)
		r->whole.len = vst_file_map_cut(map, limit);
	if (!is_digest(r))
		r->item->size = r->whole.len;
	r->extents = r->item->extents = map->extents;
	r->extent_count = r->item->extent_count = map->count;
}

static int take_known(struct vst_files_run *run, int fd, const struct statx *st, struct vst_item *item)
{
	struct reading r = {.run = run,
	        .fd = fd,
	        .item = item,
	        .total = item->size,
	        .size = item->size,
	        .cache = {.fd = -1}};
	int rc = map_holes(&r, st);
	if (rc != 0)
		return rc;
	const char *full = r.total > 0 ? vst_limits_full(run->context) : NULL;
	if (full)
		return emit_full(run, item, full);
	if ((rc = begin_package(&r)) != 0)
		return rc;
	if (is_digest(&r))
		vst_file_digest_begin(&run->digest, item->is_sparse ? &run->map : NULL, item->size);
	apply_limits(&r);
	return read_twice(&r);
}

/* ---- streams: files that do not know their length ---- */

/* Whether one more byte would come: a limit that the end just reaches cuts nothing. */
static bool has_more(struct reading *r)
{
	uint8_t byte;
	return read_stretch(r, &byte, 1, 0) == 1;
}

static int read_stream(struct reading *r, size_t first)
{
	const char *rule;
	uint64_t limit = vst_limits_room(r->run->context, &rule);
	int rc;
	if (limit == 0)
		return emit_full(r->run, r->item, rule);
	if ((rc = begin_package(r)) != 0)
		return rc;
	if (is_digest(r)) {
		vst_file_digest_begin(&r->run->digest, NULL, 0);
	} else {
		r->item->type = VST_ITEM_STREAM;
		r->item->size = 0;
	}
	if ((rc = begin(r)) != 0)
		return rc;
	for (size_t len = first; rc == 0; len = read_stretch(r, r->run->block, VST_FILES_BLOCK, 0)) {
		if (len > limit) {
			len = (size_t)limit;
			r->cut = rule;
		}
		limit -= len;
		r->from = r->got;
		r->got += len;
		rc = give(r, r->run->block, len);
		if (r->at_end || r->error || r->cut || is_expired(r))
			break;
		if (limit == 0) {
			if (has_more(r))
				r->cut = rule;
			break;
		}
		if (rc == 0)
			rc = vst_files_check_cancel(r->run);
	}
	if (rc != 0)
		return rc;
	conclude(r);
	if (!is_digest(r))
		r->item->size = r->got;
	return end(r);
}

/* Empty, or a file that has content and no size. `pseudo`: the size given means nothing. */
static int take_unknown(struct vst_files_run *run, int fd, struct vst_item *item, bool pseudo)
{
	struct reading r = {.run = run,
	        .fd = fd,
	        .item = item,
	        .total = UINT64_MAX,
	        .pseudo = pseudo,
	        .cache = {.fd = -1}};
	size_t first = read_stretch(&r, run->block, VST_FILES_BLOCK, 0);
	if (r.error && first == 0)
		return emit_unreadable(&r);
	if (first > 0) {
		struct statx now;
		if (pseudo || vst_file_stat(fd, &now) != 0 || now.stx_size == 0 || now.stx_size > INT64_MAX)
			return read_stream(&r, first);
		/* Its first bytes came just now. */
		item->size = now.stx_size;
		return take_known(run, fd, &now, item);
	}
	item->size = is_digest(&r) ? item->size : 0;
	r.total = 0;
	conclude(&r);
	if (is_digest(&r))
		vst_file_digest_begin(&run->digest, NULL, 0);
	int rc = begin_package(&r);
	if (rc == 0)
		rc = begin(&r);
	return rc == 0 ? end(&r) : rc;
}

/* A file system whose files are made up as they are read. */
static bool is_pseudo(struct vst_files_run *run, int fd, const struct statx *st)
{
	static const uint32_t kinds[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
	        SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SELINUX_MAGIC, SMACK_MAGIC,
	        BPF_FS_MAGIC, BINFMTFS_MAGIC, 0x62656570 /* configfs */};
	struct statfs fs;
	if (st->stx_dev_major != 0) /* a real device */
		return false;
	if (run->pseudo_known && run->pseudo_major == st->stx_dev_major &&
	        run->pseudo_minor == st->stx_dev_minor)
		return run->pseudo;
	run->pseudo_known = fstatfs(fd, &fs) == 0;
	run->pseudo = false;
	run->pseudo_major = st->stx_dev_major;
	run->pseudo_minor = st->stx_dev_minor;
	for (size_t i = 0; run->pseudo_known && i < sizeof kinds / sizeof *kinds; i++)
		run->pseudo |= (uint32_t)fs.f_type == kinds[i];
	return run->pseudo;
}

/* Why a made-up file had better not be read; NULL: it may be. */
static const char *is_unsafe(struct vst_files_run *run)
{
	static const struct {
		const char *name, *rule;
	} files[] = {
	        {"kmsg", VST_RULE_READING_ACTS}, /* procfs: takes messages away from who waits for them */
	        {"trace_pipe", VST_RULE_READING_ACTS},     /* tracefs: the same */
	        {"trace_pipe_raw", VST_RULE_READING_ACTS}, /* tracefs: the same */
	        {"hot_add", VST_RULE_READING_ACTS},        /* sysfs, zram-control: makes a device */
	        {"kcore", VST_RULE_READING_ENDLESS},       /* procfs: all address space */
	};
	const char *name = strrchr(vst_files_path(run), '/') + 1;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(files[i].name, name) == 0)
			return files[i].rule;
	return NULL;
}

int vst_files_read(struct vst_files_run *run, int fd, const struct statx *st, struct vst_item *item)
{
	bool pseudo = is_pseudo(run, fd, st);
	const char *unsafe = pseudo ? is_unsafe(run) : NULL;
	if (unsafe) {
		item->status = VST_ITEM_EXCLUDED;
		item->rule = unsafe;
		return vst_files_emit(run, item);
	}
	if (run->source->content == VST_CONTENT_DIGEST) {
		item->content = VST_ITEM_CONTENT_DIGEST;
		if (!run->digest.hmac) {
			vst_files_set_error(item, 0, "no digest key");
			return vst_files_emit(run, item);
		}
	}
	item->has_read = true;
	item->read_start = vst_time_now();
	item->read_expected = st->stx_size;
	item->before = vst_file_state(st);
	if (pseudo || st->stx_size == 0)
		return take_unknown(run, fd, item, pseudo);
	return take_known(run, fd, st, item);
}

/* What a sparse file would cost is told by its blocks: nothing is opened to map it. */
int vst_files_measure(struct vst_files_run *run, const struct statx *st, struct vst_item *item)
{
	struct reading r = {.run = run, .fd = -1, .item = item, .total = item->size, .cache = {.fd = -1}};
	const char *rule;
	uint64_t limit = vst_limits_room(run->context, &rule);
	int rc;
	if (run->source->content == VST_CONTENT_DIGEST)
		item->content = VST_ITEM_CONTENT_DIGEST;
	if (st->stx_blocks < item->size / 512 && st->stx_dev_major != 0)
		r.total = st->stx_blocks * 512;
	const char *full = r.total > 0 ? vst_limits_full(run->context) : NULL;
	if (full)
		return emit_full(run, item, full);
	item->status = VST_ITEM_COLLECTED;
	if (r.total > limit) {
		item->status = VST_ITEM_TRUNCATED;
		item->rule = rule;
		r.total = limit;
	}
	item->read_expected = r.total;
	item->before = vst_file_state(st);
	if ((rc = begin(&r)) != 0)
		return rc;
	vst_limits_count(run->context, r.total);
	return is_digest(&r) ? vst_files_emit(run, item) : end(&r);
}
