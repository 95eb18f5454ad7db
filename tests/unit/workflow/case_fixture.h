/*
 * A small real case for tests of the workflow: two snapshots of a little tree, made by the library itself.
 */
#ifndef TESTS_CASE_FIXTURE_H
#define TESTS_CASE_FIXTURE_H

#include "vestige/acquire.h"
#include "vestige/age.h"
#include "vestige/policy.h"

struct case_fixture {
	char work[64]; /* a temporary directory that holds all */
	char dir[96], image[96];
	struct vst_age_identity *identity;
	struct vst_age_identities identities;
	struct vst_policy *policy;
	char policy_text[512];
};

/* ---- the code: each test program includes this once ---- */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define FIXTURE_CHECK(rc, err)                                                                               \
	do {                                                                                                 \
		if ((rc) != 0)                                                                               \
			fail_msg("%s: %s", #rc, (err).text);                                                 \
	} while (0)

static inline unsigned char *fixture_read(const char *path, size_t *ret_len)
{
	struct stat st;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	unsigned char *data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, (size_t)st.st_size, file), st.st_size);
	fclose(file);
	*ret_len = (size_t)st.st_size;
	return data;
}

static inline void fixture_write(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static inline void fixture_tree(struct case_fixture *fixture)
{
	static const char log[] = "Nov 22 03:40:13 web1 sshd[411]: Accepted publickey for anna\n";
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n";
	char path[192];
	snprintf(fixture->image, sizeof fixture->image, "%s/image", fixture->work);
	static const char *const dirs[] = {"", "/var", "/var/log", "/etc"};
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		snprintf(path, sizeof path, "%s%s", fixture->image, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(path, sizeof path, "%s/var/log/auth.log", fixture->image);
	fixture_write(path, log, strlen(log));
	snprintf(path, sizeof path, "%s/etc/passwd", fixture->image);
	fixture_write(path, passwd, strlen(passwd));
	snprintf(path, sizeof path, "%s/etc/mtab", fixture->image);
	assert_int_equal(symlink("../proc/self/mounts", path), 0);
}

static inline int case_fixture_snapshot(struct case_fixture *fixture, struct vst_err *err)
{
	struct vst_case *c = NULL;
	struct vst_acquire_result result = {0};
	const struct vst_acquire_options options = {
	        .policy = fixture->policy,
	        .policy_text = fixture->policy_text,
	        .policy_len = strlen(fixture->policy_text),
	        .root = fixture->image,
	        .operator_name = "tester",
	        .program = "test",
	        .workers = 1,
	};
	int rc = vst_case_open(fixture->dir, &c, err);
	if (rc == 0)
		rc = vst_acquire(c, &options, &result, err);
	vst_seal_free(result.seal);
	vst_case_free(c);
	return rc;
}

static inline void case_fixture_make(struct case_fixture *fixture, unsigned snapshots)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_age_recipient *recipient = NULL;
	struct vst_age_recipients recipients = {0};
	struct vst_case *c = NULL;

	*fixture = (struct case_fixture){0};
	snprintf(fixture->work, sizeof fixture->work, "/tmp/vestige-workflow.XXXXXX");
	assert_non_null(mkdtemp(fixture->work));
	snprintf(fixture->dir, sizeof fixture->dir, "%s/case", fixture->work);
	fixture_tree(fixture);
	snprintf(fixture->policy_text, sizeof fixture->policy_text,
	        "policy: small\nsources:\n  - name: logs\n    files: {paths: [/var/log/**, /etc/**]}\n");
	FIXTURE_CHECK(vst_policy_parse(fixture->policy_text, strlen(fixture->policy_text), "small.yaml",
	                      &fixture->policy, &err),
	        err);

	FIXTURE_CHECK(vst_age_identity_generate(&fixture->identity, &err), err);
	FIXTURE_CHECK(vst_age_identity_recipient(fixture->identity, &recipient, &err), err);
	FIXTURE_CHECK(vst_age_recipients_add(&recipients, recipient, &err), err);
	FIXTURE_CHECK(vst_age_identities_add(&fixture->identities, fixture->identity, &err), err);
	const struct vst_case_init_options init = {.dir = fixture->dir,
	        .title = "Test",
	        .host = "web1",
	        .program = "vestige test",
	        .recipients = &recipients};
	FIXTURE_CHECK(vst_case_init(&init, &c, &err), err);
	vst_case_free(c);
	vst_age_recipients_free(&recipients);
	for (unsigned i = 0; i < snapshots; i++)
		FIXTURE_CHECK(case_fixture_snapshot(fixture, &err), err);
}

static inline int fixture_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void case_fixture_remove(struct case_fixture *fixture)
{
	vst_age_identities_free(&fixture->identities);
	vst_policy_free(fixture->policy);
	nftw(fixture->work, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
