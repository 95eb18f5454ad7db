#include "vestige/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/agent.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/secret.h"
#include "vestige/sshprivate.h"

/* Exactly one of seed and agent is set. */
struct vst_signer {
	struct vst_ssh_public public;
	uint8_t *seed; /* secure memory */
	char *agent;   /* its socket, as SSH_AUTH_SOCK had it when the signer was opened */
};

void vst_signer_free(struct vst_signer *signer)
{
	if (!signer)
		return;
	vst_secret_free(signer->seed, VST_ED25519_SEED_LEN);
	free(signer->agent);
	free(signer);
}

int vst_signer_from_seed(
        const uint8_t seed[VST_ED25519_SEED_LEN], struct vst_signer **ret, struct vst_err *err)
{
	struct vst_signer *signer = vst_calloc(1, sizeof *signer);
	int rc;

	if (!signer)
		return vst_err_nomem(err);
	signer->public.type = VST_SSH_ED25519;
	if ((rc = vst_ed25519_public(seed, signer->public.key, err)) != 0)
		goto out;
	signer->seed = vst_secret_alloc(VST_ED25519_SEED_LEN);
	if (!signer->seed) {
		rc = vst_err_set(err, VST_ENOMEM, "no secure memory");
		goto out;
	}
	memcpy(signer->seed, seed, VST_ED25519_SEED_LEN);
	*ret = signer;
	signer = NULL;
out:
	vst_signer_free(signer);
	return rc;
}

static int from_agent(const struct vst_ssh_public *public, struct vst_signer **ret, struct vst_err *err)
{
	const char *path = getenv("SSH_AUTH_SOCK");
	struct vst_signer *signer = NULL;
	int rc;

	if (!path || path[0] == '\0') {
		vst_err_set(err, VST_EKEY, "no ssh-agent to ask (SSH_AUTH_SOCK is not set)");
		vst_err_hint(err,
		        "eval \"$(ssh-agent)\" and ssh-add the private key, or name the private key file");
		return VST_EKEY;
	}
	if ((rc = vst_agent_holds(path, public, VST_AGENT_LIST_MS, err)) != 0)
		return rc;
	signer = vst_calloc(1, sizeof *signer);
	if (!signer)
		return vst_err_nomem(err);
	signer->public = *public;
	signer->agent = vst_strdup(path);
	if (!signer->agent) {
		vst_signer_free(signer);
		return vst_err_nomem(err);
	}
	*ret = signer;
	return 0;
}

/* A file that cannot be used by itself may still name a key that an agent holds: `why` is what stands in the
 * way. */
static int from_locked_file(
        const void *text, size_t len, int why, struct vst_signer **ret, struct vst_err *err)
{
	struct vst_ssh_public public;
	int rc;

	/* The error so far stays unless the agent can be asked: it says what is wrong with the file. */
	rc = vst_ssh_private_peek(text, len, &public, NULL);
	if (rc != 0)
		return rc == VST_ENOMEM ? vst_err_nomem(err) : why;
	if ((rc = from_agent(&public, ret, err)) != 0)
		vst_err_prepend(
		        err, "%s", why == VST_EKEY ? "protected by a passphrase" : "for a hardware key");
	return rc;
}

static int from_private_text(const void *text, size_t len, struct vst_signer **ret, struct vst_err *err)
{
	uint8_t *seed = vst_secret_alloc(VST_ED25519_SEED_LEN);
	int rc;

	if (!seed)
		return vst_err_set(err, VST_ENOMEM, "no secure memory");
	rc = vst_ssh_private_parse(text, len, seed, NULL, err);
	if (rc == 0)
		rc = vst_signer_from_seed(seed, ret, err);
	else if (rc == VST_EKEY || rc == VST_EUNSUPPORTED)
		rc = from_locked_file(text, len, rc, ret, err);
	vst_secret_free(seed, VST_ED25519_SEED_LEN);
	return rc;
}

static int from_public_text(const char *text, size_t len, struct vst_signer **ret, struct vst_err *err)
{
	struct vst_ssh_public public;
	struct vst_reader in = vst_reader_of(text, len);
	int rc;

	if (vst_reader_literal(&in, "-----BEGIN ")) {
		vst_err_set(err, VST_EUNSUPPORTED, "a private key, but not in OpenSSH's format");
		vst_err_hint(err, "convert a copy: ssh-keygen -p -f COPY; only Ed25519 keys are used");
		return VST_EUNSUPPORTED;
	}
	if ((rc = vst_ssh_public_parse(text, len, &public, NULL, NULL, err)) != 0) {
		if (rc == VST_EFORMAT)
			vst_err_set(err, rc, "neither an OpenSSH private key nor a public key");
		return rc;
	}
	return from_agent(&public, ret, err);
}

/* Into secure memory, because it may be a private key. A link is followed: whoever names the file owns the
 * choice. */
static int read_key_file(const char *path, char *ret_text, size_t *ret_len, struct vst_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0) {
		int sys = errno;
		vst_err_sys(err, sys, "open");
		if (sys == ENOENT && err)
			err->code = VST_ENOTFOUND;
		return sys == ENOENT ? VST_ENOTFOUND : VST_EIO;
	}
	rc = vst_io_read(fd, ret_text, VST_SSH_FILE_MAX + 1, ret_len, err);
	if (rc == 0 && *ret_len > VST_SSH_FILE_MAX)
		rc = vst_err_set(err, VST_ELIMIT, "too long for a key file");
	close(fd);
	return rc;
}

int vst_signer_open(const char *path, struct vst_signer **ret, struct vst_err *err)
{
	char *text = vst_secret_alloc(VST_SSH_FILE_MAX + 1);
	size_t len = 0;
	int rc;

	if (!text)
		return vst_err_set(err, VST_ENOMEM, "no secure memory");
	if ((rc = read_key_file(path, text, &len, err)) != 0)
		goto out;
	if (vst_ssh_private_is(text, len))
		rc = from_private_text(text, len, ret, err);
	else
		rc = from_public_text(text, len, ret, err);
out:
	vst_secret_free(text, VST_SSH_FILE_MAX + 1);
	if (rc != 0)
		vst_err_prepend(err, "%s", path);
	return rc;
}

const struct vst_ssh_public *vst_signer_public(const struct vst_signer *signer)
{
	return &signer->public;
}

bool vst_signer_signs_raw(const struct vst_signer *signer)
{
	return signer->public.type == VST_SSH_ED25519;
}

/* ---- signing ---- */

static int sign_by_seed(const struct vst_signer *signer, const void *data, size_t len, struct vst_buf *blob,
        struct vst_err *err)
{
	static const char type[] = "ssh-ed25519";
	uint8_t signature[VST_ED25519_SIG_LEN];
	int rc = vst_ed25519_sign(signer->seed, data, len, signature, err);

	if (rc != 0)
		return rc;
	vst_buf_u32be(blob, sizeof type - 1);
	vst_buf_text(blob, type);
	vst_buf_u32be(blob, sizeof signature);
	vst_buf_bytes(blob, signature, sizeof signature);
	return vst_buf_check(blob, err);
}

static int sign_by_agent(const struct vst_signer *signer, const void *data, size_t len, struct vst_buf *blob,
        struct vst_err *err)
{
	int rc = vst_agent_sign(signer->agent, &signer->public, data, len, VST_AGENT_SIGN_MS, blob, err);

	if (rc != 0)
		return rc;
	/* A bad signature must not get into a trail, where nothing can take it out again. */
	rc = vst_ssh_verify(&signer->public, data, len, blob->data, blob->len, err);
	if (rc == VST_EAUTH || rc == VST_EFORMAT)
		rc = vst_err_set(err, VST_EKEY, "ssh-agent: gave a signature that does not verify");
	return rc;
}

static int sign_blob(const struct vst_signer *signer, const void *data, size_t len, struct vst_buf *blob,
        struct vst_err *err)
{
	return signer->seed ? sign_by_seed(signer, data, len, blob, err)
	                    : sign_by_agent(signer, data, len, blob, err);
}

int vst_signer_sign_ssh(
        struct vst_signer *signer, const void *data, size_t len, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf blob = VST_BUF_INIT;
	int rc = sign_blob(signer, data, len, &blob, err);

	if (rc == 0) {
		size_t start = out->len;
		vst_buf_bytes(out, blob.data, blob.len);
		if ((rc = vst_buf_check(out, err)) != 0)
			out->len = start;
	}
	vst_buf_free(&blob);
	return rc;
}

int vst_signer_sign_raw(struct vst_signer *signer, const void *data, size_t len,
        uint8_t ret[VST_ED25519_SIG_LEN], struct vst_err *err)
{
	struct vst_buf blob = VST_BUF_INIT;
	int rc;

	if (!vst_signer_signs_raw(signer))
		return vst_err_set(err, VST_EUNSUPPORTED, "a hardware key cannot make plain signatures");
	if (signer->seed)
		return vst_ed25519_sign(signer->seed, data, len, ret, err);
	/* Verified, so its last 64 bytes are the signature. */
	if ((rc = sign_by_agent(signer, data, len, &blob, err)) == 0)
		memcpy(ret, blob.data + blob.len - VST_ED25519_SIG_LEN, VST_ED25519_SIG_LEN);
	vst_buf_free(&blob);
	return rc;
}
