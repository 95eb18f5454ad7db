#include "exhibit/tar_scan.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define MAP_LINE_MAX 20 /* digits of a number in a sparse map */

enum state { AT_HEADER, IN_PAX, IN_MAP, IN_DATA, IN_PADDING, AT_SECOND_ZERO, ENDED, LOST };

struct vst_tar_scan {
	struct vst_tar_events events;
	enum state state;
	uint64_t position;
	uint64_t left;      /* bytes of the present part: records, data or padding */
	uint64_t padding;   /* zeros behind it */
	enum state after;   /* the state behind the padding */
	uint64_t header_at; /* where the member's first header is */
	bool have_pax;      /* the records in `pax` belong to the block that comes */
	struct vst_buf pax;
	struct vst_buf part; /* an incomplete block */
	struct vst_tar_member member;
	bool open;        /* between member and end */
	uint64_t data_at; /* data bytes (without holes) given so far */
	uint64_t data_len;
	struct vst_item_extent *extents;
	size_t extent_count;
	size_t extent;      /* the one that data_at is in */
	uint64_t extent_at; /* data bytes before it */
	uint64_t map_want;  /* numbers of the map still to come; the first is the count */
	bool map_counted;
	uint64_t number; /* of the map, being read */
	unsigned digits;
	uint64_t map_bytes;
};

int vst_tar_scan_new(struct vst_tar_scan **ret, const struct vst_tar_events *events, struct vst_err *err)
{
	struct vst_tar_scan *scan = vst_calloc(1, sizeof(*scan));

	if (scan == NULL)
		return vst_err_nomem(err);
	scan->events = *events;
	*ret = scan;
	return 0;
}

static void drop_member(struct vst_tar_scan *scan)
{
	vst_tar_member_free(&scan->member);
	free(scan->extents);
	scan->extents = NULL;
	scan->extent_count = 0;
	scan->open = false;
}

void vst_tar_scan_free(struct vst_tar_scan *scan)
{
	if (scan == NULL)
		return;
	drop_member(scan);
	vst_buf_free(&scan->pax);
	vst_buf_free(&scan->part);
	free(scan);
}

uint64_t vst_tar_scan_position(const struct vst_tar_scan *scan)
{
	return scan->position;
}

bool vst_tar_scan_lost(const struct vst_tar_scan *scan)
{
	return scan->state == LOST;
}

bool vst_tar_scan_ended(const struct vst_tar_scan *scan)
{
	return scan->state == ENDED;
}

bool vst_tar_scan_between(const struct vst_tar_scan *scan)
{
	return scan->state == AT_HEADER && !scan->have_pax && scan->part.len == 0;
}

static int lost(struct vst_tar_scan *scan, struct vst_err *err)
{
	scan->state = LOST;
	return vst_err_prepend(err, "tar stream at byte %llu", (unsigned long long)scan->position);
}

/* Where in the file the data byte number data_at lies, and how many follow without a hole. */
static uint64_t logical(struct vst_tar_scan *scan, uint64_t *ret_run)
{
	if (!scan->member.sparse) {
		*ret_run = scan->data_len - scan->data_at;
		return scan->data_at;
	}
	while (scan->extent < scan->extent_count &&
	        scan->data_at - scan->extent_at >= scan->extents[scan->extent].len)
		scan->extent_at += scan->extents[scan->extent++].len;
	if (scan->extent == scan->extent_count) {
		*ret_run = 0;
		return scan->member.size;
	}
	*ret_run = scan->extent_at + scan->extents[scan->extent].len - scan->data_at;
	return scan->extents[scan->extent].offset + (scan->data_at - scan->extent_at);
}

static int end_member(struct vst_tar_scan *scan, struct vst_err *err)
{
	int rc = scan->events.end(scan->events.ctx, err);

	drop_member(scan);
	return rc;
}

static int begin_data(struct vst_tar_scan *scan, struct vst_err *err)
{
	uint64_t padded = 0;
	int rc = 0;

	scan->data_at = scan->extent_at = 0;
	scan->extent = 0;
	(void)vst_tar_padded(scan->data_len, &padded); /* the body is at most INT64_MAX */
	scan->padding = padded - scan->data_len;
	scan->open = true;
	rc = scan->events.member(scan->events.ctx, &scan->member, scan->extents, scan->extent_count, err);
	if (rc != 0)
		return rc;
	if (scan->data_len > 0) {
		scan->state = IN_DATA;
		return 0;
	}
	scan->state = AT_HEADER;
	return end_member(scan, err);
}

/* ---- headers ---- */

static int take_main(struct vst_tar_scan *scan, const uint8_t *block, uint64_t at, struct vst_err *err)
{
	int rc = 0;

	drop_member(scan);
	if (!scan->have_pax)
		scan->header_at = at;
	rc = vst_tar_member_decode(scan->pax.data, scan->have_pax ? scan->pax.len : 0, block, scan->header_at,
	        &scan->member, err);
	scan->have_pax = false;
	vst_buf_clear(&scan->pax);
	if (rc != 0)
		return rc;
	if (!scan->member.sparse) {
		scan->data_len = scan->member.body;
		return begin_data(scan, err);
	}
	scan->state = IN_MAP;
	scan->map_want = 1;
	scan->map_counted = false;
	scan->digits = 0;
	scan->number = 0;
	scan->map_bytes = 0;
	return 0;
}

static int take_block(struct vst_tar_scan *scan, const uint8_t *block, struct vst_err *err)
{
	uint64_t size = 0, padded = 0;

	switch (vst_tar_block_kind(block, &size, err)) {
	case VST_TAR_ZERO:
		if (scan->have_pax)
			return vst_err_set(err, VST_EFORMAT, "pax records without a header behind them");
		scan->state = scan->state == AT_SECOND_ZERO ? ENDED : AT_SECOND_ZERO;
		scan->position += VST_TAR_BLOCK;
		return 0;
	case VST_TAR_PAX:
		if (scan->state == AT_SECOND_ZERO || scan->have_pax || size == 0 || size > VST_TAR_PAX_MAX)
			return vst_err_set(err, VST_EFORMAT, "a pax header that our writer does not write");
		scan->header_at = scan->position;
		scan->position += VST_TAR_BLOCK;
		scan->have_pax = true;
		vst_buf_clear(&scan->pax);
		(void)vst_tar_padded(size, &padded);
		scan->left = size;
		scan->padding = padded - size;
		scan->state = IN_PAX;
		return 0;
	case VST_TAR_MAIN:
		if (scan->state == AT_SECOND_ZERO)
			return vst_err_set(err, VST_EFORMAT, "a tar header after the end of the archive");
		scan->position += VST_TAR_BLOCK;
		return take_main(scan, block, scan->position - VST_TAR_BLOCK, err);
	case VST_TAR_BROKEN:
	default:
		return VST_EFORMAT;
	}
}

static size_t push_block(
        struct vst_tar_scan *scan, const uint8_t *data, size_t len, int *ret_rc, struct vst_err *err)
{
	size_t take = VST_TAR_BLOCK - scan->part.len;

	if (scan->part.len == 0 && len >= VST_TAR_BLOCK) {
		*ret_rc = take_block(scan, data, err);
		return VST_TAR_BLOCK;
	}
	take = take < len ? take : len;
	vst_buf_bytes(&scan->part, data, take);
	*ret_rc = vst_buf_check(&scan->part, err);
	if (*ret_rc == 0 && scan->part.len == VST_TAR_BLOCK) {
		*ret_rc = take_block(scan, scan->part.data, err);
		vst_buf_clear(&scan->part);
	}
	return take;
}

/* ---- what follows them ---- */

static size_t push_pax(
        struct vst_tar_scan *scan, const uint8_t *data, size_t len, int *ret_rc, struct vst_err *err)
{
	size_t take = scan->left < len ? (size_t)scan->left : len;

	vst_buf_bytes(&scan->pax, data, take);
	*ret_rc = vst_buf_check(&scan->pax, err);
	scan->left -= take;
	scan->position += take;
	if (scan->left == 0) {
		scan->state = IN_PADDING;
		scan->left = scan->padding;
		scan->after = AT_HEADER;
	}
	return take;
}

static int map_number(struct vst_tar_scan *scan, struct vst_err *err)
{
	size_t index = 0;
	struct vst_item_extent *extent = NULL;

	if (!scan->map_counted) {
		/* libarchive marks holes at the beginning and the end with empty extents */
		if (scan->number == 0 || scan->number > VST_SPARSE_EXTENTS_MAX + 1)
			return vst_err_set(err, VST_EFORMAT, "a sparse map of %llu extents",
			        (unsigned long long)scan->number);
		scan->extents = vst_calloc((size_t)scan->number, sizeof(*scan->extents));
		if (scan->extents == NULL)
			return vst_err_nomem(err);
		scan->extent_count = (size_t)scan->number;
		scan->map_want = scan->number * 2;
		scan->map_counted = true;
		scan->data_len = 0;
		return 0;
	}
	index = scan->extent_count - (size_t)((scan->map_want + 1) / 2);
	extent = &scan->extents[index];
	if (scan->map_want % 2 == 0) {
		extent->offset = scan->number;
	} else {
		extent->len = scan->number;
		if (extent->offset > scan->member.size || extent->len > scan->member.size - extent->offset ||
		        (index > 0 && extent->offset < extent[-1].offset + extent[-1].len))
			return vst_err_set(
			        err, VST_EFORMAT, "a sparse map whose extents overlap or leave the file");
		scan->data_len += extent->len;
	}
	scan->map_want--;
	return 0;
}

static int map_done(struct vst_tar_scan *scan, struct vst_err *err)
{
	uint64_t padded = 0;
	size_t kept = 0;

	(void)vst_tar_padded(scan->map_bytes, &padded);
	if (scan->member.body < padded || scan->data_len != scan->member.body - padded)
		return vst_err_set(err, VST_EFORMAT, "a sparse map that does not fit its file's size");
	for (size_t i = 0; i < scan->extent_count; i++)
		if (scan->extents[i].len > 0)
			scan->extents[kept++] = scan->extents[i];
	scan->extent_count = kept;
	scan->left = padded - scan->map_bytes;
	scan->state = IN_PADDING;
	scan->after = IN_DATA;
	return 0;
}

static size_t push_map(
        struct vst_tar_scan *scan, const uint8_t *data, size_t len, int *ret_rc, struct vst_err *err)
{
	size_t i = 0;

	*ret_rc = 0;
	while (i < len && scan->state == IN_MAP && *ret_rc == 0) {
		uint8_t byte = data[i++];

		scan->map_bytes++;
		scan->position++;
		if (byte >= '0' && byte <= '9' && scan->digits < MAP_LINE_MAX - 1) {
			scan->number = scan->number * 10 + (byte - '0');
			scan->digits++;
		} else if (byte == '\n' && scan->digits > 0) {
			bool counting = !scan->map_counted;

			*ret_rc = map_number(scan, err);
			if (counting && *ret_rc == 0)
				scan->map_counted = true;
			scan->number = 0;
			scan->digits = 0;
			if (*ret_rc == 0 && scan->map_want == 0)
				*ret_rc = map_done(scan, err);
		} else {
			*ret_rc =
			        vst_err_set(err, VST_EFORMAT, "a sparse map that does not follow its format");
		}
	}
	return i;
}

static size_t push_data(
        struct vst_tar_scan *scan, const uint8_t *data, size_t len, int *ret_rc, struct vst_err *err)
{
	uint64_t run = 0, offset = logical(scan, &run);
	size_t take = run < len ? (size_t)run : len;

	scan->data_at += take;
	scan->position += take;
	*ret_rc = scan->events.data(scan->events.ctx, offset, data, take, err);
	if (*ret_rc == 0 && scan->data_at == scan->data_len) {
		scan->state = IN_PADDING;
		scan->left = scan->padding;
		scan->after = AT_HEADER;
		*ret_rc = end_member(scan, err);
	}
	return take;
}

static size_t push_padding(
        struct vst_tar_scan *scan, const uint8_t *data, size_t len, int *ret_rc, struct vst_err *err)
{
	size_t take = scan->left < len ? (size_t)scan->left : len;

	*ret_rc = 0;
	for (size_t i = 0; i < take && *ret_rc == 0; i++)
		if (data[i] != 0)
			*ret_rc = vst_err_set(err, VST_EFORMAT, "padding that is not zeros");
	scan->left -= take;
	scan->position += take;
	return take;
}

int vst_tar_scan_push(struct vst_tar_scan *scan, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *at = data;
	int rc = 0;

	while (rc == 0) {
		size_t took = 0;

		if (scan->state == IN_PADDING && scan->left == 0) {
			scan->state = scan->after;
			if (scan->state == IN_DATA)
				rc = begin_data(scan, err);
			continue;
		}
		if (len == 0)
			return 0;
		switch (scan->state) {
		case AT_HEADER:
		case AT_SECOND_ZERO:
			took = push_block(scan, at, len, &rc, err);
			break;
		case IN_PAX:
			took = push_pax(scan, at, len, &rc, err);
			break;
		case IN_MAP:
			took = push_map(scan, at, len, &rc, err);
			break;
		case IN_DATA:
			took = push_data(scan, at, len, &rc, err);
			break;
		case IN_PADDING:
			took = push_padding(scan, at, len, &rc, err);
			break;
		case ENDED:
			rc = vst_err_set(err, VST_EFORMAT, "bytes after the end of the archive");
			break;
		case LOST:
		default:
			rc = vst_err_set(err, VST_EFORMAT, "no header found yet");
			break;
		}
		at += took;
		len -= took;
	}
	return rc == VST_EFORMAT ? lost(scan, err) : rc;
}

/* ---- gaps ---- */

/* Gives the rest of the open member's content up to `len` data bytes as lost. */
static int lose(struct vst_tar_scan *scan, uint64_t len, struct vst_err *err)
{
	uint64_t run = 0, offset = logical(scan, &run), end = 0;

	scan->data_at += len;
	if (scan->data_at == scan->data_len)
		end = scan->member.size;
	else
		end = logical(scan, &run);
	return scan->events.lost(scan->events.ctx, offset, end - offset, err);
}

int vst_tar_scan_gap(struct vst_tar_scan *scan, uint64_t len, struct vst_err *err)
{
	int rc = 0;

	if (scan->state == IN_PADDING && scan->after == AT_HEADER && len <= scan->left) {
		scan->left -= len;
		scan->position += len;
		return 0;
	}
	if (scan->state == IN_DATA) {
		uint64_t data = scan->data_len - scan->data_at;
		uint64_t in_data = len < data ? len : data;

		if ((rc = lose(scan, in_data, err)) != 0)
			return rc;
		scan->position += in_data;
		len -= in_data;
		if (scan->data_at < scan->data_len)
			return 0;
		scan->state = IN_PADDING;
		scan->left = scan->padding;
		scan->after = AT_HEADER;
		if ((rc = end_member(scan, err)) != 0)
			return rc;
		if (len <= scan->left) {
			scan->left -= len;
			scan->position += len;
			return 0;
		}
	}
	vst_err_set(err, VST_EFORMAT, "a header is lost");
	rc = lost(scan, err);
	scan->position += len;
	return rc;
}

void vst_tar_scan_abandon(struct vst_tar_scan *scan)
{
	drop_member(scan);
	scan->state = LOST;
}

void vst_tar_scan_resume(struct vst_tar_scan *scan, uint64_t position)
{
	drop_member(scan);
	scan->state = AT_HEADER;
	scan->position = position;
	scan->have_pax = false;
	scan->left = 0;
	vst_buf_clear(&scan->pax);
	vst_buf_clear(&scan->part);
}

int vst_tar_scan_resume_data(struct vst_tar_scan *scan, struct vst_tar_member *member, uint64_t position,
        uint64_t data_at, struct vst_err *err)
{
	int rc = 0;

	vst_tar_scan_resume(scan, position);
	scan->member = *member;
	member->entry = NULL;
	scan->data_len = scan->member.body;
	if ((rc = begin_data(scan, err)) != 0 || data_at == 0 || !scan->open)
		return rc;
	return lose(scan, data_at, err);
}

int vst_tar_scan_stop(struct vst_tar_scan *scan, struct vst_err *err)
{
	int rc = 0;

	if (scan->state == IN_DATA) {
		rc = lose(scan, scan->data_len - scan->data_at, err);
		if (rc == 0)
			rc = end_member(scan, err);
	}
	if (scan->state != ENDED)
		scan->state = LOST;
	return rc;
}
