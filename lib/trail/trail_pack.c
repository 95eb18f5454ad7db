/*
 * Packing. Order, so that a crash at any point loses nothing: build pack and index in a directory of their
 * own; fsync; read everything back; move the index, then the pack, into place; only then remove the loose
 * objects (or the packs) that it holds. The index first: one without a pack is ignored by git and by us and
 * may be removed, while a pack is never removed because its index is missing.
 */
#include "trail/trail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/fault.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#include <git2/sys/repository.h>

/* Ids of all loose objects. */
static int loose_ids(struct vst_trail *trail, git_oid **ids, size_t *count, struct vst_err *err)
{
	size_t cap = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 256; i++) {
		struct trail_names names = {0};
		char dir[3], hex[GIT_OID_HEXSZ + 1];
		int fd;

		snprintf(dir, sizeof(dir), "%02x", i);
		rc = vst_trail_dir_open(trail->objectsfd, dir, &fd, err);
		if (rc == VST_ENOTFOUND) {
			vst_err_clear(err);
			rc = 0;
			continue;
		}
		if (rc != 0)
			break;
		rc = vst_trail_names_read(fd, &names, err);
		for (size_t j = 0; rc == 0 && j < names.count; j++) {
			git_oid id;

			snprintf(hex, sizeof(hex), "%s%.38s", dir, names.names[j]);
			if (strlen(names.names[j]) == 38 && vst_trail_oid_parse(hex, GIT_OID_HEXSZ, &id))
				rc = vst_trail_oids_add(ids, count, &cap, &id, err);
		}
		vst_trail_names_free(&names);
		close(fd);
	}
	return rc;
}

/* Adds what the packs hold. */
static int packed_ids(
        const struct trail_pack *packs, size_t pack_count, git_oid **ids, size_t *count, struct vst_err *err)
{
	size_t cap = *count;

	for (size_t i = 0; i < pack_count; i++)
		for (uint32_t j = 0; j < packs[i].count; j++) {
			int rc = vst_trail_oids_add(ids, count, &cap, &packs[i].entries[j].id, err);

			if (rc != 0)
				return rc;
		}
	return 0;
}

/* The repository that the pack builder wants: our object store and an empty configuration. */
static int builder_new(
        struct vst_trail *trail, git_repository **ret_repo, git_packbuilder **ret, struct vst_err *err)
{
	git_config *config = NULL;
	int result;

	result = git_repository_wrap_odb(ret_repo, trail->odb);
	if (result == 0)
		result = git_config_new(&config);
	if (result == 0)
		result = git_repository_set_config(*ret_repo, config);
	if (result == 0)
		result = git_packbuilder_new(ret, *ret_repo);
	if (config)
		git_config_free(config);
	return result == 0 ? 0 : vst_trail_lib_err(err, VST_ELIBRARY, "pack");
}

static int fsync_file(int dirfd, const char *name, struct vst_err *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;

	if (fd < 0)
		return vst_err_sys(err, errno, "%s: open", name);
	rc = vst_io_fsync(fd, err);
	close(fd);
	return rc;
}

/* Builds the pack in directory `dir` (open as `tmpfd`); `ret_stem` is its name. */
static int build(struct vst_trail *trail, const char *dir, int tmpfd, const git_oid *ids, size_t count,
        char ret_stem[64], struct vst_err *err)
{
	git_repository *repo = NULL;
	git_packbuilder *builder = NULL;
	char name[80];
	int rc;

	trail->loose_err.code = 0;
	rc = builder_new(trail, &repo, &builder, err);
	if (rc != 0)
		goto out;
	git_packbuilder_set_threads(builder, 1);
	for (size_t i = 0; i < count; i++)
		if (git_packbuilder_insert(builder, &ids[i], NULL) < 0) {
			rc = vst_trail_lib_err(err, VST_ETAMPERED, "pack");
			goto out;
		}
	if (git_packbuilder_write(builder, dir, 0444, NULL, NULL) < 0) {
		rc = vst_trail_lib_err(err, VST_ELIBRARY, "pack");
		goto out;
	}
	snprintf(ret_stem, 64, "pack-%s", git_packbuilder_name(builder));
	snprintf(name, sizeof(name), "%s.pack", ret_stem);
	rc = fsync_file(tmpfd, name, err);
	if (rc == 0) {
		snprintf(name, sizeof(name), "%s.idx", ret_stem);
		rc = fsync_file(tmpfd, name, err);
	}
out:
	if (rc != 0 && trail->loose_err.code && err)
		*err = trail->loose_err;
	git_packbuilder_free(builder);
	git_repository_free(repo);
	return rc;
}

/* Everything that went in must be there, and readable. */
static int read_back(struct vst_trail *trail, const char *dir, int tmpfd, const char *stem,
        const git_oid *ids, size_t count, struct vst_err *err)
{
	struct trail_pack pack = {0};
	int rc;

	rc = vst_trail_pack_load(tmpfd, stem, &pack, err);
	if (rc == 0)
		rc = vst_trail_pack_verify(trail, tmpfd, dir, stem, &pack, err);
	if (rc == 0 && pack.count != count)
		rc = vst_err_set(err, VST_ELIBRARY, "%u of %zu objects", pack.count, count);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!git_oid_equal(&pack.entries[i].id, &ids[i]))
			rc = vst_err_set(err, VST_ELIBRARY, "an object is not in the pack");
	vst_trail_pack_free(&pack);
	if (rc != 0)
		vst_err_prepend(err, "new pack");
	return rc;
}

static int install(int tmpfd, int packfd, const char *stem, struct vst_err *err)
{
	static const char *const suffixes[] = {".idx", ".pack"};

	for (int i = 0; i < 2; i++) {
		char name[80];
		int rc;

		snprintf(name, sizeof(name), "%s%s", stem, suffixes[i]);
		rc = vst_io_rename(tmpfd, name, packfd, name, false, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void remove_loose(struct vst_trail *trail, const git_oid *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char name[GIT_OID_HEXSZ + 2];

		vst_trail_loose_name(&ids[i], name);
		unlinkat(trail->objectsfd, name, 0);
	}
}

static void remove_packs(int packfd, const struct trail_names *names, const char *keep)
{
	static const char *const suffixes[] = {".idx", ".rev", ".pack"};

	for (size_t i = 0; i < names->count; i++) {
		char stem[46], name[80];

		if (!vst_trail_pack_name(names->names[i], ".idx"))
			continue;
		memcpy(stem, names->names[i], 45);
		stem[45] = '\0';
		if (strcmp(stem, keep) == 0)
			continue;
		for (int j = 0; j < 3; j++) {
			snprintf(name, sizeof(name), "%s%s", stem, suffixes[j]);
			unlinkat(packfd, name, 0);
		}
	}
}

/* All packs that are there, checked. Fails if one is not sound: it then stays, with all others. */
static int packs_load(int packfd, const struct trail_names *names, struct trail_pack *packs, size_t *count,
        struct vst_err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		char stem[46];
		int rc;

		if (!vst_trail_pack_name(names->names[i], ".idx"))
			continue;
		memcpy(stem, names->names[i], 45);
		stem[45] = '\0';
		rc = vst_trail_pack_load(packfd, stem, &packs[*count], err);
		if (rc != 0)
			return rc;
		++*count;
	}
	return 0;
}

struct packing {
	int packfd, tmpfd;
	bool all;
	struct vst_buf dir;
	struct trail_names names; /* in objects/pack, before */
	struct trail_pack *packs;
	size_t pack_count;
	git_oid *loose, *ids;
	size_t loose_count, count;
};

static int packing_open(struct vst_trail *trail, struct packing *packing, struct vst_err *err)
{
	int rc = vst_trail_dir_open(trail->objectsfd, "pack", &packing->packfd, err);

	if (rc == 0)
		rc = vst_io_mkdir(trail->gitfd, TRAIL_PACK_TEMPORARY, 0755, err);
	if (rc == 0)
		rc = vst_trail_dir_open(trail->gitfd, TRAIL_PACK_TEMPORARY, &packing->tmpfd, err);
	if (rc == 0)
		rc = vst_trail_names_read(packing->packfd, &packing->names, err);
	vst_buf_printf(&packing->dir, "%s/.git/" TRAIL_PACK_TEMPORARY, trail->path);
	return rc ? rc : vst_buf_check(&packing->dir, err);
}

static int packing_choose(struct vst_trail *trail, struct packing *packing, struct vst_err *err)
{
	int rc = loose_ids(trail, &packing->loose, &packing->loose_count, err);

	if (rc != 0)
		return rc;
	packing->ids = vst_memdup(packing->loose, packing->loose_count * sizeof(git_oid));
	if (!packing->ids)
		return vst_err_nomem(err);
	packing->count = packing->loose_count;
	packing->all = trail->packs >= TRAIL_PACKS_MAX;
	if (packing->all) {
		packing->packs = vst_calloc(packing->names.count + 1, sizeof(*packing->packs));
		if (!packing->packs)
			return vst_err_nomem(err);
		rc = packs_load(packing->packfd, &packing->names, packing->packs, &packing->pack_count, err);
		if (rc == 0)
			rc = packed_ids(
			        packing->packs, packing->pack_count, &packing->ids, &packing->count, err);
	}
	vst_trail_oids_sort(packing->ids, &packing->count);
	return rc;
}

static void packing_close(struct vst_trail *trail, struct packing *packing)
{
	for (size_t i = 0; i < packing->pack_count; i++)
		vst_trail_pack_free(&packing->packs[i]);
	free(packing->packs);
	free(packing->loose);
	free(packing->ids);
	vst_trail_names_free(&packing->names);
	vst_buf_free(&packing->dir);
	if (packing->packfd >= 0)
		close(packing->packfd);
	if (packing->tmpfd >= 0) {
		close(packing->tmpfd);
		unlinkat(trail->gitfd, TRAIL_PACK_TEMPORARY, AT_REMOVEDIR);
	}
}

int vst_trail_pack(struct vst_trail *trail, struct vst_err *err)
{
	struct packing packing = {.packfd = -1, .tmpfd = -1};
	char stem[64];
	int rc;

	rc = vst_trail_sweep(trail, err);
	if (rc == 0)
		rc = packing_open(trail, &packing, err);
	if (rc == 0)
		rc = packing_choose(trail, &packing, err);
	if (rc != 0 || packing.loose_count == 0)
		goto out;
	rc = build(trail, vst_buf_cstr(&packing.dir), packing.tmpfd, packing.ids, packing.count, stem, err);
	if (rc == 0)
		rc = read_back(trail, vst_buf_cstr(&packing.dir), packing.tmpfd, stem, packing.ids,
		        packing.count, err);
	VST_STEP("trail-packed");
	if (rc == 0)
		rc = install(packing.tmpfd, packing.packfd, stem, err);
	if (rc != 0) {
		trail->swept = false; /* what is left of the attempt goes with the next sweep */
		goto out;
	}
	VST_STEP("trail-pack");
	rc = vst_trail_odb_open(trail, err);
	if (rc != 0)
		goto out;
	remove_loose(trail, packing.loose, packing.loose_count);
	if (packing.all) {
		unlinkat(trail->objectsfd, "info/packs", 0); /* git gc's list of packs, if there is one */
		remove_packs(packing.packfd, &packing.names, stem);
	}
	trail->loose = 0;
	if (packing.all)
		rc = vst_trail_odb_open(trail, err);
out:
	packing_close(trail, &packing);
	return rc;
}
