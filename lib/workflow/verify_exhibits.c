#include "workflow/verify_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/exhibit_check.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_info.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "workflow/exhibit_file.h"

static void file_name(uint64_t number, const char *suffix, char ret_name[2 * VST_EXHIBIT_NAME_MAX])
{
	char name[VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(number, name);
	snprintf(ret_name, 2 * VST_EXHIBIT_NAME_MAX, "%s%s", name, suffix);
}

struct subject_progress {
	struct verification *v;
	const char *subject;
};

static void on_bytes(void *ctx, uint64_t done, uint64_t total)
{
	struct subject_progress *progress = ctx;
	const struct vst_verify_options *options = progress->v->options;
	if (options->progress)
		options->progress(
		        options->ctx, progress->subject, done, total, progress->v->result->items_checked);
}

/* ---- the ciphertext, without a key ---- */

/* One file against its seal. With --deep it is digested beside the check of its contents: both read every
 * byte. */
struct cipher_check {
	const struct vst_custody_exhibit *exhibit;
	const char *file;
	int fd;
	uint64_t bytes;
	struct subject_progress progress;
	bool shows_progress;
	pthread_t thread;
	bool runs; /* the thread */
	bool said; /* its verdict */
	int rc;
	struct vst_err err;
};

static void *digest_file(void *arg)
{
	struct cipher_check *cipher = arg;
	cipher->rc = exhibit_file_check_open(cipher->fd, cipher->bytes, cipher->exhibit->seal,
	        cipher->shows_progress ? on_bytes : NULL, &cipher->progress, &cipher->err);
	return NULL;
}

static void digest_aside(struct cipher_check *cipher)
{
	cipher->runs = pthread_create(&cipher->thread, NULL, digest_file, cipher) == 0;
	if (!cipher->runs)
		digest_file(cipher);
}

/* Waits for the digest and says once what came of it: before anything is said of the contents. */
static int say_cipher(struct verification *v, struct cipher_check *cipher, const char *subject)
{
	char size[16];
	if (cipher->runs)
		pthread_join(cipher->thread, NULL);
	cipher->runs = false;
	if (cipher->said)
		return v->stopped;
	cipher->said = true;
	vst_text_size(cipher->exhibit->file_bytes, size);
	if (cipher->rc == 0)
		return verify_say(v, VST_GOOD, subject, NULL, "ciphertext %s matches its seal", size);
	if (verify_is_finding(cipher->rc))
		return verify_say(v, VST_TAMPERED, subject,
		        "vestige recover takes out what still authenticates", "%s: %s", cipher->file,
		        cipher->err.text);
	return 0;
}

/* ---- the contents, with an identity ---- */

struct deep_check {
	struct verification *v;
	struct cipher_check *cipher;
	const struct vst_custody_exhibit *exhibit;
	const char *subject;
	struct subject_progress progress;
	uint64_t problems; /* of the records; those of items are counted by the check */
	bool saw_info, saw_policy;
	bool unchecked; /* content in earlier exhibits could not be looked at */
	uint64_t counted[VST_SEAL_SOURCES_MAX + 1]
	                [VST_ITEM_STATUSES]; /* by the seal's sources; the last is for others */
};

static int on_problem(void *ctx, const char *source, const char *path, const char *what)
{
	struct deep_check *deep = ctx;
	say_cipher(deep->v, deep->cipher, deep->subject);
	return verify_say(deep->v, VST_TAMPERED, deep->subject, NULL, "%s%s%s%s%s", source ? source : "",
	        source ? ":" : "", path ? path : "", source || path ? ": " : "", what);
}

static int bad_record(struct deep_check *deep, const char *what)
{
	deep->problems++;
	say_cipher(deep->v, deep->cipher, deep->subject);
	return verify_say(deep->v, VST_TAMPERED, deep->subject, NULL, "%s", what);
}

/* The exhibit's own account of itself against its seal and the log. */
static int check_info(struct deep_check *deep, const void *data, size_t len)
{
	const struct vst_seal *seal = deep->exhibit->seal;
	struct vst_exhibit_info *info = NULL;
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;
	deep->saw_info = true;
	if (vst_exhibit_info_parse(data, len, &info, &why) != 0) {
		char text[VST_ERR_TEXT_MAX + 32];
		snprintf(text, sizeof text, VST_ENTRY_EXHIBIT ": %s", why.text);
		return bad_record(deep, text);
	}
	if (strcmp(info->case_id, vst_custody_case(deep->v->c.custody)->id) != 0)
		rc = bad_record(deep, VST_ENTRY_EXHIBIT ": was made for another case");
	if (rc == 0 && info->exhibit != seal->exhibit)
		rc = bad_record(deep, VST_ENTRY_EXHIBIT ": was made as another exhibit number");
	if (rc == 0 && memcmp(info->policy_sha256, seal->policy_sha256, VST_HASH_LEN) != 0)
		rc = bad_record(deep, VST_ENTRY_EXHIBIT ": names another policy than the seal");
	if (rc == 0 && (info->has_predecessor != seal->has_predecessor ||
	                       memcmp(info->predecessor, seal->predecessor, VST_HASH_LEN) != 0))
		rc = bad_record(deep, VST_ENTRY_EXHIBIT ": names another predecessor than the seal");
	vst_exhibit_info_free(info);
	return rc;
}

static int on_record(void *ctx, const char *name, const void *data, size_t len, struct vst_err *err)
{
	struct deep_check *deep = ctx;
	uint8_t digest[VST_HASH_LEN];
	(void)err;
	if (strcmp(name, VST_ENTRY_EXHIBIT) == 0)
		return check_info(deep, data, len);
	if (strcmp(name, VST_ENTRY_POLICY) == 0) {
		deep->saw_policy = true;
		vst_sha256(data, len, digest);
		if (memcmp(digest, deep->exhibit->seal->policy_sha256, VST_HASH_LEN) != 0)
			return bad_record(deep, VST_ENTRY_POLICY ": is not the policy of the seal");
	}
	return 0;
}

/* ---- the completeness statement ---- */

static int on_item(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	struct deep_check *deep = ctx;
	const struct vst_seal *seal = deep->exhibit->seal;
	size_t i = 0;
	while (i < seal->source_count && strcmp(seal->sources[i].name, item->source) != 0)
		i++;
	deep->counted[i < seal->source_count ? i : VST_SEAL_SOURCES_MAX][item->status]++;
	return verify_references_item(deep->v->references, item, err);
}

static int on_reference(
        void *ctx, enum vst_verdict verdict, const char *source, const char *path, const char *what)
{
	struct deep_check *deep = ctx;
	if (verdict == VST_UNCHECKED)
		deep->unchecked = true;
	else
		deep->problems++;
	say_cipher(deep->v, deep->cipher, deep->subject);
	return verify_say(deep->v, verdict, deep->subject, NULL, "%s%s%s%s%s", source ? source : "",
	        source ? ":" : "", path ? path : "", source || path ? ": " : "", what);
}

static uint64_t stated(const struct vst_seal_source *source, enum vst_item_status status)
{
	for (size_t i = 0; i < source->status_count; i++)
		if (strcmp(source->statuses[i].status, vst_item_status_name(status)) == 0)
			return source->statuses[i].count;
	return 0;
}

/* The seal's counts are a claim until the lines were counted. */
static int check_counts(struct deep_check *deep)
{
	const struct vst_seal *seal = deep->exhibit->seal;
	char text[256];
	for (int status = 0; status < VST_ITEM_STATUSES; status++) {
		if (deep->counted[VST_SEAL_SOURCES_MAX][status] > 0)
			return bad_record(deep, "holds items of a source that the seal does not name");
		for (size_t i = 0; i < seal->source_count; i++) {
			uint64_t claim = stated(&seal->sources[i], (enum vst_item_status)status);
			if (claim == deep->counted[i][status])
				continue;
			snprintf(text, sizeof text,
			        "source %s: the seal states %llu items as %s, the manifest has %llu",
			        seal->sources[i].name, (unsigned long long)claim,
			        vst_item_status_name((enum vst_item_status)status),
			        (unsigned long long)deep->counted[i][status]);
			return bad_record(deep, text);
		}
	}
	return 0;
}

static void on_deep_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct deep_check *deep = ctx;
	on_bytes(&deep->progress, done, total);
}

static int say_contents(
        struct deep_check *deep, const struct vst_exhibit_check_result *checked, uint64_t elsewhere)
{
	char count[32], size[16], there[32];
	vst_text_count(checked->items, count);
	vst_text_size(checked->bytes, size);
	vst_text_count(elsewhere, there);
	if (elsewhere == 0 || deep->unchecked)
		return verify_say(deep->v, VST_GOOD, deep->subject, NULL,
		        "contents: %s items, %s, each as its manifest line says%s", count, size,
		        elsewhere ? "; not what earlier exhibits have to hold" : "");
	return verify_say(deep->v, VST_GOOD, deep->subject, NULL,
	        "contents: %s items, %s, each as its manifest line says; %s items in earlier exhibits, all "
	        "found",
	        count, size, there);
}

/* The exhibit's own records, of which the check found nothing wrong. */
static void check_records(struct deep_check *deep)
{
	if (!deep->saw_info)
		bad_record(deep, VST_ENTRY_EXHIBIT ": is not in the exhibit");
	if (!deep->saw_policy)
		bad_record(deep, VST_ENTRY_POLICY ": is not in the exhibit");
	check_counts(deep);
}

static int check_contents_with(struct deep_check *deep, int fd, struct vst_err *err)
{
	struct verification *v = deep->v;
	const struct vst_custody_exhibit *exhibit = deep->exhibit;
	const char *subject = deep->subject;
	struct vst_exhibit_expectation expect = {.items = exhibit->seal->items};
	struct vst_exhibit_check_options options = {
	        .workers = v->options->workers,
	        .problem = on_problem,
	        .record = on_record,
	        .progress = v->options->progress ? on_deep_progress : NULL,
	        .item = on_item,
	        .ctx = deep,
	};
	struct vst_exhibit_check_result checked = {0};
	struct vst_input in;
	uint64_t elsewhere = 0;

	memcpy(expect.root, exhibit->seal->root, VST_HASH_LEN);
	int rc = vst_input_fd(fd, &in, err);
	if (rc == 0)
		rc = verify_references_begin(v->references, exhibit->number, deep, err);
	if (rc != 0)
		return rc;
	rc = vst_exhibit_check(&in, v->options->identities, &expect, &options, &checked, err);
	if (rc != 0 || checked.problems > 0)
		verify_references_drop(v->references);
	say_cipher(v, deep->cipher, subject);
	if (rc == VST_EKEY) {
		v->key_failed = true;
		verify_say(v, VST_UNCHECKED, subject, NULL, "contents: the identity given does not open it");
		return 0;
	}
	v->key_fitted = true;
	if (v->stopped != 0)
		return v->stopped;
	if (rc != 0 && verify_is_finding(rc)) {
		verify_say(v, VST_TAMPERED, subject, "vestige recover takes out what still authenticates",
		        "contents: %s", err ? err->text : "damaged");
		vst_err_clear(err);
		return 0;
	}
	if (rc == 0 && checked.problems == 0)
		rc = verify_references_end(v->references, &elsewhere, err);
	if (rc != 0)
		return rc;
	if (checked.problems == 0)
		check_records(deep);
	v->result->exhibits_opened++;
	v->result->items_checked += checked.items;
	v->result->bytes_checked += checked.bytes;
	if (checked.problems + deep->problems > 0)
		return v->stopped;
	return say_contents(deep, &checked, elsewhere);
}

static int check_contents(
        struct verification *v, struct cipher_check *cipher, const char *subject, struct vst_err *err)
{
	struct deep_check *deep = vst_calloc(1, sizeof *deep); /* a hundred kilobytes of counts */
	if (!deep)
		return vst_err_nomem(err);
	*deep = (struct deep_check){.v = v,
	        .cipher = cipher,
	        .exhibit = cipher->exhibit,
	        .subject = subject,
	        .progress = {v, subject}};
	int rc = check_contents_with(deep, cipher->fd, err);
	free(deep);
	return rc;
}

/* ---- one exhibit ---- */

static int check_open_file(
        struct verification *v, struct cipher_check *cipher, const char *subject, struct vst_err *err)
{
	bool deep = v->options->deep && v->options->identities;
	int rc = 0;
	cipher->shows_progress = !deep; /* one line, one subject: with --deep it is the contents' */
	if (deep) {
		digest_aside(cipher);
		rc = check_contents(v, cipher, subject, err);
	} else {
		digest_file(cipher);
	}
	say_cipher(v, cipher, subject);
	if (rc == 0 && cipher->rc != 0 && !verify_is_finding(cipher->rc)) {
		if (err)
			*err = cipher->err;
		return cipher->rc;
	}
	if (rc == 0 && !deep && cipher->rc == 0)
		verify_say(v, VST_UNCHECKED, subject, NULL, "contents (no identity given: --deep -i FILE)");
	return rc != 0 ? rc : v->stopped;
}

static int check_sealed(
        struct verification *v, const struct vst_custody_exhibit *exhibit, struct vst_err *err)
{
	char subject[VST_EXHIBIT_NAME_MAX], file[2 * VST_EXHIBIT_NAME_MAX];
	struct cipher_check cipher = {.exhibit = exhibit, .file = file, .fd = -1, .progress = {v, subject}};
	vst_exhibit_name(exhibit->number, subject);
	file_name(exhibit->number, VST_EXHIBIT_SUFFIX, file);
	v->result->exhibits_checked++;
	int rc = v->c.exhibits_fd < 0
	                 ? VST_ENOTFOUND
	                 : exhibit_file_open(v->c.exhibits_fd, file, &cipher.fd, &cipher.bytes, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		return verify_missing(v, exhibit, "seals", err);
	}
	if (rc != 0 && verify_is_finding(rc)) {
		verify_say(v, VST_TAMPERED, subject, NULL, "%s", err ? err->text : "not a regular file");
		vst_err_clear(err);
		return v->stopped;
	}
	if (rc == 0)
		rc = check_open_file(v, &cipher, subject, err);
	if (cipher.fd >= 0)
		close(cipher.fd);
	return rc;
}

/* An unfinished file that a recover event recorded. */
static int check_recovered(
        struct verification *v, const struct vst_custody_exhibit *exhibit, struct vst_err *err)
{
	char subject[VST_EXHIBIT_NAME_MAX], file[2 * VST_EXHIBIT_NAME_MAX];
	struct subject_progress progress = {v, subject};
	uint8_t digest[VST_HASH_LEN];
	uint64_t bytes = 0;
	int fd = -1;
	vst_exhibit_name(exhibit->number, subject);
	file_name(exhibit->number, VST_PARTIAL_SUFFIX, file);
	int rc = v->c.exhibits_fd < 0 ? VST_ENOTFOUND
	                              : exhibit_file_open(v->c.exhibits_fd, file, &fd, &bytes, err);
	if (rc == 0 && bytes == exhibit->file_bytes)
		rc = exhibit_file_digest(fd, bytes, on_bytes, &progress, digest, err);
	if (fd >= 0)
		close(fd);
	v->result->exhibits_checked++;
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		return verify_missing(v, exhibit, "records the unfinished", err);
	}
	if (rc != 0 && !verify_is_finding(rc))
		return rc;
	if (rc != 0 || bytes != exhibit->file_bytes ||
	        memcmp(digest, exhibit->file_sha256, VST_HASH_LEN) != 0) {
		vst_err_clear(err);
		return verify_say(v, VST_TAMPERED, subject, NULL,
		        "unfinished file differs from what event %llu recorded",
		        (unsigned long long)exhibit->event);
	}
	return verify_say(v, VST_GOOD, subject, NULL,
	        "unfinished file is as event %llu recorded it; it has no seal",
	        (unsigned long long)exhibit->event);
}

static bool is_wanted(const struct verification *v, uint64_t number)
{
	if (v->options->exhibit_count == 0)
		return true;
	for (size_t i = 0; i < v->options->exhibit_count; i++)
		if (v->options->exhibits[i] == number)
			return true;
	return false;
}

/* ---- what lies beside them ---- */

/* The number if `name` is exactly the name of that exhibit's file; else 0. */
static uint64_t exact_number(const char *name, const char *suffix)
{
	char expected[2 * VST_EXHIBIT_NAME_MAX];
	uint64_t number = strncmp(name, "EX", 2) == 0 ? strtoull(name + 2, NULL, 10) : 0;
	if (number == 0 || number > VST_EXHIBIT_MAX)
		return 0;
	file_name(number, suffix, expected);
	return strcmp(name, expected) == 0 ? number : 0;
}

/* A file by the name of the exhibit that waits for its event: is it the one that the event seals? */
static int judge_waiting(
        struct verification *v, const char *subject, const char *name, bool finished, struct vst_err *err)
{
	int rc = exhibit_file_check(v->c.exhibits_fd, name, v->waiting->seal, NULL, NULL, err);
	if (rc != 0 && !verify_is_finding(rc))
		return rc;
	vst_err_clear(err);
	v->exhibit_waits = v->exhibit_waits || rc == 0;
	if (rc == 0)
		return verify_say(v, VST_NOTE, subject, NULL,
		        "matches its seal in a pending event: the next command that writes to the case "
		        "records it");
	return verify_say(v, finished ? VST_UNRECORDED : VST_TAMPERED, subject, NULL,
	        "is not the file that the pending event seals");
}

static bool is_waiting(const struct verification *v, uint64_t number)
{
	return v->waiting && v->waiting->type == VST_EVENT_ACQUIRE && v->waiting->seal->exhibit == number;
}

static int judge_stranger(struct verification *v, const char *name, struct vst_err *err)
{
	char subject[512];
	snprintf(subject, sizeof subject, CASE_EXHIBITS "/%s", name);
	uint64_t number = exact_number(name, VST_EXHIBIT_SUFFIX);
	if (number > 0) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(v->c.custody, number);
		if (exhibit && exhibit->seal)
			return 0;
		if (is_waiting(v, number))
			return judge_waiting(v, subject, name, true, err);
		return verify_say(v, VST_UNRECORDED, subject, NULL, "no event of the log speaks of it");
	}
	number = exact_number(name, VST_PARTIAL_SUFFIX);
	if (number > 0) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(v->c.custody, number);
		if (exhibit && !exhibit->seal)
			return 0;
		if (is_waiting(v, number))
			return judge_waiting(v, subject, name, false, err);
		return verify_say(v, VST_NOTE, subject,
		        "vestige recover records it and takes out what it holds",
		        "temporary file of a snapshot that runs or was interrupted");
	}
	if (name[0] == '.' && strstr(name, ".tmp-"))
		return verify_say(v, VST_NOTE, subject, NULL, "temporary file of an interrupted write");
	return verify_say(v, VST_UNRECORDED, subject, NULL, "no event of the log speaks of it");
}

int verify_exhibits_directory(struct verification *v, struct vst_err *err)
{
	int rc = 0;
	if (v->c.exhibits_fd < 0)
		return 0;
	int fd = openat(v->c.exhibits_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		rc = vst_err_sys(err, errno, CASE_EXHIBITS ": open");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry) {
			if (errno != 0)
				rc = vst_err_sys(err, errno, CASE_EXHIBITS ": read directory");
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if ((rc = judge_stranger(v, entry->d_name, err)) != 0)
			break;
	}
	closedir(dir);
	if (rc == 0 && v->waiting && v->waiting->type == VST_EVENT_ACQUIRE && !v->exhibit_waits)
		rc = verify_say(v, VST_MISSING, "private/" PRIVATE_PENDING, NULL,
		        "the exhibit that the pending event seals is not there");
	return rc;
}

/* One file that cannot be read is no reason not to look at the others. */
static int note_unreadable(struct verification *v, uint64_t number, const struct vst_err *why)
{
	char subject[VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(number, subject);
	return verify_say(v, VST_UNCHECKED, subject, NULL, "%s", why->text);
}

static int check_one(struct verification *v, const struct vst_custody_exhibit *exhibit, struct vst_err *err)
{
	if (exhibit->disposed)
		return verify_disposed(v, exhibit, err);
	return exhibit->seal ? check_sealed(v, exhibit, err) : check_recovered(v, exhibit, err);
}

static int check_each(struct verification *v, struct vst_err *ret_unreadable, struct vst_err *err)
{
	for (size_t i = 0; i < vst_custody_exhibit_count(v->c.custody); i++) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(v->c.custody, i);
		struct vst_err why = VST_ERR_INIT;
		if (!is_wanted(v, exhibit->number))
			continue;
		int rc = check_one(v, exhibit, &why);
		if (rc == VST_EIO && v->stopped == 0) {
			rc = note_unreadable(v, exhibit->number, &why);
			if (ret_unreadable->code == 0)
				*ret_unreadable = why;
		}
		if (rc != 0) {
			if (err)
				*err = why;
			return rc;
		}
	}
	return 0;
}

int verify_exhibits(struct verification *v, struct vst_err *err)
{
	struct vst_err unreadable = VST_ERR_INIT;
	int rc = 0;
	if (v->options->deep && v->options->identities)
		rc = verify_references_new(&v->c, v->options->identities, on_reference, &v->references, err);
	if (rc == 0)
		rc = check_each(v, &unreadable, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < v->options->exhibit_count; i++) {
		char subject[VST_EXHIBIT_NAME_MAX];
		vst_exhibit_name(v->options->exhibits[i], subject);
		if (!vst_custody_exhibit_find(v->c.custody, v->options->exhibits[i]))
			verify_say(v, VST_MISSING, subject, NULL, "the log does not speak of it");
	}
	/* What is wrong with the case matters more than what could not be opened or read. */
	const unsigned *counts = v->result->counts;
	bool good = counts[VST_UNRECORDED] + counts[VST_MISSING] + counts[VST_TAMPERED] == 0;
	if (v->stopped != 0 || !good)
		return v->stopped;
	if (unreadable.code != 0) {
		if (err)
			*err = unreadable;
		return unreadable.code;
	}
	if (v->key_failed && !v->key_fitted)
		return vst_err_set(err, VST_EKEY, "the identity given opens none of the exhibits");
	return 0;
}
