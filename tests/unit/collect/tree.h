/*
 * A small tree of files in a directory of its own, for the collectors' tests.
 */
#ifndef TEST_COLLECT_TREE_H
#define TEST_COLLECT_TREE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_path[256];

static inline int tree_make(void)
{
	const char *base = getenv("TMPDIR");
	snprintf(tree_path, sizeof tree_path, "%s/vestige-collect-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(tree_path));
	assert_int_equal(chmod(tree_path, 0755), 0);
	int fd = open(tree_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline void tree_mkdirs(int root, const char *path)
{
	char part[512];
	for (const char *end = path;; end++) {
		if (*end != '/' && *end != '\0')
			continue;
		snprintf(part, sizeof part, "%.*s", (int)(end - path), path);
		if (mkdirat(root, part, 0755) != 0)
			assert_int_equal(errno, EEXIST);
		if (*end == '\0')
			return;
	}
}

static inline void tree_write(int root, const char *path, const void *data, size_t len)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* Closes and removes it. `rm` takes names of any kind and depth. */
static inline void tree_remove(int root)
{
	char command[300];
	close(root);
	snprintf(command, sizeof command, "rm -rf -- '%s'", tree_path);
	assert_int_equal(system(command), 0);
}

#endif
