/* Rule 9 of custody.h: generations of exhibits, and who may dispose of which. */
#include "ledger/custody_kit.h"

#include "ledger/custody_state.h"

/* ---- generations ---- */

static void kit_series_snapshot(struct kit *kit, uint64_t exhibit, uint64_t full)
{
	struct vst_event *event = kit_acquire(kit, exhibit);
	struct vst_err err = VST_ERR_INIT;

	event->seal->has_series = true;
	event->seal->series.full = full;
	kit_as_collector(kit, event, &err);
	assert_string_equal(err.text, "");
	kit->exhibit = exhibit;
}

/* Generations 1 (exhibits 1, 2, 3) and 5 (5, 6), the unfinished file 4 recorded amid the latter, and 7, which
 * opens the newest generation or continues that of 5. */
static struct kit *kit_series_to(uint64_t newest)
{
	struct kit *kit = kit_new();
	struct vst_err err = VST_ERR_INIT;

	kit_series_snapshot(kit, 1, 1);
	kit_series_snapshot(kit, 2, 1);
	kit_series_snapshot(kit, 3, 1);
	kit_series_snapshot(kit, 5, 5);
	kit_as_collector(kit, kit_recover(kit, 4), &err);
	assert_string_equal(err.text, "");
	kit_series_snapshot(kit, 6, 5);
	kit_series_snapshot(kit, 7, newest);
	return kit;
}

static struct kit *kit_series(void)
{
	return kit_series_to(7);
}

/* All of a generation, as the log has it. */
static struct vst_event *kit_dispose(struct kit *kit, uint64_t generation, enum vst_dispose_cause cause)
{
	struct vst_event *event = kit_event(kit, VST_EVENT_DISPOSE);
	const struct vst_custody_exhibit *exhibit = NULL;

	event->dispose.generation = generation;
	event->dispose.cause = cause;
	event->dispose.exhibits = calloc(8, sizeof *event->dispose.exhibits);
	assert_non_null(event->dispose.exhibits);
	while ((exhibit = vst_custody_generation_next(kit->custody, generation, exhibit)) != NULL) {
		struct vst_event_disposed *named = &event->dispose.exhibits[event->dispose.exhibit_count++];

		named->exhibit = exhibit->number;
		named->is_sealed = exhibit->seal != NULL;
		memcpy(named->seal_sha256, exhibit->seal_sha256, VST_HASH_LEN);
	}
	return event;
}

static struct forge *forge_dispose(struct kit *kit, uint64_t generation)
{
	return forge_begin(
	        kit, kit_dispose(kit, generation, VST_DISPOSE_REQUEST), kit->alice, "alice", false);
}

static void generation_of_a_seal_is_its_own_without_a_series(void **state)
{
	struct vst_seal seal = {.exhibit = 7};

	(void)state;
	assert_int_equal(vst_seal_generation(&seal), 7);
	seal.series.full = 5;
	assert_int_equal(vst_seal_generation(&seal), 7);
	seal.has_series = true;
	assert_int_equal(vst_seal_generation(&seal), 5);
}

static void generation_has_its_exhibits_in_order(void **state)
{
	static const struct {
		uint64_t generation;
		uint64_t exhibits[4];
	} expected[] = {
	        {1, {1, 2, 3}}, {4, {4}}, {5, {5, 6}}, {7, {7}}, {2, {0}}, {6, {0}}, {8, {0}}, {0, {0}}};
	struct kit *kit = kit_series();

	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		const struct vst_custody_exhibit *exhibit = NULL;
		size_t count = 0;

		while ((exhibit = vst_custody_generation_next(
		                kit->custody, expected[i].generation, exhibit)) != NULL) {
			assert_int_equal(exhibit->number, expected[i].exhibits[count]);
			assert_int_equal(vst_custody_generation(exhibit), expected[i].generation);
			count++;
		}
		assert_int_equal(expected[i].exhibits[count], 0);
	}
	assert_true(vst_custody_generation_is_newest(kit->custody, 7));
	assert_false(vst_custody_generation_is_newest(kit->custody, 5));
	kit_free(kit);
}

/* ---- what may be disposed of ---- */

static void custody_takes_in_disposals(void **state)
{
	struct kit *kit = kit_series();
	struct vst_err err = VST_ERR_INIT;
	uint64_t by_host = vst_custody_size(kit->custody);
	int64_t time = kit->time;

	(void)state;
	assert_int_equal(vst_custody_disposed_count(kit->custody), 0);
	kit_as_collector(kit, kit_dispose(kit, 1, VST_DISPOSE_RETENTION), &err);
	assert_string_equal(err.text, "");
	kit_as_examiner(kit, kit->alice, "alice", kit_dispose(kit, 4, VST_DISPOSE_REQUEST), &err);
	assert_string_equal(err.text, "");
	kit_as_examiner(kit, kit->alice, "alice", kit_dispose(kit, 5, VST_DISPOSE_RETENTION), &err);
	assert_string_equal(err.text, "");
	assert_int_equal(vst_custody_disposed_count(kit->custody), 6);
	for (uint64_t number = 1; number <= 3; number++) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(kit->custody, number);

		assert_int_equal(exhibit->disposed, by_host);
		assert_int_equal(exhibit->disposed_time, time);
		assert_non_null(exhibit->seal);
	}
	assert_int_equal(vst_custody_exhibit_find(kit->custody, 4)->disposed, by_host + 1);
	assert_int_equal(vst_custody_exhibit_find(kit->custody, 6)->disposed, by_host + 2);
	assert_int_equal(vst_custody_exhibit_find(kit->custody, 7)->disposed, 0);
	assert_int_equal(vst_custody_exhibit_latest(kit->custody)->number, 7);
	kit_snapshot(kit);
	kit_free(kit);
}

static void custody_names_a_disposal_in_its_message(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge = forge_dispose(kit, 5);

	(void)state;
	forge_seal(forge);
	assert_int_equal(strncmp(vst_buf_cstr(&forge->message), "Event 8: dispose EX0005\n", 24), 0);
	assert_accepted(forge);
	kit_free(kit);
}

static void custody_rejects_a_collector_that_disposes_by_request(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge =
	        forge_begin(kit, kit_dispose(kit, 1, VST_DISPOSE_REQUEST), kit->host, KIT_HOST, true);

	(void)state;
	forge_seal(forge);
	assert_refused(forge, 5, "a collector disposed of exhibits by request");
	forge = forge_begin(kit, kit_dispose(kit, 1, VST_DISPOSE_RETENTION), kit->host, KIT_HOST, false);
	forge_seal(forge);
	assert_refused(forge, 5, "names no next key");
	forge = forge_begin(kit, kit_dispose(kit, 1, VST_DISPOSE_RETENTION), kit->alice, "alice", true);
	forge_seal(forge);
	assert_refused(forge, 6, "an examiner's event names a next key");
	kit_free(kit);
}

static void custody_rejects_a_disposal_of_the_newest_generation(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge = forge_dispose(kit, 7);

	(void)state;
	forge_seal(forge);
	assert_refused(forge, 9, "generation of exhibit 7 is the newest");
	kit_free(kit);
	kit = kit_series_to(5);
	forge = forge_dispose(kit, 5);
	forge_seal(forge);
	assert_refused(forge, 9, "generation of exhibit 5 is the newest");
	/* Also when an unfinished file was recorded behind it. */
	kit_as_collector(kit, kit_recover(kit, 8), NULL);
	forge = forge_dispose(kit, 5);
	forge_seal(forge);
	assert_refused(forge, 9, "generation of exhibit 5 is the newest");
	kit_free(kit);
}

static void custody_rejects_a_disposal_of_a_part(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge = forge_dispose(kit, 1);

	(void)state;
	forge->event->dispose.exhibit_count = 2;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 3 is in the generation, and not named");
	forge = forge_dispose(kit, 1);
	forge->event->dispose.exhibits[1] = forge->event->dispose.exhibits[2];
	forge->event->dispose.exhibit_count = 2;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 2 is in the generation, and not named");
	/* One that follows is no generation. */
	forge = forge_dispose(kit, 1);
	memmove(forge->event->dispose.exhibits, forge->event->dispose.exhibits + 1,
	        2 * sizeof *forge->event->dispose.exhibits);
	forge->event->dispose.exhibit_count = 2;
	forge->event->dispose.generation = 2;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 2 opens no generation");
	kit_free(kit);
}

static void custody_rejects_a_disposal_of_more(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge = forge_dispose(kit, 1);
	struct vst_event_disposed *named = forge->event->dispose.exhibits;

	(void)state;
	named[3] = (struct vst_event_disposed){.exhibit = 4};
	forge->event->dispose.exhibit_count = 4;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 4 is named, and not in the generation");
	forge = forge_dispose(kit, 4);
	forge->event->dispose.exhibits[1] = (struct vst_event_disposed){.exhibit = 5, .is_sealed = true};
	forge->event->dispose.exhibit_count = 2;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 5 is named, and not in the generation");
	forge = forge_dispose(kit, 1);
	forge->event->dispose.exhibits[0].exhibit = 9;
	forge->event->dispose.exhibit_count = 1;
	forge->event->dispose.generation = 9;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 9 opens no generation");
	kit_free(kit);
}

static void custody_rejects_a_disposal_under_another_seal(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge = forge_dispose(kit, 1);

	(void)state;
	forge->event->dispose.exhibits[1].seal_sha256[0] ^= 1;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 2 is in the generation, and not named with its seal");
	forge = forge_dispose(kit, 1);
	forge->event->dispose.exhibits[0].is_sealed = false;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 1 is in the generation, and not named with its seal");
	forge = forge_dispose(kit, 4);
	forge->event->dispose.exhibits[0].is_sealed = true;
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 4 is in the generation, and not named with its seal");
	kit_free(kit);
}

static void custody_rejects_what_was_disposed_of(void **state)
{
	struct kit *kit = kit_series();
	struct forge *forge;

	(void)state;
	forge = forge_dispose(kit, 1);
	forge_seal(forge);
	assert_accepted(forge);
	forge = forge_dispose(kit, 1);
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 1 was disposed of before, by event 8");
	forge = forge_begin(kit, kit_extract(kit, 2), kit->alice, "alice", false);
	forge_seal(forge);
	assert_refused(forge, 9, "exhibit 2 was disposed of before, by event 8");
	/* Its number, its payload and its place in the chain stay used. */
	forge = forge_begin(kit, kit_recover(kit, 3), kit->host, KIT_HOST, true);
	forge_seal(forge);
	assert_refused(forge, 7, "exhibit 3 was recorded before");
	forge = forge_snapshot(kit);
	memcpy(forge->event->seal->payload_sha256, kit->custody->exhibits[0].seal->payload_sha256,
	        VST_HASH_LEN);
	forge_seal(forge);
	assert_refused(forge, 7, "payload is that of an earlier exhibit");
	kit_snapshot(kit);
	kit_free(kit);
}

static void custody_draft_refuses_a_disposal_that_the_rules_refuse(void **state)
{
	struct kit *kit = kit_series();
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	assert_int_equal(kit_as_collector(kit, kit_dispose(kit, 7, VST_DISPOSE_RETENTION), &err), VST_EUSAGE);
	assert_non_null(strstr(err.text, "the newest"));
	assert_int_equal(kit_as_collector(kit, kit_dispose(kit, 1, VST_DISPOSE_REQUEST), &err), VST_EUSAGE);
	assert_int_equal(vst_custody_disposed_count(kit->custody), 0);
	kit_free(kit);
}

static void custody_disposes_of_exhibits_of_older_programs_one_by_one(void **state)
{
	struct kit *kit = kit_new();
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	kit_snapshot(kit);
	kit_snapshot(kit);
	kit_series_snapshot(kit, 3, 3);
	kit_as_collector(kit, kit_dispose(kit, 2, VST_DISPOSE_RETENTION), &err);
	assert_string_equal(err.text, "");
	assert_int_equal(vst_custody_disposed_count(kit->custody), 1);
	kit_as_collector(kit, kit_dispose(kit, 1, VST_DISPOSE_RETENTION), &err);
	assert_string_equal(err.text, "");
	kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(generation_of_a_seal_is_its_own_without_a_series),
	        cmocka_unit_test(generation_has_its_exhibits_in_order),
	        cmocka_unit_test(custody_takes_in_disposals),
	        cmocka_unit_test(custody_names_a_disposal_in_its_message),
	        cmocka_unit_test(custody_rejects_a_collector_that_disposes_by_request),
	        cmocka_unit_test(custody_rejects_a_disposal_of_the_newest_generation),
	        cmocka_unit_test(custody_rejects_a_disposal_of_a_part),
	        cmocka_unit_test(custody_rejects_a_disposal_of_more),
	        cmocka_unit_test(custody_rejects_a_disposal_under_another_seal),
	        cmocka_unit_test(custody_rejects_what_was_disposed_of),
	        cmocka_unit_test(custody_draft_refuses_a_disposal_that_the_rules_refuse),
	        cmocka_unit_test(custody_disposes_of_exhibits_of_older_programs_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
