/*
 * Who may come in: passwd, group, shadow, sudoers, and lastlog, which has records by account. The path
 * decides. Formats of the facts: account_files.h, lastlog_file.h; rules: account_rules.h.
 */
#include <stdlib.h>
#include <string.h>

#include "compare/account_files.h"
#include "compare/account_rules.h"
#include "compare/lastlog_file.h"
#include "compare/line_feed.h"
#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/mem.h"

struct observation {
	struct vst_account_facts facts;
	struct vst_line_feed feed;
	struct vst_lastlog *lastlog; /* NULL: of another kind */
	struct vst_buf joined;       /* lines of sudoers that a backslash continues */
	bool joined_cut;
};

static bool wants(const struct vst_item *item)
{
	return item->type == VST_ITEM_FILE && item->path &&
	       vst_account_file_of(item->path) != VST_ACCOUNT_NONE;
}

static void take_joined(struct observation *observation)
{
	const char *line = observation->joined.len ? (const char *)observation->joined.data : "";
	vst_account_facts_line(&observation->facts, line, observation->joined.len, !observation->joined_cut);
	vst_buf_clear(&observation->joined);
	observation->joined_cut = false;
}

/* A comment does not go on, whatever it ends in. */
static int sudoers_line(
        struct observation *observation, const char *line, size_t len, bool whole, struct vst_err *err)
{
	bool starts = observation->joined.len == 0 && !observation->joined_cut;
	bool goes_on = len > 0 && line[len - 1] == '\\' && whole;
	size_t blank = 0;
	while (starts && blank < len && (line[blank] == ' ' || line[blank] == '\t'))
		blank++;
	if (starts && blank < len && line[blank] == '#')
		goes_on = false;
	len -= goes_on;
	size_t room = VST_ACCOUNT_LINE_MAX - observation->joined.len;
	observation->joined_cut |= !whole || len > room;
	vst_buf_bytes(&observation->joined, line, len < room ? len : room);
	int rc = vst_buf_check(&observation->joined, err);
	if (rc == 0 && !goes_on)
		take_joined(observation);
	return rc;
}

static int take_line(void *ctx, const char *line, size_t len, bool whole, struct vst_err *err)
{
	struct observation *observation = ctx;
	if (observation->facts.kind == VST_ACCOUNT_SUDOERS)
		return sudoers_line(observation, line, len, whole, err);
	vst_account_facts_line(&observation->facts, line, len, whole);
	return vst_buf_check(&observation->facts.out, err);
}

static void free_observation(void *state)
{
	struct observation *observation = state;
	if (!observation)
		return;
	vst_account_facts_free(&observation->facts);
	vst_line_feed_free(&observation->feed);
	vst_lastlog_free(observation->lastlog);
	vst_buf_free(&observation->joined);
	free(observation);
}

static int open_observation(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	enum vst_account_file kind = vst_account_file_of(item->path);
	struct observation *observation = vst_calloc(1, sizeof *observation);
	if (!observation)
		return vst_err_nomem(err);
	int rc;
	if (kind == VST_ACCOUNT_LASTLOG) {
		rc = vst_lastlog_new(&observation->lastlog, err);
	} else {
		vst_account_facts_begin(&observation->facts, kind);
		rc = vst_line_feed_init(
		        &observation->feed, VST_ACCOUNT_LINE_MAX, take_line, observation, err);
	}
	if (rc != 0) {
		free_observation(observation);
		return rc;
	}
	*ret_state = observation;
	return 0;
}

static int take_data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	struct observation *observation = state;
	if (observation->lastlog)
		return vst_lastlog_data(observation->lastlog, offset, bytes, len, err);
	return vst_line_feed_data(&observation->feed, offset, bytes, len, err);
}

static int close_observation(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	struct observation *observation = state;
	if (observation->lastlog)
		return vst_lastlog_end(observation->lastlog, ret_facts, err);
	int rc = vst_line_feed_end(&observation->feed, err);
	if (rc == 0 && observation->joined.len > 0)
		take_joined(observation);
	return rc ? rc : vst_account_facts_end(&observation->facts, ret_facts, err);
}

const struct vst_observer vst_observe_accounts = {.name = "accounts",
        .wants = wants,
        .open = open_observation,
        .data = take_data,
        .close = close_observation,
        .free = free_observation,
        .judge = vst_account_rules};
