/*
 * A dpkg database from anybody: the input's parts between bytes of 0xff are status, diversions, and the lists
 * of the packages in turn. What a package is called is safe to build a path of; a path that is judged is
 * named.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/package_table.h"
#include "vestige/buf.h"
#include "vestige/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int place(void *ctx, const char *dir, struct vst_buf *out, struct vst_err *err)
{
	(void)ctx;
	(void)err;
	if (dir[0] != '\0' && (dir[0] != '/' || dir[strlen(dir) - 1] == '/' || strstr(dir, "//")))
		abort();
	if (strncmp(dir, "/bin", 4) == 0)
		vst_buf_text(out, "/usr");
	vst_buf_text(out, dir);
	return 0;
}

static void check_package(const struct vst_package *package)
{
	const char *words[] = {package->name, package->version, package->arch};
	for (size_t i = 0; i < 3; i++)
		for (const char *at = words[i]; *at; at++)
			if (!isalnum((unsigned char)*at) && !strchr("+-.:~_", *at))
				abort();
	if (!isalnum((unsigned char)package->name[0]))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"/usr/bin/a", "/usr/bin/b", "/etc/c", "/a"};
	static const uint8_t zeros[VST_MD5_LEN];
	const struct vst_package_places places = {place, NULL};
	struct vst_package_table *table = NULL;
	if (vst_package_table_new(&places, &table, NULL) != 0)
		return 0;
	for (size_t part = 0, at = 0; at <= size; part++) {
		const uint8_t *end = at < size ? memchr(data + at, 0xff, size - at) : NULL;
		size_t len = (end ? (size_t)(end - data) : size) - at;
		int rc = 0;
		if (part == 0)
			rc = vst_package_table_status(table, data + at, len, NULL);
		else if (part == 1)
			rc = vst_package_table_diversions(table, data + at, len, NULL);
		else if (vst_package_table_at(table, part - 2))
			rc = vst_package_table_md5sums(table, part - 2, data + at, len, NULL);
		if (rc != 0 && rc != VST_ENOMEM)
			abort();
		at += len + 1;
	}
	const struct vst_package *package;
	for (size_t i = 0; (package = vst_package_table_at(table, i)) != NULL; i++)
		check_package(package);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct vst_package_claim claim;
		bool same = false;
		bool named = vst_package_table_judge(table, paths[i], zeros, &claim, &same);
		if (named != vst_package_table_names(table, paths[i]))
			abort();
		if (named && (!claim.package || same != (memcmp(claim.md5, zeros, sizeof zeros) == 0)))
			abort();
	}
	vst_package_table_free(table);
	return 0;
}
