/*
 * What else is in .git: references that name what HEAD reaches are good under the names that a clone has;
 * everything that has no business in a trail is named.
 */
#include "trail/trail_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/mem.h"
#include "vestige/reader.h"

static bool starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static int say(struct trail_check *check, enum vst_trail_finding finding, const char *name, const char *what,
        struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT;
	int rc;

	vst_buf_printf(&path, ".git/%s", name);
	rc = vst_buf_check(&path, err);
	if (rc == 0)
		rc = vst_trail_check_say(check, finding, vst_buf_cstr(&path), what);
	vst_buf_free(&path);
	return rc;
}

/* ---- references ---- */

struct refs {
	struct trail_check *check;
	struct trail_names packed; /* names in packed-refs, sorted */
	size_t packed_cap;
	struct trail_names dirs; /* still to be looked into */
	size_t dirs_cap;
};

static int push(struct trail_names *names, size_t *cap, const char *name, struct vst_err *err)
{
	if (names->count >= *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		char **grown = vst_realloc(names->names, more, sizeof(*grown));

		if (!grown)
			return vst_err_nomem(err);
		names->names = grown;
		*cap = more;
	}
	names->names[names->count] = vst_strdup(name);
	if (!names->names[names->count])
		return vst_err_nomem(err);
	names->count++;
	return 0;
}

static int by_name(const void *key, const void *name)
{
	return strcmp(key, *(char *const *)name);
}

static bool ref_exists(const struct refs *refs, const char *name)
{
	if (refs->packed.count > 0 &&
	        bsearch(name, refs->packed.names, refs->packed.count, sizeof(*refs->packed.names), by_name))
		return true;
	return faccessat(refs->check->trail->gitfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool ref_tolerated(const char *name)
{
	return strcmp(name, TRAIL_REF) == 0 || starts(name, "refs/remotes/") || starts(name, "refs/tags/");
}

static int check_target(struct trail_check *check, const char *where, const char *name, const git_oid *id,
        struct vst_err *err)
{
	if (starts(name, "refs/replace/"))
		return say(check, VST_TRAIL_STRANGER, where, "a replace reference hides an object from git",
		        err);
	if (!ref_tolerated(name))
		return say(check, VST_TRAIL_STRANGER, where, "a reference that no trail has", err);
	if (!vst_trail_oids_has(check->present, check->present_count, id))
		return say(check, VST_TRAIL_DIFFERENT, where, "names an object that is not here", err);
	return 0;
}

/* `ref: refs/remotes/…`, as refs/remotes/origin/HEAD of a clone: must lead to a reference that is there. */
static bool symbolic_valid(const struct refs *refs, const struct vst_buf *text)
{
	char target[TRAIL_REF_MAX + 1];
	size_t len = text->len - 6; /* without `ref: ` and LF */

	if (text->data[text->len - 1] != '\n' || len > TRAIL_REF_MAX)
		return false;
	memcpy(target, text->data + 5, len);
	target[len] = '\0';
	return starts(target, "refs/remotes/") && vst_trail_ref_valid(target, len) &&
	       ref_exists(refs, target);
}

static int check_ref(struct refs *refs, const char *name, struct vst_err *err)
{
	struct trail_check *check = refs->check;
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	git_oid id;
	int rc;

	rc = vst_trail_file_read(check->trail->gitfd, name, TRAIL_SMALL_MAX, &text, NULL, &why);
	if (rc == VST_ETAMPERED) {
		rc = say(check, VST_TRAIL_DIFFERENT, name, why.text, err);
	} else if (rc != 0) {
		if (err)
			*err = why;
	} else if (starts(name, "refs/remotes/") && text.len > 6 && memcmp(text.data, "ref: ", 5) == 0) {
		if (!symbolic_valid(refs, &text))
			rc = say(check, VST_TRAIL_DIFFERENT, name, "leads to no reference", err);
	} else if (text.len != GIT_OID_HEXSZ + 1 || text.data[GIT_OID_HEXSZ] != '\n' ||
	           !vst_trail_oid_parse(text.data, GIT_OID_HEXSZ, &id)) {
		rc = say(check, VST_TRAIL_DIFFERENT, name, "not a reference", err);
	} else {
		rc = check_target(check, name, name, &id, err);
	}
	vst_buf_free(&text);
	return rc;
}

static int check_packed_ref(
        void *ctx, const char *name, const git_oid *id, const git_oid *peeled, struct vst_err *err)
{
	struct refs *refs = ctx;
	int rc = push(&refs->packed, &refs->packed_cap, name, err);

	if (rc == 0)
		rc = check_target(refs->check, "packed-refs", name, id, err);
	if (rc == 0 && peeled &&
	        !vst_trail_oids_has(refs->check->present, refs->check->present_count, peeled))
		rc = say(refs->check, VST_TRAIL_DIFFERENT, "packed-refs", "names an object that is not here",
		        err);
	return rc;
}

static int check_packed_refs(struct refs *refs, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	int rc;

	rc = vst_trail_file_read(
	        refs->check->trail->gitfd, "packed-refs", TRAIL_PACKED_REFS_MAX, &text, NULL, &why);
	if (rc == 0)
		rc = vst_trail_packed_refs_parse(text.data, text.len, check_packed_ref, refs, &why);
	vst_buf_free(&text);
	if (rc == VST_ENOTFOUND)
		return 0;
	if (rc == VST_ETAMPERED)
		return say(refs->check, VST_TRAIL_DIFFERENT, "packed-refs", why.text, err);
	if (rc != 0 && err && why.code)
		*err = why;
	return rc;
}

/* One name in a directory below refs. */
static int check_ref_name(struct refs *refs, int fd, const char *dir, const char *name, struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT;
	struct stat st;
	int rc;

	vst_buf_printf(&path, "%s/%s", dir, name);
	rc = vst_buf_check(&path, err);
	if (rc != 0)
		return rc;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		rc = push(&refs->dirs, &refs->dirs_cap, vst_buf_cstr(&path), err);
	else if (vst_trail_is_temporary(name, TRAIL_IN_GIT))
		rc = say(refs->check, VST_TRAIL_TEMPORARY, vst_buf_cstr(&path),
		        "left by an interrupted write", err);
	else
		rc = check_ref(refs, vst_buf_cstr(&path), err);
	vst_buf_free(&path);
	return rc;
}

static int check_ref_dir(struct refs *refs, const char *dir, struct vst_err *err)
{
	struct trail_names names = {0};
	struct vst_err why = VST_ERR_INIT;
	int fd, rc;

	rc = vst_trail_dir_open(refs->check->trail->gitfd, dir, &fd, &why);
	if (rc == VST_ETAMPERED || rc == VST_ENOTFOUND)
		return say(refs->check, VST_TRAIL_DIFFERENT, dir, why.text, err);
	if (rc != 0) {
		if (err)
			*err = why;
		return rc;
	}
	rc = vst_trail_names_read(fd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = check_ref_name(refs, fd, dir, names.names[i], err);
	vst_trail_names_free(&names);
	close(fd);
	return rc;
}

static int check_refs(struct trail_check *check, struct vst_err *err)
{
	struct refs refs = {.check = check};
	int rc;

	rc = check_packed_refs(&refs, err);
	if (rc == 0)
		rc = push(&refs.dirs, &refs.dirs_cap, "refs", err);
	while (rc == 0 && refs.dirs.count > 0) {
		char *dir = refs.dirs.names[--refs.dirs.count];

		rc = check_ref_dir(&refs, dir, err);
		free(dir);
	}
	vst_trail_names_free(&refs.packed);
	vst_trail_names_free(&refs.dirs);
	return rc;
}

/* ---- the top of .git ---- */

/* A line of FETCH_HEAD or ORIG_HEAD begins with an id of an object that is here. */
static int check_heads(struct trail_check *check, const char *name, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	struct vst_reader in;
	const uint8_t *line;
	size_t len;
	int rc;

	rc = vst_trail_file_read(check->trail->gitfd, name, TRAIL_SMALL_MAX, &text, NULL, &why);
	if (rc != 0 && rc != VST_ETAMPERED) {
		if (err)
			*err = why;
		goto out;
	}
	in = vst_reader_of(text.data, text.len);
	while (rc == 0 && vst_reader_line(&in, &line, &len)) {
		git_oid id;

		if (len < GIT_OID_HEXSZ || !vst_trail_oid_parse(line, GIT_OID_HEXSZ, &id) ||
		        !vst_trail_oids_has(check->present, check->present_count, &id))
			rc = VST_ETAMPERED;
	}
	if (rc != 0 || !vst_reader_at_end(&in))
		rc = say(check, VST_TRAIL_DIFFERENT, name, "names an object that is not here", err);
out:
	vst_buf_free(&text);
	return rc;
}

/* An empty directory carries nothing: git's templates make `branches`. */
static bool empty_dir(int at, const char *name)
{
	struct trail_names names = {0};
	bool empty;
	int fd;

	if (vst_trail_dir_open(at, name, &fd, NULL) != 0)
		return false;
	empty = vst_trail_names_read(fd, &names, NULL) == 0 && names.count == 0;
	vst_trail_names_free(&names);
	close(fd);
	return empty;
}

static int check_name(struct trail_check *check, const char *name, struct vst_err *err)
{
	/* Checked elsewhere, or not looked at: see the header. */
	static const char *const known[] = {"HEAD", "config", "description", "hooks", "index", "info", "logs",
	        "objects", "packed-refs", "refs"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return 0;
	if (strcmp(name, "FETCH_HEAD") == 0 || strcmp(name, "ORIG_HEAD") == 0)
		return check_heads(check, name, err);
	if (vst_trail_is_temporary(name, TRAIL_IN_GIT))
		return say(check, VST_TRAIL_TEMPORARY, name, "left by an interrupted write", err);
	if (empty_dir(check->trail->gitfd, name))
		return 0;
	if (strcmp(name, "shallow") == 0)
		return say(check, VST_TRAIL_STRANGER, name, "a shallow clone does not hold the whole trail",
		        err);
	return say(check, VST_TRAIL_STRANGER, name, "not part of a trail", err);
}

int vst_trail_check_git(struct trail_check *check, struct vst_err *err)
{
	struct trail_names names = {0};
	struct stat st;
	int rc;

	rc = vst_trail_names_read(check->trail->gitfd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = check_name(check, names.names[i], err);
	vst_trail_names_free(&names);
	if (rc == 0 && fstatat(check->trail->gitfd, "info/grafts", &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = say(check, VST_TRAIL_STRANGER, "info/grafts", "grafts change the history that git shows",
		        err);
	if (rc == 0)
		rc = check_refs(check, err);
	return rc;
}
