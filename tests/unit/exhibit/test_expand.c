#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/expand.h"

#define TEXT_LINES 20000

struct expansion {
	struct vst_buf in, out;
	size_t at, piece; /* bytes a read gives */
	int read_rc, data_rc;
};

static int read_some(void *ctx, void *data, size_t len, size_t *ret_len, struct vst_err *err)
{
	struct expansion *x = ctx;
	(void)err;
	*ret_len = x->in.len - x->at < x->piece ? x->in.len - x->at : x->piece;
	if (*ret_len > len)
		*ret_len = len;
	memcpy(data, x->in.data + x->at, *ret_len);
	x->at += *ret_len;
	return x->read_rc;
}

static int take(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct expansion *x = ctx;
	(void)err;
	vst_buf_bytes(&x->out, data, len);
	return x->data_rc;
}

static int expand(struct expansion *x, uint64_t max, bool *whole)
{
	struct vst_err err = VST_ERR_INIT;
	const struct vst_expand how = {.read = read_some, .data = take, .ctx = x, .max = max};
	if (x->piece == 0)
		x->piece = 1000;
	x->at = 0;
	vst_buf_clear(&x->out);
	return vst_expand(&how, whole, &err);
}

static void expansion_free(struct expansion *x)
{
	vst_buf_free(&x->in);
	vst_buf_free(&x->out);
}

static la_ssize_t put(struct archive *archive, void *ctx, const void *data, size_t len)
{
	(void)archive;
	vst_buf_bytes(ctx, data, len);
	return (la_ssize_t)len;
}

static const struct format {
	const char *name;
	int (*filter)(struct archive *archive);
} formats[] = {{"gzip", archive_write_add_filter_gzip}, {"xz", archive_write_add_filter_xz},
        {"zstd", archive_write_add_filter_zstd}, {"bzip2", archive_write_add_filter_bzip2}};
#define FORMATS (sizeof formats / sizeof *formats)

static void compress(const struct format *format, const void *data, size_t len, struct vst_buf *ret)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, "x");
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_set_format_raw(archive), ARCHIVE_OK);
	assert_int_equal(format->filter(archive), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_in_last_block(archive, 1), ARCHIVE_OK);
	assert_int_equal(archive_write_open(archive, ret, NULL, put, NULL), ARCHIVE_OK);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	if (len > 0)
		assert_int_equal(archive_write_data(archive, data, len), len);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(archive);
}

static struct vst_buf text_of(unsigned lines)
{
	struct vst_buf text = VST_BUF_INIT;
	for (unsigned i = 0; i < lines; i++)
		vst_buf_printf(&text, "Nov 22 03:40:13 web1 sshd[%u]: line %u\n", i * 7919u % 10007u, i);
	return text;
}

static void expand_reads_each_format(void **state)
{
	(void)state;
	struct vst_buf text = text_of(TEXT_LINES);
	bool whole;
	for (size_t i = 0; i < FORMATS; i++) {
		struct expansion x = {.piece = 1 + i * 5000};
		compress(&formats[i], text.data, text.len, &x.in);
		assert_true(vst_expand_knows(x.in.data, x.in.len));
		assert_true(x.in.len < text.len);
		if (expand(&x, UINT64_MAX, &whole) != 0)
			fail_msg("%s", formats[i].name);
		assert_true(whole);
		assert_int_equal(x.out.len, text.len);
		assert_memory_equal(x.out.data, text.data, text.len);
		/* No more than is wanted. */
		assert_int_equal(expand(&x, 12345, &whole), 0);
		assert_false(whole);
		assert_int_equal(x.out.len, 12345);
		assert_int_equal(expand(&x, 0, &whole), 0);
		assert_int_equal(x.out.len, 0);
		expansion_free(&x);
	}
	vst_buf_free(&text);
}

/* What came before the cut was given: a log whose end is missing still holds its beginning. */
static void expand_gives_what_comes_before_a_cut(void **state)
{
	(void)state;
	struct vst_buf text = text_of(TEXT_LINES * 4);
	bool whole;
	for (size_t i = 0; i < FORMATS; i++) {
		struct expansion x = {0};
		compress(&formats[i], text.data, text.len, &x.in);
		size_t full = x.in.len;
		x.in.len = full * 3 / 4;
		assert_int_equal(expand(&x, UINT64_MAX, &whole), VST_EFORMAT);
		assert_false(whole);
		assert_true(x.out.len <= text.len);
		if (strcmp(formats[i].name, "bzip2") != 0 || x.out.len > 0) /* of large blocks */
			assert_memory_equal(x.out.data, text.data, x.out.len);
		x.in.len = 7;
		assert_int_equal(expand(&x, UINT64_MAX, &whole), VST_EFORMAT);
		assert_int_equal(x.out.len, 0);
		x.in.len = 1;
		assert_int_equal(expand(&x, UINT64_MAX, &whole), VST_EUNSUPPORTED);
		x.in.len = full;
		expansion_free(&x);
	}
	vst_buf_free(&text);
}

/* Or other bytes come out: libarchive compares no checksum of gzip. */
static void expand_does_not_take_damage_for_the_content(void **state)
{
	(void)state;
	struct vst_buf text = text_of(TEXT_LINES);
	bool whole;
	for (size_t i = 0; i < FORMATS; i++) {
		struct expansion x = {0};
		compress(&formats[i], text.data, text.len, &x.in);
		for (size_t at = 0; at < 8; at++)
			x.in.data[x.in.len / 2 + at] ^= 0x5a;
		int rc = expand(&x, UINT64_MAX, &whole);
		assert_true(
		        rc == VST_EFORMAT ||
		        (rc == 0 && (x.out.len != text.len || memcmp(x.out.data, text.data, text.len) != 0)));
		expansion_free(&x);
	}
	vst_buf_free(&text);
}

/* logrotate and others append to what is compressed. */
static void expand_reads_members_end_to_end(void **state)
{
	(void)state;
	bool whole;
	for (size_t i = 0; i < FORMATS; i++) {
		struct expansion x = {.piece = 3};
		compress(&formats[i], "one\n", 4, &x.in);
		compress(&formats[i], "two\n", 4, &x.in);
		assert_int_equal(expand(&x, UINT64_MAX, &whole), 0);
		assert_true(whole);
		if (x.out.len != 8 || memcmp(x.out.data, "one\ntwo\n", 8) != 0)
			fail_msg("%s: %.*s", formats[i].name, (int)x.out.len, x.out.data);
		expansion_free(&x);
	}
}

static void expand_stops_bombs_at_what_is_wanted(void **state)
{
	(void)state;
	size_t len = (size_t)64 * 1024 * 1024;
	uint8_t *zeros = calloc(1, len);
	bool whole;
	for (size_t i = 0; i < FORMATS; i++) {
		struct expansion x = {.piece = 65536};
		compress(&formats[i], zeros, len, &x.in);
		assert_int_equal(expand(&x, 100000, &whole), 0);
		assert_false(whole);
		assert_int_equal(x.out.len, 100000);
		expansion_free(&x);
	}
	free(zeros);
}

/* Nothing comes out of empty members, so no limit counted them: one inside of another took hours. */
static void expand_leaves_one_inside_of_another(void **state)
{
	(void)state;
	struct vst_buf inner = VST_BUF_INIT;
	struct expansion x = {0};
	bool whole;
	for (int i = 0; i < 1000; i++)
		compress(&formats[0], "", 0, &inner);
	compress(&formats[2], inner.data, inner.len, &x.in);
	assert_int_equal(expand(&x, UINT64_MAX, &whole), 0);
	assert_int_equal(x.out.len, inner.len);
	assert_memory_equal(x.out.data, inner.data, inner.len);
	vst_buf_free(&inner);
	expansion_free(&x);
}

static void expand_refuses_what_is_not_compressed(void **state)
{
	(void)state;
	struct expansion x = {0};
	bool whole;
	vst_buf_text(&x.in, "Nov 22 03:40:13 web1 sshd[1]: plain\n");
	assert_false(vst_expand_knows(x.in.data, x.in.len));
	assert_int_not_equal(expand(&x, UINT64_MAX, &whole), 0);
	assert_int_equal(x.out.len, 0);
	vst_buf_clear(&x.in);
	assert_int_not_equal(expand(&x, UINT64_MAX, &whole), 0);
	assert_false(vst_expand_knows("BZ", 2));
	assert_false(vst_expand_knows("", 0));
	expansion_free(&x);
}

static void expand_returns_what_its_callbacks_say(void **state)
{
	(void)state;
	struct expansion x = {.read_rc = VST_EIO};
	bool whole;
	compress(&formats[0], "one\n", 4, &x.in);
	assert_int_equal(expand(&x, UINT64_MAX, &whole), VST_EIO);
	x.read_rc = 0;
	x.data_rc = VST_ENOMEM;
	assert_int_equal(expand(&x, UINT64_MAX, &whole), VST_ENOMEM);
	expansion_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(expand_reads_each_format),
	        cmocka_unit_test(expand_gives_what_comes_before_a_cut),
	        cmocka_unit_test(expand_does_not_take_damage_for_the_content),
	        cmocka_unit_test(expand_reads_members_end_to_end),
	        cmocka_unit_test(expand_stops_bombs_at_what_is_wanted),
	        cmocka_unit_test(expand_leaves_one_inside_of_another),
	        cmocka_unit_test(expand_refuses_what_is_not_compressed),
	        cmocka_unit_test(expand_returns_what_its_callbacks_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
