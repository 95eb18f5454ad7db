#include "workflow/gathering.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vestige/err.h"
#include "workflow/case_internal.h"

#define SCRATCH "scratch" /* in private/ */

static int open_root(struct gathering *g, struct vst_err *err)
{
	const char *root = g->root ? g->root : "/";
	g->context.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->context.root_fd < 0) {
		int rc = vst_err_sys(err, errno, "%s", root);
		vst_err_hint(err, "--root takes the directory where the image is mounted");
		return rc;
	}
	return 0;
}

/* The case is never evidence of itself. */
static int exclude_case(struct gathering *g, const struct vst_case *c, struct vst_err *err)
{
	struct stat st;
	if (fstat(vst_case_fd(c), &st) != 0)
		return vst_err_sys(err, errno, "%s: stat", vst_case_dir(c));
	g->exclusion = (struct vst_exclusion){
	        .id = {major(st.st_dev), minor(st.st_dev), st.st_ino},
	        .rule = "the case directory itself",
	};
	g->context.exclusions = &g->exclusion;
	g->context.exclusion_count = 1;
	return 0;
}

int gathering_open(struct gathering *g, const struct vst_policy *policy, const char *root,
        const struct vst_case *c, struct vst_err *err)
{
	g->policy = policy;
	g->root = root;
	g->context = (struct vst_collect_context){
	        .root_fd = -1,
	        .live = root == NULL,
	        .item_limit = policy->limits.item,
	        .source_left = policy->limits.source,
	        .exhibit_left = policy->limits.exhibit,
	        .scratch_fd = -1,
	};
	int rc = open_root(g, err);
	if (rc == 0)
		rc = vst_accounts_load(g->context.root_fd, &g->accounts, err);
	if (rc == 0)
		rc = vst_hardlinks_new(&g->context.hardlinks, err);
	if (rc == 0)
		rc = vst_packages_new(&g->context.packages, err);
	if (rc == 0)
		rc = vst_postgres_sessions_new(&g->context.postgres, err);
	if (rc == 0 && c)
		rc = exclude_case(g, c, err);
	g->context.accounts = g->accounts;
	return rc;
}

/* ---- files of the collectors' own ---- */

static void remove_all(int fd, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		        unlinkat(fd, entry->d_name, 0) == 0 || depth == 0)
			continue;
		int below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			continue;
		remove_all(below, depth - 1);
		close(below);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

int gathering_scratch(struct gathering *g, const struct vst_case *c, struct vst_err *err)
{
	int private_fd = c->private_fd;
	if (mkdirat(private_fd, SCRATCH, 0700) != 0 && errno != EEXIST)
		return vst_err_sys(err, errno, CASE_PRIVATE "/" SCRATCH ": make directory");
	int fd = openat(private_fd, SCRATCH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return vst_err_sys(err, errno, CASE_PRIVATE "/" SCRATCH);
	remove_all(fd, 1); /* what a collector process that was killed left */
	g->context.scratch_fd = fd;
	g->private_fd = private_fd;
	return 0;
}

/* ---- collecting ---- */

int gathering_isolate(struct gathering *g, struct vst_err *err)
{
	return vst_isolated_new(&g->context, g->policy, &g->isolated, err);
}

int gathering_collect(struct gathering *g, size_t source, const struct vst_sink *sink, uint64_t seconds,
        struct vst_err *err)
{
	const struct vst_policy_source *from = &g->policy->sources[source];
	g->context.source_left = g->policy->limits.source;
	int rc = vst_isolated_collect(g->isolated, source, sink, seconds, err);
	return rc == 0 ? 0 : vst_err_prepend(err, "source %s", from->name);
}

void gathering_close(struct gathering *g)
{
	vst_isolated_free(g->isolated);
	vst_postgres_sessions_free(g->context.postgres);
	vst_packages_free(g->context.packages);
	vst_hardlinks_free(g->context.hardlinks);
	vst_accounts_free(g->accounts);
	if (g->context.scratch_fd >= 0) {
		remove_all(g->context.scratch_fd, 1);
		close(g->context.scratch_fd);
		unlinkat(g->private_fd, SCRATCH, AT_REMOVEDIR);
	}
	if (g->context.root_fd >= 0)
		close(g->context.root_fd);
}
