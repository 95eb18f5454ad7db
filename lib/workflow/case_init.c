/*
 * A new case: directories, log key, first collector keys, genesis event.
 */
#include "workflow/case_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* ---- the directory ---- */

static bool is_empty_dir(const char *path)
{
	DIR *dir = opendir(path);
	bool empty = dir != NULL;
	if (!dir)
		return false;
	for (struct dirent *entry; empty && (entry = readdir(dir)) != NULL;)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

static int make_directories(const char *dir, bool *ret_made, struct vst_err *err)
{
	int fd = -1;
	int rc = vst_io_mkdir(AT_FDCWD, dir, 0700, err);
	*ret_made = rc == 0;
	if (rc == VST_EEXIST && is_empty_dir(dir)) {
		vst_err_clear(err);
		rc = 0;
	}
	if (rc == VST_EEXIST) {
		vst_err_set(err, rc, "%s: exists and is not empty", dir);
		vst_err_hint(err, "a case gets a directory of its own; nothing is ever overwritten");
	}
	if (rc == 0)
		rc = vst_io_open_dir(AT_FDCWD, dir, &fd, err);
	if (rc == 0)
		rc = vst_io_mkdir(fd, CASE_EXHIBITS, 0700, err);
	if (rc == 0)
		rc = vst_io_mkdir(fd, CASE_PRIVATE, 0700, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

/* Only what init made: the directory was not there, or empty. */
static void remove_made(const char *dir, bool made)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (made)
		rmdir(dir);
}

/* ---- the genesis event ---- */

/* A principal that allowed_signers can carry: the host's name is not ours to trust. */
static void collector_principal(const char *host, char ret[VST_PRINCIPAL_MAX + 1])
{
	size_t len = strlen(VST_COLLECTOR_PREFIX);
	memcpy(ret, VST_COLLECTOR_PREFIX, len);
	for (const char *p = host; *p && len < 64 + strlen(VST_COLLECTOR_PREFIX); p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= '0' && *p <= '9') || *p == '-' || *p == '.' || *p == '_';
		ret[len++] = plain ? *p : '-';
	}
	while (ret[len - 1] == '.') /* git trims it from an author's name */
		len--;
	if (len == strlen(VST_COLLECTOR_PREFIX)) {
		memcpy(ret + len, "host", 4);
		len += 4;
	}
	ret[len] = '\0';
}

static int make_log_key(struct vst_case *c, struct vst_err *err)
{
	uint8_t *seed = vst_secret_alloc(VST_ED25519_SEED_LEN);
	int rc = seed ? vst_random(seed, VST_ED25519_SEED_LEN, err) : vst_err_nomem(err);
	if (rc == 0)
		rc = case_keys_write_log_key(c->private_fd, seed, err);
	if (rc == 0)
		rc = vst_signer_from_seed(seed, &c->log_signer, err);
	vst_secret_free(seed, VST_ED25519_SEED_LEN);
	return rc;
}

/* Made last, and again where it is missing when it is needed: a case without it is whole. */
static int make_digest_key(struct vst_case *c, struct vst_err *err)
{
	uint8_t *key = vst_secret_alloc(VST_HASH_LEN);
	int rc = key ? case_digest_key_make(c->private_fd, key, err) : vst_err_nomem(err);
	vst_secret_free(key, VST_HASH_LEN);
	return rc;
}

static int make_case_file(const struct vst_case_init_options *options, const struct vst_signer *log_signer,
        struct vst_case_file *ret, struct vst_err *err)
{
	uint8_t id[16];
	char digits[2 * sizeof id + 1], origin[32];
	int rc = vst_random(id, sizeof id, err);
	if (rc != 0)
		return rc;
	vst_hex(id, sizeof id, digits);
	snprintf(origin, sizeof origin, "vestige/%.8s", digits);
	ret->id = vst_strdup(digits);
	ret->title = vst_strdup(options->title);
	ret->number = options->number ? vst_strdup(options->number) : NULL;
	if (!ret->id || !ret->title || (options->number && !ret->number))
		return vst_err_nomem(err);
	ret->created = vst_time_now();
	return vst_note_key_make(origin, vst_signer_public(log_signer)->key, &ret->log_key, err);
}

static void free_case_file(struct vst_case_file *file)
{
	free(file->id);
	free(file->title);
	free(file->number);
}

static void recipients_text(const struct vst_age_recipients *recipients, struct vst_buf *out)
{
	for (size_t i = 0; i < recipients->count; i++) {
		/* A passphrase is kept by people; the file only says that there is one. */
		if (vst_age_recipient_is_passphrase(recipients->list[i]))
			vst_buf_text(out, "# ");
		vst_buf_text(out, vst_age_recipient_text(recipients->list[i]));
		vst_buf_byte(out, '\n');
	}
}

static int genesis(struct vst_case *c, const struct vst_case_init_options *options, struct vst_err *err)
{
	char principal[VST_PRINCIPAL_MAX + 1];
	struct vst_case_file case_file = {0};
	struct vst_signers signers = {0};
	struct vst_buf recipients = VST_BUF_INIT;
	struct vst_signer *next = NULL;
	struct vst_custody_draft draft = {0};
	struct vst_event event = {.type = VST_EVENT_GENESIS};
	int rc;

	collector_principal(options->host, principal);
	if ((rc = make_log_key(c, err)) != 0 ||
	        (rc = case_keys_make(c->private_fd, &c->collector, err)) != 0 ||
	        (rc = case_keys_make(c->private_fd, &next, err)) != 0)
		goto out;
	if ((rc = make_case_file(options, c->log_signer, &case_file, err)) != 0)
		goto out;
	rc = vst_signers_add(&signers, principal, vst_signer_public(c->collector), err);
	for (size_t i = 0; rc == 0 && i < options->examiner_count; i++) {
		if (strncmp(options->examiners[i].name, VST_COLLECTOR_PREFIX, strlen(VST_COLLECTOR_PREFIX)) ==
		        0)
			rc = vst_err_set(err, VST_EUSAGE,
			        "examiner '%s': names that begin with " VST_COLLECTOR_PREFIX " are for hosts",
			        options->examiners[i].name);
		else
			rc = vst_signers_add(
			        &signers, options->examiners[i].name, &options->examiners[i].key, err);
	}
	if (rc != 0)
		goto out;
	recipients_text(options->recipients, &recipients);
	if ((rc = vst_buf_check(&recipients, err)) != 0)
		goto out;

	struct vst_bytes recipient_bytes = {recipients.data, recipients.len};
	if (!(event.genesis.program = vst_strdup(options->program))) {
		rc = vst_err_nomem(err);
		goto out;
	}
	event.time = case_file.created;
	struct vst_custody_change change = {
	        .event = &event,
	        .actor = principal,
	        .signer = c->collector,
	        .log_signer = c->log_signer,
	        .next_key = vst_signer_public(next),
	        .new_case = &case_file,
	        .new_signers = &signers,
	        .new_recipients = &recipient_bytes,
	};
	if ((rc = vst_custody_draft(c->custody, &change, &draft, err)) != 0)
		goto out;
	if ((rc = case_commit(c, &draft, c->collector, err)) != 0)
		goto out;
	/* Genesis lists its own key as well as the next; only the next may sign from here on. */
	rc = case_keys_erase_stale(c->private_fd, c->custody, err);
	if (rc == 0) {
		vst_signer_free(c->collector);
		c->collector = next;
		next = NULL;
	}
out:
	vst_signer_free(next);
	vst_custody_draft_free(&draft);
	vst_buf_free(&recipients);
	vst_signers_free(&signers);
	free_case_file(&case_file);
	free(event.genesis.program);
	free(event.actor);
	free(event.next_key);
	return rc;
}

int vst_case_init(const struct vst_case_init_options *options, struct vst_case **ret, struct vst_err *err)
{
	char path[PATH_MAX];
	bool made = false;
	int rc;
	struct vst_case *c = vst_calloc(1, sizeof *c);
	if (!c)
		return vst_err_nomem(err);
	c->fd = c->exhibits_fd = c->private_fd = c->snapshot_lock = c->commit_lock = -1;
	if (!(c->dir = vst_strdup(options->dir))) {
		rc = vst_err_nomem(err);
		goto fail;
	}
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL, options->dir) >= sizeof path) {
		rc = vst_err_set(err, VST_EUSAGE, "%s: the path is too long", options->dir);
		goto fail;
	}
	if (options->recipients->count == 0) {
		rc = vst_err_set(err, VST_EUSAGE, "a case needs at least one recipient");
		vst_err_hint(
		        err, "vestige keygen -o FILE, on the analyst's machine, makes one; give it with -r");
		goto fail;
	}
	if ((rc = make_directories(options->dir, &made, err)) != 0) {
		if (made)
			remove_made(options->dir, made);
		goto fail;
	}
	if ((rc = vst_io_open_dir(AT_FDCWD, options->dir, &c->fd, err)) == 0 &&
	        (rc = vst_io_open_dir(c->fd, CASE_EXHIBITS, &c->exhibits_fd, err)) == 0 &&
	        (rc = vst_io_open_dir(c->fd, CASE_PRIVATE, &c->private_fd, err)) == 0 &&
	        (rc = vst_trail_create(path, &c->trail, err)) == 0 &&
	        (rc = vst_custody_new(&c->custody, err)) == 0 && (rc = genesis(c, options, err)) == 0 &&
	        (rc = make_digest_key(c, err)) == 0) {
		*ret = c;
		return 0;
	}
	remove_made(options->dir, made);
fail:
	vst_case_free(c);
	return rc;
}
