/*
 * Collector keys: one file each, named by the public key, so that the next one can be durable before the old
 * one goes.
 */
#include "workflow/case_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "vestige/sshprivate.h"
#include "vestige/text.h"

#define KEY_PREFIX "collector-"
#define KEY_SUFFIX ".key"

static void key_name(const struct vst_ssh_public *key, char ret_name[64])
{
	uint8_t digest[VST_HASH_LEN];
	char digits[2 * VST_HASH_LEN + 1];
	vst_sha256(key->key, sizeof key->key, digest);
	vst_hex(digest, sizeof digest, digits);
	snprintf(ret_name, 64, KEY_PREFIX "%.16s" KEY_SUFFIX, digits);
}

static bool is_key_name(const char *name)
{
	size_t len = strlen(name);
	return len > strlen(KEY_PREFIX KEY_SUFFIX) && strncmp(name, KEY_PREFIX, strlen(KEY_PREFIX)) == 0 &&
	       strcmp(name + len - strlen(KEY_SUFFIX), KEY_SUFFIX) == 0;
}

static int write_key(int private_fd, const char *name, const char *comment,
        const uint8_t seed[VST_ED25519_SEED_LEN], struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc = vst_ssh_private_text(seed, comment, &text, err);
	if (rc == 0)
		rc = vst_io_write_file(private_fd, name, 0600, text.data, text.len, VST_IO_NEW, err);
	vst_buf_wipe(&text);
	return rc == 0 ? 0 : vst_err_prepend(err, "private/%s", name);
}

static int read_key(int private_fd, const char *name, struct vst_signer **ret, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_ssh_public public;
	uint8_t *seed = vst_secret_alloc(VST_ED25519_SEED_LEN);
	int rc = seed ? 0 : vst_err_set(err, VST_ENOMEM, "no secure memory for a key");
	if (rc == 0)
		rc = vst_io_read_file(private_fd, name, PRIVATE_KEY_FILE_MAX, &text, err);
	if (rc == 0)
		rc = vst_ssh_private_parse(text.data, text.len, seed, &public, err);
	if (rc == 0)
		rc = vst_signer_from_seed(seed, ret, err);
	vst_buf_wipe(&text);
	vst_secret_free(seed, VST_ED25519_SEED_LEN);
	return rc == 0 ? 0 : vst_err_prepend(err, "private/%s", name);
}

int case_keys_make(int private_fd, struct vst_signer **ret, struct vst_err *err)
{
	struct vst_signer *signer = NULL;
	char name[64];
	uint8_t *seed = vst_secret_alloc(VST_ED25519_SEED_LEN);
	int rc = seed ? vst_random(seed, VST_ED25519_SEED_LEN, err)
	              : vst_err_set(err, VST_ENOMEM, "no secure memory for a key");
	if (rc == 0)
		rc = vst_signer_from_seed(seed, &signer, err);
	if (rc == 0) {
		key_name(vst_signer_public(signer), name);
		rc = write_key(private_fd, name, "vestige collector", seed, err);
	}
	vst_secret_free(seed, VST_ED25519_SEED_LEN);
	if (rc != 0) {
		vst_signer_free(signer);
		return rc;
	}
	*ret = signer;
	return 0;
}

static bool is_collector_of(const struct vst_signers *allowed, const struct vst_ssh_public *key)
{
	const struct vst_signers_entry *entry = vst_signers_find(allowed, key);
	return entry && vst_signers_is_collector(entry);
}

/* Calls `each` for the name of every collector key file. */
static int for_each_key(int private_fd, int (*each)(void *ctx, const char *name, struct vst_err *err),
        void *ctx, struct vst_err *err)
{
	int rc = 0;
	int fd = openat(private_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		rc = vst_err_sys(err, errno, "private: open");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry) {
			if (errno != 0)
				rc = vst_err_sys(err, errno, "private: read directory");
			break;
		}
		if (is_key_name(entry->d_name) && (rc = each(ctx, entry->d_name, err)) != 0)
			break;
	}
	closedir(dir);
	return rc;
}

struct key_search {
	int private_fd;
	const struct vst_signers *allowed;
	struct vst_signer *found;
};

static int find_key(void *ctx, const char *name, struct vst_err *err)
{
	struct key_search *search = ctx;
	struct vst_signer *signer = NULL;
	if (search->found)
		return 0;
	int rc = read_key(search->private_fd, name, &signer, err);
	if (rc == VST_EFORMAT) { /* half a file cannot be: it was written durably. A damaged one is no key. */
		vst_err_clear(err);
		return 0;
	}
	if (rc != 0)
		return rc;
	if (is_collector_of(search->allowed, vst_signer_public(signer)))
		search->found = signer;
	else
		vst_signer_free(signer);
	return 0;
}

int case_keys_find(
        int private_fd, const struct vst_signers *allowed, struct vst_signer **ret, struct vst_err *err)
{
	struct key_search search = {.private_fd = private_fd, .allowed = allowed};
	int rc = for_each_key(private_fd, find_key, &search, err);
	if (rc != 0) {
		vst_signer_free(search.found);
		return rc;
	}
	*ret = search.found;
	return 0;
}

/* ---- all of them, by their public halves ---- */

struct key_list {
	int private_fd;
	struct case_keys *keys;
};

static int list_key(void *ctx, const char *name, struct vst_err *err)
{
	struct key_list *list = ctx;
	struct vst_signer *signer = NULL;
	int rc = read_key(list->private_fd, name, &signer, err);
	if (rc == VST_EFORMAT) {
		vst_err_clear(err);
		return 0;
	}
	if (rc != 0)
		return rc;
	struct vst_ssh_public *grown =
	        vst_realloc(list->keys->list, list->keys->count + 1, sizeof *list->keys->list);
	if (grown) {
		grown[list->keys->count++] = *vst_signer_public(signer);
		list->keys->list = grown;
	} else {
		rc = vst_err_nomem(err);
	}
	vst_signer_free(signer);
	return rc;
}

int case_keys_list(int private_fd, struct case_keys *ret, struct vst_err *err)
{
	struct case_keys keys = {0};
	struct key_list list = {private_fd, &keys};
	int rc = for_each_key(private_fd, list_key, &list, err);
	if (rc != 0) {
		free(keys.list);
		return rc;
	}
	*ret = keys;
	return 0;
}

void case_keys_free(struct case_keys *keys)
{
	free(keys->list);
	*keys = (struct case_keys){0};
}

static bool has_current(const struct case_keys *keys, const struct vst_custody *custody)
{
	for (size_t i = 0; i < keys->count; i++)
		if (is_collector_of(vst_custody_signers(custody), &keys->list[i]))
			return true;
	return false;
}

bool case_keys_are_newer(const struct case_keys *keys, const struct vst_custody *custody)
{
	if (has_current(keys, custody))
		return false; /* what is unknown besides it was made by a run that was killed, and never named
		               */
	for (size_t i = 0; i < keys->count; i++)
		if (!vst_signers_find(vst_custody_all_signers(custody), &keys->list[i]))
			return true;
	return false;
}

/* ---- erasing ---- */

struct key_erasure {
	int private_fd;
	const struct vst_custody *custody;
	bool has_current;
};

static bool is_stale(const struct key_erasure *erasure, const struct vst_ssh_public *key)
{
	if (is_collector_of(vst_custody_signers(erasure->custody), key))
		return false;
	return erasure->has_current ||
	       vst_signers_find(vst_custody_all_signers(erasure->custody), key) != NULL;
}

static int erase_stale(void *ctx, const char *name, struct vst_err *err)
{
	struct key_erasure *erasure = ctx;
	struct vst_signer *signer = NULL;
	int rc = read_key(erasure->private_fd, name, &signer, err);
	bool stale = signer ? is_stale(erasure, vst_signer_public(signer)) : erasure->has_current;
	if (rc == VST_EFORMAT) {
		vst_err_clear(err);
		rc = 0;
	}
	if (rc == 0 && stale)
		rc = vst_io_erase_file(erasure->private_fd, name, err);
	vst_signer_free(signer);
	return rc;
}

int case_keys_erase_stale(int private_fd, const struct vst_custody *custody, struct vst_err *err)
{
	struct key_erasure erasure = {.private_fd = private_fd, .custody = custody};
	struct case_keys keys = {0};
	int rc = case_keys_list(private_fd, &keys, err);
	if (rc != 0)
		return rc;
	erasure.has_current = has_current(&keys, custody);
	case_keys_free(&keys);
	return for_each_key(private_fd, erase_stale, &erasure, err);
}

int case_keys_write_log_key(int private_fd, const uint8_t seed[VST_ED25519_SEED_LEN], struct vst_err *err)
{
	return write_key(private_fd, PRIVATE_LOG_KEY, "vestige log", seed, err);
}

int case_keys_read_log_key(int private_fd, struct vst_signer **ret, struct vst_err *err)
{
	return read_key(private_fd, PRIVATE_LOG_KEY, ret, err);
}
