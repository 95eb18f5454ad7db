/* A scratch directory, a trail in it, commits with made-up content, and git as the other party. */
#ifndef TRAIL_FIXTURE_H
#define TRAIL_FIXTURE_H

#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/trail.h"

static char scratch[64];

static inline int scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void tree_remove(const char *path)
{
	nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int scratch_make(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/vst-trail-XXXXXX");
	if (!mkdtemp(scratch))
		return -1;
	setenv("HOME", scratch, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	return 0;
}

static inline int scratch_drop(void **state)
{
	(void)state;
	tree_remove(scratch);
	return 0;
}

static inline const char *in_scratch(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

/* Runs a shell command in the scratch directory; its output goes to `ret` (cut at len), its status is
 * returned. */
static inline int run_into(char *ret, size_t len, const char *format, ...)
{
	char command[4096], line[2048];
	size_t used = 0;
	FILE *out;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "cd '%s' && { %s ; } 2>&1", scratch, line);
	out = popen(command, "r");
	if (!out)
		return -1;
	while (used + 1 < len) {
		size_t got = fread(ret + used, 1, len - 1 - used, out);

		if (got == 0)
			break;
		used += got;
	}
	ret[used] = '\0';
	return pclose(out);
}

#define run(...) run_into(run_output, sizeof(run_output), __VA_ARGS__)
static char run_output[65536];

static inline int fake_sign(
        void *ctx, const void *payload, size_t len, struct vst_buf *out, struct vst_err *err)
{
	(void)ctx;
	(void)payload;
	vst_buf_text(out, "-----BEGIN SSH SIGNATURE-----\n");
	vst_buf_printf(out, "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg%08zx\n", len);
	vst_buf_text(out, "-----END SSH SIGNATURE-----\n");
	return vst_buf_check(out, err);
}

/* Content of commit `number`. With `change` the signers and recipients change too. */
static inline int add_commit(struct vst_trail *trail, uint64_t number, bool change, struct vst_err *err)
{
	struct vst_buf event = VST_BUF_INIT, case_file = VST_BUF_INIT, recipients = VST_BUF_INIT,
	               signers = VST_BUF_INIT, checkpoint = VST_BUF_INIT, message = VST_BUF_INIT;
	struct vst_trail_commit commit = {.number = number,
	        .author = "collector@web1",
	        .seconds = 1790000000 + (int64_t)number,
	        .event = &event,
	        .case_file = &case_file,
	        .recipients = &recipients,
	        .allowed_signers = &signers,
	        .checkpoint = &checkpoint,
	        .message = &message};
	unsigned long long n = number;
	int rc;

	vst_buf_printf(&event, "{\"format\":1,\"event\":%llu,\"type\":\"note\",\"text\":\"", n);
	for (int i = 0; i < 12; i++)
		vst_buf_printf(&event, "%08llx",
		        (n + 1) * 2654435761ULL * (unsigned long long)(i + 1) % 4294967291ULL);
	vst_buf_text(&event, "\"}\n");
	vst_buf_text(&case_file, "{\"format\":1,\"id\":\"9f3c61d2\"}\n");
	vst_buf_printf(&recipients, "age1%llu\n", change ? n : 0);
	vst_buf_printf(&signers, "collector@web1 ssh-ed25519 AAAA%llu\n", change ? n : 0);
	vst_buf_printf(&checkpoint, "vestige/9f3c61d2\n%llu\n\n", n + 1);
	vst_buf_printf(&message, "note: event %llu\n\nVestige-Event: %llu\n", n, n);
	rc = vst_trail_append(trail, &commit, fake_sign, NULL, err);
	vst_buf_free(&event);
	vst_buf_free(&case_file);
	vst_buf_free(&recipients);
	vst_buf_free(&signers);
	vst_buf_free(&checkpoint);
	vst_buf_free(&message);
	return rc;
}

/* A trail of `count` commits at scratch/NAME. */
static inline struct vst_trail *trail_make(const char *name, uint64_t count)
{
	struct vst_trail *trail = NULL;
	struct vst_err err = VST_ERR_INIT;

	if (vst_trail_create(in_scratch(name), &trail, &err) != 0) {
		fprintf(stderr, "create: %s\n", err.text);
		return NULL;
	}
	for (uint64_t i = 0; i < count; i++)
		if (add_commit(trail, i, i % 2 == 1, &err) != 0) {
			fprintf(stderr, "append: %s\n", err.text);
			vst_trail_free(trail);
			return NULL;
		}
	return trail;
}

struct findings {
	unsigned count[VST_TRAIL_UNUSED + 1];
	unsigned total;
	char last_path[256], last_what[256];
	bool print;
};

static inline int take_finding(void *ctx, enum vst_trail_finding finding, const char *path, const char *what)
{
	struct findings *findings = ctx;

	if (findings->print)
		printf("finding %d: %s: %s\n", (int)finding, path, what);
	findings->count[finding]++;
	findings->total++;
	snprintf(findings->last_path, sizeof(findings->last_path), "%s", path);
	snprintf(findings->last_what, sizeof(findings->last_what), "%s", what);
	return 0;
}

#endif
