#include "vestige/signers.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/note.h"
#include "vestige/reader.h"
#include "vestige/text.h"

#define OPTIONS "namespaces=\"git\" "
#define FIRST_SLOTS 16

/* ---- the index: slots hold entry number + 1, at most half of them are used ---- */

static size_t first_slot(const struct vst_signers *signers, const struct vst_ssh_public *key)
{
	uint64_t start;
	memcpy(&start, key->key, sizeof start);
	return (size_t)start & (signers->slot_count - 1);
}

/* The slot that holds the key, or the free one where it belongs. There is always a free one. */
static size_t find_slot(const struct vst_signers *signers, const struct vst_ssh_public *key)
{
	size_t slot = first_slot(signers, key);
	while (signers->slots[slot] != 0 &&
	        !vst_ssh_public_equal(&signers->list[signers->slots[slot] - 1].key, key))
		slot = (slot + 1) & (signers->slot_count - 1);
	return slot;
}

/* Room for one more entry, in the list and in the index; the contents stay as they are, also on failure. */
static int make_room(struct vst_signers *signers, struct vst_err *err)
{
	size_t slot_count = signers->slot_count ? signers->slot_count * 2 : FIRST_SLOTS;
	struct vst_signers_entry *list;
	uint32_t *slots;

	if (signers->count < signers->slot_count / 2)
		return 0;
	if (slot_count / 2 > UINT32_MAX / 4)
		return vst_err_set(err, VST_ELIMIT, "signers: too many");
	list = vst_realloc(signers->list, slot_count / 2, sizeof *list);
	if (!list)
		return vst_err_nomem(err);
	signers->list = list;
	slots = vst_calloc(slot_count, sizeof *slots);
	if (!slots)
		return vst_err_nomem(err);
	free(signers->slots);
	signers->slots = slots;
	signers->slot_count = slot_count;
	for (size_t i = 0; i < signers->count; i++)
		signers->slots[find_slot(signers, &signers->list[i].key)] = (uint32_t)i + 1;
	return 0;
}

/* ---- entries ---- */

/* A note's name, and besides nothing that allowed_signers gives a meaning to or that looks like something
 * else on a terminal. */
static int check_principal(const char *principal, struct vst_err *err)
{
	struct vst_buf shown = VST_BUF_INIT;
	size_t len = strlen(principal);
	bool good = len <= VST_PRINCIPAL_MAX && vst_note_name_valid(principal, len) &&
	            strpbrk(principal, "\"',#*?!\\") == NULL;
	int rc = 0;

	if (good) {
		vst_text_show(&shown, principal, len);
		rc = vst_buf_check(&shown, err);
		good = shown.len == len && memcmp(shown.data, principal, len) == 0;
	}
	if (rc == 0 && !good) {
		rc = vst_err_set(err, VST_EUSAGE, "signers: `%s` cannot be a signer's name", principal);
		vst_err_hint(err, "1 to %d bytes without white space and without any of \" ' , # * ? ! + \\",
		        VST_PRINCIPAL_MAX);
	}
	vst_buf_free(&shown);
	return rc;
}

int vst_signers_add(struct vst_signers *signers, const char *principal, const struct vst_ssh_public *key,
        struct vst_err *err)
{
	struct vst_signers_entry *entry;
	int rc;

	if ((rc = check_principal(principal, err)) != 0)
		return rc;
	if (vst_signers_find(signers, key))
		return vst_err_set(err, VST_EEXIST, "signers: the key of %s is there already", principal);
	if ((rc = make_room(signers, err)) != 0)
		return rc;
	entry = &signers->list[signers->count];
	entry->principal = vst_strdup(principal);
	if (!entry->principal)
		return vst_err_nomem(err);
	entry->key = *key;
	signers->slots[find_slot(signers, key)] = (uint32_t)++signers->count;
	return 0;
}

const struct vst_signers_entry *vst_signers_find(
        const struct vst_signers *signers, const struct vst_ssh_public *key)
{
	if (signers->count == 0)
		return NULL;
	uint32_t number = signers->slots[find_slot(signers, key)];
	return number ? &signers->list[number - 1] : NULL;
}

bool vst_signers_is_collector(const struct vst_signers_entry *entry)
{
	return strncmp(entry->principal, VST_COLLECTOR_PREFIX, strlen(VST_COLLECTOR_PREFIX)) == 0;
}

void vst_signers_free(struct vst_signers *signers)
{
	for (size_t i = 0; i < signers->count; i++)
		free(signers->list[i].principal);
	free(signers->list);
	free(signers->slots);
	*signers = (struct vst_signers){0};
}

/* ---- the file ---- */

static void write_line(const struct vst_signers_entry *entry, struct vst_buf *out)
{
	vst_buf_text(out, entry->principal);
	vst_buf_byte(out, ' ');
	vst_buf_text(out, OPTIONS);
	vst_ssh_public_text(&entry->key, out);
	vst_buf_byte(out, '\n');
}

void vst_signers_write(const struct vst_signers *signers, struct vst_buf *out)
{
	for (size_t i = 0; i < signers->count; i++)
		write_line(&signers->list[i], out);
}

/* Adds the entry of one line (without its LF), if the line is what write_line() would have written. */
static int parse_line(const uint8_t *line, size_t len, struct vst_signers *signers, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(line, len);
	struct vst_buf again = VST_BUF_INIT;
	char principal[VST_PRINCIPAL_MAX + 1] = "";
	struct vst_ssh_public key;
	const uint8_t *word;
	size_t word_len;
	int rc;

	if (!vst_reader_until(&in, ' ', &word, &word_len) || word_len > VST_PRINCIPAL_MAX ||
	        memchr(word, '\0', word_len) != NULL || !vst_reader_literal(&in, OPTIONS))
		return vst_err_set(
		        err, VST_EFORMAT, "not of the form `PRINCIPAL %sssh-ed25519 KEY`", OPTIONS);
	memcpy(principal, word, word_len);
	if ((rc = vst_ssh_public_parse(
	             (const char *)line + in.pos, vst_reader_left(&in), &key, NULL, NULL, err)) != 0)
		return rc;
	if ((rc = vst_signers_add(signers, principal, &key, err)) != 0)
		return rc == VST_ENOMEM
		               ? rc
		               : vst_err_set(err, VST_EFORMAT, "a name or a key that cannot be there");
	write_line(&signers->list[signers->count - 1], &again);
	if ((rc = vst_buf_check(&again, err)) == 0 &&
	        (again.len != len + 1 || memcmp(again.data, line, len) != 0))
		rc = vst_err_set(err, VST_EFORMAT, "something after the key, or more blanks than one");
	vst_buf_free(&again);
	return rc;
}

int vst_signers_parse(const void *text, size_t len, struct vst_signers *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(text, len);
	struct vst_signers signers = {0};
	const uint8_t *line;
	size_t line_len;
	unsigned number = 1;
	int rc = 0;

	for (; rc == 0 && !vst_reader_at_end(&in); number++) {
		if (number > VST_SIGNERS_MAX)
			rc = vst_err_set(err, VST_ELIMIT, "more than %d signers", VST_SIGNERS_MAX);
		else if (!vst_reader_line(&in, &line, &line_len))
			rc = vst_err_set(err, VST_EFORMAT, "no line feed at the end");
		else
			rc = parse_line(line, line_len, &signers, err);
		if (rc != 0)
			vst_err_prepend(err, "signers: line %u", number);
	}
	if (rc == 0)
		*ret = signers;
	else
		vst_signers_free(&signers);
	return rc;
}
