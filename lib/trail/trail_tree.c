/*
 * Trees. Because a commit may only add the event of its number, every directory of events is an array of
 * entries of one length, in order, and the directory of commit n follows from that of commit n-1 by changing
 * or adding the last entry. That is how it is written, and comparing bytes is how it is checked.
 *
 *     events              `40000 AAAA` NUL id      31 bytes an entry
 *     events/AAAA         `40000 BB` NUL id        29
 *     events/AAAA/BB      `100644 AAAABBCC.json` NUL id   41
 */
#include "trail/trail_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/mem.h"
#include "vestige/reader.h"

const char *const vst_trail_file_names[TRAIL_FILES] = {
        "allowed_signers", "case.json", "checkpoint", "recipients"};

static const char *const level_modes[TRAIL_LEVELS] = {"40000", "40000", "100644"};
static const uint64_t level_spans[TRAIL_LEVELS] = {10000, 100, 1}; /* events below one entry */

void vst_trail_event_path(uint64_t number, char ret_path[TRAIL_EVENT_PATH])
{
	snprintf(ret_path, TRAIL_EVENT_PATH, "events/%04u/%02u/%08u.json", (unsigned)(number / 10000 % 10000),
	        (unsigned)(number / 100 % 100), (unsigned)(number % 100000000));
}

void vst_trail_level_name(enum trail_level level, uint64_t number, char ret_name[16])
{
	if (level == TRAIL_EVENTS)
		snprintf(ret_name, 16, "%04u", (unsigned)(number / 10000 % 10000));
	else if (level == TRAIL_UPPER)
		snprintf(ret_name, 16, "%02u", (unsigned)(number / 100 % 100));
	else
		snprintf(ret_name, 16, "%08u.json", (unsigned)(number % 100000000));
}

/* `MODE NAME NUL`, what stands before the id. */
static size_t entry_head(enum trail_level level, uint64_t number, char ret_head[40])
{
	char name[16];

	vst_trail_level_name(level, number, name);
	return (size_t)snprintf(ret_head, 40, "%s %s", level_modes[level], name) + 1;
}

static size_t entry_len(enum trail_level level)
{
	char head[40];

	return entry_head(level, 0, head) + GIT_OID_RAWSZ;
}

void vst_trail_state_free(struct trail_state *state)
{
	for (int i = 0; i < TRAIL_LEVELS; i++)
		vst_buf_free(&state->bytes[i]);
	*state = (struct trail_state){0};
}

/* ---- reading ---- */

static bool root_entry(struct vst_reader *in, const char *head, git_oid *ret)
{
	const uint8_t *id;
	uint8_t nul;

	if (!vst_reader_literal(in, head) || !vst_reader_u8(in, &nul) || nul != 0 ||
	        !vst_reader_bytes(in, GIT_OID_RAWSZ, &id))
		return false;
	return git_oid_fromraw(ret, id) == 0;
}

/* Exactly the five entries, in git's order. */
static int root_parse(const struct vst_buf *bytes, struct trail_state *state, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(bytes->data, bytes->len);

	if (!root_entry(&in, "100644 allowed_signers", &state->files[TRAIL_SIGNERS]) ||
	        !root_entry(&in, "100644 case.json", &state->files[TRAIL_CASE]) ||
	        !root_entry(&in, "100644 checkpoint", &state->files[TRAIL_CHECKPOINT]) ||
	        !root_entry(&in, "40000 events", &state->trees[TRAIL_EVENTS]) ||
	        !root_entry(&in, "100644 recipients", &state->files[TRAIL_RECIPIENTS]) ||
	        !vst_reader_at_end(&in))
		return vst_err_set(err, VST_ETAMPERED, "its files are not those of a trail");
	return 0;
}

/* The last entry must lead to the event; the ones before are compared with the commit before. */
static int level_parse(enum trail_level level, uint64_t number, const struct vst_buf *bytes,
        git_oid *ret_last, struct vst_err *err)
{
	char head[40], path[TRAIL_EVENT_PATH];
	size_t head_len = entry_head(level, number, head);
	size_t len = head_len + GIT_OID_RAWSZ;
	const uint8_t *last;

	vst_trail_event_path(number, path);
	if (bytes->len < len || bytes->len % len != 0 || bytes->len / len > 10000)
		return vst_err_set(err, VST_ETAMPERED, "a directory above %s is not as a trail has it", path);
	last = bytes->data + bytes->len - len;
	if (memcmp(last, head, head_len) != 0)
		return vst_err_set(err, VST_ETAMPERED, "%s is not the last event", path);
	git_oid_fromraw(ret_last, last + head_len);
	return 0;
}

int vst_trail_state_read(struct vst_trail *trail, uint64_t number, const git_oid *root,
        struct trail_state *ret, struct vst_err *err)
{
	struct trail_state state = {.number = number, .root = *root};
	struct vst_buf bytes = VST_BUF_INIT;
	int rc;

	rc = vst_trail_object_read(trail, root, GIT_OBJECT_TREE, &bytes, err);
	if (rc == 0)
		rc = root_parse(&bytes, &state, err);
	for (int level = 0; rc == 0 && level < TRAIL_LEVELS; level++) {
		git_oid *below = level + 1 < TRAIL_LEVELS ? &state.trees[level + 1] : &state.event;

		rc = vst_trail_object_read(
		        trail, &state.trees[level], GIT_OBJECT_TREE, &state.bytes[level], err);
		if (rc == 0)
			rc = level_parse((enum trail_level)level, number, &state.bytes[level], below, err);
	}
	vst_buf_free(&bytes);
	if (rc != 0) {
		vst_trail_state_free(&state);
		return rc;
	}
	state.valid = true;
	*ret = state;
	return 0;
}

/* ---- what follows from the state before ---- */

/* How much of the directory of the commit before stays: all, all but the last entry, or (another directory)
 * nothing. */
static size_t level_keeps(enum trail_level level, const struct trail_state *prev, uint64_t number)
{
	uint64_t span = level_spans[level];

	if (!prev || (level > 0 && number / level_spans[level - 1] != prev->number / level_spans[level - 1]))
		return 0;
	if (number / span != prev->number / span)
		return prev->bytes[level].len;
	return prev->bytes[level].len - entry_len(level);
}

int vst_trail_state_follows(
        const struct trail_state *prev, const struct trail_state *next, struct vst_err *err)
{
	char path[TRAIL_EVENT_PATH];

	for (int level = 0; level < TRAIL_LEVELS; level++) {
		size_t keep = level_keeps((enum trail_level)level, prev, next->number);
		const struct vst_buf *bytes = &next->bytes[level];

		if (bytes->len == keep + entry_len((enum trail_level)level) &&
		        (keep == 0 || memcmp(bytes->data, prev->bytes[level].data, keep) == 0))
			continue;
		vst_trail_event_path(next->number, path);
		return vst_err_set(err, VST_ETAMPERED, "changes more than adding %s", path);
	}
	return 0;
}

static int hash_tree(const struct vst_buf *bytes, git_oid *ret, struct vst_err *err)
{
	int rc = vst_buf_check(bytes, err);

	if (rc != 0)
		return rc;
	if (git_odb_hash(ret, bytes->data, bytes->len, GIT_OBJECT_TREE) < 0)
		return vst_trail_lib_err(err, VST_ELIBRARY, "hash");
	return 0;
}

static void put_root_entry(struct vst_buf *out, const char *head, const git_oid *id)
{
	vst_buf_text(out, head);
	vst_buf_byte(out, 0);
	vst_buf_bytes(out, id->id, GIT_OID_RAWSZ);
}

/* From the event upwards, because each directory names the one below. */
int vst_trail_state_next(
        const struct trail_state *prev, struct trail_state *next, struct vst_buf *root, struct vst_err *err)
{
	git_oid below = next->event;

	for (int level = TRAIL_LEVELS; level-- > 0;) {
		size_t keep = level_keeps((enum trail_level)level, prev, next->number);
		char head[40];
		size_t head_len = entry_head((enum trail_level)level, next->number, head);
		int rc;

		if (keep > 0)
			vst_buf_bytes(&next->bytes[level], prev->bytes[level].data, keep);
		vst_buf_bytes(&next->bytes[level], head, head_len);
		vst_buf_bytes(&next->bytes[level], below.id, GIT_OID_RAWSZ);
		rc = hash_tree(&next->bytes[level], &next->trees[level], err);
		if (rc != 0)
			return rc;
		below = next->trees[level];
	}
	put_root_entry(root, "100644 allowed_signers", &next->files[TRAIL_SIGNERS]);
	put_root_entry(root, "100644 case.json", &next->files[TRAIL_CASE]);
	put_root_entry(root, "100644 checkpoint", &next->files[TRAIL_CHECKPOINT]);
	put_root_entry(root, "40000 events", &next->trees[TRAIL_EVENTS]);
	put_root_entry(root, "100644 recipients", &next->files[TRAIL_RECIPIENTS]);
	return hash_tree(root, &next->root, err);
}

/* ---- through the handle ---- */

int vst_trail_state_load(
        struct vst_trail *trail, uint64_t number, const struct trail_state **ret, struct vst_err *err)
{
	struct trail_commit_parts parts;
	struct trail_state state;
	int rc;

	if (!trail->state.valid || trail->state.number != number ||
	        !git_oid_equal(&trail->state.commit, &trail->commits[number])) {
		rc = vst_trail_commit_read(trail, &trail->commits[number], &parts, NULL, NULL, err);
		if (rc == 0)
			rc = vst_trail_state_read(trail, number, &parts.tree, &state, err);
		if (rc != 0)
			return rc;
		state.commit = trail->commits[number];
		vst_trail_state_free(&trail->state);
		trail->state = state;
	}
	*ret = &trail->state;
	return 0;
}

/* The entries of one directory must be numbered from `first`; their ids go to `ret`. */
static int level_ids(enum trail_level level, const struct vst_buf *bytes, uint64_t first, git_oid *ret,
        size_t count, struct vst_err *err)
{
	size_t len = entry_len(level);

	if (bytes->len != count * len)
		return vst_err_set(err, VST_ETAMPERED, "a directory of events is not full");
	for (size_t i = 0; i < count; i++) {
		char head[40];
		size_t head_len = entry_head(level, first + i * level_spans[level], head);

		if (memcmp(bytes->data + i * len, head, head_len) != 0)
			return vst_err_set(err, VST_ETAMPERED, "a directory of events is not in order");
		git_oid_fromraw(&ret[i], bytes->data + i * len + head_len);
	}
	return 0;
}

/* Reads the directories of one level whose ids are `above`, each full but the last one. */
static int level_read(struct vst_trail *trail, enum trail_level level, const git_oid *above,
        size_t above_count, uint64_t events, git_oid *ret, struct vst_err *err)
{
	uint64_t span = level_spans[level];
	size_t each = (size_t)(level_spans[level - 1] / span);
	size_t total = (size_t)((events + span - 1) / span);
	struct vst_buf bytes = VST_BUF_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < above_count; i++) {
		size_t count = total - i * each < each ? total - i * each : each;

		vst_buf_clear(&bytes);
		rc = vst_trail_object_read(trail, &above[i], GIT_OBJECT_TREE, &bytes, err);
		if (rc == 0)
			rc = level_ids(level, &bytes, i * level_spans[level - 1], ret + i * each, count, err);
	}
	vst_buf_free(&bytes);
	return rc;
}

int vst_trail_state_events(
        struct vst_trail *trail, const struct trail_state *state, git_oid **ret, struct vst_err *err)
{
	uint64_t events = state->number + 1;
	git_oid *ids[TRAIL_LEVELS] = {NULL};
	size_t counts[TRAIL_LEVELS];
	int rc = 0;

	for (int level = 0; level < TRAIL_LEVELS; level++) {
		counts[level] = (size_t)((events + level_spans[level] - 1) / level_spans[level]);
		ids[level] = vst_calloc(counts[level], sizeof(git_oid));
		if (!ids[level]) {
			rc = vst_err_nomem(err);
			goto out;
		}
	}
	rc = level_ids(TRAIL_EVENTS, &state->bytes[TRAIL_EVENTS], 0, ids[0], counts[0], err);
	for (int level = 1; rc == 0 && level < TRAIL_LEVELS; level++)
		rc = level_read(trail, (enum trail_level)level, ids[level - 1], counts[level - 1], events,
		        ids[level], err);
	if (rc == 0) {
		*ret = ids[TRAIL_LOWER];
		ids[TRAIL_LOWER] = NULL;
	}
out:
	for (int level = 0; level < TRAIL_LEVELS; level++)
		free(ids[level]);
	return rc;
}
