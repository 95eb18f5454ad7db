#include "collect/packages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/file_stat.h"
#include "collect/limits.h"
#include "collect/listing.h"
#include "collect/stream.h"
#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"

#define DATABASE "/var/lib/dpkg/"
#define STATUS_MAX ((size_t)64 * 1024 * 1024)
#define DIVERSIONS_MAX ((size_t)8 * 1024 * 1024)
#define LIST_MAX ((size_t)32 * 1024 * 1024)
#define UPDATE_MAX ((size_t)1024 * 1024)
#define UPDATES_MAX 4096 /* dpkg puts them into the status after 250 */

/* What changes when dpkg works. */
static const char *const watched[] = {
        DATABASE "status", DATABASE "updates", DATABASE "info", DATABASE "diversions"};
#define WATCHED (sizeof watched / sizeof *watched)

struct state {
	bool there;
	struct vst_file_id id;
	struct vst_item_stat stat;
};

struct vst_packages {
	struct vst_package_table *table; /* NULL: not read yet */
	struct state states[WATCHED];    /* just before it was read */
	int root_fd;
	struct vst_buf text, name;
	/* Of the last reading: */
	bool absent;
	bool expired; /* the source's time was over before all was read */
	uint64_t without,
	        unread; /* packages that have no list; parts of the database that could not be read */
	struct vst_err first_unread;
	uint64_t readings, same, differ, not_compared;
};

int vst_packages_new(struct vst_packages **ret, struct vst_err *err)
{
	*ret = vst_calloc(1, sizeof **ret);
	return *ret ? 0 : vst_err_nomem(err);
}

void vst_packages_free(struct vst_packages *packages)
{
	if (!packages)
		return;
	vst_package_table_free(packages->table);
	vst_buf_free(&packages->text);
	vst_buf_free(&packages->name);
	free(packages);
}

/* ---- whether it has changed ---- */

static int look(int root_fd, const char *path, struct state *ret, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	struct statx st;
	char *resolved = NULL;
	int fd = -1;
	*ret = (struct state){0};
	if (vst_beneath_resolve(root_fd, path, NULL, NULL, &fd, &resolved, &why) == VST_ENOMEM)
		return vst_err_nomem(err);
	if (fd >= 0 && vst_file_stat(fd, &st) == 0) {
		ret->there = true;
		ret->id = vst_file_id(&st);
		ret->stat = vst_file_state(&st);
	}
	if (fd >= 0)
		close(fd);
	free(resolved);
	return 0;
}

static bool is_same_state(const struct state *a, const struct state *b)
{
	return a->there == b->there && vst_file_id_equal(&a->id, &b->id) && a->stat.size == b->stat.size &&
	       a->stat.mtime == b->stat.mtime && a->stat.ctime == b->stat.ctime;
}

static int has_moved(struct vst_packages *packages, bool *ret, struct vst_err *err)
{
	int rc = 0;
	*ret = false;
	for (size_t i = 0; rc == 0 && i < WATCHED; i++) {
		struct state now;
		rc = look(packages->root_fd, watched[i], &now, err);
		*ret |= rc == 0 && !is_same_state(&now, &packages->states[i]);
	}
	return rc;
}

/* ---- reading it ---- */

/* Where links lead a directory. One that is not there is where it is said to be: nothing lies in it. */
static int place(void *ctx, const char *dir, struct vst_buf *out, struct vst_err *err)
{
	struct vst_packages *packages = ctx;
	struct vst_err why = VST_ERR_INIT;
	char *resolved = NULL;
	int fd = -1;
	if (dir[0] == '\0')
		return 0;
	int rc = vst_beneath_resolve(packages->root_fd, dir, NULL, NULL, &fd, &resolved, &why);
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	if (rc != 0)
		vst_buf_text(out, dir);
	else if (strcmp(resolved, "/") != 0)
		vst_buf_text(out, resolved);
	if (fd >= 0)
		close(fd);
	free(resolved);
	return 0;
}

/* A file of the database into packages->text. `*ret_found` false: it is not there, or, counted here, not to
 * be had. */
static int read_part(
        struct vst_packages *packages, const char *path, size_t max, bool *ret_found, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	vst_buf_clear(&packages->text);
	int rc = vst_beneath_read(packages->root_fd, path, max, &packages->text, &why);
	*ret_found = rc == 0;
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	if (rc == 0 || rc == VST_ENOTFOUND)
		return 0;
	if (packages->unread++ == 0)
		packages->first_unread = why;
	return 0;
}

static int read_updates(struct vst_packages *packages, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	struct vst_listing listing = {.text = VST_BUF_INIT};
	char *resolved = NULL;
	int fd = -1, dir = -1, error = 0;
	int rc = vst_beneath_resolve(packages->root_fd, DATABASE "updates", NULL, NULL, &fd, &resolved, &why);
	if (rc != 0)
		return rc == VST_ENOMEM ? vst_err_nomem(err) : 0;
	dir = vst_beneath_open_at(fd, ".", O_RDONLY | O_DIRECTORY);
	error = dir < 0 ? errno : 0;
	rc = dir < 0 ? 0 : vst_listing_read(&listing, dir, &error, err);
	if (rc == 0 && error != 0 && packages->unread++ == 0)
		vst_err_sys(&packages->first_unread, error, DATABASE "updates");
	for (size_t i = 0; rc == 0 && i < listing.count && i < UPDATES_MAX; i++) {
		const char *name = vst_listing_name(&listing, i);
		bool found;
		if (name[strspn(name, "0123456789")] != '\0') /* one that is being written */
			continue;
		vst_buf_clear(&packages->name);
		vst_buf_printf(&packages->name, DATABASE "updates/%s", name);
		const char *path = vst_buf_cstr(&packages->name);
		if ((rc = vst_buf_check(&packages->name, err)) == 0 &&
		        (rc = read_part(packages, path, UPDATE_MAX, &found, err)) == 0 && found)
			rc = vst_package_table_status(
			        packages->table, packages->text.data, packages->text.len, err);
	}
	vst_listing_free(&listing);
	if (dir >= 0)
		close(dir);
	close(fd);
	free(resolved);
	return rc;
}

static int read_named_list(
        struct vst_packages *packages, size_t number, bool with_arch, bool *ret_found, struct vst_err *err)
{
	const struct vst_package *package = vst_package_table_at(packages->table, number);
	*ret_found = false;
	if (with_arch && package->arch[0] == '\0')
		return 0;
	vst_buf_clear(&packages->name);
	vst_buf_printf(&packages->name, DATABASE "info/%s%s%s.md5sums", package->name, with_arch ? ":" : "",
	        with_arch ? package->arch : "");
	const char *path = vst_buf_cstr(&packages->name);
	int rc = vst_buf_check(&packages->name, err);
	if (rc == 0)
		rc = read_part(packages, path, LIST_MAX, ret_found, err);
	if (rc == 0 && *ret_found)
		rc = vst_package_table_md5sums(
		        packages->table, number, packages->text.data, packages->text.len, err);
	return rc;
}

/* The architecture is in the name of the list where a package may be there for several; older databases have
 * no such names. */
static int read_list(struct vst_packages *packages, size_t number, struct vst_err *err)
{
	const struct vst_package *package = vst_package_table_at(packages->table, number);
	bool with_arch = package->multi_arch, found;
	uint64_t unread = packages->unread;
	if (!package->unpacked)
		return 0;
	int rc = read_named_list(packages, number, with_arch, &found, err);
	if (rc == 0 && !found && packages->unread == unread)
		rc = read_named_list(packages, number, !with_arch, &found, err);
	if (rc == 0 && !found && packages->unread == unread)
		packages->without++;
	return rc;
}

static int read_lists(
        struct vst_packages *packages, const struct vst_collect_context *context, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && vst_package_table_at(packages->table, i); i++) {
		if ((packages->expired = vst_limits_expired(context)))
			break;
		if ((rc = vst_limits_check_cancel(context, err)) == 0)
			rc = read_list(packages, i, err);
	}
	return rc;
}

static int read_all(
        struct vst_packages *packages, const struct vst_collect_context *context, struct vst_err *err)
{
	const struct vst_package_places places = {place, packages};
	bool found = false;
	int rc = 0;
	vst_package_table_free(packages->table);
	packages->table = NULL;
	packages->root_fd = context->root_fd;
	packages->absent = packages->expired = false;
	packages->without = packages->unread = 0;
	packages->readings++;
	for (size_t i = 0; rc == 0 && i < WATCHED; i++)
		rc = look(packages->root_fd, watched[i], &packages->states[i], err);
	if (rc == 0)
		rc = vst_package_table_new(&places, &packages->table, err);
	if (rc != 0 || (rc = read_part(packages, DATABASE "status", STATUS_MAX, &found, err)) != 0)
		return rc;
	if (!found) {
		packages->absent = packages->unread == 0;
		return 0;
	}
	rc = vst_package_table_status(packages->table, packages->text.data, packages->text.len, err);
	if (rc == 0)
		rc = read_updates(packages, err);
	if (rc == 0)
		rc = read_part(packages, DATABASE "diversions", DIVERSIONS_MAX, &found, err);
	if (rc == 0 && found)
		rc = vst_package_table_diversions(
		        packages->table, packages->text.data, packages->text.len, err);
	if (rc == 0)
		rc = read_lists(packages, context, err);
	vst_buf_free(&packages->text); /* was as large as the largest part */
	return rc;
}

/* ---- asking ---- */

/* Of a reading that time ended, a later source has more. */
static int ensure(
        struct vst_packages *packages, const struct vst_collect_context *context, struct vst_err *err)
{
	if (packages->table && !(packages->expired && !vst_limits_expired(context)))
		return 0;
	int rc = read_all(packages, context, err);
	if (rc != 0) {
		vst_package_table_free(packages->table);
		packages->table = NULL;
	}
	return rc;
}

int vst_packages_names(struct vst_packages *packages, struct vst_collect_context *context, const char *path,
        bool *ret_named, struct vst_err *err)
{
	int rc = ensure(packages, context, err);
	*ret_named = rc == 0 && vst_package_table_names(packages->table, path);
	return rc;
}

int vst_packages_judge(struct vst_packages *packages, struct vst_collect_context *context, const char *path,
        const uint8_t md5[VST_MD5_LEN], bool *ret_named, struct vst_package_claim *ret, bool *ret_same,
        struct vst_err *err)
{
	bool moved = false;
	int rc = ensure(packages, context, err);
	*ret_named = rc == 0 && vst_package_table_judge(packages->table, path, md5, ret, ret_same);
	if (rc == 0 && *ret_named && !*ret_same)
		rc = has_moved(packages, &moved, err);
	if (rc == 0 && moved) {
		vst_package_table_free(packages->table);
		packages->table = NULL;
		rc = ensure(packages, context, err);
		*ret_named = rc == 0 && vst_package_table_judge(packages->table, path, md5, ret, ret_same);
	}
	if (*ret_named && *ret_same)
		packages->same++;
	else if (*ret_named)
		packages->differ++;
	return rc;
}

int vst_packages_claim(struct vst_packages *packages, struct vst_collect_context *context, const char *path,
        bool *ret_named, struct vst_package_claim *ret, struct vst_err *err)
{
	static const uint8_t none[VST_MD5_LEN];
	bool same;
	int rc = ensure(packages, context, err);
	*ret_named = rc == 0 && vst_package_table_judge(packages->table, path, none, ret, &same);
	packages->not_compared += *ret_named;
	return rc;
}

/* ---- telling ---- */

static uint64_t count_unpacked(const struct vst_package_table *table)
{
	uint64_t count = 0;
	const struct vst_package *package;
	for (size_t i = 0; (package = vst_package_table_at(table, i)) != NULL; i++)
		count += package->unpacked;
	return count;
}

static void describe(const struct vst_packages *packages, struct vst_buf *out)
{
	const struct vst_package_counts counts = vst_package_table_counts(packages->table);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"packages", count_unpacked(packages->table)}, {"files", counts.files},
	        {"odd_lines", counts.odd_lines}, {"without_list", packages->without},
	        {"unread", packages->unread}, {"readings", packages->readings}, {"same", packages->same},
	        {"differ", packages->differ}, {"not_compared", packages->not_compared}};
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "packages");
	vst_json_object(&json);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		vst_json_key(&json, numbers[i].key);
		vst_json_uint(&json, numbers[i].value);
	}
	if (counts.cut) {
		vst_json_key(&json, "cut");
		vst_json_bool(&json, true);
	}
	vst_json_end(&json);
	vst_json_end(&json);
}

int vst_packages_tell(struct vst_packages *packages, struct vst_collect_context *context, const char *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_stream out = vst_stream_of(context, source, sink);
	struct vst_buf details = VST_BUF_INIT;
	struct vst_note note = {.path = VST_PACKAGES_NOTE,
	        .type = VST_ITEM_STREAM,
	        .status = VST_ITEM_COLLECTED,
	        .content = VST_ITEM_CONTENT_DIGEST,
	        .details = &details};
	int rc = ensure(packages, context, err);
	if (rc != 0)
		goto out;
	describe(packages, &details);
	if (packages->absent) {
		note.status = VST_ITEM_ABSENT;
		note.details = NULL;
	} else if (packages->expired) {
		note.status = VST_ITEM_TRUNCATED;
		note.rule = VST_RULE_SOURCE_TIME;
	} else if (vst_package_table_counts(packages->table).cut) {
		note.status = VST_ITEM_TRUNCATED;
		note.rule = "the database is larger than is read";
	} else if (packages->unread > 0) {
		note.status = vst_stream_status_of(packages->first_unread.sys);
		note.error = packages->first_unread.sys;
		note.rule = packages->first_unread.text;
	}
	if (note.status != VST_ITEM_COLLECTED && note.status != VST_ITEM_TRUNCATED)
		note.content = VST_ITEM_CONTENT_FULL;
	if ((rc = vst_buf_check(&details, err)) == 0)
		rc = vst_stream_note(&out, &note, err);
	packages->same = packages->differ = packages->not_compared = 0;
out:
	vst_buf_free(&details);
	vst_stream_free(&out);
	return rc;
}
