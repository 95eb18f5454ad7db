/*
 * How an event is carried. Git's commit object is the envelope:
 *
 *     tree <40 hex> LF
 *     parent <40 hex> LF                      not at genesis
 *     author <actor> <<address>> <seconds> +0000 LF
 *     committer, the same
 *     LF
 *     message
 *
 * What git checks of it (tree, parent, files) is the trail's part. Here: that all of it was signed, that
 * nothing else was, and that what people read in `git log` is what the event says.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/custody_state.h"
#include "vestige/checkpoint.h"
#include "vestige/err.h"
#include "vestige/note.h"
#include "vestige/reader.h"
#include "vestige/sshsig.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define SIGNATURE_NAMESPACE "git"
#define OBJECT_ID_DIGITS 40
#define ADDRESS_MAX 1024

int vst_custody_check_signature(
        const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_custody_step *step = next->step;
	struct vst_ssh_public key;
	int rc = vst_sshsig_verify(step->signature.data, step->signature.len, SIGNATURE_NAMESPACE,
	        step->payload.data, step->payload.len, &key, err);

	if (rc != 0) {
		vst_err_prepend(err, "signature");
		return vst_custody_broken_by(err, 3, rc);
	}
	return vst_custody_find_signer(custody, next, &key, err);
}

/* ---- rule 2 ---- */

static bool take_object_id(struct vst_reader *in, const char *header)
{
	const uint8_t *digits;

	if (!vst_reader_literal(in, header) || !vst_reader_literal(in, " ") ||
	        !vst_reader_bytes(in, OBJECT_ID_DIGITS, &digits))
		return false;
	for (size_t i = 0; i < OBJECT_ID_DIGITS; i++)
		if (!memchr("0123456789abcdef", digits[i], 16))
			return false;
	return vst_reader_literal(in, "\n");
}

/* The address means nothing, but it is shown next to the name: nothing in it may look like the end of the
 * line. */
static bool address_valid(const uint8_t *address, size_t len)
{
	if (len > ADDRESS_MAX || !vst_utf8_valid(address, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (address[i] < 0x20 || address[i] == 0x7f || address[i] == '<')
			return false;
	return true;
}

static bool bytes_are(const uint8_t *data, size_t len, const struct vst_bytes *bytes)
{
	return len == bytes->len && (len == 0 || memcmp(data, bytes->data, len) == 0);
}

/* `<header> NAME <ADDRESS> SECONDS +0000`; gives what follows the header, so that author and committer can be
 * compared. */
static int take_person(struct vst_reader *in, const char *header, const struct custody_next *next,
        const uint8_t **ret_line, size_t *ret_len, struct vst_err *err)
{
	const struct vst_event *event = next->event;
	const uint8_t *line, *address;
	struct vst_reader person;
	size_t len, address_len;
	uint64_t seconds;

	if (!vst_reader_literal(in, header) || !vst_reader_literal(in, " ") ||
	        !vst_reader_line(in, &line, &len))
		return vst_custody_broken(err, 2, "the commit has no %s where one belongs", header);
	person = vst_reader_of(line, len);
	if (!vst_reader_literal(&person, event->actor) || !vst_reader_literal(&person, " <"))
		return vst_custody_broken(
		        err, 2, "the commit's %s is not the actor %s", header, event->actor);
	if (!vst_reader_until(&person, '>', &address, &address_len) || !address_valid(address, address_len))
		return vst_custody_broken(err, 2, "the address of the commit's %s is none", header);
	if (!vst_reader_literal(&person, " ") || !vst_reader_decimal(&person, &seconds) ||
	        !vst_reader_literal(&person, " +0000") || !vst_reader_at_end(&person))
		return vst_custody_broken(
		        err, 2, "the time of the commit's %s is not written in seconds and UTC", header);
	if (seconds != (uint64_t)(event->time / VST_NS_PER_S))
		return vst_custody_broken(err, 2, "the time of the commit's %s is not the event's", header);
	*ret_line = line;
	*ret_len = len;
	return 0;
}

static int check_message(
        const struct custody_next *next, const uint8_t *message, size_t len, struct vst_err *err)
{
	struct vst_buf expected = VST_BUF_INIT;
	int rc = vst_custody_message(
	        next->event, next->event_sha256, next->tree.size, next->root, &expected, err);

	if (rc == 0 && (expected.len != len || memcmp(expected.data, message, len) != 0))
		rc = vst_custody_broken(err, 2, "the commit's message does not say what the event says");
	vst_buf_free(&expected);
	return rc;
}

int vst_custody_check_payload(const struct custody_next *next, struct vst_err *err)
{
	const struct vst_custody_step *step = next->step;
	struct vst_reader in = vst_reader_of(step->payload.data, step->payload.len);
	const uint8_t *author, *committer, *message;
	size_t author_len, committer_len, message_len;
	int rc;

	if (!take_object_id(&in, "tree") || (next->event->number > 0 && !take_object_id(&in, "parent")))
		return vst_custody_broken(
		        err, 2, "the commit does not begin as the carrier of an event does");
	if ((rc = take_person(&in, "author", next, &author, &author_len, err)) != 0 ||
	        (rc = take_person(&in, "committer", next, &committer, &committer_len, err)) != 0)
		return rc;
	if (author_len != committer_len || memcmp(author, committer, author_len) != 0)
		return vst_custody_broken(err, 2, "author and committer differ");
	if (!vst_reader_literal(&in, "\n"))
		return vst_custody_broken(err, 2, "the commit has a header that does not belong there");
	message_len = vst_reader_left(&in);
	if (!vst_reader_bytes(&in, message_len, &message))
		return vst_custody_broken(err, 2, "the commit has no message");
	if ((rc = check_message(next, message, message_len, err)) != 0)
		return rc;
	/* The trail took the same bytes apart. If it read them differently, one of us shows people something
	 * else. */
	if (!bytes_are(message, message_len, &step->message) ||
	        !bytes_are((const uint8_t *)next->event->actor, strlen(next->event->actor), &step->author) ||
	        step->author_seconds != next->event->time / VST_NS_PER_S)
		return vst_custody_broken(
		        err, 2, "the commit was taken apart differently from what was signed");
	return 0;
}

/* ---- rule 4 ---- */

static bool is_line_of(const struct vst_note_signature *line, const struct vst_note_key *key)
{
	return line->name_len == strlen(key->name) && memcmp(line->name, key->name, line->name_len) == 0 &&
	       memcmp(line->id, key->id, sizeof key->id) == 0;
}

static int check_line(
        const struct vst_note *note, size_t at, const struct vst_note_key *key, struct vst_err *err)
{
	int rc;

	if (at >= note->count || !is_line_of(&note->signatures[at], key))
		return vst_custody_broken(
		        err, 4, "line %zu of the checkpoint's signatures is not by %s", at + 1, key->name);
	if ((rc = vst_note_verify(note, key, err)) != 0) {
		vst_err_prepend(err, "checkpoint");
		return vst_custody_broken_by(err, 4, rc);
	}
	return 0;
}

static int check_lines(const struct custody_next *next, const struct vst_note *note, struct vst_err *err)
{
	bool two = next->who->key.type == VST_SSH_ED25519; /* a hardware key cannot sign a note */
	struct vst_note_key key;
	int rc;

	if ((rc = check_line(note, 0, next->log_key, err)) != 0)
		return rc;
	if (two) {
		if ((rc = vst_note_key_make(next->who->principal, next->who->key.key, &key, err)) != 0)
			return vst_custody_broken_by(err, 4, rc);
		if ((rc = check_line(note, 1, &key, err)) != 0)
			return rc;
	}
	if (note->count != (two ? 2 : 1))
		return vst_custody_broken(
		        err, 4, "the checkpoint has signature lines that do not belong there");
	return 0;
}

static int check_statement(const struct custody_next *next, const struct vst_note *note, struct vst_err *err)
{
	struct vst_checkpoint checkpoint;
	int rc;

	if ((rc = vst_checkpoint_parse(note->text, note->text_len, &checkpoint, err)) != 0)
		return vst_custody_broken_by(err, 4, rc);
	if (strcmp(checkpoint.origin, next->log_key->name) != 0)
		return vst_custody_broken(err, 4, "the checkpoint is of another log");
	if (checkpoint.size != next->tree.size)
		return vst_custody_broken(
		        err, 4, "the checkpoint states %llu events", (unsigned long long)checkpoint.size);
	if (memcmp(checkpoint.root, next->root, VST_HASH_LEN) != 0)
		return vst_custody_broken(err, 4, "the checkpoint's root is not that of the events");
	return 0;
}

int vst_custody_check_checkpoint(const struct custody_next *next, struct vst_err *err)
{
	const struct vst_bytes *bytes = &next->step->checkpoint;
	struct vst_note note = {0};
	int rc;

	if ((rc = vst_note_parse(bytes->data, bytes->len, &note, err)) != 0) {
		vst_err_prepend(err, "checkpoint");
		return vst_custody_broken_by(err, 4, rc);
	}
	if ((rc = check_statement(next, &note, err)) == 0)
		rc = check_lines(next, &note, err);
	vst_note_free(&note);
	return rc;
}
