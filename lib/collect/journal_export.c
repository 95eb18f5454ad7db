#include "collect/journal_export.h"

#include <string.h>

#include "collect/journal_hash.h"
#include "vestige/text.h"

bool vst_journal_is_text(const void *value, size_t len)
{
	const uint8_t *at = value;
	for (size_t i = 0; i < len; i++)
		if ((at[i] < ' ' && at[i] != '\t') || at[i] == 0x7f)
			return false;
	return vst_utf8_valid(value, len);
}

void vst_journal_unit_name(const char *unit, struct vst_buf *out)
{
	static const char *const types[] = {".service", ".socket", ".device", ".mount", ".automount", ".swap",
	        ".target", ".path", ".timer", ".slice", ".scope"};
	const char *dot = strrchr(unit, '.');
	vst_buf_text(out, unit);
	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
		if (strcmp(dot, types[i]) == 0)
			return;
	vst_buf_text(out, ".service");
}

#ifndef VESTIGE_WITH_SYSTEMD

const char *vst_journal_export_missing(void)
{
	return "this program was built without libsystemd";
}

int vst_journal_export(struct vst_journal_export *run, struct vst_stream *out, struct vst_err *err)
{
	(void)run;
	(void)out;
	(void)err;
	return 0;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "collect/limits.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define FIELD_NAME_MAX 64 /* bytes of a field's name, as journald has it */
#define LATER_MAX 1000000 /* entries newer than the facts, after which nothing older is waited for */
#define CHECK_EVERY 65536 /* entries */

struct export
{
	struct vst_journal_export *run;
	struct vst_stream *out;
	sd_journal *journal;
	struct vst_buf text;
	uint64_t later;
	struct vst_err *err;
};

struct position { /* of the entry at hand */
	char *cursor;
	uint64_t realtime, monotonic;
	sd_id128_t boot;
	bool has_seqnum;
	uint64_t seqnum;
	bool has_hash;
	uint64_t hash; /* of all fields, as they were written */
	uint8_t seqnum_id[VST_JOURNAL_ID];
};

const char *vst_journal_export_missing(void)
{
	return NULL;
}

static void note(struct vst_journal_export *run, const char *what, int r)
{
	if (run->reason[0] == '\0')
		snprintf(run->reason, sizeof run->reason, "%s: %s", what, strerror(-r));
}

/* ---- opening ---- */

/* libsystemd closes the descriptors along with the journal, so it gets copies; if it fails, it leaves them
 * open. Returns 0 or a negative errno. */
static int open_files(const int *fds, size_t count, sd_journal **ret)
{
	int *copies = vst_calloc(count, sizeof *copies);
	size_t made = 0;
	int r = copies ? 0 : -ENOMEM;
	for (; r >= 0 && made < count; made++) {
		copies[made] = fcntl(fds[made], F_DUPFD_CLOEXEC, 3);
		if (copies[made] < 0) {
			r = -errno;
			break;
		}
	}
	if (r >= 0)
		r = sd_journal_open_files_fd(ret, copies, (unsigned)count, 0);
	while (r < 0 && made > 0)
		close(copies[--made]);
	free(copies);
	return r < 0 ? r : 0;
}

/* All files at once; if that fails, those that libsystemd opens one by one. */
static int open_journal(struct export *x)
{
	struct vst_journal_export *run = x->run;
	if (open_files(run->fds, run->fd_count, &x->journal) == 0)
		return 0;
	size_t kept = 0;
	for (size_t i = 0; i < run->fd_count; i++) {
		sd_journal *one = NULL;
		int r = open_files(&run->fds[i], 1, &one);
		if (r == -ENOMEM)
			return vst_err_nomem(x->err);
		if (r < 0) {
			note(run, "libsystemd opens it not", r);
			run->refused++;
			continue;
		}
		sd_journal_close(one);
		run->counts[kept] = run->counts[i];
		run->fds[kept++] = run->fds[i];
	}
	run->fd_count = kept;
	int r = kept > 0 ? open_files(run->fds, kept, &x->journal) : 0;
	if (r < 0)
		note(run, "open", r);
	return r == -ENOMEM ? vst_err_nomem(x->err) : 0;
}

static int add_match(struct export *x, const char *field, const char *value)
{
	vst_buf_clear(&x->text);
	vst_buf_text(&x->text, field);
	vst_buf_byte(&x->text, '=');
	vst_buf_text(&x->text, value);
	if (vst_buf_check(&x->text, x->err) != 0)
		return VST_ENOMEM;
	/* Our fields' names are valid and values may be anything: memory is all that can be wanting. */
	return sd_journal_add_match(x->journal, x->text.data, x->text.len) < 0 ? vst_err_nomem(x->err) : 0;
}

/*
 * What `journalctl -u` shows of a unit: its own messages, core dumps of it, what the manager and other
 * processes of root say about it. Fields that are not ours to believe (no underscore) count together with who
 * wrote them.
 */
static int add_unit(struct export *x, const char *unit)
{
	static const struct {
		const char *unit_field, *field, *value, *field2, *value2;
	} ways[] = {
	        {"_SYSTEMD_UNIT", NULL, NULL, NULL, NULL},
	        {"COREDUMP_UNIT", "_UID", "0", "MESSAGE_ID", "fc2e22bc6ee647b6b90729ab34a250b1"},
	        {"UNIT", "_PID", "1", NULL, NULL},
	        {"OBJECT_SYSTEMD_UNIT", "_UID", "0", NULL, NULL},
	        {"_SYSTEMD_SLICE", NULL, NULL, NULL, NULL},
	};
	const char *dot = strrchr(unit, '.');
	size_t count = sizeof ways / sizeof *ways - (dot && strcmp(dot, ".slice") == 0 ? 0 : 1);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = add_match(x, ways[i].unit_field, unit);
		if (rc == 0 && ways[i].field)
			rc = add_match(x, ways[i].field, ways[i].value);
		if (rc == 0 && ways[i].field2)
			rc = add_match(x, ways[i].field2, ways[i].value2);
		if (rc == 0 && sd_journal_add_disjunction(x->journal) < 0)
			rc = vst_err_nomem(x->err);
	}
	return rc;
}

static int add_units(struct export *x)
{
	int rc = 0;
	struct vst_buf name = VST_BUF_INIT;
	for (size_t i = 0; rc == 0 && i < x->run->unit_count; i++) {
		vst_buf_clear(&name);
		vst_journal_unit_name(x->run->units[i], &name);
		vst_buf_cstr(&name);
		rc = vst_buf_check(&name, x->err);
		if (rc == 0)
			rc = add_unit(x, vst_buf_cstr(&name));
	}
	vst_buf_free(&name);
	return rc;
}

/* ---- an entry ---- */

/* A cursor tells the sequence number, which libsystemd has no call for before version 254: `s=ID;i=NUMBER;…`.
 */
static void parse_cursor(struct position *at)
{
	const char *id = at->cursor, *number = strstr(at->cursor, ";i=");
	char *end = NULL;
	if (strncmp(id, "s=", 2) != 0 || !number || number - id != 2 + 2 * VST_JOURNAL_ID ||
	        !vst_hex_decode(id + 2, 2 * VST_JOURNAL_ID, at->seqnum_id, VST_JOURNAL_ID))
		return;
	at->seqnum = strtoull(number + 3, &end, 16);
	at->has_seqnum = end && end != number + 3 && *end == ';';
	const char *hash = strstr(number, ";x=");
	at->hash = hash ? strtoull(hash + 3, &end, 16) : 0;
	at->has_hash = hash && end != hash + 3 && *end == '\0';
}

static int get_position(struct export *x, struct position *ret)
{
	*ret = (struct position){0};
	int r = sd_journal_get_realtime_usec(x->journal, &ret->realtime);
	if (r >= 0)
		r = sd_journal_get_monotonic_usec(x->journal, &ret->monotonic, &ret->boot);
	if (r >= 0)
		r = sd_journal_get_cursor(x->journal, &ret->cursor);
	if (r >= 0)
		parse_cursor(ret);
	return r;
}

static int write_position(struct export *x, const struct position *at)
{
	vst_buf_clear(&x->text);
	vst_buf_printf(&x->text,
	        "__CURSOR=%s\n__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64 "\n",
	        at->cursor, at->realtime, at->monotonic);
	vst_buf_text(&x->text, "_BOOT_ID=");
	vst_hex_append(&x->text, at->boot.bytes, VST_JOURNAL_ID);
	vst_buf_byte(&x->text, '\n');
	int rc = vst_buf_check(&x->text, x->err);
	return rc == 0 ? vst_stream_write(x->out, x->text.data, x->text.len, x->err) : rc;
}

/* Names that a reader of the export could take for something else are none: a broken file may hold any bytes.
 */
static bool is_field_name(const uint8_t *name, size_t len)
{
	if (len == 0 || len > FIELD_NAME_MAX || (name[0] >= '0' && name[0] <= '9') ||
	        (len >= 2 && name[0] == '_' && name[1] == '_'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9') &&
		        name[i] != '_')
			return false;
	return true;
}

/* The hash is of the fields alone, and nothing but this one tells what the entry says of itself. */
static bool is_boot(const struct position *at, const uint8_t *value, size_t len)
{
	uint8_t id[VST_JOURNAL_ID];
	return vst_hex_decode((const char *)value, len, id, sizeof id) &&
	       memcmp(id, at->boot.bytes, sizeof id) == 0;
}

static int write_field(
        struct export *x, const struct position *at, const uint8_t *data, size_t len, bool *incomplete)
{
	const uint8_t *equals = memchr(data, '=', len < FIELD_NAME_MAX + 1 ? len : FIELD_NAME_MAX + 1);
	size_t name_len = equals ? (size_t)(equals - data) : 0, value_len = len - name_len - 1;
	if (!equals || !is_field_name(data, name_len) || value_len > VST_JOURNAL_FIELD_MAX) {
		*incomplete = true;
		return 0;
	}
	if (name_len == 8 && memcmp(data, "_BOOT_ID", 8) == 0) {
		/* Stands among what is of the entry itself. */
		*incomplete |= !is_boot(at, equals + 1, value_len);
		return 0;
	}
	if (vst_journal_is_text(equals + 1, value_len)) {
		int rc = vst_stream_write(x->out, data, len, x->err);
		return rc == 0 ? vst_stream_write(x->out, "\n", 1, x->err) : rc;
	}
	vst_buf_clear(&x->text);
	vst_buf_bytes(&x->text, data, name_len);
	vst_buf_byte(&x->text, '\n');
	vst_buf_u64le(&x->text, value_len);
	int rc = vst_buf_check(&x->text, x->err);
	if (rc == 0)
		rc = vst_stream_write(x->out, x->text.data, x->text.len, x->err);
	if (rc == 0)
		rc = vst_stream_write(x->out, equals + 1, value_len, x->err);
	return rc == 0 ? vst_stream_write(x->out, "\n", 1, x->err) : rc;
}

/* One that fails is passed over if libsystemd can; else it was the entry's last. */
static int next_field(struct export *x, const void **ret_data, size_t *ret_len, bool *incomplete)
{
	int r = sd_journal_enumerate_data(x->journal, ret_data, ret_len);
	if (r < 0) {
		*incomplete = true;
		note(x->run, "a field", r);
		r = sd_journal_enumerate_available_data(x->journal, ret_data, ret_len);
	}
	return r;
}

static int write_entry(struct export *x, const struct position *at)
{
	struct vst_journal_export *run = x->run;
	struct vst_journal_fields fields = {0};
	bool incomplete = false;
	const void *data;
	size_t len;
	int rc = write_position(x, at);
	sd_journal_restart_data(x->journal);
	while (rc == 0 && !x->out->cut && next_field(x, &data, &len, &incomplete) > 0) {
		vst_journal_fields_add(&fields, data, len);
		rc = write_field(x, at, data, len, &incomplete);
	}
	/* libsystemd passes over a broken field in silence, and does not see what was changed within one. */
	if (at->has_hash && !x->out->cut && !vst_journal_fields_are(&fields, at->hash))
		incomplete = true;
	if (rc == 0)
		rc = vst_stream_write(x->out, "\n", 1, x->err);
	run->first = run->entries == 0 || at->realtime < run->first ? at->realtime : run->first;
	run->last = at->realtime > run->last ? at->realtime : run->last;
	run->entries++;
	run->incomplete += incomplete;
	return rc;
}

/* Written after the facts were gathered: a busy host must not keep us here. */
static bool is_later(struct export *x, const struct position *at)
{
	uint64_t last;
	if (!at->has_seqnum || !vst_journal_facts_last(x->run->facts, at->seqnum_id, &last) ||
	        at->seqnum <= last)
		return false;
	x->later++;
	return true;
}

static bool is_wanted(const struct vst_journal_export *run, const struct position *at)
{
	for (size_t i = 0; i < run->boot_count; i++)
		if (memcmp(run->boots[i].id, at->boot.bytes, VST_JOURNAL_ID) == 0)
			return true;
	return !run->boots;
}

static int take_entry(struct export *x)
{
	struct position at;
	int rc = 0, r = get_position(x, &at);
	if (r == -ENOMEM) {
		rc = vst_err_nomem(x->err);
	} else if (r < 0) {
		x->run->lost++;
		note(x->run, "an entry", r);
	} else if (!is_later(x, &at)) {
		x->run->seen++;
		if (is_wanted(x->run, &at))
			rc = write_entry(x, &at);
	}
	free(at.cursor);
	return rc;
}

static int take_entries(struct export *x)
{
	struct vst_journal_export *run = x->run;
	int rc = 0;
	int r = run->since > 0 ? sd_journal_seek_realtime_usec(x->journal, run->since)
	                       : sd_journal_seek_head(x->journal);
	while (rc == 0 && r >= 0 && !x->out->cut && x->later < LATER_MAX) {
		if ((r = sd_journal_next(x->journal)) <= 0)
			break;
		rc = take_entry(x);
	}
	if (r < 0) {
		run->lost++;
		note(run, "the next entry", r);
	}
	return rc;
}

/*
 * libsystemd drops a file at the first thing in it that it does not like, and says nothing. So each file's
 * entries are counted, unless all came out anyway. (Not by the sum alone: an entry that is in two journals
 * comes out once.)
 */
static int count_entries(struct export *x, size_t number, uint64_t *ret)
{
	sd_journal *one = NULL;
	int rc = 0;
	*ret = 0;
	int r = open_files(&x->run->fds[number], 1, &one);
	if (r >= 0)
		r = sd_journal_seek_head(one);
	while (rc == 0 && r >= 0 && *ret < x->run->counts[number] && (r = sd_journal_next(one)) > 0)
		if (++*ret % CHECK_EVERY == 0)
			rc = vst_limits_check_cancel(x->out->context, x->err);
	sd_journal_close(one);
	return r == -ENOMEM ? vst_err_nomem(x->err) : rc;
}

static int check_counts(struct export *x)
{
	struct vst_journal_export *run = x->run;
	bool everything = run->unit_count == 0 && run->since == 0 && run->present > 0;
	int rc = 0;
	if (everything && run->seen >= run->present)
		return 0;
	for (size_t i = 0; rc == 0 && !x->out->cut && i < run->fd_count; i++) {
		uint64_t count;
		rc = count_entries(x, i, &count);
		run->missing += count < run->counts[i] ? run->counts[i] - count : 0;
	}
	return rc;
}

int vst_journal_export(struct vst_journal_export *run, struct vst_stream *out, struct vst_err *err)
{
	struct export x = {.run = run, .out = out, .err = err};
	if (run->fd_count == 0)
		return 0;
	int rc = open_journal(&x);
	if (rc == 0 && x.journal) {
		/* A field that is longer is given cut, which its length tells. */
		sd_journal_set_data_threshold(x.journal, VST_JOURNAL_FIELD_MAX + FIELD_NAME_MAX + 2);
		rc = add_units(&x);
		if (rc == 0)
			rc = take_entries(&x);
		if (rc == 0)
			rc = check_counts(&x);
	}
	sd_journal_close(x.journal);
	vst_buf_free(&x.text);
	return rc;
}

#endif
