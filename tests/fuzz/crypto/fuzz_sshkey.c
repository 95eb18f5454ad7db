/* SSH keys: the input as public key line, as wire form, as private key file, and as what is inside such a
 * file's armour. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/ssharmor.h"
#include "vestige/buf.h"
#include "vestige/sshprivate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_public(const uint8_t *data, size_t size)
{
	struct vst_ssh_public key, again;
	const char *comment;
	size_t comment_len;
	struct vst_buf text = VST_BUF_INIT;

	if (vst_ssh_public_parse((const char *)data, size, &key, &comment, &comment_len, NULL) != 0)
		return;
	if (comment < (const char *)data || comment + comment_len > (const char *)data + size)
		abort();
	vst_ssh_public_text(&key, &text);
	if (vst_ssh_public_parse((const char *)text.data, text.len, &again, NULL, NULL, NULL) != 0 ||
	        !vst_ssh_public_equal(&key, &again) || text.len > size)
		abort();
	vst_buf_free(&text);
}

/* The wire form has one encoding only. */
static void try_wire(const uint8_t *data, size_t size)
{
	struct vst_ssh_public key;
	struct vst_buf wire = VST_BUF_INIT;

	if (vst_ssh_public_from_wire(data, size, &key, NULL) != 0)
		return;
	vst_ssh_public_wire(&key, &wire);
	if (wire.len != size || memcmp(wire.data, data, size) != 0)
		abort();
	vst_buf_free(&wire);
}

static void try_private(const uint8_t *data, size_t size)
{
	uint8_t seed[VST_ED25519_SEED_LEN], again[VST_ED25519_SEED_LEN];
	struct vst_ssh_public key, peeked;
	struct vst_buf text = VST_BUF_INIT;

	int rc = vst_ssh_private_peek(data, size, &peeked, NULL);
	if (vst_ssh_private_parse(data, size, seed, &key, NULL) != 0)
		return;
	if (rc != 0 || !vst_ssh_public_equal(&key, &peeked))
		abort();
	if (vst_ssh_private_text(seed, "", &text, NULL) != 0 ||
	        vst_ssh_private_parse(text.data, text.len, again, NULL, NULL) != 0 ||
	        memcmp(seed, again, sizeof seed) != 0)
		abort();
	vst_buf_wipe(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_buf armoured = VST_BUF_INIT;

	try_public(data, size);
	try_wire(data, size);
	try_private(data, size);
	vst_ssh_armor_append(&armoured, "OPENSSH PRIVATE KEY", data, size);
	try_private(armoured.data, armoured.len);
	vst_buf_free(&armoured);
	return 0;
}
