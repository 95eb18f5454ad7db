#include "trail/trail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/io.h"
#include "vestige/mem.h"

#include <git2/sys/odb_backend.h>

static pthread_once_t started = PTHREAD_ONCE_INIT;
static int start_result;

/* The host's own git configuration is as foreign as the repository's: no search path is left. */
static void start(void)
{
	start_result = git_libgit2_init();
	if (start_result < 0)
		return;
	start_result = git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	if (start_result == 0)
		start_result = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	if (start_result == 0)
		start_result = git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; start_result == 0 && level <= GIT_CONFIG_LEVEL_GLOBAL;
	        level++)
		start_result = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
}

int vst_trail_lib_start(struct vst_err *err)
{
	pthread_once(&started, start);
	if (start_result < 0)
		return vst_err_set(err, VST_ELIBRARY, "libgit2 does not start");
	return 0;
}

int vst_trail_lib_err(struct vst_err *err, int code, const char *what)
{
	const git_error *last = git_error_last();

	if (last && last->klass == GIT_ERROR_NOMEMORY)
		return vst_err_nomem(err);
	if (!last || !last->message)
		return vst_err_set(err, code, "%s", what);
	return vst_err_set(err, code, "%s: %s", what, last->message);
}

int vst_trail_add_commit(struct vst_trail *trail, const git_oid *id, struct vst_err *err)
{
	if (trail->size == trail->cap) {
		size_t cap = trail->cap ? trail->cap * 2 : 64;
		git_oid *grown = vst_realloc(trail->commits, cap, sizeof(*grown));

		if (!grown)
			return vst_err_nomem(err);
		trail->commits = grown;
		trail->cap = cap;
	}
	trail->commits[trail->size++] = *id;
	return 0;
}

/* ---- the object store ---- */

static int add_pack(struct vst_trail *trail, git_odb *odb, int packfd, const char *stem, struct vst_err *err)
{
	struct trail_pack pack = {0};
	struct vst_buf path = VST_BUF_INIT;
	git_odb_backend *backend = NULL;
	int rc;

	rc = vst_trail_pack_load(packfd, stem, &pack, err);
	if (rc != 0)
		goto out;
	vst_buf_printf(&path, "%s/.git/objects/pack/%s.idx", trail->path, stem);
	rc = vst_buf_check(&path, err);
	if (rc != 0)
		goto out;
	if (git_odb_backend_one_pack(&backend, vst_buf_cstr(&path)) < 0) {
		rc = vst_trail_lib_err(err, VST_ETAMPERED, stem);
		goto out;
	}
	if (git_odb_add_backend(odb, backend, 2) < 0) {
		backend->free(backend);
		rc = vst_trail_lib_err(err, VST_ELIBRARY, stem);
	}
out:
	vst_buf_free(&path);
	vst_trail_pack_free(&pack);
	return rc;
}

/*
 * Packs whose index or pack is missing are left out: a process that was killed leaves one without the other,
 * and what is then missing is named when it is read.
 */
static int add_packs(struct vst_trail *trail, git_odb *odb, size_t *ret_count, struct vst_err *err)
{
	struct trail_names names = {0};
	int packfd = -1, rc;

	rc = vst_trail_dir_open(trail->objectsfd, "pack", &packfd, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		return 0;
	}
	if (rc == 0)
		rc = vst_trail_names_read(packfd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		char stem[64];

		if (!vst_trail_pack_name(names.names[i], ".idx"))
			continue;
		memcpy(stem, names.names[i], 45);
		stem[45] = '\0';
		rc = add_pack(trail, odb, packfd, stem, err);
		if (rc == VST_ENOTFOUND) {
			vst_err_clear(err);
			rc = 0;
			continue;
		}
		if (rc == 0)
			++*ret_count;
		else
			vst_err_prepend(err, ".git/objects/pack/%s", names.names[i]);
	}
	vst_trail_names_free(&names);
	if (packfd >= 0)
		close(packfd);
	return rc;
}

int vst_trail_odb_open(struct vst_trail *trail, struct vst_err *err)
{
	git_odb *odb = NULL;
	git_odb_backend *loose = NULL;
	size_t packs = 0;
	int rc;

	if (git_odb_new(&odb) < 0)
		return vst_trail_lib_err(err, VST_ELIBRARY, "object store");
	rc = vst_trail_loose_backend(trail, &loose, err);
	if (rc != 0)
		goto out;
	if (git_odb_add_backend(odb, loose, 1) < 0) {
		loose->free(loose);
		rc = vst_trail_lib_err(err, VST_ELIBRARY, "object store");
		goto out;
	}
	rc = add_packs(trail, odb, &packs, err);
	if (rc != 0)
		goto out;
	if (trail->odb)
		git_odb_free(trail->odb);
	trail->odb = odb;
	trail->packs = packs;
	odb = NULL;
out:
	if (odb)
		git_odb_free(odb);
	return rc;
}

/* ---- making and opening ---- */

static int open_handle(const char *path, struct vst_trail **ret, struct vst_err *err)
{
	struct vst_trail *trail;
	int rc;

	rc = vst_trail_lib_start(err);
	if (rc != 0)
		return rc;
	trail = vst_calloc(1, sizeof(*trail));
	if (!trail)
		return vst_err_nomem(err);
	trail->dirfd = trail->gitfd = trail->objectsfd = -1;
	/* libgit2 opens packs by name and late: the name must not depend on the working directory. */
	trail->path = realpath(path, NULL);
	if (!trail->path) {
		rc = errno == ENOMEM ? vst_err_nomem(err)
		                     : vst_err_set(err, VST_ENOCASE, "%s: %s", path, strerror(errno));
		goto out;
	}
	trail->dirfd = open(trail->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (trail->dirfd < 0) {
		rc = errno == ENOTDIR ? vst_err_set(err, VST_ENOCASE, "%s: %s", path, strerror(errno))
		                      : vst_err_sys(err, errno, "%s: open", path);
		goto out;
	}
	rc = vst_trail_dir_open(trail->dirfd, ".git", &trail->gitfd, err);
	if (rc == 0)
		rc = vst_trail_dir_open(trail->gitfd, "objects", &trail->objectsfd, err);
	if (rc == VST_ENOTFOUND)
		rc = vst_err_set(err, VST_ENOCASE, "%s: no git repository with a work tree", path);
	if (rc == 0)
		rc = vst_trail_odb_open(trail, err);
	if (rc != 0)
		goto out;
	*ret = trail;
	trail = NULL;
out:
	vst_trail_free(trail);
	return rc;
}

void vst_trail_free(struct vst_trail *trail)
{
	if (!trail)
		return;
	if (trail->odb)
		git_odb_free(trail->odb);
	for (int i = 0; i < TRAIL_FILES; i++)
		vst_buf_free(&trail->cache[i].bytes);
	vst_trail_state_free(&trail->state);
	if (trail->objectsfd >= 0)
		close(trail->objectsfd);
	if (trail->gitfd >= 0)
		close(trail->gitfd);
	if (trail->dirfd >= 0)
		close(trail->dirfd);
	free(trail->commits);
	free(trail->path);
	free(trail);
}

/* From the branch to the first commit, then turned round. */
static int walk(struct vst_trail *trail, const git_oid *head, struct vst_err *err)
{
	git_oid id = *head;
	int rc;

	for (;;) {
		struct trail_commit_parts parts;

		if (trail->size > TRAIL_COUNT_MAX)
			return vst_err_set(err, VST_ELIMIT, "more than %llu commits",
			        (unsigned long long)TRAIL_COUNT_MAX + 1);
		rc = vst_trail_commit_read(trail, &id, &parts, NULL, NULL, err);
		if (rc == 0)
			rc = vst_trail_add_commit(trail, &id, err);
		if (rc != 0)
			return rc;
		if (!parts.has_parent)
			break;
		id = parts.parent;
	}
	for (size_t i = 0, j = trail->size - 1; i < j; i++, j--) {
		git_oid swap = trail->commits[i];

		trail->commits[i] = trail->commits[j];
		trail->commits[j] = swap;
	}
	return 0;
}

int vst_trail_open(const char *path, struct vst_trail **ret, struct vst_err *err)
{
	struct vst_trail *trail = NULL;
	git_oid head;
	int rc;

	rc = open_handle(path, &trail, err);
	if (rc != 0)
		return rc;
	rc = vst_trail_head_read(trail->gitfd, &head, err);
	if (rc == VST_ENOTFOUND)
		rc = vst_err_set(err, VST_ENOCASE, "%s: no commit on branch %s", path, VST_TRAIL_BRANCH);
	if (rc == 0)
		rc = walk(trail, &head, err);
	if (rc != 0) {
		vst_trail_free(trail);
		return rc;
	}
	*ret = trail;
	return 0;
}

/*
 * Stock git may be run in the trail by people; it must not tidy it (a commit-graph or other caches would be
 * strangers) and must not convert line ends in it.
 */
static const char config_text[] = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
                                  "\tlogallrefupdates = true\n\tautocrlf = false\n[gc]\n\tauto = 0\n"
                                  "[maintenance]\n\tauto = false\n";
static const char head_text[] = "ref: " TRAIL_REF "\n";
static const char attributes_text[] = "* -text -filter -ident\n";

static const char *const skeleton[] = {".git", ".git/objects", ".git/objects/info", ".git/objects/pack",
        ".git/refs", ".git/refs/heads", ".git/refs/tags", ".git/info"};
#define SKELETON_COUNT (sizeof(skeleton) / sizeof(skeleton[0]))

static const struct {
	const char *name, *text;
} skeleton_files[] = {
        {".git/config", config_text}, {".git/info/attributes", attributes_text}, {".git/HEAD", head_text}};
#define SKELETON_FILES (sizeof(skeleton_files) / sizeof(skeleton_files[0]))

static void create_undo(int dirfd, const char *path)
{
	for (size_t i = 0; i < SKELETON_FILES; i++)
		unlinkat(dirfd, skeleton_files[i].name, 0);
	for (size_t i = SKELETON_COUNT; i-- > 0;)
		unlinkat(dirfd, skeleton[i], AT_REMOVEDIR);
	rmdir(path);
}

int vst_trail_create(const char *path, struct vst_trail **ret, struct vst_err *err)
{
	int dirfd = -1, rc;

	rc = vst_io_mkdir(AT_FDCWD, path, 0755, err);
	if (rc != 0)
		return vst_err_prepend(err, "%s", path);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0) {
		rc = vst_err_sys(err, errno, "%s: open", path);
		rmdir(path);
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < SKELETON_COUNT; i++)
		rc = vst_io_mkdir(dirfd, skeleton[i], 0755, err);
	for (size_t i = 0; rc == 0 && i < SKELETON_FILES; i++)
		rc = vst_io_write_file(dirfd, skeleton_files[i].name, 0644, skeleton_files[i].text,
		        strlen(skeleton_files[i].text), VST_IO_NEW, err);
	if (rc == 0)
		rc = open_handle(path, ret, err);
	if (rc != 0) {
		create_undo(dirfd, path);
		vst_err_prepend(err, "%s", path);
	}
	close(dirfd);
	return rc;
}

uint64_t vst_trail_size(const struct vst_trail *trail)
{
	return trail->size;
}

const char *vst_trail_commit_id(
        const struct vst_trail *trail, uint64_t number, char ret_id[VST_TRAIL_ID_TEXT])
{
	if (number >= trail->size) {
		ret_id[0] = '\0';
		return ret_id;
	}
	git_oid_tostr(ret_id, VST_TRAIL_ID_TEXT, &trail->commits[number]);
	return ret_id;
}
