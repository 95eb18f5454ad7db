#include "vestige/exhibit_salvage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/salvage_state.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/reader.h"

/* How often the whole stream may be read again in vain, because content looked like headers. */
#define REREAD_FACTOR 8
#define HELD_MAX (64u * 1024 * 1024)

const char *vst_salvage_state_name(enum vst_salvage_state state)
{
	static const char *const names[] = {"whole", "partial", "unverified"};

	return (unsigned)state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

/* ---- the tar's events ---- */

static bool segment_number(const char *name, uint64_t *ret)
{
	struct vst_reader in = vst_reader_of(name, strlen(name));
	char again[48];

	if (!vst_reader_literal(&in, "manifest/"))
		return false;
	while (vst_reader_left(&in) > 1 && in.data[in.pos] == '0')
		in.pos++;
	if (!vst_reader_decimal(&in, ret) || !vst_reader_literal(&in, ".jsonl") || !vst_reader_at_end(&in))
		return false;
	(void)snprintf(again, sizeof(again), "manifest/%06llu.jsonl", (unsigned long long)*ret);
	return strcmp(again, name) == 0;
}

static int begin_segment(struct vst_salvage *salvage, const struct vst_tar_member *member, uint64_t number,
        struct vst_err *err)
{
	if (member->type != '0' || member->sparse || (salvage->provisional && number <= salvage->segments))
		return vst_err_set(err, VST_EFORMAT, "a manifest segment that cannot stand here");
	salvage->kind = VST_SALVAGE_KIND_SEGMENT;
	salvage->segments_before = salvage->segments;
	salvage->segments = number;
	salvage->line_skip = false;
	salvage->held_entries = 0;
	vst_buf_clear(&salvage->held);
	vst_buf_clear(&salvage->line);
	return 0;
}

static int on_member(void *ctx, struct vst_tar_member *member, const struct vst_item_extent *extents,
        size_t count, struct vst_err *err)
{
	struct vst_salvage *salvage = ctx;
	bool part = false;
	uint64_t number = 0;
	int rc = 0;

	salvage->kind = VST_SALVAGE_KIND_OTHER;
	if (salvage->provisional) {
		if ((rc = vst_salvage_hunt_member(salvage, member, err)) != 0)
			return rc;
		salvage->last_header = member->offset;
		part = salvage->prefix.len > 0; /* its name says all */
	}
	if (segment_number(member->name, &number))
		return begin_segment(salvage, member, number, err);
	if (strcmp(member->name, VST_ENTRY_INDEX) == 0 || strcmp(member->name, VST_ENTRY_LEAVES) == 0 ||
	        strcmp(member->name, VST_ENTRY_TRAILER) == 0)
		return 0;
	salvage->kind = VST_SALVAGE_KIND_ITEM;
	rc = vst_salvage_entry_begin(salvage, member, extents, count, err);
	if (rc == 0 && part)
		salvage->entries[salvage->entry_count - 1].provisional = false;
	return rc;
}

static int use_line(struct vst_salvage *salvage, const uint8_t *line, size_t len, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int rc = vst_salvage_line(salvage, line, len, &why);

	if (rc == VST_EFORMAT)
		return 0; /* its item comes out as unverified */
	if (rc != 0 && err != NULL)
		*err = why;
	return rc;
}

/* Lines of a segment that may be another exhibit's are held back until it has named what was read before the
 * damage. */
static int hold_line(struct vst_salvage *salvage, const uint8_t *line, size_t len, struct vst_err *err)
{
	struct vst_reader in = {0};
	bool known = false;
	int rc = vst_salvage_line_plausible(salvage, line, len, &known, err);

	if (rc != 0)
		return rc;
	if (salvage->held.len + len > HELD_MAX)
		return vst_err_set(err, VST_EFORMAT, "a manifest segment that does not fit what was read");
	vst_buf_bytes(&salvage->held, line, len);
	vst_buf_byte(&salvage->held, '\n');
	if ((rc = vst_buf_check(&salvage->held, err)) != 0 || !known)
		return rc;
	salvage->provisional = false;
	in = vst_reader_of(salvage->held.data, salvage->held.len);
	while (rc == 0 && vst_reader_line(&in, &line, &len))
		rc = use_line(salvage, line, len, err);
	vst_buf_clear(&salvage->held);
	return rc;
}

static int take_line(struct vst_salvage *salvage, struct vst_err *err)
{
	int rc = salvage->provisional ? hold_line(salvage, salvage->line.data, salvage->line.len, err)
	                              : use_line(salvage, salvage->line.data, salvage->line.len, err);

	vst_buf_clear(&salvage->line);
	return rc;
}

static int segment_data(struct vst_salvage *salvage, const uint8_t *data, size_t len, struct vst_err *err)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		const uint8_t *lf = memchr(data, '\n', len);
		size_t some = lf != NULL ? (size_t)(lf - data) : len;

		if (!salvage->line_skip && salvage->line.len + some > VST_MANIFEST_LINE_MAX)
			salvage->line_skip = true;
		if (!salvage->line_skip)
			vst_buf_bytes(&salvage->line, data, some);
		rc = vst_buf_check(&salvage->line, err);
		if (rc == 0 && lf != NULL && !salvage->line_skip)
			rc = take_line(salvage, err);
		if (lf != NULL) {
			vst_buf_clear(&salvage->line);
			salvage->line_skip = false;
		}
		some += lf != NULL;
		data += some;
		len -= some;
	}
	return rc;
}

static int on_data(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	struct vst_salvage *salvage = ctx;

	if (salvage->kind == VST_SALVAGE_KIND_SEGMENT)
		return segment_data(salvage, data, len, err);
	return salvage->kind == VST_SALVAGE_KIND_ITEM
	               ? vst_salvage_entry_data(salvage, offset, data, len, err)
	               : 0;
}

static int on_lost(void *ctx, uint64_t offset, uint64_t len, struct vst_err *err)
{
	struct vst_salvage *salvage = ctx;

	if (salvage->kind == VST_SALVAGE_KIND_SEGMENT) {
		vst_buf_clear(&salvage->line);
		salvage->line_skip = true;
	}
	return salvage->kind == VST_SALVAGE_KIND_ITEM ? vst_salvage_entry_lost(salvage, offset, len, err) : 0;
}

static int on_end(void *ctx, struct vst_err *err)
{
	struct vst_salvage *salvage = ctx;

	if (salvage->kind == VST_SALVAGE_KIND_ITEM)
		return vst_salvage_entry_end(salvage, err);
	if (salvage->kind != VST_SALVAGE_KIND_SEGMENT)
		return 0;
	if (salvage->provisional)
		return vst_err_set(err, VST_EFORMAT, "a manifest segment that does not name what was read");
	vst_buf_clear(&salvage->line);
	/* A segment names all since the one before it: what it does not name and the hunt found was content.
	 */
	return vst_salvage_entries_flush(salvage, !salvage->another_gap, err);
}

/* ---- the walk ---- */

struct walk {
	size_t index;      /* of the piece */
	uint64_t position; /* where to go on in it */
	uint64_t reread;   /* bytes gone over again */
};

static void go_to(struct vst_salvage *salvage, struct walk *walk, uint64_t position)
{
	if (position < walk->position)
		walk->reread += walk->position - position;
	walk->index = vst_salvage_source_find(salvage->source, position);
	walk->position = position;
}

/* What was pushed is no tar of ours from some point on: a false find of the hunt, or real trouble. */
static int push_failed(struct vst_salvage *salvage, struct walk *walk, uint64_t end, struct vst_err *err)
{
	uint64_t at = vst_tar_scan_position(salvage->scan);

	if (salvage->provisional) {
		if (salvage->kind == VST_SALVAGE_KIND_SEGMENT)
			salvage->segments = salvage->segments_before; /* it was none */
		vst_salvage_entries_drop_provisional(salvage);
		walk->position = end;
		go_to(salvage, walk, salvage->last_header + VST_TAR_BLOCK);
		return 0;
	}
	at = at / VST_TAR_BLOCK * VST_TAR_BLOCK;
	if (at < walk->position)
		at = walk->position;
	walk->position = end;
	go_to(salvage, walk, at);
	return vst_salvage_hunt_begin(salvage, at, true, err);
}

static int walk_data(struct vst_salvage *salvage, struct walk *walk, const struct vst_salvage_piece *piece,
        const uint8_t *data, struct vst_err *err)
{
	uint64_t end = piece->position + piece->len, found = 0;
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;

	if (walk->position < piece->position)
		walk->position = piece->position;
	if (vst_tar_scan_lost(salvage->scan)) {
		rc = vst_salvage_hunt(salvage, walk->position, data + (walk->position - piece->position),
		        (size_t)(end - walk->position), &found, err);
		if (rc != 0 || found == VST_SALVAGE_NOWHERE) {
			walk->position = end;
			walk->index++;
			return rc;
		}
		walk->position = found;
	}
	rc = vst_tar_scan_push(salvage->scan, data + (walk->position - piece->position),
	        (size_t)(end - walk->position), &why);
	if (rc == VST_EFORMAT)
		return push_failed(salvage, walk, end, err);
	if (rc != 0 && err != NULL)
		*err = why;
	walk->position = end;
	walk->index++;
	return rc;
}

static int walk_gap(struct vst_salvage *salvage, struct walk *walk, const struct vst_salvage_piece *piece,
        struct vst_err *err)
{
	uint64_t end = piece->position + piece->len;
	bool unknown = piece->kind == VST_SALVAGE_GAP_UNKNOWN;
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;

	uint64_t from = walk->position > piece->position ? walk->position : piece->position;

	walk->index++;
	walk->position = end;
	salvage->another_gap = true;
	if (vst_tar_scan_lost(salvage->scan)) {
		if (salvage->hunt_target < end) /* what the index pointed to is lost as well */
			return vst_salvage_hunt_begin(salvage, end, !unknown, err);
		return 0;
	}
	rc = unknown ? vst_tar_scan_stop(salvage->scan, &why)
	             : vst_tar_scan_gap(salvage->scan, end - from, &why);
	if (rc == 0 && !unknown)
		return 0;
	if (rc != 0 && rc != VST_EFORMAT) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	return vst_salvage_hunt_begin(salvage, end, !unknown, err);
}

static int walk_piece(struct vst_salvage *salvage, struct walk *walk, struct vst_err *err)
{
	const struct vst_salvage_piece *piece = vst_salvage_source_piece(salvage->source, walk->index);
	struct vst_err why = VST_ERR_INIT;
	const uint8_t *data = NULL;
	int rc = 0;

	if (piece->kind != VST_SALVAGE_GAP && piece->kind != VST_SALVAGE_GAP_UNKNOWN) {
		rc = vst_salvage_source_view(salvage->source, walk->index, &data, &why);
		if (rc == 0)
			return walk_data(salvage, walk, piece, data, err);
		if (rc != VST_EFORMAT) {
			if (err != NULL)
				*err = why;
			return rc;
		}
	}
	return walk_gap(salvage, walk, piece, err);
}

/* The last header before the end of a cut file may announce more than there is: looked at when nothing else
 * was found. */
static bool try_beyond(struct vst_salvage *salvage, struct walk *walk)
{
	if (!vst_tar_scan_lost(salvage->scan) || salvage->beyond == VST_SALVAGE_NOWHERE ||
	        salvage->allow_beyond)
		return false;
	salvage->allow_beyond = salvage->provisional = true;
	salvage->last_header = salvage->beyond;
	vst_tar_scan_resume(salvage->scan, salvage->beyond);
	go_to(salvage, walk, salvage->beyond);
	return true;
}

static int walk_all(struct vst_salvage *salvage, uint64_t file_size, struct vst_err *err)
{
	uint64_t end = vst_salvage_source_end(salvage->source);
	struct walk walk = {0};
	int rc = 0;

	do {
		while (rc == 0 && walk.index < vst_salvage_source_count(salvage->source) &&
		        walk.reread / REREAD_FACTOR <= end && !vst_tar_scan_ended(salvage->scan)) {
			rc = walk_piece(salvage, &walk, err);
			if (salvage->options->progress != NULL && end > 0)
				salvage->options->progress(salvage->options->ctx,
				        file_size / 2 + (uint64_t)((double)walk.position / (double)end *
				                                   (double)(file_size / 2)),
				        file_size);
		}
		if (rc == 0 && vst_tar_scan_ended(salvage->scan) && salvage->provisional) {
			/* The end of a tar inside the evidence. */
			vst_salvage_entries_drop_provisional(salvage);
			vst_tar_scan_abandon(salvage->scan);
			go_to(salvage, &walk, salvage->last_header + VST_TAR_BLOCK);
			continue;
		}
		if (rc != 0 || !try_beyond(salvage, &walk))
			break;
	} while (rc == 0);
	if (rc == 0)
		rc = vst_tar_scan_stop(salvage->scan, err);
	return rc != 0 ? rc : vst_salvage_entries_flush(salvage, false, err);
}

/* ---- the whole ---- */

static void salvage_clear(struct vst_salvage *salvage)
{
	vst_salvage_entries_free(salvage);
	vst_tar_scan_free(salvage->scan);
	vst_content_hasher_free(salvage->hasher);
	vst_salvage_source_free(salvage->source);
	vst_tree_free(&salvage->tree);
	vst_buf_free(&salvage->line);
	vst_buf_free(&salvage->held);
	vst_buf_free(&salvage->prefix);
}

int vst_exhibit_salvage(const struct vst_input *in, const struct vst_age_identities *identities,
        const struct vst_salvage_options *options, struct vst_salvage_result *ret, struct vst_err *err)
{
	struct vst_salvage salvage = {.options = options,
	        .fd = -1,
	        .hunt_target = VST_SALVAGE_NOWHERE,
	        .beyond = VST_SALVAGE_NOWHERE};
	const struct vst_tar_events events = {&salvage, on_member, on_data, on_lost, on_end};
	int rc = 0;

	vst_tree_init(&salvage.tree, options->out_dirfd);
	if ((rc = vst_salvage_source_open(&salvage.source, in, identities, options, err)) == 0 &&
	        (rc = vst_content_hasher_new(
	                 &salvage.hasher, VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5, err)) == 0 &&
	        (rc = vst_tar_scan_new(&salvage.scan, &events, err)) == 0)
		rc = walk_all(&salvage, in->size, err);
	if (rc == 0) {
		salvage.result.damaged_bytes = vst_salvage_source_damaged(salvage.source);
		*ret = salvage.result;
	}
	salvage_clear(&salvage);
	return rc;
}
