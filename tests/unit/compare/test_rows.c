#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare/rows_reader.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/rows.h"

#define TOLD_MAX 16

struct told { /* what was told, one line each: "+ key 0 3", "* key 2 2 a b" */
	struct vst_buf text;
	unsigned count;
};

static int note(void *ctx, const struct vst_rows_difference *difference, struct vst_err *err)
{
	struct told *told = ctx;
	(void)err;
	if (told->count++ >= TOLD_MAX)
		return 0;
	vst_buf_byte(&told->text, (uint8_t) "+-*"[difference->change]);
	vst_buf_byte(&told->text, ' ');
	vst_buf_bytes(&told->text, difference->key, difference->key_len);
	vst_buf_printf(&told->text, " %u %u", (unsigned)difference->row[VST_ROWS_BEFORE],
	        (unsigned)difference->row[VST_ROWS_AFTER]);
	for (size_t i = 0; i < difference->column_count; i++)
		vst_buf_printf(&told->text, " %s", difference->columns[i]);
	vst_buf_byte(&told->text, '\n');
	return 0;
}

struct side {
	const char *text;
	bool cut;
};

/* Compares with pieces of `piece` bytes; the rows stay, since the result borrows names from them. */
static int compare(struct side before, struct side after, const char *const *key, size_t key_count,
        size_t piece, struct told *told, struct vst_rows **ret_rows, struct vst_rows_result *ret,
        struct vst_err *err)
{
	int dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	const struct side sides[] = {before, after};
	assert_int_equal(vst_rows_new(dirfd, key, key_count, ret_rows, err), 0);
	for (size_t i = 0; i < VST_ROWS_SIDES && rc == 0; i++) {
		struct vst_output out = vst_rows_input(*ret_rows, (enum vst_rows_side)i);
		size_t len = strlen(sides[i].text);
		for (size_t at = 0; at < len && rc == 0; at += piece)
			rc = out.write(out.ctx, sides[i].text + at, len - at < piece ? len - at : piece, err);
		if (rc == 0)
			rc = vst_rows_end(*ret_rows, (enum vst_rows_side)i, sides[i].cut, err);
	}
	if (rc == 0)
		rc = vst_rows_compare(*ret_rows, note, told, ret, err);
	close(dirfd);
	return rc;
}

static const char *const id[] = {"id"};
static const char *const two[] = {"b", "a"};

static void assert_told_of(struct side before, struct side after, const char *const *key, size_t key_count,
        uint64_t same, uint64_t unknown, const char *want)
{
	static const size_t pieces[] = {1, 3, 1000000};
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct told told = {VST_BUF_INIT, 0};
		struct vst_rows_result result;
		struct vst_rows *rows = NULL;
		struct vst_err err = VST_ERR_INIT;
		if (compare(before, after, key, key_count, pieces[i], &told, &rows, &result, &err) != 0)
			fail_msg("compare: %s", err.text);
		assert_string_equal(vst_buf_cstr(&told.text), want);
		assert_int_equal(result.same, same);
		assert_int_equal(result.unknown, unknown);
		assert_int_equal(result.added + result.removed + result.changed, told.count);
		assert_int_equal(result.same + result.changed + result.removed + result.same +
		                         result.changed + result.added + result.unknown,
		        result.rows[0] + result.rows[1]);
		vst_rows_free(rows);
		vst_buf_free(&told.text);
	}
}

static void assert_told(const char *before, const char *after, const char *const *key, size_t key_count,
        uint64_t same, const char *want)
{
	assert_told_of(
	        (struct side){before, false}, (struct side){after, false}, key, key_count, same, 0, want);
}

static void assert_refused(const char *text, const char *why)
{
	struct told told = {VST_BUF_INIT, 0};
	struct vst_rows_result result;
	struct vst_rows *rows = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(compare((struct side){text, false}, (struct side){"", false}, id, 1, 1, &told, &rows,
	                         &result, &err),
	        VST_EFORMAT);
	assert_non_null(strstr(err.text, why));
	vst_rows_free(rows);
	vst_buf_free(&told.text);
}

/* ---- */

static void rows_tell_added_removed_changed(void **state)
{
	(void)state;
	assert_told("id,a,b\n1,x,y\n2,x,y\n3,x,y\n4,x,y\n", "id,a,b\n1,x,y\n3,x,z\n4,q,\n5,x,y\n", id, 1, 1,
	        "- 2 2 0\n* 3 3 2 b\n* 4 4 3 a b\n+ 5 0 4\n");
}

static void rows_need_no_order(void **state)
{
	(void)state;
	assert_told("id,a\n1,x\n2,y\n3,z\n", "id,a\n3,z\n1,x\n2,q\n", id, 1, 2, "* 2 2 3 a\n");
}

static void rows_of_nothing(void **state)
{
	(void)state;
	assert_told("", "", id, 1, 0, "");
	assert_told("id\n", "id\n", id, 1, 0, "");
	assert_told("", "id\n7\n", NULL, 0, 0, "+  0 1\n");
	assert_told("id\n7\n", "id\n", id, 1, 0, "- 7 1 0\n");
	/* Of a table that is on one side only rows have keys all the same. */
	assert_told("", "id,a\n7,x\n8,y\n", id, 1, 0, "+ 7 0 1\n+ 8 0 2\n");
	assert_told("id,a\n7,x\n", "", id, 1, 0, "- 7 1 0\n");
	assert_told_of((struct side){"id\n7\n", false}, (struct side){"", true}, id, 1, 0, 1, "");
}

static void rows_tell_null_from_empty_and_binary_from_text(void **state)
{
	(void)state;
	assert_told("id,a\n1,\n", "id,a\n1,\"\"\n", id, 1, 0, "* 1 1 1 a\n");
	assert_told("id,a\n1,\\x41\n", "id,a\n1,\"\\x41\"\n", id, 1, 0, "* 1 1 1 a\n");
	/* Other quotes than those are no difference. */
	assert_told("id,a\n1,\"p q\"\n", "id,a\n\"1\",p q\n", id, 1, 1, "");
	/* Nor do fields run together. */
	assert_told("id,a,b\n1,xy,\n", "id,a,b\n1,x,y\n", id, 1, 0, "* 1 1 1 a b\n");
	assert_told("id,a\n,1\n\"\",2\n", "id,a\n,3\n\"\",2\n", id, 1, 1, "*  1 1 a\n");
}

static void rows_take_quotes_commas_and_lines(void **state)
{
	(void)state;
	assert_told("id,\"a,\"\"b\"\n\"1\n2\",\"say \"\"x\"\"\"\n\"q,\",\"\"\"\"\n",
	        "id,\"a,\"\"b\"\n\"1\n2\",\"say \"\"y\"\"\"\n\"q,\",\"\"\"\"\n", id, 1, 1,
	        "* \"1\n2\" 1 1 a,\"b\n");
	assert_told("id,a\n\"x\"\"y\",1\n", "id,a\n", id, 1, 0, "- \"x\"\"y\" 1 0\n");
}

static void rows_have_keys_of_several_columns(void **state)
{
	(void)state;
	assert_told("a,b,c\n1,1,x\n1,2,x\n2,1,x\n", "a,b,c\n1,1,x\n2,1,y\n1,2,x\n2,2,x\n", two, 2, 2,
	        "* 1,2 3 2 c\n+ 2,2 0 4\n");
	assert_told("a,b,c\n12,3,x\n", "a,b,c\n1,23,x\n", two, 2, 0, "+ 23,1 0 1\n- 3,12 1 0\n");
}

static void rows_without_a_key_are_a_multiset(void **state)
{
	(void)state;
	assert_told("a\nx\nx\ny\n", "a\nx\nz\nx\nx\n", NULL, 0, 2, "+  0 2\n-  3 0\n+  0 4\n");
	/* A key that one side does not have is none. */
	assert_told("a\nx\n", "id,a\n1,x\n", id, 1, 1, "");
}

static void rows_with_one_key_cancel_each_other(void **state)
{
	(void)state;
	assert_told("id,a\n1,x\n1,y\n1,z\n", "id,a\n1,z\n1,x\n1,q\n", id, 1, 2, "* 1 2 3 a\n");
	assert_told("id,a\n1,x\n1,y\n", "id,a\n1,q\n", id, 1, 0, "+ 1 0 1\n- 1 1 0\n- 1 2 0\n");
	assert_told("id,a\n1,x\n1,x\n", "id,a\n1,x\n", id, 1, 1, "- 1 2 0\n");
}

static void rows_match_columns_by_name(void **state)
{
	(void)state;
	struct told told = {VST_BUF_INIT, 0};
	struct vst_rows_result result;
	struct vst_rows *rows = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(compare((struct side){"id,old,a\n1,o,x\n2,o,y\n", false},
	                         (struct side){"a,new,id\nx,n,1\nz,n,2\n", false}, id, 1, 5, &told, &rows,
	                         &result, &err),
	        0);
	assert_true(result.keyed);
	assert_int_equal(result.same, 1);
	assert_string_equal(vst_buf_cstr(&told.text), "* 2 2 2 a\n");
	assert_int_equal(result.columns_added_count, 1);
	assert_string_equal(result.columns_added[0], "new");
	assert_int_equal(result.columns_removed_count, 1);
	assert_string_equal(result.columns_removed[0], "old");
	vst_rows_free(rows);
	vst_buf_free(&told.text);
	/* Nothing in common is nothing that is the same. */
	assert_told("a\nx\n", "b\nx\n", NULL, 0, 0, "+  0 1\n-  1 0\n");
	/* Two of one name. */
	assert_told("id,n,n\n1,a,b\n", "id,n,n\n1,a,c\n", id, 1, 0, "* 1 1 1 n\n");
}

static void rows_that_were_cut_leave_it_open(void **state)
{
	(void)state;
	const struct side whole = {"id,a\n1,x\n2,y\n3,z\n", false};
	assert_told_of(whole, (struct side){"id,a\n1,x\n2,\"y", true}, id, 1, 1, 2, "");
	assert_told_of((struct side){"id,a\n1,q\n", true}, whole, id, 1, 0, 2, "* 1 1 1 a\n");
	assert_told_of(whole, (struct side){"id", true}, id, 1, 0, 3, "");
	/* What a whole side has not, is not there. */
	assert_told_of((struct side){"id,a\n9,q\n", true}, whole, id, 1, 0, 3, "- 9 1 0\n");
}

static void rows_refuse_what_is_no_such_text(void **state)
{
	(void)state;
	assert_refused("id,a\n1,x\n2,y", "row 2: it ends without");
	assert_refused("id,a\n1,\"x\n", "row 1: it ends without");
	assert_refused("id,a\n1\n", "row 1: 1 columns where the header has 2");
	assert_refused("id,a\n1,2,3\n", "row 1: 3 columns");
	assert_refused("id,a\n1,x\"y\n", "a quote in a field");
	assert_refused("id,a\n1,\"x\"y\n", "text behind a closing quote");
}

/* Around the lengths where a value is no longer kept whole; the difference is at its very end. */
static void rows_compare_long_values_whole(void **state)
{
	(void)state;
	static const size_t lengths[] = {
	        VST_ROW_PREFIX, VST_ROW_INLINE - 1, VST_ROW_INLINE, VST_ROW_INLINE + 1, 100000};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		size_t len = lengths[i];
		char *before = calloc(1, len + 64), *after = calloc(1, len + 64);
		size_t at = (size_t)sprintf(before, "id,a\n1,");
		memset(before + at, 'v', len);
		strcpy(before + at + len, "\n2,x\n");
		strcpy(after, before);
		assert_told(before, after, id, 1, 2, "");
		after[at + len - 1] = 'w';
		assert_told(before, after, id, 1, 1, "* 1 1 1 a\n");
		free(before);
		free(after);
	}
}

static void rows_shorten_the_text_of_long_keys(void **state)
{
	(void)state;
	struct told told = {VST_BUF_INIT, 0};
	struct vst_rows_result result;
	struct vst_rows *rows = NULL;
	struct vst_err err = VST_ERR_INIT;
	char text[4000] = "id\n";
	memset(text + 3, 'k', 3000);
	text[3003] = '\n';
	assert_int_equal(compare((struct side){"id\n", false}, (struct side){text, false}, id, 1, 7, &told,
	                         &rows, &result, &err),
	        0);
	assert_int_equal(told.text.len, 2 + VST_ROW_PREFIX + strlen("…") + strlen(" 0 1\n"));
	vst_rows_free(rows);
	vst_buf_free(&told.text);
}

/* ---- many ---- */

#define MANY 1000000u
#ifdef __SANITIZE_ADDRESS__
#define MEASURED false /* what was freed stays for a while */
#else
#define MEASURED true
#endif
#define MEMORY_KIB (40 * 1024)

static int ignore(void *ctx, const struct vst_rows_difference *difference, struct vst_err *err)
{
	(void)difference;
	(void)err;
	++*(uint64_t *)ctx;
	return 0;
}

static void write_many(struct vst_rows *rows, enum vst_rows_side side)
{
	struct vst_output out = vst_rows_input(rows, side);
	char row[128];
	int rc = out.write(out.ctx, "id,name,amount\n", 15, NULL);
	for (unsigned i = 0; i < MANY && rc == 0; i++) {
		unsigned key = side == VST_ROWS_AFTER ? MANY - i : i; /* 0 is removed, MANY added */
		int len = snprintf(row, sizeof row, "%u,\"customer, number %u\",%u\n", key, key,
		        key % 1000 == 7 && side == VST_ROWS_AFTER ? 1 : key);
		rc = out.write(out.ctx, row, (size_t)len, NULL);
	}
	if (rc != 0 || vst_rows_end(rows, side, false, NULL) != 0)
		_exit(2);
}

static void rows_of_any_number_need_little_memory(void **state)
{
	(void)state;
	pid_t pid;
	int status;
	fflush(NULL);
	if ((pid = fork()) == 0) {
		int dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct vst_rows_result result;
		struct vst_rows *rows = NULL;
		struct rusage before, after;
		uint64_t told = 0;
		getrusage(RUSAGE_SELF, &before);
		if (vst_rows_new(dirfd, id, 1, &rows, NULL) != 0)
			_exit(3);
		write_many(rows, VST_ROWS_BEFORE);
		write_many(rows, VST_ROWS_AFTER);
		if (vst_rows_compare(rows, ignore, &told, &result, NULL) != 0)
			_exit(4);
		getrusage(RUSAGE_SELF, &after);
		if (result.changed != MANY / 1000 || result.added != 1 || result.removed != 1 ||
		        told != result.changed + 2 || result.same != MANY - 1 - result.changed)
			_exit(5);
		if (MEASURED && after.ru_maxrss - before.ru_maxrss > MEMORY_KIB)
			_exit(6);
		vst_rows_free(rows);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rows_tell_added_removed_changed),
	        cmocka_unit_test(rows_need_no_order),
	        cmocka_unit_test(rows_of_nothing),
	        cmocka_unit_test(rows_tell_null_from_empty_and_binary_from_text),
	        cmocka_unit_test(rows_take_quotes_commas_and_lines),
	        cmocka_unit_test(rows_have_keys_of_several_columns),
	        cmocka_unit_test(rows_without_a_key_are_a_multiset),
	        cmocka_unit_test(rows_with_one_key_cancel_each_other),
	        cmocka_unit_test(rows_match_columns_by_name),
	        cmocka_unit_test(rows_that_were_cut_leave_it_open),
	        cmocka_unit_test(rows_refuse_what_is_no_such_text),
	        cmocka_unit_test(rows_compare_long_values_whole),
	        cmocka_unit_test(rows_shorten_the_text_of_long_keys),
	        cmocka_unit_test(rows_of_any_number_need_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
