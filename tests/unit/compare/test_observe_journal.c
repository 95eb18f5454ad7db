#include "watching.h"

extern const struct vst_observer vst_observe_journal;

#define DIRECTORY "/var/log/journal/0123456789abcdef0123456789abcdef/"

enum { OFFLINE, ONLINE, ARCHIVED };

struct made {
	const char *path;
	uint8_t state, id, seqnum_id;
	uint64_t head, tail, entries;
	uint8_t body;
};

static void put(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static struct vst_item *watch_made(struct watched *w, const struct made *made)
{
	uint8_t bytes[300] = "LPKSHHRH";
	bytes[16] = made->state;
	memset(bytes + 24, made->id, 16);
	memset(bytes + 40, 0x11, 16);
	memset(bytes + 56, 0x22, 16);
	memset(bytes + 72, made->seqnum_id, 16);
	put(bytes + 152, made->entries);
	put(bytes + 160, made->tail);
	put(bytes + 168, made->head);
	put(bytes + 184, UINT64_C(1700000000000000));
	put(bytes + 192, UINT64_C(1700000900000000));
	bytes[299] = made->body;
	return watch(w, &vst_observe_journal, made->path, VST_ITEM_FILE, VST_TIME_NONE, bytes, sizeof bytes);
}

static void watch_all(struct watched *w, uint64_t exhibit, const struct made *made, size_t count)
{
	watch_start(w, exhibit, (int64_t)exhibit * VST_NS_PER_S);
	for (size_t i = 0; i < count; i++)
		watch_made(w, &made[i]);
}

static void watch_details(struct watched *w, uint64_t exhibit, const char *details)
{
	watch_start(w, exhibit, (int64_t)exhibit * VST_NS_PER_S);
	struct vst_item *item =
	        watch(w, &vst_observe_journal, "/journal/export", VST_ITEM_STREAM, VST_TIME_NONE, "x", 1);
	item->details = details;
	item->details_len = strlen(details);
}

static void expect(const struct made *before, size_t before_count, const struct made *after,
        size_t after_count, const char *rules)
{
	struct watched old, new;
	watch_all(&old, 1, before, before_count);
	watch_all(&new, 2, after, after_count);
	strcpy(old.set.boot_id, "a");
	strcpy(new.set.boot_id, "a");
	expect_told(&vst_observe_journal, &old, &new, rules);
	watch_end(&old);
	watch_end(&new);
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct made base[] = {
        {DIRECTORY "system@5-1.journal", ARCHIVED, 1, 5, 1, 1000, 900, 0},
        {DIRECTORY "system@5-2.journal", ARCHIVED, 2, 5, 1001, 2000, 900, 0},
        {DIRECTORY "system@5-3.journal", ARCHIVED, 3, 5, 2001, 3000, 900, 0},
        {DIRECTORY "system.journal", ONLINE, 4, 5, 3001, 3500, 400, 0},
        {DIRECTORY "user-1000.journal", OFFLINE, 5, 5, 700, 3400, 500, 0},
};

static void journal_facts_are_of_the_header(void **state)
{
	struct watched w;
	(void)state;
	watch_all(&w, 1, base, 1);
	assert_string_equal(vst_buf_cstr(&w.facts[0]),
	        "{\"format\":1,\"journal\":true,\"state\":2,\"file_id\":\"01010101010101010101010101010101\","
	        "\"machine_id\":\"11111111111111111111111111111111\",\"boot_id\":"
	        "\"22222222222222222222222222222222\","
	        "\"seqnum_id\":\"05050505050505050505050505050505\",\"entries\":900,\"head_seqnum\":1,\"tail_"
	        "seqnum\":1000,"
	        "\"head_time\":\"2023-11-14T22:13:20Z\",\"tail_time\":\"2023-11-14T22:28:20Z\"}");
	watch_end(&w);
}

static void journal_growth_rotation_and_vacuum_are_honest(void **state)
{
	(void)state;
	const struct made after[] = {
	        {DIRECTORY "system@5-3.journal", ARCHIVED, 3, 5, 2001, 3000, 900, 0},
	        {DIRECTORY "system@5-4.journal", ARCHIVED, 4, 5, 3001, 4000, 900, 1},
	        {DIRECTORY "system.journal", ONLINE, 6, 5, 4001, 4100, 90, 0},
	        {DIRECTORY "user-1000.journal", ONLINE, 5, 5, 700, 4050, 600, 0},
	};
	expect(base, COUNT(base), base, COUNT(base), "");
	expect(base, COUNT(base), after, COUNT(after), "");
	/* A copy of an older state, elsewhere, is none of its files. */
	struct made copy[COUNT(base) + 1];
	memcpy(copy, base, sizeof base);
	copy[COUNT(base)] = (struct made){"/srv/backup/system.journal", ONLINE, 4, 5, 3001, 3100, 90, 0};
	expect(base, COUNT(base), copy, COUNT(copy), "");
	copy[COUNT(base)].path = DIRECTORY "copy.journal";
	expect(base, COUNT(base), copy, COUNT(copy), "");
	expect(copy, COUNT(copy), copy, COUNT(copy), "");
}

static void journal_archived_file_that_changed_is_high(void **state)
{
	(void)state;
	struct made after[COUNT(base)];
	memcpy(after, base, sizeof base);
	after[1].body = 1;
	expect(base, COUNT(base), after, COUNT(base), "journal_archived_changed/high ");
	after[1].entries = 800;
	expect(base, COUNT(base), after, COUNT(base), "journal_archived_changed/high ");
}

/* Archiving punches holes where nothing stands: another digest of the data, the same file. */
static void journal_archived_file_with_new_holes_is_the_same(void **state)
{
	struct watched old, new;
	(void)state;
	watch_all(&old, 1, base, 1);
	watch_all(&new, 2, base, 1);
	new.items[0].is_sparse = true;
	new.items[0].has_whole_sha256 = true;
	memcpy(new.items[0].whole_sha256, new.items[0].sha256, VST_HASH_LEN);
	new.items[0].sha256[0] ^= 1;
	expect_told(&vst_observe_journal, &old, &new, "");
	new.items[0].whole_sha256[0] ^= 1;
	expect_told(&vst_observe_journal, &old, &new, "journal_archived_changed/high ");
	watch_end(&old);
	watch_end(&new);
}

static void journal_file_removed_out_of_turn_is_high(void **state)
{
	(void)state;
	const struct made after[] = {base[0], base[2], base[3], base[4]};
	expect(base, COUNT(base), after, COUNT(after), "journal_file_removed/high ");
	const struct made later[] = {
	        base[0], base[1], base[2], base[4], {DIRECTORY "system.journal", ONLINE, 9, 6, 1, 10, 10, 0}};
	expect(base, COUNT(base), later, COUNT(later), "journal_file_removed/high ");
}

static void journal_file_that_shrank_is_high(void **state)
{
	(void)state;
	struct made after[COUNT(base)];
	memcpy(after, base, sizeof base);
	after[3].tail = 3400;
	expect(base, COUNT(base), after, COUNT(base), "journal_entries_gone/high ");
	after[3].tail = 3600;
	after[3].entries = 399;
	expect(base, COUNT(base), after, COUNT(base), "journal_entries_gone/high ");
	after[3].path = DIRECTORY "system@0005.journal~";
	expect(base, COUNT(base), after, COUNT(base), "journal_entries_gone/medium ");
}

static void journal_that_begins_anew_is_medium(void **state)
{
	(void)state;
	const struct made before[] = {base[3]};
	const struct made after[] = {{DIRECTORY "system.journal", ONLINE, 9, 6, 1, 10, 10, 0}};
	expect(before, 1, after, 1, "journal_replaced/medium ");
}

static void journal_of_run_goes_with_the_boot(void **state)
{
	struct watched old, new;
	const struct made before[] = {{"/run/log/journal/x/system.journal", ONLINE, 1, 5, 1, 100, 100, 0}};
	(void)state;
	watch_all(&old, 1, before, 1);
	watch_all(&new, 2, base, COUNT(base));
	new.set.boot_time = 2 * VST_NS_PER_S;
	expect_told(&vst_observe_journal, &old, &new, "");
	watch_end(&old);
	watch_end(&new);
}

static void journal_that_is_none_any_more_is_high(void **state)
{
	struct watched old, new;
	(void)state;
	watch_all(&old, 1, base, 1);
	watch_start(&new, 2, 0);
	watch(&new, &vst_observe_journal, base[0].path, VST_ITEM_FILE, VST_TIME_NONE, "LPKS", 4);
	expect_told(&vst_observe_journal, &old, &new, "journal_archived_changed/high ");
	expect_told(&vst_observe_journal, NULL, &new, "journal_file_broken/low ");
	expect_told(&vst_observe_journal, &new, &new, "");
	watch_end(&old);
	watch_end(&new);
}

#define ID(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define FILE_OF(name, id, head, tail, entries, more)                                                         \
	"{\"path\":\"" DIRECTORY name "\",\"file_id\":\"" ID(id) "\",\"machine_id\":\"" ID(                  \
	        "1") "\",\"seqnum_id\":\"" ID("5") "\",\"state\":\"archived\",\"compatible_flags\":0,"       \
	                                           "\"incompatible_flags\":0,\"head_seqnum\":" head          \
	                                           ",\"tail_seqnum\":" tail ",\"entries\":" entries          \
	                                           ",\"read\":" entries more "}"
#define DETAILS(count, files, last, gap_count, gaps)                                                         \
	"{\"file_count\":" count ",\"files\":[" files                                                        \
	"],\"boot_count\":0,\"boots\":[],\"seqnum_count\":1,\"seqnums\":[{"                                  \
	"\"seqnum_id\":\"" ID("5") "\",\"first\":1,\"last\":" last ",\"present\":1,\"gap_count\":" gap_count \
	                           ",\"gaps\":[" gaps "]}]}"
#define TWO                                                                                                  \
	FILE_OF("a@1.journal", "1", "1", "500", "400", "")                                                   \
	"," FILE_OF("a@2.journal", "2", "100", "900", "400", "")

static void expect_details(const char *before, const char *after, const char *rules)
{
	struct watched old, new;
	if (before)
		watch_details(&old, 1, before);
	watch_details(&new, 2, after);
	expect_told(&vst_observe_journal, before ? &old : NULL, &new, rules);
	if (before)
		watch_end(&old);
	watch_end(&new);
}

static void journal_numbers_missing_over_all_files(void **state)
{
	(void)state;
	const char *before = DETAILS("2", TWO, "900", "1", "[50,60]");
	expect_details(before, before, "");
	expect_details(
	        before, DETAILS("2", TWO, "990", "2", "[50,60],[200,210]"), "journal_entries_missing/high ");
	expect_details(before, DETAILS("2", TWO, "990", "1", "[40,70]"), "journal_entries_missing/high ");
	expect_details(before, DETAILS("2", TWO, "890", "1", "[50,60]"), "journal_entries_missing/high ");
	expect_details(before, DETAILS("2", TWO, "990", "2", "[50,60],[950,951]"), "journal_gap/medium ");
	expect_details(NULL, DETAILS("2", TWO, "990", "2", "[50,60],[950,951]"), "journal_gap/low ");
}

static void journal_numbers_of_a_file_deleted_in_its_turn_are_honest(void **state)
{
	(void)state;
	const char *before = DETAILS("2", TWO, "900", "0", "");
	const char *after = DETAILS(
	        "1", FILE_OF("a@2.journal", "2", "100", "900", "400", ""), "900", "2", "[120,130],[400,420]");
	expect_details(before, after, "");
	after = DETAILS("1", FILE_OF("a@2.journal", "2", "100", "900", "400", ""), "900", "1", "[700,710]");
	expect_details(before, after, "journal_entries_missing/high ");
}

static void journal_errors_of_the_collector_are_told(void **state)
{
	(void)state;
	const char *before = DETAILS("2", TWO, "900", "0", "");
	const char *after = DETAILS("2",
	        FILE_OF("a@1.journal", "1", "1", "500", "400",
	                ",\"error\":\"an entry is broken\"") "," FILE_OF("a@2.journal", "2", "100", "900",
	                "400", ""),
	        "900", "1", "[300,301]");
	expect_details(before, after, "journal_archived_changed/high journal_entries_missing/medium ");
	expect_details(after, after, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(journal_facts_are_of_the_header),
	        cmocka_unit_test(journal_growth_rotation_and_vacuum_are_honest),
	        cmocka_unit_test(journal_archived_file_that_changed_is_high),
	        cmocka_unit_test(journal_archived_file_with_new_holes_is_the_same),
	        cmocka_unit_test(journal_file_removed_out_of_turn_is_high),
	        cmocka_unit_test(journal_file_that_shrank_is_high),
	        cmocka_unit_test(journal_that_begins_anew_is_medium),
	        cmocka_unit_test(journal_of_run_goes_with_the_boot),
	        cmocka_unit_test(journal_that_is_none_any_more_is_high),
	        cmocka_unit_test(journal_numbers_missing_over_all_files),
	        cmocka_unit_test(journal_numbers_of_a_file_deleted_in_its_turn_are_honest),
	        cmocka_unit_test(journal_errors_of_the_collector_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
