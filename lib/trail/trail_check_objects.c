#include "trail/trail_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/reader.h"

static int join(struct vst_buf *out, const char *dir, const char *name, struct vst_err *err)
{
	vst_buf_clear(out);
	vst_buf_printf(out, "%s/%s", dir, name);
	return vst_buf_check(out, err);
}

/* A name that has no place where it is. */
static int say_stray(struct trail_check *check, const char *dir, const char *name, struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT;
	int rc = join(&path, dir, name, err);

	if (rc == 0 && vst_trail_is_temporary(name, TRAIL_IN_GIT))
		rc = vst_trail_check_say(
		        check, VST_TRAIL_TEMPORARY, vst_buf_cstr(&path), "left by an interrupted write");
	else if (rc == 0)
		rc = vst_trail_check_say(
		        check, VST_TRAIL_STRANGER, vst_buf_cstr(&path), "not part of a trail");
	vst_buf_free(&path);
	return rc;
}

/* Damage is a finding; trouble in looking is an error. */
static int say_damage(struct trail_check *check, const char *dir, const char *name, int rc,
        const struct vst_err *why, struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT;

	if (rc != VST_ETAMPERED && rc != VST_ENOTFOUND) {
		if (err)
			*err = *why;
		return rc;
	}
	rc = join(&path, dir, name, err);
	if (rc == 0)
		rc = vst_trail_check_say(check, VST_TRAIL_DIFFERENT, vst_buf_cstr(&path), why->text);
	vst_buf_free(&path);
	return rc;
}

static int sound(struct trail_check *check, const git_oid *id, const char *path, struct vst_err *err)
{
	int rc = vst_trail_oids_add(&check->present, &check->present_count, &check->present_cap, id, err);

	if (rc == 0 && check->complete && !vst_trail_oids_has(check->reached, check->reached_count, id))
		rc = vst_trail_check_say(check, VST_TRAIL_UNUSED, path, "a sound object that no event needs");
	return rc;
}

/* ---- loose ---- */

static int check_loose(struct trail_check *check, const char *dir, const char *name, struct vst_err *err)
{
	struct vst_buf content = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	char hex[GIT_OID_HEXSZ + 1], path[80];
	git_object_t type;
	git_oid id;
	int rc;

	snprintf(path, sizeof(path), ".git/objects/%s", dir);
	if (strlen(name) != GIT_OID_HEXSZ - 2)
		return say_stray(check, path, name, err);
	snprintf(hex, sizeof(hex), "%s%s", dir, name);
	if (!vst_trail_oid_parse(hex, GIT_OID_HEXSZ, &id))
		return say_stray(check, path, name, err);
	rc = vst_trail_loose_read(check->trail->objectsfd, &id, &type, &content, &why);
	vst_buf_free(&content);
	if (rc != 0)
		return say_damage(check, path, name, rc, &why, err);
	snprintf(path, sizeof(path), ".git/objects/%s/%s", dir, name);
	return sound(check, &id, path, err);
}

static int check_loose_dir(struct trail_check *check, const char *dir, struct vst_err *err)
{
	struct trail_names names = {0};
	struct vst_err why = VST_ERR_INIT;
	int fd, rc;

	rc = vst_trail_dir_open(check->trail->objectsfd, dir, &fd, &why);
	if (rc != 0)
		return say_damage(check, ".git/objects", dir, rc, &why, err);
	rc = vst_trail_names_read(fd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = check_loose(check, dir, names.names[i], err);
	vst_trail_names_free(&names);
	close(fd);
	return rc;
}

/* ---- packs ---- */

#define PACK_DIR ".git/objects/pack"

static int check_pack(struct trail_check *check, int packfd, const char *stem, struct vst_err *err)
{
	struct vst_buf dir = VST_BUF_INIT;
	struct trail_pack pack = {0};
	struct vst_err why = VST_ERR_INIT;
	char name[80], path[112];
	int rc;

	vst_buf_printf(&dir, "%s/" PACK_DIR, check->trail->path);
	rc = vst_buf_check(&dir, err);
	if (rc != 0)
		return rc;
	snprintf(name, sizeof(name), "%s.pack", stem);
	rc = vst_trail_pack_load(packfd, stem, &pack, &why);
	if (rc == 0)
		rc = vst_trail_pack_verify(check->trail, packfd, vst_buf_cstr(&dir), stem, &pack, &why);
	if (rc == VST_ENOTFOUND) {
		snprintf(path, sizeof(path), PACK_DIR "/%s.idx", stem);
		rc = vst_trail_check_say(
		        check, VST_TRAIL_TEMPORARY, path, "an index without its pack: interrupted packing");
		goto out;
	}
	if (rc != 0) {
		rc = say_damage(check, PACK_DIR, name, rc, &why, err);
		goto out;
	}
	snprintf(path, sizeof(path), PACK_DIR "/%s", name);
	for (uint32_t i = 0; rc == 0 && i < pack.count; i++)
		rc = sound(check, &pack.entries[i].id, path, err);
	snprintf(name, sizeof(name), "%s.rev", stem);
	if (rc == 0 && faccessat(packfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	        (rc = vst_trail_rev_verify(packfd, name, &pack, &why)) != 0)
		rc = say_damage(check, PACK_DIR, name, rc, &why, err);
out:
	vst_trail_pack_free(&pack);
	vst_buf_free(&dir);
	return rc;
}

static bool has_name(const struct trail_names *names, const char *stem, const char *suffix)
{
	char wanted[80];

	snprintf(wanted, sizeof(wanted), "%s%s", stem, suffix);
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i], wanted) == 0)
			return true;
	return false;
}

/* An index leads to its pack; a pack or reverse index without an index is nobody's. */
static int check_pack_name(struct trail_check *check, int packfd, const struct trail_names *names,
        const char *name, struct vst_err *err)
{
	bool idx = vst_trail_pack_name(name, ".idx");
	char stem[64];

	if (!idx && !vst_trail_pack_name(name, ".pack") && !vst_trail_pack_name(name, ".rev"))
		return say_stray(check, PACK_DIR, name, err);
	memcpy(stem, name, 45);
	stem[45] = '\0';
	if (idx)
		return check_pack(check, packfd, stem, err);
	if (!has_name(names, stem, ".idx"))
		return say_stray(check, PACK_DIR, name, err);
	return 0;
}

static int check_packs(struct trail_check *check, struct vst_err *err)
{
	struct trail_names names = {0};
	struct vst_err why = VST_ERR_INIT;
	int packfd, rc;

	rc = vst_trail_dir_open(check->trail->objectsfd, "pack", &packfd, &why);
	if (rc != 0)
		return say_damage(check, ".git/objects", "pack", rc, &why, err);
	rc = vst_trail_names_read(packfd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = check_pack_name(check, packfd, &names, names.names[i], err);
	vst_trail_names_free(&names);
	close(packfd);
	return rc;
}

/* objects/info/packs, which git gc makes for clones over plain HTTP: `P NAME` for each pack, and an empty
 * line. */
static int check_pack_list(struct trail_check *check, int fd, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	struct vst_reader in;
	const uint8_t *line;
	size_t len;
	int rc;

	rc = vst_trail_file_read(fd, "packs", TRAIL_PACKED_REFS_MAX, &text, NULL, &why);
	in = vst_reader_of(text.data, text.len);
	while (rc == 0 && vst_reader_literal(&in, "P ")) {
		char name[64] = "pack/";

		if (!vst_reader_line(&in, &line, &len) || len != 50) {
			rc = vst_err_set(&why, VST_ETAMPERED, "not a list of packs");
			break;
		}
		memcpy(name + 5, line, len);
		if (!vst_trail_pack_name(name + 5, ".pack") ||
		        faccessat(check->trail->objectsfd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			rc = vst_err_set(&why, VST_ETAMPERED, "names a pack that is not here");
	}
	if (rc == 0 && (!vst_reader_literal(&in, "\n") || !vst_reader_at_end(&in)))
		rc = vst_err_set(&why, VST_ETAMPERED, "not a list of packs");
	vst_buf_free(&text);
	return rc == 0 ? 0 : say_damage(check, ".git/objects/info", "packs", rc, &why, err);
}

/* All else in objects/info changes what git reads (alternates), or is a cache that could mislead it
 * (commit-graph). */
static int check_info(struct trail_check *check, struct vst_err *err)
{
	struct trail_names names = {0};
	struct vst_err why = VST_ERR_INIT;
	int fd, rc;

	rc = vst_trail_dir_open(check->trail->objectsfd, "info", &fd, &why);
	if (rc != 0)
		return say_damage(check, ".git/objects", "info", rc, &why, err);
	rc = vst_trail_names_read(fd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		if (strcmp(names.names[i], "packs") == 0)
			rc = check_pack_list(check, fd, err);
		else
			rc = say_stray(check, ".git/objects/info", names.names[i], err);
	}
	vst_trail_names_free(&names);
	close(fd);
	return rc;
}

int vst_trail_check_objects(struct trail_check *check, struct vst_err *err)
{
	struct trail_names names = {0};
	int rc;

	rc = vst_trail_names_read(check->trail->objectsfd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		const char *name = names.names[i];

		if (strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2)
			rc = check_loose_dir(check, name, err);
		else if (strcmp(name, "pack") == 0)
			rc = check_packs(check, err);
		else if (strcmp(name, "info") == 0)
			rc = check_info(check, err);
		else
			rc = say_stray(check, ".git/objects", name, err);
	}
	vst_trail_names_free(&names);
	vst_trail_oids_sort(check->present, &check->present_count);
	return rc;
}
