#include "collect/journal_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/reader.h"

#define OBJECT_ENTRY 3
#define OBJECT_ENTRY_ARRAY 6
#define ARRAY_HEAD 24
#define ENTRY_HEAD 64
#define BLOCK 4096 /* bytes of an array read at once */

int vst_journal_pread(void *ctx, uint64_t at, void *ret, size_t len)
{
	const int *fd = ctx;
	uint8_t *to = ret;
	while (len > 0) {
		if (at > INT64_MAX - len)
			return -1;
		ssize_t n = pread(*fd, to, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : -1;
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

uint64_t vst_journal_size(void *ctx)
{
	const int *fd = ctx;
	struct stat st;
	return fstat(*fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t number_at(const uint8_t *at, size_t len)
{
	uint64_t value = 0;
	for (size_t i = len; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

static uint64_t u64_at(const uint8_t *at)
{
	return number_at(at, 8);
}

const char *vst_journal_state_name(uint8_t state)
{
	static const char *const names[] = {"offline", "online", "archived"};
	return state < sizeof names / sizeof *names ? names[state] : "unknown";
}

bool vst_journal_is(const uint8_t signature[VST_JOURNAL_SIGNATURE])
{
	return memcmp(signature, "LPKSHHRH", VST_JOURNAL_SIGNATURE) == 0;
}

int vst_journal_header_parse(
        const uint8_t bytes[VST_JOURNAL_HEADER_MIN], struct vst_journal_header *ret, struct vst_err *err)
{
	struct vst_journal_header header = {
	        .compatible = (uint32_t)number_at(bytes + 8, 4),
	        .incompatible = (uint32_t)number_at(bytes + 12, 4),
	        .state = bytes[16],
	        .header_size = u64_at(bytes + 88),
	        .arena_size = u64_at(bytes + 96),
	        .entries = u64_at(bytes + 152),
	        .tail_seqnum = u64_at(bytes + 160),
	        .head_seqnum = u64_at(bytes + 168),
	        .entry_array = u64_at(bytes + 176),
	        .head_realtime = u64_at(bytes + 184),
	        .tail_realtime = u64_at(bytes + 192),
	};
	if (!vst_journal_is(bytes))
		return vst_err_set(err, VST_EFORMAT, "not a journal file");
	if (header.header_size < VST_JOURNAL_HEADER_MIN || header.header_size % 8 != 0 ||
	        header.arena_size > INT64_MAX || header.header_size > INT64_MAX - header.arena_size)
		return vst_err_set(err, VST_EFORMAT, "a header whose sizes make no sense");
	memcpy(header.file_id, bytes + 24, VST_JOURNAL_ID);
	memcpy(header.machine_id, bytes + 40, VST_JOURNAL_ID);
	memcpy(header.seqnum_id, bytes + 72, VST_JOURNAL_ID);
	*ret = header;
	if (header.incompatible & ~VST_JOURNAL_KNOWN)
		return vst_err_set(err, VST_EUNSUPPORTED,
		        "uses what this program does not know: incompatible flags 0x%" PRIx32,
		        header.incompatible);
	return 0;
}

/* ---- the walk ---- */

struct walk {
	const struct vst_journal_bytes *bytes;
	const struct vst_journal_header *header;
	uint64_t end;    /* of all objects */
	size_t item_len; /* bytes of one offset in an array */
	vst_journal_each *each;
	void *ctx;
	uint64_t left;      /* entries that the header promises still */
	uint64_t broken;    /* entries */
	bool stop;          /* an array is broken: nobody knows what would follow */
	struct vst_err why; /* of the first thing that is broken */
	struct vst_err *err;
};

static void note(struct walk *w, const struct vst_err *why)
{
	if (w->why.code == 0)
		w->why = *why;
}

static void break_off(struct walk *w, const struct vst_err *why)
{
	note(w, why);
	w->stop = true;
}

static int read_at(struct walk *w, uint64_t at, void *ret, size_t len, struct vst_err *err)
{
	int error = at > w->end || w->end - at < len ? -1 : w->bytes->read(w->bytes->ctx, at, ret, len);
	if (error == 0)
		return 0;
	if (error < 0)
		return vst_err_set(err, VST_EFORMAT, "cut before offset %" PRIu64, at + len);
	return vst_err_sys(err, error, "read at offset %" PRIu64, at);
}

/* The first `len` bytes of an object of this type, the size it says checked. */
static int read_object(
        struct walk *w, uint64_t at, unsigned type, uint8_t *ret, size_t len, struct vst_err *err)
{
	if (at < w->header->header_size || at % 8 != 0)
		return vst_err_set(err, VST_EFORMAT, "no object can be at offset %" PRIu64, at);
	int rc = read_at(w, at, ret, len, err);
	if (rc != 0)
		return rc;
	uint64_t size = u64_at(ret + 8);
	if (ret[0] != type || size < len)
		return vst_err_set(err, VST_EFORMAT, "not an object of type %u at offset %" PRIu64, type, at);
	if (size > w->end - at)
		return vst_err_set(err, VST_EFORMAT, "cut within the object at offset %" PRIu64, at);
	return 0;
}

static int take_entry(struct walk *w, uint64_t at)
{
	uint8_t head[ENTRY_HEAD];
	struct vst_err why = VST_ERR_INIT;
	if (read_object(w, at, OBJECT_ENTRY, head, sizeof head, &why) != 0) {
		w->broken++;
		note(w, &why);
		return 0;
	}
	struct vst_journal_entry entry = {
	        .seqnum = u64_at(head + 16),
	        .realtime = u64_at(head + 24),
	        .monotonic = u64_at(head + 32),
	};
	memcpy(entry.boot_id, head + 40, VST_JOURNAL_ID);
	return w->each(w->ctx, &entry, w->err);
}

/* `count` offsets at `at`. */
static int take_items(struct walk *w, uint64_t at, uint64_t count)
{
	uint8_t block[BLOCK];
	struct vst_err why = VST_ERR_INIT;
	while (count > 0) {
		size_t n = sizeof block / w->item_len;
		n = count < n ? (size_t)count : n;
		if (read_at(w, at, block, n * w->item_len, &why) != 0) {
			break_off(w, &why);
			return 0;
		}
		for (size_t i = 0; i < n; i++) {
			int rc = take_entry(w, number_at(block + i * w->item_len, w->item_len));
			if (rc != 0)
				return rc;
		}
		w->left -= n;
		count -= n;
		at += n * w->item_len;
	}
	return 0;
}

/* The array at `*at`, which becomes the next one's place. */
static int take_array(struct walk *w, uint64_t *at)
{
	uint8_t head[ARRAY_HEAD];
	struct vst_err why = VST_ERR_INIT;
	if (read_object(w, *at, OBJECT_ENTRY_ARRAY, head, sizeof head, &why) != 0) {
		break_off(w, &why);
		return 0;
	}
	uint64_t size = u64_at(head + 8), next = u64_at(head + 16);
	uint64_t count = (size - ARRAY_HEAD) / w->item_len;
	int rc = take_items(w, *at + ARRAY_HEAD, count < w->left ? count : w->left);
	if (next != 0 && next < *at + size) {
		vst_err_set(&why, VST_EFORMAT, "the array at offset %" PRIu64 " leads backwards", *at);
		break_off(w, &why);
	}
	*at = next;
	return rc;
}

int vst_journal_walk(const struct vst_journal_bytes *bytes, const struct vst_journal_header *header,
        vst_journal_each *each, void *ctx, struct vst_err *err)
{
	uint64_t size = bytes->size(bytes->ctx), promised = header->header_size + header->arena_size;
	struct walk w = {
	        .bytes = bytes,
	        .header = header,
	        .end = promised < size ? promised : size,
	        .item_len = header->incompatible & VST_JOURNAL_COMPACT ? 4 : 8,
	        .each = each,
	        .ctx = ctx,
	        .left = header->entries,
	        .why = VST_ERR_INIT,
	        .err = err,
	};
	uint64_t at = header->entry_array;
	int rc = 0;
	while (rc == 0 && !w.stop && w.left > 0 && at != 0)
		rc = take_array(&w, &at);
	if (rc != 0)
		return rc;
	if (promised > size)
		return vst_err_set(err, VST_EFORMAT,
		        "cut: %" PRIu64 " of %" PRIu64 " bytes and %" PRIu64 " of %" PRIu64
		        " entries are here",
		        size, promised, header->entries - w.left - w.broken, header->entries);
	if (w.why.code != 0) {
		*err = w.why;
		return vst_err_prepend(err, "%" PRIu64 " of %" PRIu64 " entries cannot be read",
		        w.left + w.broken, header->entries);
	}
	if (w.left > 0)
		return vst_err_set(err, VST_EFORMAT, "%" PRIu64 " of %" PRIu64 " entries are missing", w.left,
		        header->entries);
	return 0;
}
