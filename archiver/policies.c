#include "policies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "built_in.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#define SUFFIX ".yaml"

#define BUILT_IN "built in" /* the "file" of a policy that lies in the program */
#define PLACES_MAX 4

/*
 * Where shipped policies may lie, in order; behind all of them come those inside the program. The static
 * program, made for hosts that are not trusted, asks no directory that the host could have filled: a planted
 * policy of a known name would take nothing.
 */
static size_t places(char ret[PLACES_MAX][PATH_MAX])
{
	size_t count = 0;
	const char *from_environment = getenv("VESTIGE_POLICIES");
	if (from_environment && *from_environment)
		snprintf(ret[count++], PATH_MAX, "%s", from_environment);
#ifndef VESTIGE_STATIC
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	if (len > 0) {
		program[len] = '\0';
		/* <prefix>/bin/vestige, or <source>/build/<kind>/vestige */
		static const char *const beside[] = {"share/vestige/policies", "policies"};
		for (int up = 0; up < 2; up++) {
			char *slash = strrchr(program, '/');
			if (!slash)
				break;
			*slash = '\0';
			if (up == 0 && (slash = strrchr(program, '/')) != NULL)
				*slash = '\0';
			if ((size_t)snprintf(ret[count], PATH_MAX, "%s/%s", program, beside[up]) < PATH_MAX)
				count++;
		}
	}
	snprintf(ret[count++], PATH_MAX, "%s", VST_POLICY_DIR);
#endif
	return count;
}

static bool find_shipped(const char *name, char ret_path[PATH_MAX])
{
	char dirs[PLACES_MAX][PATH_MAX];
	size_t count = places(dirs);
	for (size_t i = 0; i < count; i++)
		if ((size_t)snprintf(ret_path, PATH_MAX, "%s/%s" SUFFIX, dirs[i], name) < PATH_MAX &&
		        access(ret_path, R_OK) == 0)
			return true;
	return false;
}

/* Is a file of policies/ itself, not of a directory in it; then `ret_name` is what a user calls it. */
static bool is_built_in_policy(const struct built_in_file *file, char ret_name[NAME_MAX + 1])
{
	size_t len = strlen(file->name);
	if (strchr(file->name, '/') || len <= strlen(SUFFIX) || len > NAME_MAX ||
	        strcmp(file->name + len - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	len -= strlen(SUFFIX);
	memcpy(ret_name, file->name, len);
	ret_name[len] = '\0';
	return true;
}

static const struct built_in_file *find_built_in(const char *name)
{
	char known[NAME_MAX + 1];
	for (size_t i = 0; i < built_in_file_count; i++)
		if (is_built_in_policy(&built_in_files[i], known) && strcmp(known, name) == 0)
			return &built_in_files[i];
	return NULL;
}

static int read_policy(const char *path, struct vst_buf *out, struct vst_err *err)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int sys = errno;
		vst_err_sys(err, sys, "policy %s", path);
		if (sys == ENOENT)
			vst_err_hint(err,
			        "vestige policy list shows the shipped ones; a path has a '/' or an ending");
		return err ? err->code : VST_EIO;
	}
	int rc = vst_io_read_all(fd, VST_POLICY_MAX, out, err);
	close(fd);
	return rc == 0 ? 0 : vst_err_prepend(err, "policy %s", path);
}

int policies_load(const char *name, char **ret_path, struct vst_buf *ret_text, struct vst_policy **ret,
        struct vst_err *err)
{
	char shipped[PATH_MAX];
	const char *path = name;
	const struct built_in_file *built_in = NULL;
	int rc = 0;
	if (!strchr(name, '/') && find_shipped(name, shipped))
		path = shipped;
	else if ((built_in = find_built_in(name)) != NULL)
		path = BUILT_IN;
	if (built_in) {
		vst_buf_bytes(ret_text, built_in->data, built_in->len);
		rc = vst_buf_check(ret_text, err);
	} else {
		rc = read_policy(path, ret_text, err);
	}
	if (rc == 0)
		rc = vst_policy_parse(ret_text->data, ret_text->len, built_in ? name : path, ret, err);
	if (rc == 0 && ret_path && !(*ret_path = vst_strdup(path))) {
		vst_policy_free(*ret);
		*ret = NULL;
		rc = vst_err_nomem(err);
	}
	return rc;
}

static int is_policy_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > strlen(SUFFIX) &&
	       strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Those of one directory; `ret_any` says whether it has any. */
static int each_in(const char *dir, policy_each *each, void *ctx, bool *ret_any)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	struct dirent **entries;
	int count = scandir(dir, &entries, is_policy_file, alphasort);
	int rc = 0;
	*ret_any = count > 0;
	for (int i = 0; i < count; i++) {
		const char *file = entries[i]->d_name;
		snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
		if (rc == 0 && (size_t)snprintf(path, sizeof path, "%s/%s", dir, file) < sizeof path)
			rc = each(ctx, name, path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return rc;
}

int policies_each(policy_each *each, void *ctx)
{
	char dirs[PLACES_MAX][PATH_MAX], name[NAME_MAX + 1];
	size_t place_count = places(dirs);
	bool any = false;
	int rc = 0;
	for (size_t i = 0; !any && i < place_count; i++) /* the first that has any, as find_shipped() */
		rc = each_in(dirs[i], each, ctx, &any);
	for (size_t i = 0; !any && rc == 0 && i < built_in_file_count; i++)
		if (is_built_in_policy(&built_in_files[i], name))
			rc = each(ctx, name, name);
	return rc;
}
