/*
 * What tests of the writer share: a scratch directory, a key, a writer into memory, and the way back by stock
 * tools.
 */
#ifndef TEST_EXHIBIT_SEALING_H
#define TEST_EXHIBIT_SEALING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_writer.h"
#include "vestige/io.h"
#include "vestige/timefmt.h"

struct sealing {
	char dir[32];
	struct vst_age_recipients recipients;
	struct vst_buf out; /* the exhibit */
	struct vst_exhibit_writer *writer;
	struct vst_exhibit_summary summary;
	struct vst_buf tar; /* after sealing_finish() */
	struct vst_err err;
};

/* A shell command in the scratch directory; fails the test unless it succeeds. */
__attribute__((format(printf, 2, 3))) static inline void shell(
        const struct sealing *s, const char *format, ...)
{
	struct vst_buf command = VST_BUF_INIT;
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	vst_buf_printf(&command, "set -e; cd '%s'; exec 2>>log; ", s->dir);
	vst_buf_text(&command, text);
	if (system(vst_buf_cstr(&command)) != 0)
		fail_msg("%s", vst_buf_cstr(&command));
	vst_buf_free(&command);
}

static inline void read_back(const struct sealing *s, const char *name, struct vst_buf *out)
{
	char path[128];
	vst_buf_clear(out);
	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	if (vst_io_read_file(-100 /* AT_FDCWD */, path, (size_t)1 << 30, out, NULL) != 0)
		fail_msg("cannot read %s", path);
}

static inline void sealing_open(struct sealing *s)
{
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;
	struct vst_buf text = VST_BUF_INIT;
	char path[64];
	memset(s, 0, sizeof *s);
	strcpy(s->dir, "/tmp/vestige-seal-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(vst_age_identity_generate(&identity, &s->err), 0);
	assert_int_equal(vst_age_identity_text(identity, &text, &s->err), 0);
	assert_int_equal(vst_age_identity_recipient(identity, &recipient, &s->err), 0);
	assert_int_equal(vst_age_recipients_add(&s->recipients, recipient, &s->err), 0);
	snprintf(path, sizeof path, "%s/id", s->dir);
	assert_int_equal(vst_io_write_file(-100, path, 0600, text.data, text.len, VST_IO_NEW, &s->err), 0);
	vst_buf_wipe(&text);
	vst_age_identity_free(identity);
}

static inline void sealing_start(struct sealing *s, unsigned hashes)
{
	const struct vst_exhibit_writer_options options = {
	        .recipients = &s->recipients, .out = vst_output_buf(&s->out), .workers = 2, .hashes = hashes};
	if (vst_exhibit_writer_new(&options, &s->writer, &s->err) != 0)
		fail_msg("new: %s", s->err.text);
	assert_int_equal(vst_exhibit_writer_record(s->writer, "exhibit.json", "{}\n", 3, &s->err), 0);
	assert_int_equal(vst_exhibit_writer_source(s->writer, "src", &s->err), 0);
}

/* Finishes, and has the age and zstd programs give back the tar. */
static inline void sealing_finish(struct sealing *s)
{
	char path[64];
	assert_int_equal(vst_exhibit_writer_record(s->writer, "closing.json", "{}\n", 3, &s->err), 0);
	if (vst_exhibit_writer_finish(s->writer, &s->summary, &s->err) != 0)
		fail_msg("finish: %s", s->err.text);
	snprintf(path, sizeof path, "%s/exhibit", s->dir);
	assert_int_equal(
	        vst_io_write_file(-100, path, 0600, s->out.data, s->out.len, VST_IO_NEW, &s->err), 0);
	shell(s, "age -d -i id -o zst exhibit && zstd -q -d -f zst -o tar && mkdir x");
	read_back(s, "tar", &s->tar);
	assert_int_equal(s->tar.len, s->summary.tar_bytes);
}

static inline void sealing_close(struct sealing *s)
{
	char command[64];
	vst_exhibit_writer_free(s->writer);
	vst_age_recipients_free(&s->recipients);
	vst_buf_free(&s->out);
	vst_buf_free(&s->tar);
	snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
	(void)!system(command);
}

static inline struct vst_item plain_item(enum vst_item_type type, const char *path)
{
	struct vst_item item;
	vst_item_init(&item);
	item.type = type;
	item.path = path;
	item.has_stat = true;
	item.mode = type == VST_ITEM_DIRECTORY ? 0755 : 0644;
	item.mtime = INT64_C(1700000000123456789);
	item.atime = INT64_C(1700000001000000001);
	item.ctime = INT64_C(1700000002000000002);
	item.nlink = 1;
	return item;
}

/* A whole item with content; the caller may look at what the writer filled in. */
static inline void put_content(struct sealing *s, struct vst_item *item, const void *data, size_t len)
{
	if (vst_exhibit_writer_begin(s->writer, item, &s->err) != 0 ||
	        vst_exhibit_writer_data(s->writer, data, len, &s->err) != 0 ||
	        vst_exhibit_writer_end(s->writer, item, NULL, &s->err) != 0)
		fail_msg("%s: %s", item->path, s->err.text);
}

static inline void put_file(struct sealing *s, const char *path, const char *text)
{
	struct vst_item item = plain_item(VST_ITEM_FILE, path);
	item.size = strlen(text);
	put_content(s, &item, text, strlen(text));
}

static inline void put_item(struct sealing *s, struct vst_item *item, const char *link)
{
	if (vst_exhibit_writer_item(s->writer, item, NULL, link, NULL, &s->err) != 0)
		fail_msg("%s: %s", item->path, s->err.text);
}

#endif
