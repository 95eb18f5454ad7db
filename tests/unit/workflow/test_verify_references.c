#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case_fixture.h"
#include "vestige/exhibit_reader.h"
#include "vestige/exhibit_writer.h"
#include "vestige/io.h"
#include "vestige/secret.h"
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"
#include "workflow/exhibit_library.h"
#include "workflow/verify_references.h"

#define NIGHTS 4 /* exhibits */
#define LOG_MAX 256

/* A case whose exhibits are replaced by a series that is written here, and their seals in memory with them.
 */
struct nights {
	struct case_fixture fixture;
	struct vst_case *c;
	struct vst_age_recipients recipients;
	struct vst_buf out;
	struct vst_exhibit_writer *writer;
	struct verify_references *references;
	char log[LOG_MAX]; /* one line more each night */
	char said[2048];
	unsigned counts[VST_TAMPERED + 1];
};

static int say(void *ctx, enum vst_verdict verdict, const char *source, const char *path, const char *what)
{
	struct nights *n = ctx;
	size_t len = strlen(n->said);
	snprintf(n->said + len, sizeof n->said - len, "%s:%s: %s\n", source ? source : "", path ? path : "",
	        what);
	n->counts[verdict]++;
	return 0;
}

static struct vst_seal *seal_of(struct nights *n, uint64_t number)
{
	const void *seal = vst_custody_exhibit_find(n->c->custody, number)->seal;
	return (struct vst_seal *)(uintptr_t)seal;
}

static void begin(struct nights *n)
{
	const struct vst_exhibit_writer_options options = {
	        .recipients = &n->recipients, .out = vst_output_buf(&n->out), .workers = 1};
	struct vst_err err = VST_ERR_INIT;
	vst_buf_clear(&n->out);
	FIXTURE_CHECK(vst_exhibit_writer_new(&options, &n->writer, &err), err);
	FIXTURE_CHECK(vst_exhibit_writer_source(n->writer, "logs", &err), err);
}

static void put(struct nights *n, struct vst_item *item, const char *text)
{
	struct vst_err err = VST_ERR_INIT;
	FIXTURE_CHECK(vst_exhibit_writer_begin(n->writer, item, &err), err);
	FIXTURE_CHECK(vst_exhibit_writer_data(n->writer, text, strlen(text), &err), err);
	FIXTURE_CHECK(vst_exhibit_writer_end(n->writer, item, NULL, &err), err);
}

static struct vst_item file(const char *path, enum vst_item_status status, size_t size)
{
	struct vst_item item;
	vst_item_init(&item);
	item.path = path;
	item.type = VST_ITEM_FILE;
	item.status = status;
	item.has_stat = true;
	item.mtime = 0;
	item.size = size;
	return item;
}

static void whole(struct vst_item *item, const char *text, const struct vst_item_stored *stored, size_t count)
{
	item->has_whole = true;
	item->whole.size = strlen(text);
	item->whole.hashes = VST_HASH_SHA256;
	vst_sha256(text, strlen(text), item->whole.sha256);
	item->whole.stored = stored;
	item->whole.stored_count = count;
}

/* The exhibit takes the place of the one that the snapshot made. */
static void finish(struct nights *n, uint64_t number, uint64_t full)
{
	struct vst_exhibit_summary summary;
	struct vst_err err = VST_ERR_INIT;
	struct vst_seal *seal = seal_of(n, number);
	char path[192], name[VST_EXHIBIT_NAME_MAX];
	FIXTURE_CHECK(vst_exhibit_writer_finish(n->writer, &summary, &err), err);
	vst_exhibit_writer_free(n->writer);
	n->writer = NULL;
	vst_exhibit_name(number, name);
	snprintf(path, sizeof path, "%s/exhibits/%s" VST_EXHIBIT_SUFFIX, n->fixture.dir, name);
	unlink(path);
	fixture_write(path, n->out.data, n->out.len);
	seal->file_bytes = summary.file_bytes;
	seal->payload_bytes = summary.payload_bytes;
	memcpy(seal->root, summary.root, VST_HASH_LEN);
	seal->items = summary.items;
	seal->has_series = true;
	seal->series.full = full;
}

#define FACT "a fact that stays"

/* Item 0 never changes, 1 grows, 2 is what 1 was the night before, under another name. */
static void write_night(struct nights *n, uint64_t number)
{
	static const struct vst_item_stored fact = {1, 0, sizeof FACT - 1};
	struct vst_item_stored pieces[NIGHTS];
	char before[LOG_MAX];
	size_t at = strlen(n->log);
	strcpy(before, n->log);
	snprintf(n->log + at, sizeof n->log - at, "night %llu\n", (unsigned long long)number);
	for (size_t i = 0; i < NIGHTS; i++)
		pieces[i] = (struct vst_item_stored){i + 1, 1, 8};
	begin(n);
	struct vst_err err = VST_ERR_INIT;
	struct vst_item item =
	        file("/fact", number == 1 ? VST_ITEM_COLLECTED : VST_ITEM_UNCHANGED, strlen(FACT));
	if (number == 1) {
		put(n, &item, FACT);
		item = file("/log", VST_ITEM_COLLECTED, strlen(n->log));
		put(n, &item, n->log);
	} else {
		whole(&item, FACT, &fact, 1);
		FIXTURE_CHECK(vst_exhibit_writer_item(n->writer, &item, NULL, NULL, NULL, &err), err);
		item = file("/log", VST_ITEM_TAIL, strlen(n->log) - at);
		whole(&item, n->log, pieces, number - 1);
		put(n, &item, n->log + at);
		item = file("/log.1", VST_ITEM_UNCHANGED, at);
		whole(&item, before, pieces, number - 1);
		FIXTURE_CHECK(vst_exhibit_writer_item(n->writer, &item, NULL, NULL, NULL, &err), err);
	}
	finish(n, number, 1);
}

static int setup(void **state)
{
	struct nights *n = calloc(1, sizeof *n);
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;
	case_fixture_make(&n->fixture, NIGHTS);
	FIXTURE_CHECK(vst_age_identity_recipient(n->fixture.identity, &recipient, &err), err);
	FIXTURE_CHECK(vst_age_recipients_add(&n->recipients, recipient, &err), err);
	FIXTURE_CHECK(vst_case_open(n->fixture.dir, &n->c, &err), err);
	for (uint64_t i = 1; i <= NIGHTS; i++)
		write_night(n, i);
	FIXTURE_CHECK(verify_references_new(n->c, &n->fixture.identities, say, &n->references, &err), err);
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	struct nights *n = *state;
	verify_references_free(n->references);
	vst_case_free(n->c);
	vst_age_recipients_free(&n->recipients);
	vst_buf_free(&n->out);
	case_fixture_remove(&n->fixture);
	free(n);
	return 0;
}

static int give(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	return verify_references_item(ctx, entry->item, err);
}

/* As `verify --deep` goes over one exhibit. Gives the number of items that are elsewhere. */
static uint64_t check(struct nights *n, uint64_t number)
{
	struct exhibit_library *library = NULL;
	struct vst_exhibit *exhibit = NULL;
	struct vst_err err = VST_ERR_INIT;
	uint64_t items = 0;
	n->said[0] = '\0';
	memset(n->counts, 0, sizeof n->counts);
	FIXTURE_CHECK(exhibit_library_new(n->c, &n->fixture.identities, &library, &err), err);
	FIXTURE_CHECK(exhibit_library_open(library, number, &exhibit, &err), err);
	FIXTURE_CHECK(verify_references_begin(n->references, number, n, &err), err);
	FIXTURE_CHECK(vst_exhibit_list(exhibit, give, n->references, &err), err);
	FIXTURE_CHECK(verify_references_end(n->references, &items, &err), err);
	exhibit_library_free(library);
	return items;
}

static void assert_said(const struct nights *n, enum vst_verdict verdict, unsigned count, const char *what)
{
	if (n->counts[verdict] != count || !strstr(n->said, what))
		fail_msg("%u: %s", n->counts[verdict], n->said);
}

static void references_of_a_whole_series_are_found(void **state)
{
	struct nights *n = *state;
	for (uint64_t i = 1; i <= NIGHTS; i++) {
		assert_int_equal(check(n, i), i == 1 ? 0 : 3);
		assert_string_equal(n->said, "");
	}
}

static void references_of_one_exhibit_alone_are_found(void **state)
{
	struct nights *n = *state;
	assert_int_equal(check(n, NIGHTS), 3);
	assert_string_equal(n->said, "");
}

static void references_to_an_exhibit_that_is_gone_are_told_once(void **state)
{
	struct nights *n = *state;
	char path[192];
	snprintf(path, sizeof path, "%s/exhibits/EX0002" VST_EXHIBIT_SUFFIX, n->fixture.dir);
	assert_int_equal(unlink(path), 0);
	check(n, NIGHTS);
	assert_said(
	        n, VST_MISSING, 1, "content of it is in EX0002, which could not be read: EX0002: exhibits/");
	assert_int_equal(n->counts[VST_TAMPERED], 0);
}

/* Another exhibit 4, with one item that says what is not so. */
static void forge(struct nights *n, enum vst_item_status status, const char *text, const char *tail,
        const struct vst_item_stored *stored, size_t count)
{
	struct vst_item item = file("/forged", status, strlen(status == VST_ITEM_TAIL ? tail : text));
	struct vst_err err = VST_ERR_INIT;
	begin(n);
	whole(&item, text, stored, count);
	if (status == VST_ITEM_TAIL)
		put(n, &item, tail);
	else
		FIXTURE_CHECK(vst_exhibit_writer_item(n->writer, &item, NULL, NULL, NULL, &err), err);
	finish(n, NIGHTS, 1);
	verify_references_free(n->references); /* it has the exhibit open that was here before */
	FIXTURE_CHECK(verify_references_new(n->c, &n->fixture.identities, say, &n->references, &err), err);
	check(n, NIGHTS);
}

static void references_that_do_not_hold_are_told(void **state)
{
	static const struct vst_item_stored fact = {1, 0, sizeof FACT - 1}, wrong_len = {1, 0, 4},
	                                    no_item = {1, 99, 4}, unchanged = {2, 0, sizeof FACT - 1},
	                                    later = {5, 0, 4}, log = {1, 1, 8},
	                                    two[] = {{1, 1, 8}, {2, 1, 8}};
	struct nights *n = *state;
	forge(n, VST_ITEM_UNCHANGED, "a fact that moved", NULL, &fact, 1);
	assert_said(n, VST_TAMPERED, 1,
	        "logs:/forged: the entry that is said to hold its content has another digest");
	forge(n, VST_ITEM_UNCHANGED, "fact", NULL, &wrong_len, 1);
	assert_said(n, VST_TAMPERED, 1, "EX0001, item 0, which does not hold 4 bytes");
	forge(n, VST_ITEM_UNCHANGED, "fact", NULL, &no_item, 1);
	assert_said(n, VST_TAMPERED, 1, "EX0001, item 99, which does not hold 4 bytes");
	forge(n, VST_ITEM_UNCHANGED, FACT, NULL, &unchanged, 1);
	assert_said(n, VST_TAMPERED, 1, "EX0002, item 0, which does not hold");
	forge(n, VST_ITEM_UNCHANGED, "fact", NULL, &later, 1);
	assert_said(n, VST_TAMPERED, 1, "not of the generation of this one");
	forge(n, VST_ITEM_TAIL, "night X\ntail", "tail", &log, 1);
	assert_said(n, VST_TAMPERED, 1, "logs:/forged: the pieces of its content do not have its digest");
	forge(n, VST_ITEM_UNCHANGED, "night 1\nnight X\n", NULL, two, 2);
	assert_said(n, VST_TAMPERED, 1, "the pieces of its content do not have its digest");
	forge(n, VST_ITEM_UNCHANGED, "night 1\nnight 2\n", NULL, two, 2);
	assert_string_equal(n->said, "");
}

/* All that the first exhibit has to give is in a damaged frame; its manifest is in another. */
static void references_to_an_exhibit_that_is_not_checked_are_read(void **state)
{
	struct nights *n = *state;
	struct vst_err err = VST_ERR_INIT;
	size_t len = 5 * 1024 * 1024 + 1;
	char *filler = malloc(len), path[192];
	struct vst_item item = file("/fact", VST_ITEM_COLLECTED, strlen(FACT));
	FILE *stream;
	assert_non_null(filler);
	FIXTURE_CHECK(vst_random(filler, len, &err), err);
	for (size_t i = 0; i < len; i++)
		filler[i] |= 1; /* no NUL */
	filler[len - 1] = '\0';
	begin(n);
	put(n, &item, FACT);
	item = file("/log", VST_ITEM_COLLECTED, 8);
	put(n, &item, "night 1\n");
	item = file("/filler", VST_ITEM_COLLECTED, len - 1);
	put(n, &item, filler);
	free(filler);
	finish(n, 1, 1);
	check(n, NIGHTS);
	assert_string_equal(n->said, "");
	snprintf(path, sizeof path, "%s/exhibits/EX0001" VST_EXHIBIT_SUFFIX, n->fixture.dir);
	stream = fopen(path, "r+b");
	assert_non_null(stream);
	assert_int_equal(fseek(stream, 100000, SEEK_SET), 0);
	assert_int_equal(fwrite("vestige", 1, 7, stream), 7);
	assert_int_equal(fclose(stream), 0);
	verify_references_free(n->references);
	FIXTURE_CHECK(verify_references_new(n->c, &n->fixture.identities, say, &n->references, &err), err);
	check(n, NIGHTS);
	assert_said(n, VST_TAMPERED, 3, "logs:/fact: ");
}

static void references_leave_no_generation(void **state)
{
	struct nights *n = *state;
	seal_of(n, 1)->has_series = false; /* still the first of its own */
	check(n, 3);
	assert_string_equal(n->said, "");
	seal_of(n, 3)->series.full = 3;
	check(n, 3);
	assert_said(n, VST_TAMPERED, 5,
	        "logs:/fact: its content is said to be in EX0001: that exhibit is not of");
	seal_of(n, 3)->series.full = 1;
	seal_of(n, 2)->series.full = 2;
	check(n, 3);
	assert_said(
	        n, VST_TAMPERED, 2, "logs:/log: its content is said to be in EX0002: that exhibit is not of");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(references_of_a_whole_series_are_found, setup, teardown),
	        cmocka_unit_test_setup_teardown(references_of_one_exhibit_alone_are_found, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                references_to_an_exhibit_that_is_gone_are_told_once, setup, teardown),
	        cmocka_unit_test_setup_teardown(references_that_do_not_hold_are_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                references_to_an_exhibit_that_is_not_checked_are_read, setup, teardown),
	        cmocka_unit_test_setup_teardown(references_leave_no_generation, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
