#include "policies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/io.h"
#include "vestige/mem.h"

#define SUFFIX ".yaml"

/* Where shipped policies may lie, in order; NULL-terminated entries of a fixed array. */
static size_t places(char ret[4][PATH_MAX])
{
	size_t count = 0;
	const char *from_environment = getenv("VESTIGE_POLICIES");
	char program[PATH_MAX];
	if (from_environment && *from_environment)
		snprintf(ret[count++], PATH_MAX, "%s", from_environment);
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
	return count;
}

static bool find_shipped(const char *name, char ret_path[PATH_MAX])
{
	char dirs[4][PATH_MAX];
	size_t count = places(dirs);
	for (size_t i = 0; i < count; i++)
		if ((size_t)snprintf(ret_path, PATH_MAX, "%s/%s" SUFFIX, dirs[i], name) < PATH_MAX &&
		        access(ret_path, R_OK) == 0)
			return true;
	return false;
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
	const char *path = !strchr(name, '/') && find_shipped(name, shipped) ? shipped : name;
	int rc = read_policy(path, ret_text, err);
	if (rc == 0)
		rc = vst_policy_parse(ret_text->data, ret_text->len, path, ret, err);
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

int policies_each(int (*each)(void *ctx, const char *name, const char *path), void *ctx, struct vst_err *err)
{
	char dirs[4][PATH_MAX], path[PATH_MAX + 256], name[256];
	size_t place_count = places(dirs);
	for (size_t i = 0; i < place_count; i++) {
		struct dirent **entries;
		int count = scandir(dirs[i], &entries, is_policy_file, alphasort);
		int rc = 0;
		if (count <= 0)
			continue;
		for (int k = 0; k < count; k++) {
			snprintf(name, sizeof name, "%.*s",
			        (int)(strlen(entries[k]->d_name) - strlen(SUFFIX)), entries[k]->d_name);
			snprintf(path, sizeof path, "%s/%s", dirs[i], entries[k]->d_name);
			if (rc == 0)
				rc = each(ctx, name, path);
			free(entries[k]);
		}
		free(entries);
		return rc; /* the first place that has any, as find_shipped() would find them */
	}
	vst_err_set(err, VST_ENOTFOUND, "no shipped policies were found");
	vst_err_hint(err, "set VESTIGE_POLICIES to the directory that holds them");
	return VST_ENOTFOUND;
}
