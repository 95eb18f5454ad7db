/*
 * Armoured SSH signatures. Ed25519 signs a message in one way only, so of all inputs exactly the known
 * spellings of the sample key's signatures may be accepted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../unit/crypto/ssh_samples.h"
#include "vestige/err.h"
#include "vestige/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool spells(const uint8_t *data, size_t size, const char *known)
{
	size_t len = strlen(known);
	return (size == len || size == len - 1) && memcmp(data, known, size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vst_ssh_public sample;
	struct vst_ssh_public key;
	struct vst_err err = VST_ERR_INIT;

	if (!sample.type &&
	        vst_ssh_public_parse(SAMPLE_PUBLIC, strlen(SAMPLE_PUBLIC), &sample, NULL, NULL, NULL) != 0)
		abort();
	int rc = vst_sshsig_verify(data, size, "git", SAMPLE_MESSAGE, strlen(SAMPLE_MESSAGE), &key, &err);
	if (rc == 0 && vst_ssh_public_equal(&key, &sample) && !spells(data, size, SAMPLE_SSHSIG) &&
	        !spells(data, size, SAMPLE_SSHSIG_SHA256))
		abort();
	if (rc != 0 && rc != err.code)
		abort();
	return 0;
}
