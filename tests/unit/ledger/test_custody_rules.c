/* Rules 6 to 8 of custody.h: examiners, exhibits, keys. Whoever forges here holds the keys that they sign
 * with. */
#include "ledger/custody_kit.h"

/* ---- rule 6 ---- */

static void custody_rejects_an_examiner_who_names_a_next_key(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_begin(kit, kit_acquire(kit, 1), kit->alice, "alice", true);

	(void)state;
	forge_seal(forge);
	assert_refused(forge, 6, "an examiner's event names a next key");
	kit_free(kit);
}

static void custody_rejects_changed_files_without_a_key_event(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	kit_signers_add(&signers, "bob", kit->bob);
	forge = forge_begin(kit, kit_extract(kit, 1), kit->alice, "alice", false);
	forge_write_signers(forge, &signers);
	forge_seal(forge);
	assert_refused(forge, 6, "allowed_signers changed without a key event");
	forge = forge_begin(kit, kit_extract(kit, 1), kit->alice, "alice", false);
	forge_set(&forge->recipients, KIT_OTHER_RECIPIENTS);
	forge_seal(forge);
	assert_refused(forge, 6, "recipients changed without a key event");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_a_changed_case_file(void **state)
{
	struct kit *kit = kit_new();
	char title[] = "Another title";
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	kit->file.title = title;
	vst_buf_clear(&forge->case_file);
	assert_int_equal(vst_case_file_encode(&kit->file, &forge->case_file, NULL), 0);
	forge_seal(forge);
	assert_refused(forge, 6, "case.json was changed");
	forge = forge_key(kit);
	vst_buf_clear(&forge->case_file);
	assert_int_equal(vst_case_file_encode(&kit->file, &forge->case_file, NULL), 0);
	forge_seal(forge);
	assert_refused(forge, 6, "case.json was changed");
	kit_free(kit);
}

static struct forge *key_event(struct kit *kit, const struct vst_signers *signers)
{
	struct forge *forge = forge_key(kit);

	forge_write_signers(forge, signers);
	forge_seal(forge);
	return forge;
}

static void custody_rejects_a_key_event_that_removes_the_last_examiner(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	kit_signers_add(&signers, KIT_HOST, kit->host);
	assert_refused(key_event(kit, &signers), 6, "the last examiner is removed");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_a_key_event_without_recipients(void **state)
{
	static const struct {
		const char *file, *why;
	} bad[] = {
	        {"", "neither a key"},
	        {"# nobody\n", "neither a key"},
	        {"# passphrase\n" KIT_OTHER_RECIPIENTS, "one or the other"},
	        {"age1notakey\n", "recipients"},
	        {"# passphrase", "no line feed"},
	        {"# a\tb\n" KIT_OTHER_RECIPIENTS, "control character"},
	        {"# \xff\n" KIT_OTHER_RECIPIENTS, "UTF-8"},
	};
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct forge *forge = forge_key(kit);

		forge_write_signers(forge, &signers);
		forge_set(&forge->recipients, bad[i].file);
		forge_seal(forge);
		assert_refused(forge, 6, bad[i].why);
	}
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_a_key_event_with_signers_that_are_none(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_key(kit);

	(void)state;
	vst_buf_text(&forge->allowed_signers, "# a comment\n");
	forge_seal(forge);
	assert_refused(forge, 6, "allowed_signers");
	forge = forge_key(kit);
	vst_buf_clear(&forge->allowed_signers);
	forge_seal(forge);
	assert_refused(forge, 6, "");
	kit_free(kit);
}

static void custody_rejects_a_key_event_that_brings_back_a_used_collector_key(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	kit_snapshot(kit);
	kit_signers_add(&signers, "alice", kit->alice);
	kit_signers_add(&signers, KIT_HOST, kit->old);
	assert_refused(key_event(kit, &signers), 5, "used or replaced before is named again");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_a_key_event_that_brings_back_a_key_that_was_taken_away(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers without = {0}, with = {0};

	(void)state;
	kit_signers_add(&without, "alice", kit->alice);
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", &without, NULL, NULL), 0);
	kit_copy_signers(&without, &with);
	kit_signers_add(&with, KIT_HOST, kit->host);
	assert_refused(key_event(kit, &with), 5, "used or replaced before is named again");
	vst_signers_free(&without);
	vst_signers_free(&with);
	kit_free(kit);
}

static void custody_rejects_a_collector_with_two_keys(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	kit_signers_add(&signers, KIT_HOST, kit->bob);
	assert_refused(key_event(kit, &signers), 5, "collector@web1 is given two keys");
	vst_signers_free(&signers);
	kit_free(kit);
}

/* ---- rule 7 ---- */

static struct forge *acquire(struct kit *kit, struct vst_event *event)
{
	return forge_begin(kit, event, kit->host, KIT_HOST, true);
}

static void custody_rejects_an_exhibit_number_that_was_used(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	assert_int_equal(kit_as_collector(kit, kit_recover(kit, 5), NULL), 0);
	forge = acquire(kit, kit_acquire(kit, 1));
	forge_seal(forge);
	assert_refused(forge, 7, "exhibit 1 was recorded before");
	forge = acquire(kit, kit_acquire(kit, 5));
	forge_seal(forge);
	assert_refused(forge, 7, "exhibit 5 was recorded before");
	forge = acquire(kit, kit_recover(kit, 1));
	forge_seal(forge);
	assert_refused(forge, 7, "exhibit 1 was recorded before");
	forge = acquire(kit, kit_recover(kit, 5));
	forge_seal(forge);
	assert_refused(forge, 7, "exhibit 5 was recorded before");
	kit_free(kit);
}

static void custody_rejects_exhibit_numbers_that_fall(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge;

	(void)state;
	kit->exhibit = 6;
	kit_snapshot(kit);
	forge = acquire(kit, kit_acquire(kit, 3));
	forge_seal(forge);
	assert_refused(forge, 7, "exhibit 3 follows exhibit 7");
	/* A recovered file may be older than the last exhibit. */
	assert_int_equal(kit_as_collector(kit, kit_recover(kit, 3), NULL), 0);
	kit_free(kit);
}

static void custody_rejects_a_wrong_predecessor(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->event->seal->has_predecessor = true;
	forge_seal(forge);
	assert_refused(forge, 7, "first seal names a predecessor");
	kit_snapshot(kit);
	kit_snapshot(kit);
	forge = forge_snapshot(kit);
	forge->event->seal->has_predecessor = false;
	forge_seal(forge);
	assert_refused(forge, 7, "does not name the seal before it");
	forge = forge_snapshot(kit);
	memcpy(forge->event->seal->predecessor, vst_custody_exhibit_at(kit->custody, 0)->seal_sha256,
	        VST_HASH_LEN);
	forge_seal(forge);
	assert_refused(forge, 7, "does not name the seal before it");
	kit_free(kit);
}

static void custody_rejects_foreign_recipients(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);
	struct vst_seal *seal = forge->event->seal;
	uint8_t(*more)[VST_HASH_LEN];

	(void)state;
	seal->recipients[0][0] ^= 1;
	forge_seal(forge);
	assert_refused(forge, 7, "not sealed to the recipients of the case");
	/* The right one, and one more. */
	forge = forge_snapshot(kit);
	seal = forge->event->seal;
	more = calloc(2, VST_HASH_LEN);
	memcpy(more, seal->recipients, VST_HASH_LEN);
	free(seal->recipients);
	seal->recipients = more;
	seal->recipient_count = 2;
	forge_seal(forge);
	assert_refused(forge, 7, "not sealed to the recipients of the case");
	kit_free(kit);
}

static void custody_rejects_recipients_that_were_replaced(void **state)
{
	struct kit *kit = kit_new();
	struct vst_event *old = kit_acquire(kit, 1);
	struct forge *forge;

	(void)state;
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", NULL, KIT_OTHER_RECIPIENTS, NULL), 0);
	forge = acquire(kit, old);
	forge_seal(forge);
	assert_refused(forge, 7, "not sealed to the recipients of the case");
	kit_free(kit);
}

static void custody_rejects_a_payload_that_was_sealed_before(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	kit_snapshot(kit);
	forge = forge_snapshot(kit);
	memcpy(forge->event->seal->payload_sha256,
	        vst_custody_exhibit_at(kit->custody, 0)->seal->payload_sha256, VST_HASH_LEN);
	forge_seal(forge);
	assert_refused(forge, 7, "payload is that of an earlier exhibit");
	kit_free(kit);
}

static void custody_rejects_an_extract_from_nothing(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	forge = forge_begin(kit, kit_extract(kit, 2), kit->alice, "alice", false);
	forge_seal(forge);
	assert_refused(forge, 7, "knows no exhibit 2");
	forge = forge_begin(kit, kit_extract(kit, 1), kit->alice, "alice", false);
	forge->event->extract.items = 13;
	forge_seal(forge);
	assert_refused(forge, 7, "more items were taken out of exhibit 1 than it holds");
	kit_free(kit);
}

/* ---- rule 8 ---- */

static void custody_rejects_a_key_that_changes_hands(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	/* alice's key as bob's: what she signed would be his. */
	kit_signers_add(&signers, KIT_HOST, kit->host);
	kit_signers_add(&signers, "bob", kit->alice);
	assert_refused(key_event(kit, &signers), 8, "the key of alice is given to bob");
	vst_signers_free(&signers);
	/* A collector's key as an examiner's: whoever took the host would be one. */
	kit_signers_add(&signers, "alice", kit->alice);
	kit_signers_add(&signers, "bob", kit->host);
	assert_refused(key_event(kit, &signers), 8, "the key of collector@web1 is given to bob");
	vst_signers_free(&signers);
	/* And the reverse. */
	kit_signers_add(&signers, "bob", kit->bob);
	kit_signers_add(&signers, "collector@web2", kit->alice);
	assert_refused(key_event(kit, &signers), 8, "the key of alice is given to collector@web2");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_the_log_key_as_a_signer(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	kit_signers_add(&signers, "bob", kit->log);
	assert_refused(key_event(kit, &signers), 8, "bob has the log's own key");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_a_name_that_a_commit_cannot_carry(void **state)
{
	static const char *const names[] = {"bob.", ".bob", "bob<x>", ";bob", "bob:"};
	struct kit *kit = kit_new();

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct vst_signers signers = {0};

		kit_copy_signers(vst_custody_signers(kit->custody), &signers);
		kit_signers_add(&signers, names[i], kit->bob);
		assert_refused(key_event(kit, &signers), 8, "cannot carry the name");
		vst_signers_free(&signers);
	}
	kit_free(kit);
}

static struct vst_ssh_public hardware_key(const struct vst_signer *signer)
{
	struct vst_ssh_public key = *vst_signer_public(signer);

	key.type = VST_SSH_SK_ED25519;
	strcpy(key.application, "ssh:");
	return key;
}

static void custody_rejects_a_hardware_key_for_a_collector(void **state)
{
	struct kit *kit = kit_new();
	struct vst_ssh_public key = hardware_key(kit->bob);
	struct vst_signers signers = {0};

	(void)state;
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	assert_int_equal(vst_signers_add(&signers, "collector@web2", &key, NULL), 0);
	assert_refused(key_event(kit, &signers), 8, "not of type ssh-ed25519");
	vst_signers_free(&signers);
	kit_free(kit);
}

/* ---- hardware keys: rule 4's exception ---- */

static void put_string(struct vst_buf *out, const void *data, size_t len)
{
	vst_buf_u32be(out, (uint32_t)len);
	vst_buf_bytes(out, data, len);
}

/* What a token with bob's key signs: SHA-256(application), flags, counter, SHA-256(what ssh-keygen asks for).
 */
static void sign_by_hardware(const struct vst_buf *payload, struct vst_signer *token, struct vst_buf *out)
{
	static const char type[] = "sk-ssh-ed25519@openssh.com";
	static const uint8_t state[5] = {0x01, 0, 0, 0, 9};
	struct vst_buf asked = VST_BUF_INIT, told = VST_BUF_INIT, blob = VST_BUF_INIT, part = VST_BUF_INIT;
	struct vst_buf base64 = VST_BUF_INIT;
	uint8_t sha512[VST_SHA512_LEN], sha256[VST_HASH_LEN], signature[VST_ED25519_SIG_LEN];

	vst_sha512(payload->data, payload->len, sha512);
	vst_buf_text(&asked, "SSHSIG");
	put_string(&asked, "git", 3);
	put_string(&asked, "", 0);
	put_string(&asked, "sha512", 6);
	put_string(&asked, sha512, sizeof sha512);
	vst_sha256("ssh:", 4, sha256);
	vst_buf_bytes(&told, sha256, sizeof sha256);
	vst_buf_bytes(&told, state, sizeof state);
	vst_sha256(asked.data, asked.len, sha256);
	vst_buf_bytes(&told, sha256, sizeof sha256);
	assert_int_equal(vst_signer_sign_raw(token, told.data, told.len, signature, NULL), 0);

	vst_buf_text(&blob, "SSHSIG");
	vst_buf_u32be(&blob, 1);
	put_string(&part, type, strlen(type));
	put_string(&part, vst_signer_public(token)->key, VST_ED25519_KEY_LEN);
	put_string(&part, "ssh:", 4);
	put_string(&blob, part.data, part.len);
	put_string(&blob, "git", 3);
	put_string(&blob, "", 0);
	put_string(&blob, "sha512", 6);
	vst_buf_clear(&part);
	put_string(&part, type, strlen(type));
	put_string(&part, signature, sizeof signature);
	vst_buf_bytes(&part, state, sizeof state);
	put_string(&blob, part.data, part.len);

	vst_buf_clear(out);
	vst_buf_text(out, "-----BEGIN SSH SIGNATURE-----\n");
	vst_base64_append(&base64, blob.data, blob.len, VST_BASE64_PADDED);
	for (size_t at = 0; at < base64.len; at += 70) {
		vst_buf_bytes(out, base64.data + at, base64.len - at < 70 ? base64.len - at : 70);
		vst_buf_byte(out, '\n');
	}
	vst_buf_text(out, "-----END SSH SIGNATURE-----\n");
	vst_buf_free(&asked);
	vst_buf_free(&told);
	vst_buf_free(&blob);
	vst_buf_free(&part);
	vst_buf_free(&base64);
}

static struct forge *extract_by_hardware(struct kit *kit)
{
	struct forge *forge = forge_begin(kit, kit_extract(kit, 1), kit->bob, "bob", false);

	forge_seal(forge);
	vst_buf_clear(&forge->checkpoint);
	assert_int_equal(
	        vst_checkpoint_sign(&forge->statement, kit->log, NULL, NULL, &forge->checkpoint, NULL), 0);
	sign_by_hardware(&forge->commit.payload, kit->bob, &forge->commit.signature);
	return forge;
}

static void custody_leaves_out_the_line_of_a_hardware_key(void **state)
{
	struct kit *kit = kit_new();
	struct vst_ssh_public key = hardware_key(kit->bob);
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	assert_int_equal(vst_signers_add(&signers, "bob", &key, NULL), 0);
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", &signers, NULL, NULL), 0);
	assert_accepted(extract_by_hardware(kit));
	forge = extract_by_hardware(kit);
	assert_int_equal(vst_note_add_signature(kit->bob, "bob", &forge->checkpoint, NULL), 0);
	assert_refused(forge, 4, "signature lines that do not belong");
	/* The same curve point as a plain key is another key. */
	forge = forge_begin(kit, kit_extract(kit, 1), kit->bob, "bob", false);
	forge_seal(forge);
	assert_refused(forge, 3, "a key that the log does not know");
	vst_signers_free(&signers);
	kit_free(kit);
}

/* ---- rule 7, series ---- */

static void kit_series_snapshot(struct kit *kit, uint64_t full)
{
	struct vst_event *event = kit_acquire(kit, ++kit->exhibit);
	struct vst_err err = VST_ERR_INIT;

	event->seal->has_series = true;
	event->seal->series.full = full;
	kit_as_collector(kit, event, &err);
	assert_string_equal(err.text, "");
}

/* The next exhibit, as one that continues the series of `full`. */
static struct forge *forge_series(struct kit *kit, uint64_t full)
{
	struct forge *forge = forge_snapshot(kit);

	forge->event->seal->has_series = true;
	forge->event->seal->series.full = full;
	forge_seal(forge);
	return forge;
}

static void custody_takes_series_one_after_another(void **state)
{
	struct kit *kit = kit_new();

	(void)state;
	kit_snapshot(kit); /* of a program that knows no series */
	kit_series_snapshot(kit, 2);
	kit_series_snapshot(kit, 2);
	kit_series_snapshot(kit, 2);
	kit_series_snapshot(kit, 5);
	kit_series_snapshot(kit, 5);
	assert_accepted(forge_series(kit, 5));
	kit_free(kit);
}

static void custody_rejects_a_series_that_begins_with_nothing(void **state)
{
	struct kit *kit = kit_new();
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	kit_series_snapshot(kit, 1);
	assert_int_equal(kit_as_collector(kit, kit_recover(kit, 3), &err), 0);
	kit->exhibit = 3;
	assert_refused(forge_series(kit, 2), 7, "exhibit 2, which was never sealed");
	assert_refused(forge_series(kit, 3), 7, "exhibit 3, which was never sealed");
	assert_accepted(forge_series(kit, 1));
	kit_free(kit);
}

static void custody_rejects_a_series_that_begins_in_the_middle_of_one(void **state)
{
	struct kit *kit = kit_new();

	(void)state;
	kit_snapshot(kit);
	assert_refused(forge_series(kit, 1), 7, "exhibit 1, which opens no series");
	kit_series_snapshot(kit, 2);
	kit_series_snapshot(kit, 2);
	assert_refused(forge_series(kit, 3), 7, "exhibit 3, which opens no series");
	assert_accepted(forge_series(kit, 2));
	kit_free(kit);
}

static void custody_rejects_a_series_that_was_left(void **state)
{
	struct kit *kit = kit_new();

	(void)state;
	kit_series_snapshot(kit, 1);
	kit_series_snapshot(kit, 2);
	assert_refused(forge_series(kit, 1), 7, "a later series has begun");
	kit_snapshot(kit);
	assert_refused(forge_series(kit, 2), 7, "a later series has begun");
	kit_free(kit);
}

static void custody_goes_on_after_every_refusal(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge;

	(void)state;
	for (int i = 0; i < 5; i++) {
		forge = forge_snapshot(kit);
		forge->event->seal->recipients[0][0] ^= 1;
		forge_seal(forge);
		assert_refused(forge, 7, "recipients");
		kit_snapshot(kit);
	}
	assert_int_equal(vst_custody_size(kit->custody), 6);
	kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(custody_rejects_an_examiner_who_names_a_next_key),
	        cmocka_unit_test(custody_rejects_changed_files_without_a_key_event),
	        cmocka_unit_test(custody_rejects_a_changed_case_file),
	        cmocka_unit_test(custody_rejects_a_key_event_that_removes_the_last_examiner),
	        cmocka_unit_test(custody_rejects_a_key_event_without_recipients),
	        cmocka_unit_test(custody_rejects_a_key_event_with_signers_that_are_none),
	        cmocka_unit_test(custody_rejects_a_key_event_that_brings_back_a_used_collector_key),
	        cmocka_unit_test(custody_rejects_a_key_event_that_brings_back_a_key_that_was_taken_away),
	        cmocka_unit_test(custody_rejects_a_collector_with_two_keys),
	        cmocka_unit_test(custody_rejects_an_exhibit_number_that_was_used),
	        cmocka_unit_test(custody_rejects_exhibit_numbers_that_fall),
	        cmocka_unit_test(custody_rejects_a_wrong_predecessor),
	        cmocka_unit_test(custody_rejects_foreign_recipients),
	        cmocka_unit_test(custody_rejects_recipients_that_were_replaced),
	        cmocka_unit_test(custody_rejects_a_payload_that_was_sealed_before),
	        cmocka_unit_test(custody_rejects_an_extract_from_nothing),
	        cmocka_unit_test(custody_rejects_a_key_that_changes_hands),
	        cmocka_unit_test(custody_rejects_the_log_key_as_a_signer),
	        cmocka_unit_test(custody_rejects_a_name_that_a_commit_cannot_carry),
	        cmocka_unit_test(custody_rejects_a_hardware_key_for_a_collector),
	        cmocka_unit_test(custody_leaves_out_the_line_of_a_hardware_key),
	        cmocka_unit_test(custody_takes_series_one_after_another),
	        cmocka_unit_test(custody_rejects_a_series_that_begins_with_nothing),
	        cmocka_unit_test(custody_rejects_a_series_that_begins_in_the_middle_of_one),
	        cmocka_unit_test(custody_rejects_a_series_that_was_left),
	        cmocka_unit_test(custody_goes_on_after_every_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
