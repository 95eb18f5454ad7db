/* Rules 1 to 4 of custody.h: what the event says of itself, and how it is carried. */
#include "ledger/custody_kit.h"

/* ---- the forger is honest unless told otherwise ---- */

static struct forge *extract(struct kit *kit)
{
	return forge_begin(kit, kit_extract(kit, 1), kit->alice, "alice", false);
}

static void custody_accepts_the_forgers_honest_work(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	assert_accepted(forge);
	forge = extract(kit);
	forge_seal(forge);
	assert_accepted(forge);
	kit_free(kit);
}

/* ---- rule 1 ---- */

static void custody_rejects_an_event_with_another_number(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->event->number = 2;
	forge_seal(forge);
	assert_refused(forge, 1, "calls itself number 2");
	kit_free(kit);
}

static void custody_rejects_a_replayed_event(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	assert_int_equal(forge_apply(forge, NULL), 0);
	assert_refused(forge, 1, "calls itself number 1");
	kit_free(kit);
}

static void custody_rejects_reordered_events(void **state)
{
	struct kit *kit = kit_new(), *twin = kit_new();
	struct forge *first, *second;

	(void)state;
	/* The twin log is honest: its event 2 is valid there, and comes here as event 1. */
	first = forge_snapshot(twin);
	forge_seal(first);
	assert_accepted(first);
	second = forge_begin(twin, kit_extract(twin, 1), twin->alice, "alice", false);
	forge_seal(second);
	second->kit = kit;
	assert_refused(second, 1, "calls itself number 2");
	kit_free(kit);
	kit_free(twin);
}

static void custody_rejects_a_wrong_previous_digest(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->event->previous[31] ^= 1;
	forge_seal(forge);
	assert_refused(forge, 1, "follows another event");
	kit_free(kit);
}

static void custody_rejects_genesis_with_a_previous_event(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_custody_draft draft = {0};
	struct kit_commit commit = {0};
	struct vst_err err = VST_ERR_INIT;
	struct vst_event *event = kit_event(kit, VST_EVENT_GENESIS);
	struct vst_signers signers = {0};
	struct vst_bytes recipients = {KIT_RECIPIENTS, strlen(KIT_RECIPIENTS)};
	struct vst_buf changed = VST_BUF_INIT;
	struct vst_custody_change change = {.event = event,
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .log_signer = kit->log,
	        .next_key = vst_signer_public(kit->next),
	        .new_case = &kit->file,
	        .new_signers = &signers,
	        .new_recipients = &recipients};
	const char *null, *text;

	(void)state;
	kit_signers_add(&signers, KIT_HOST, kit->host);
	assert_int_equal(vst_custody_draft(kit->custody, &change, &draft, &err), 0);
	text = vst_buf_cstr(&draft.event);
	null = strstr(text, "\"previous\":null");
	assert_non_null(null);
	vst_buf_bytes(&changed, text, (size_t)(null - text));
	vst_buf_text(&changed,
	        "\"previous\":\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\"");
	vst_buf_text(&changed, null + strlen("\"previous\":null"));
	kit_commit_draft(&commit, &draft, kit->host);
	commit.step.event = kit_bytes(&changed);
	assert_int_equal(vst_custody_apply(kit->custody, &commit.step, &err), VST_ETAMPERED);
	assert_non_null(strstr(err.text, "event 0: rule 1: event: previous: event 0 has none"));
	assert_int_equal(vst_custody_size(kit->custody), 0);
	vst_buf_free(&changed);
	kit_commit_free(&commit);
	vst_custody_draft_free(&draft);
	vst_signers_free(&signers);
	vst_event_free(event);
	kit_free(kit);
}

static void custody_rejects_another_spelling_of_an_event(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_event(forge);
	assert_int_equal(forge->bytes.data[0], '{');
	struct vst_buf spaced = VST_BUF_INIT;
	vst_buf_text(&spaced, "{ ");
	vst_buf_bytes(&spaced, forge->bytes.data + 1, forge->bytes.len - 1);
	vst_buf_free(&forge->bytes);
	forge->bytes = spaced;
	forge_statement(forge);
	forge_checkpoint(forge);
	forge_message(forge);
	forge_payload(forge);
	forge_sign(forge);
	assert_refused(forge, 1, "not written as this format is written");
	kit_free(kit);
}

static void custody_says_when_a_later_program_wrote_the_event(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	forge_seal(forge);
	memcpy(forge->bytes.data, "{\"format\":2", 11);
	assert_int_equal(forge_apply(forge, &err), VST_EVERSION);
	assert_non_null(strstr(err.text, "format 2 is not known"));
	assert_int_equal(vst_custody_size(kit->custody), 1);
	forge_free(forge);
	kit_free(kit);
}

static void custody_rejects_files_that_the_event_does_not_state(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	vst_buf_text(&forge->case_file, "\n");
	assert_refused(forge, 1, "case.json is not the file");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	vst_buf_text(&forge->recipients, "# more\n");
	assert_refused(forge, 1, "recipients is not the file");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	vst_buf_byte(&forge->allowed_signers, '\n');
	assert_refused(forge, 1, "allowed_signers is not the file");
	forge = forge_snapshot(kit);
	forge_event(forge);
	forge->keep_digests = true;
	forge->event->case_sha256[0] ^= 1;
	forge_seal(forge);
	assert_refused(forge, 1, "case.json is not the file");
	kit_free(kit);
}

/* ---- rule 2 ---- */

static void spoil_payload(struct forge *forge, const char *from, const char *to)
{
	struct vst_buf changed = VST_BUF_INIT;
	const char *text, *at;

	forge_seal(forge);
	text = vst_buf_cstr(&forge->commit.payload);
	at = strstr(text, from);
	assert_non_null(at);
	vst_buf_bytes(&changed, text, (size_t)(at - text));
	vst_buf_text(&changed, to);
	vst_buf_text(&changed, at + strlen(from));
	vst_buf_free(&forge->commit.payload);
	forge->commit.payload = changed;
	forge_sign(forge);
}

static void custody_rejects_a_message_that_differs_in_one_byte(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);
	size_t len;

	(void)state;
	forge_seal(forge);
	len = forge->message.len;
	forge_free(forge);
	for (size_t i = 0; i < len; i += 7) {
		forge = forge_snapshot(kit);
		kit->time -= INT64_C(1500000000); /* the same bytes each time */
		forge_seal(forge);
		forge->message.data[i] ^= 1;
		forge_payload(forge);
		forge_sign(forge);
		assert_refused(forge, 2, "message");
	}
	kit_free(kit);
}

static void custody_rejects_a_message_with_more_in_it(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	vst_buf_text(&forge->message, "Signed-off-by: alice\n");
	forge_payload(forge);
	forge_sign(forge);
	assert_refused(forge, 2, "message does not say");
	kit_free(kit);
}

static void custody_rejects_a_message_that_the_trail_read_differently(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	forge->message.data[0] ^= 1;
	assert_refused(forge, 2, "taken apart differently");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	forge->author = "alice";
	assert_refused(forge, 2, "taken apart differently");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	forge->seconds = 1;
	assert_refused(forge, 2, "taken apart differently");
	kit_free(kit);
}

static void custody_rejects_an_author_unlike_the_actor(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->author = "alice";
	forge_seal(forge);
	assert_refused(forge, 2, "author is not the actor");
	forge = forge_snapshot(kit);
	spoil_payload(forge, "committer collector@web1", "committer alice");
	assert_refused(forge, 2, "committer is not the actor");
	forge = forge_snapshot(kit);
	spoil_payload(forge, "author collector@web1 <", "author collector@web1x <");
	assert_refused(forge, 2, "author is not the actor");
	kit_free(kit);
}

static void custody_rejects_a_time_unlike_the_events(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->seconds = forge->event->time / VST_NS_PER_S + 1;
	forge_seal(forge);
	assert_refused(forge, 2, "time of the commit's author is not the event's");
	forge = forge_snapshot(kit);
	spoil_payload(forge, "+0000\ncommitter", "+0100\ncommitter");
	assert_refused(forge, 2, "not written in seconds and UTC");
	kit_free(kit);
}

static void custody_rejects_an_author_and_committer_that_differ(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	spoil_payload(forge, "committer collector@web1 <collector@web1>", "committer collector@web1 <alice>");
	assert_refused(forge, 2, "author and committer differ");
	forge = forge_snapshot(kit);
	spoil_payload(forge, "author collector@web1 <collector@web1>", "author collector@web1 <a\x1b[2Jb>");
	assert_refused(forge, 2, "address");
	kit_free(kit);
}

static void custody_rejects_headers_that_do_not_belong(void **state)
{
	static const struct {
		const char *from, *to, *why;
	} spoilt[] = {
	        {"tree ", "trea ", "does not begin"},
	        {"tree 4b", "tree 4B", "does not begin"},
	        {"parent 0123", "parent 012", "does not begin"},
	        {"parent 0123456789abcdef0123456789abcdef01234567\n", "", "does not begin"},
	        {"author", "parent 0123456789abcdef0123456789abcdef01234567\nauthor", "no author where"},
	        {"committer", "author x <x> 1 +0000\ncommitter", "no committer where"},
	        {" +0000\n\nEvent", " +0000\nencoding latin1\n\nEvent", "header that does not belong"},
	        {" +0000\n\nEvent", " +0000\ngpgsig x\n\nEvent", "header that does not belong"},
	        {"author", "Author", "no author where"},
	};
	struct kit *kit = kit_new();

	(void)state;
	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		struct forge *forge = forge_snapshot(kit);

		spoil_payload(forge, spoilt[i].from, spoilt[i].to);
		assert_refused(forge, 2, spoilt[i].why);
	}
	kit_free(kit);
}

/* ---- rule 3 ---- */

static void custody_rejects_a_signature_over_something_else(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	forge->commit.payload.data[6] ^= 1;
	assert_refused(forge, 3, "signature");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	vst_buf_clear(&forge->commit.signature);
	assert_refused(forge, 3, "signature");
	kit_free(kit);
}

static void custody_rejects_a_signature_for_another_purpose(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	vst_buf_clear(&forge->commit.signature);
	assert_int_equal(vst_sshsig_sign(forge->signer, "file", forge->commit.payload.data,
	                         forge->commit.payload.len, &forge->commit.signature, NULL),
	        0);
	assert_refused(forge, 3, "signature");
	kit_free(kit);
}

static void custody_rejects_a_step_signed_again_by_a_stranger(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	forge->signer = kit->bob;
	forge_sign(forge);
	assert_refused(forge, 3, "a key that the log does not know");
	kit_free(kit);
}

static void custody_rejects_a_step_signed_by_the_log_key(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->signer = kit->log;
	forge_seal(forge);
	assert_refused(forge, 3, "a key that the log does not know");
	kit_free(kit);
}

static void custody_rejects_a_step_signed_by_the_key_that_it_names(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	/* The step's own file lists the next key; only the file before counts. */
	forge->signer = kit->next;
	forge_seal(forge);
	assert_refused(forge, 3, "a key that the log does not know");
	kit_free(kit);
}

static void custody_rejects_an_examiner_who_was_removed(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	kit_signers_add(&signers, KIT_HOST, kit->host);
	kit_signers_add(&signers, "bob", kit->bob);
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", &signers, NULL, NULL), 0);
	forge = extract(kit);
	forge_seal(forge);
	assert_refused(forge, 3, "alice, who may not sign any more");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_an_examiner_who_names_a_collector_as_actor(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_begin(kit, kit_acquire(kit, 1), kit->alice, KIT_HOST, false);

	(void)state;
	forge_seal(forge);
	assert_refused(forge, 3, "names collector@web1 as its actor, but alice signed it");
	kit_free(kit);
}

static void custody_rejects_a_collector_who_names_an_examiner_as_actor(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_begin(kit, kit_acquire(kit, 1), kit->host, "alice", true);

	(void)state;
	forge_seal(forge);
	assert_refused(forge, 3, "names alice as its actor, but collector@web1 signed it");
	kit_free(kit);
}

/* ---- rule 4 ---- */

static void custody_rejects_a_checkpoint_by_another_log_key(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge->log = kit->bob;
	forge_seal(forge);
	assert_refused(forge, 4, "line 1 of the checkpoint's signatures is not by vestige/00112233");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_of_another_log(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	strcpy(forge->statement.origin, "vestige/ffffffff");
	forge_checkpoint(forge);
	assert_refused(forge, 4, "of another log");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_with_another_size_or_root(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	forge->statement.size++;
	forge_checkpoint(forge);
	assert_refused(forge, 4, "states 3 events");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	forge->statement.root[0] ^= 1;
	forge_checkpoint(forge);
	assert_refused(forge, 4, "root is not that of the events");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_left_from_the_step_before(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);
	struct vst_buf before = VST_BUF_INIT;

	(void)state;
	forge_seal(forge);
	vst_buf_bytes(&before, forge->checkpoint.data, forge->checkpoint.len);
	assert_accepted(forge);
	kit_next_key(kit);
	forge = extract(kit);
	forge_seal(forge);
	vst_buf_free(&forge->checkpoint);
	forge->checkpoint = before;
	assert_refused(forge, 4, "states 2 events");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_without_the_signers_line(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	vst_buf_clear(&forge->checkpoint);
	assert_int_equal(
	        vst_checkpoint_sign(&forge->statement, kit->log, NULL, NULL, &forge->checkpoint, NULL), 0);
	assert_refused(forge, 4, "line 2 of the checkpoint's signatures is not by collector@web1");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_signed_by_someone_else(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	vst_buf_clear(&forge->checkpoint);
	assert_int_equal(vst_checkpoint_sign(
	                         &forge->statement, kit->log, "alice", kit->alice, &forge->checkpoint, NULL),
	        0);
	assert_refused(forge, 4, "line 2 of the checkpoint's signatures is not by collector@web1");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_with_extra_lines(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_seal(forge);
	assert_int_equal(vst_note_add_signature(kit->bob, "witness.example", &forge->checkpoint, NULL), 0);
	assert_refused(forge, 4, "signature lines that do not belong");
	forge = forge_snapshot(kit);
	forge_seal(forge);
	assert_int_equal(
	        vst_note_add_signature(kit->log, kit->file.log_key.name, &forge->checkpoint, NULL), 0);
	assert_refused(forge, 4, "");
	kit_free(kit);
}

static void custody_rejects_a_checkpoint_with_an_extension_line(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	forge_seal(forge);
	vst_checkpoint_text(&forge->statement, &text);
	vst_buf_text(&text, "all is well\n");
	vst_buf_clear(&forge->checkpoint);
	assert_int_equal(vst_note_begin(text.data, text.len, &forge->checkpoint, NULL), 0);
	assert_int_equal(
	        vst_note_add_signature(kit->log, kit->file.log_key.name, &forge->checkpoint, NULL), 0);
	assert_int_equal(vst_note_add_signature(kit->host, KIT_HOST, &forge->checkpoint, NULL), 0);
	assert_refused(forge, 4, "more than three lines");
	vst_buf_free(&text);
	kit_free(kit);
}

static void custody_rejects_checkpoint_signatures_that_do_not_verify(void **state)
{
	struct kit *kit = kit_new();

	(void)state;
	/* The last base64 character that matters of the first and of the second line. */
	for (int line = 1; line <= 2; line++) {
		struct forge *forge = forge_snapshot(kit);
		const char *text;
		char *at;

		forge_seal(forge);
		text = vst_buf_cstr(&forge->checkpoint);
		at = strstr((char *)forge->checkpoint.data, "\n\n") + 2;
		for (int i = 1; i < line; i++)
			at = strchr(at, '\n') + 1;
		at = strchr(at, '\n') - 20;
		*at = *at == 'A' ? 'B' : 'A';
		assert_non_null(text);
		assert_refused(forge, 4, "checkpoint");
	}
	kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(custody_accepts_the_forgers_honest_work),
	        cmocka_unit_test(custody_rejects_an_event_with_another_number),
	        cmocka_unit_test(custody_rejects_a_replayed_event),
	        cmocka_unit_test(custody_rejects_reordered_events),
	        cmocka_unit_test(custody_rejects_a_wrong_previous_digest),
	        cmocka_unit_test(custody_rejects_genesis_with_a_previous_event),
	        cmocka_unit_test(custody_rejects_another_spelling_of_an_event),
	        cmocka_unit_test(custody_says_when_a_later_program_wrote_the_event),
	        cmocka_unit_test(custody_rejects_files_that_the_event_does_not_state),
	        cmocka_unit_test(custody_rejects_a_message_that_differs_in_one_byte),
	        cmocka_unit_test(custody_rejects_a_message_with_more_in_it),
	        cmocka_unit_test(custody_rejects_a_message_that_the_trail_read_differently),
	        cmocka_unit_test(custody_rejects_an_author_unlike_the_actor),
	        cmocka_unit_test(custody_rejects_a_time_unlike_the_events),
	        cmocka_unit_test(custody_rejects_an_author_and_committer_that_differ),
	        cmocka_unit_test(custody_rejects_headers_that_do_not_belong),
	        cmocka_unit_test(custody_rejects_a_signature_over_something_else),
	        cmocka_unit_test(custody_rejects_a_signature_for_another_purpose),
	        cmocka_unit_test(custody_rejects_a_step_signed_again_by_a_stranger),
	        cmocka_unit_test(custody_rejects_a_step_signed_by_the_log_key),
	        cmocka_unit_test(custody_rejects_a_step_signed_by_the_key_that_it_names),
	        cmocka_unit_test(custody_rejects_an_examiner_who_was_removed),
	        cmocka_unit_test(custody_rejects_an_examiner_who_names_a_collector_as_actor),
	        cmocka_unit_test(custody_rejects_a_collector_who_names_an_examiner_as_actor),
	        cmocka_unit_test(custody_rejects_a_checkpoint_by_another_log_key),
	        cmocka_unit_test(custody_rejects_a_checkpoint_of_another_log),
	        cmocka_unit_test(custody_rejects_a_checkpoint_with_another_size_or_root),
	        cmocka_unit_test(custody_rejects_a_checkpoint_left_from_the_step_before),
	        cmocka_unit_test(custody_rejects_a_checkpoint_without_the_signers_line),
	        cmocka_unit_test(custody_rejects_a_checkpoint_signed_by_someone_else),
	        cmocka_unit_test(custody_rejects_a_checkpoint_with_extra_lines),
	        cmocka_unit_test(custody_rejects_a_checkpoint_with_an_extension_line),
	        cmocka_unit_test(custody_rejects_checkpoint_signatures_that_do_not_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
