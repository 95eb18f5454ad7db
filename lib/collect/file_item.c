#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collect/files_run.h"
#include "collect/hardlinks.h"
#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/series_index.h"

#define TARGET_MAX (64 * 1024)
#define LEASE_TRIES 40 /* each waits LEASE_WAIT_MS */
#define LEASE_WAIT_MS 50
#define TYPE_CHANGED_TEXT 96

/* ---- what is left out ---- */

bool vst_files_has(struct vst_files_run *run)
{
	return run->may_repeat && run->sink->has(run->sink->ctx, vst_files_path(run));
}

const char *vst_files_excluding(struct vst_files_run *run)
{
	for (size_t i = 0; i < run->exclude_count; i++)
		if (vst_pattern_match(run->excludes[i].pattern, vst_files_path(run)))
			return run->excludes[i].rule;
	return NULL;
}

const char *vst_files_ruling_out(const struct vst_files_run *run, const struct statx *st)
{
	struct vst_file_id id = vst_file_id(st);
	for (size_t i = 0; i < run->context->exclusion_count; i++)
		if (vst_file_id_equal(&run->context->exclusions[i].id, &id))
			return run->context->exclusions[i].rule;
	return run->stay && vst_file_is_elsewhere(st, &run->home) ? VST_RULE_OTHER_FILE_SYSTEM : NULL;
}

/* ---- items without content ---- */

int vst_files_emit(struct vst_files_run *run, struct vst_item *item)
{
	item->source = run->source->name;
	item->path = vst_files_path(run);
	run->matched = true;
	if (vst_files_has(run))
		return 0;
	return run->sink->item(run->sink->ctx, item, NULL, NULL, NULL, run->err);
}

void vst_files_set_error(struct vst_item *item, int error, const char *what)
{
	item->status = error == EACCES || error == EPERM ? VST_ITEM_DENIED : VST_ITEM_ERROR;
	item->error = error;
	item->rule = what;
}

int vst_files_emit_excluded(struct vst_files_run *run, int dirfd, const char *name, enum vst_item_type listed,
        const struct statx *st, const char *rule)
{
	struct vst_item item;
	struct statx found;
	vst_item_init(&item);
	item.type = listed;
	if (!st && vst_file_stat_name(dirfd, name, &found) == 0)
		st = &found;
	if (st)
		vst_file_fill(st, run->context->accounts, &item);
	item.status = VST_ITEM_EXCLUDED;
	item.rule = rule;
	return vst_files_emit(run, &item);
}

int vst_files_emit_expired(struct vst_files_run *run, enum vst_item_type listed)
{
	const char *rule = vst_files_excluding(run);
	struct vst_item item;
	vst_item_init(&item);
	item.type = listed;
	item.status = VST_ITEM_EXCLUDED;
	item.rule = rule ? rule : VST_RULE_SOURCE_TIME;
	return vst_files_emit(run, &item);
}

/* Sets the target of the link that `fd` (O_PATH) is. Returns an errno. */
static int read_target(struct vst_files_run *run, int fd, struct vst_item *item)
{
	for (size_t cap = 256; cap <= TARGET_MAX; cap *= 4) {
		vst_buf_clear(&run->target);
		vst_buf_reserve(&run->target, cap);
		if (run->target.failed)
			return ENOMEM;
		ssize_t len = readlinkat(fd, "", (char *)run->target.data, cap);
		if (len < 0)
			return errno;
		if ((size_t)len < cap) {
			run->target.len = (size_t)len;
			item->target = vst_buf_cstr(&run->target);
			return 0;
		}
	}
	return ENAMETOOLONG;
}

/* All that an O_PATH descriptor gives. An errno where the item's own part (a link's text) could not be
 * had. */
static int fill_from(
        struct vst_files_run *run, int fd, const struct statx *st, struct vst_item *item, int *ret_error)
{
	int rc = 0;
	*ret_error = 0;
	vst_file_fill(st, run->context->accounts, item);
	if (run->context->content)
		rc = vst_file_attributes_read(&run->attributes, fd, true, item, run->err);
	if (rc == 0 && item->type == VST_ITEM_SYMLINK)
		*ret_error = read_target(run, fd, item);
	return rc == 0 && *ret_error == ENOMEM ? vst_err_nomem(run->err) : rc;
}

/* ---- hard links ---- */

/*
 * True if the inode has been archived under another name: then that was the item. A name that is to be
 * compared with its package is read once more if that was not done under the other name.
 */
static bool take_as_hardlink(
        struct vst_files_run *run, const struct statx *st, struct vst_item *item, int *ret_rc)
{
	const struct vst_file_id id = vst_file_id(st);
	const struct vst_item_stat state = vst_file_state(st);
	const struct vst_hardlink *first;
	if (st->stx_nlink < 2 || !run->context->hardlinks)
		return false;
	first = vst_hardlinks_find(run->context->hardlinks, &id, &state);
	if (!first)
		return false;
	if (item->type == VST_ITEM_FILE) {
		bool read;
		*ret_rc = vst_file_package_link(&run->package, run->context, vst_files_path(run),
		        first->has_md5 ? first->md5 : NULL, item, &read, run->err);
		if (*ret_rc != 0)
			return true;
		if (read)
			return false;
	}
	bool same_source = strcmp(first->source, run->source->name) == 0;
	item->is_hardlink = true;
	item->size = 0;
	memcpy(item->hardlink, first->leaf, sizeof item->hardlink);
	item->source = run->source->name;
	item->path = vst_files_path(run);
	run->matched = true;
	*ret_rc = run->sink->item(
	        run->sink->ctx, item, same_source ? NULL : first->source, first->path, NULL, run->err);
	return true;
}

int vst_files_remember(struct vst_files_run *run, const struct vst_item *item,
        const struct vst_item_stat *state, const uint8_t leaf[VST_HASH_LEN])
{
	struct vst_hardlink link = {
	        .id = {item->dev_major, item->dev_minor, item->ino},
	        .stat = *state,
	        .source = item->source,
	        .path = item->path,
	};
	memcpy(link.leaf, leaf, sizeof link.leaf);
	if (item->type == VST_ITEM_FILE && run->package.has_md5) {
		link.has_md5 = true;
		memcpy(link.md5, run->package.md5, sizeof link.md5);
	}
	return vst_hardlinks_add(run->context->hardlinks, &link, run->err);
}

/* A link or FIFO, complete: these have an entry in the tar that another name can repeat, as sockets have
 * not. */
static int emit_described(struct vst_files_run *run, const struct statx *st, struct vst_item *item)
{
	const struct vst_item_stat state = vst_file_state(st);
	uint8_t leaf[VST_HASH_LEN] = {0};
	int rc;
	if (st->stx_nlink < 2 || !run->context->hardlinks ||
	        (item->type != VST_ITEM_SYMLINK && item->type != VST_ITEM_FIFO))
		return vst_files_emit(run, item);
	if (take_as_hardlink(run, st, item, &rc))
		return rc;
	item->source = run->source->name;
	item->path = vst_files_path(run);
	run->matched = true;
	rc = run->sink->item(run->sink->ctx, item, NULL, NULL, leaf, run->err);
	return rc == 0 ? vst_files_remember(run, item, &state, leaf) : rc;
}

static void say_type_changed(struct vst_item *item, enum vst_item_type listed, char text[TYPE_CHANGED_TEXT])
{
	snprintf(text, TYPE_CHANGED_TEXT, "its type changed: listed as %s, then %s",
	        vst_file_type_words(listed),
	        item->type == listed ? "something else" : vst_file_type_words(item->type));
	vst_files_set_error(item, 0, text);
}

int vst_files_describe(struct vst_files_run *run, int dirfd, const char *name, enum vst_item_type listed,
        int error, const char *what)
{
	char text[TYPE_CHANGED_TEXT];
	struct vst_item item;
	struct statx st;
	int rc = 0, link_error = 0;
	vst_item_init(&item);
	item.type = listed;

	int fd = vst_beneath_open_at(dirfd, name, O_PATH);
	int stat_error = fd < 0 ? errno : vst_file_stat(fd, &st);
	if (stat_error == 0) {
		const char *rule = vst_files_ruling_out(run, &st);
		if (rule) {
			close(fd);
			return vst_files_emit_excluded(run, dirfd, name, listed, &st, rule);
		}
		rc = fill_from(run, fd, &st, &item, &link_error);
	}
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		return rc;

	if (stat_error == ENOENT)
		item.status = VST_ITEM_VANISHED;
	else if (stat_error)
		vst_files_set_error(&item, error ? error : stat_error, error ? what : "stat");
	else if (listed != VST_ITEM_UNKNOWN && item.type != listed)
		say_type_changed(&item, listed, text);
	else if (error)
		vst_files_set_error(&item, error, what);
	else if (item.type == VST_ITEM_FILE ||
	         item.type == VST_ITEM_DIRECTORY) /* those come with an error only */
		say_type_changed(&item, listed, text);
	else if (item.type == VST_ITEM_UNKNOWN)
		vst_files_set_error(&item, 0, "no type that is known");
	else if (link_error)
		vst_files_set_error(&item, link_error, "read link");
	else
		return emit_described(run, &st, &item);
	return vst_files_emit(run, &item);
}

/* ---- regular files ---- */

/*
 * O_NONBLOCK, so that a FIFO put in the place of a file cannot hold us; a file server's lease then refuses
 * for as long as its holder needs to give it back.
 */
static int open_file(int dirfd, const char *name)
{
	for (int tries = 0;; tries++) {
		int fd = vst_beneath_open_at(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 || errno != EWOULDBLOCK || tries == LEASE_TRIES)
			return fd;
		const struct timespec wait = {.tv_nsec = LEASE_WAIT_MS * 1000000L};
		nanosleep(&wait, NULL);
	}
}

static int take_opened(struct vst_files_run *run, int fd, const struct statx *st)
{
	struct vst_item item;
	int rc;
	vst_item_init(&item);
	vst_file_fill(st, run->context->accounts, &item);
	if ((rc = vst_file_attributes_read(&run->attributes, fd, false, &item, run->err)) != 0)
		return rc;
	if (st->stx_size > INT64_MAX) {
		vst_files_set_error(&item, EOVERFLOW, "a size that no file can have");
		return vst_files_emit(run, &item);
	}
	if (run->source->content == VST_CONTENT_FULL && take_as_hardlink(run, st, &item, &rc))
		return rc;
	return vst_files_read(run, fd, st, &item);
}

/* Whether the earlier exhibit had it whole, and nothing of its stat has moved since. */
static bool is_as_sealed(struct vst_files_run *run, const struct statx *st)
{
	struct vst_series_record record;
	uint64_t seq;
	if (!vst_series_find(run->context->trusted, run->source->name, vst_files_path(run), &seq, &record))
		return false;
	const struct vst_item_stat state = vst_file_state(st);
	bool whole = record.status == VST_ITEM_COLLECTED || record.status == VST_ITEM_UNCHANGED ||
	             record.status == VST_ITEM_TAIL;
	return whole && record.type == VST_ITEM_FILE && record.extent == VST_ITEM_CONTENT_FULL &&
	       record.flags & VST_SERIES_STAT &&
	       !(record.flags & (VST_SERIES_SPARSE | VST_SERIES_HARDLINK)) && record.size == state.size &&
	       record.mtime == state.mtime && record.ctime == state.ctime &&
	       state.ctime < run->context->trusted_before && record.ino == st->stx_ino &&
	       record.dev_major == st->stx_dev_major && record.dev_minor == st->stx_dev_minor;
}

/* `--trust-ctime`: true if it is an item now, and was not opened for it. */
static bool take_trusted(struct vst_files_run *run, int dirfd, const char *name, int *ret_rc)
{
	struct vst_item item;
	struct statx st;
	uint8_t leaf[VST_HASH_LEN] = {0};
	if (!run->context->trusted || run->source->content != VST_CONTENT_FULL ||
	        vst_file_stat_name(dirfd, name, &st) != 0 || !S_ISREG(st.stx_mode) ||
	        vst_files_ruling_out(run, &st) || !is_as_sealed(run, &st))
		return false;
	vst_item_init(&item);
	vst_file_fill(&st, run->context->accounts, &item);
	item.status = VST_ITEM_COLLECTED;
	if (take_as_hardlink(run, &st, &item, ret_rc))
		return true;
	item.status = VST_ITEM_UNCHANGED;
	item.has_whole = item.whole.trusted = true;
	item.whole.size = st.stx_size;
	item.source = run->source->name;
	item.path = vst_files_path(run);
	run->matched = true;
	const struct vst_item_stat state = vst_file_state(&st);
	bool linked = st.stx_nlink > 1 && run->context->hardlinks;
	*ret_rc = run->sink->item(run->sink->ctx, &item, NULL, NULL, linked ? leaf : NULL, run->err);
	if (*ret_rc == 0 && linked)
		*ret_rc = vst_files_remember(run, &item, &state, leaf);
	return true;
}

static int take_file(struct vst_files_run *run, int dirfd, const char *name)
{
	struct statx st;
	int trusted_rc;
	if (take_trusted(run, dirfd, name, &trusted_rc))
		return trusted_rc;
	int fd = open_file(dirfd, name);
	if (fd < 0) /* ELOOP: it is a link by now */
		return vst_files_describe(run, dirfd, name, VST_ITEM_FILE, errno, "open");
	int error = vst_file_stat(fd, &st), rc;
	if (error) {
		rc = vst_files_describe(run, dirfd, name, VST_ITEM_FILE, error, "stat");
	} else if (!S_ISREG(st.stx_mode)) {
		rc = vst_files_describe(run, dirfd, name, VST_ITEM_FILE, 0, NULL);
	} else {
		const char *rule = vst_files_ruling_out(run, &st);
		rc = rule ? vst_files_emit_excluded(run, dirfd, name, VST_ITEM_FILE, &st, rule)
		          : take_opened(run, fd, &st);
	}
	close(fd);
	return rc;
}

/* A dry run looks and does not open. */
static int look_at_file(struct vst_files_run *run, int dirfd, const char *name)
{
	struct vst_item item;
	struct statx st;
	int rc;
	int error = vst_file_stat_name(dirfd, name, &st);
	if (error == 0 && S_ISREG(st.stx_mode) && st.stx_size > INT64_MAX)
		error = EOVERFLOW;
	if (error || !S_ISREG(st.stx_mode))
		return vst_files_describe(run, dirfd, name, VST_ITEM_FILE, error, "stat");
	const char *rule = vst_files_ruling_out(run, &st);
	if (rule)
		return vst_files_emit_excluded(run, dirfd, name, VST_ITEM_FILE, &st, rule);
	if (faccessat(dirfd, name, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0 &&
	        (errno == EACCES || errno == EPERM))
		return vst_files_describe(run, dirfd, name, VST_ITEM_FILE, errno, "open");
	vst_item_init(&item);
	vst_file_fill(&st, run->context->accounts, &item);
	if (run->source->content == VST_CONTENT_FULL && take_as_hardlink(run, &st, &item, &rc))
		return rc;
	return vst_files_measure(run, &st, &item);
}

/*
 * `content: metadata`: all but the content, by a descriptor that cannot read and so leaves no trace. Names of
 * one inode are items of their own: there is no content that one of them could stand for.
 */
static int take_metadata(struct vst_files_run *run, int dirfd, const char *name)
{
	struct vst_item item;
	struct statx st;
	int link_error, rc;
	int fd = vst_beneath_open_at(dirfd, name, O_PATH);
	int error = fd < 0 ? errno : vst_file_stat(fd, &st);
	const char *rule = error == 0 && S_ISREG(st.stx_mode) ? vst_files_ruling_out(run, &st) : NULL;
	if (error || !S_ISREG(st.stx_mode)) {
		rc = vst_files_describe(run, dirfd, name, VST_ITEM_FILE, error, "stat");
	} else if (rule) {
		rc = vst_files_emit_excluded(run, dirfd, name, VST_ITEM_FILE, &st, rule);
	} else {
		vst_item_init(&item);
		item.content = VST_ITEM_CONTENT_METADATA;
		item.status = VST_ITEM_COLLECTED;
		rc = fill_from(run, fd, &st, &item, &link_error);
		if (rc == 0 && st.stx_size > INT64_MAX)
			vst_files_set_error(&item, EOVERFLOW, "a size that no file can have");
		if (rc == 0 && run->context->content)
			vst_file_attributes_flags(&run->attributes, &st, &item);
		if (rc == 0)
			rc = vst_files_emit(run, &item);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int vst_files_take(struct vst_files_run *run, int dirfd, const char *name, enum vst_item_type listed)
{
	const char *rule;
	run->matched = true;
	if (vst_files_has(run))
		return 0;
	if ((rule = vst_files_excluding(run)) != NULL)
		return vst_files_emit_excluded(run, dirfd, name, listed, NULL, rule);
	if (listed != VST_ITEM_FILE)
		return vst_files_describe(run, dirfd, name, listed, 0, NULL);
	if (run->source->content == VST_CONTENT_METADATA)
		return take_metadata(run, dirfd, name);
	return run->context->content ? take_file(run, dirfd, name) : look_at_file(run, dirfd, name);
}
