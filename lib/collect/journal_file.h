/*
 * Journal files of systemd: the header, and the entries in the order of the file. Without libsystemd, so that
 * every build tells boots and sequence numbers; without mmap, so that a file that is cut meanwhile is an
 * error and no signal.
 *
 * Source: systemd's "Journal File Format" (JOURNAL_FILE_FORMAT). Little-endian; offsets count from the start
 * of the file; objects start at multiples of 8:
 *
 *     header    0 "LPKSHHRH"   8 compatible flags (u32)   12 incompatible flags (u32)   16 state (u8)   24
 * file id 40 machine id  72 sequence number id  88 header size  96 arena size  152 entries  160 last and 168
 * first sequence number  176 first entry array  184 first and 192 last wall clock time object    0 type (u8)
 * 8 size array    16 next array  24 offsets of entries: u64, in compact files u32 entry    16 sequence number
 * 24 wall clock time  32 monotonic time  40 boot id  56 hash  64 what it consists of
 *
 * Arrays are only ever added at the end of a file: one that points backwards is broken, so no chain has a
 * ring.
 */
#ifndef COLLECT_JOURNAL_FILE_H
#define COLLECT_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

#define VST_JOURNAL_ID 16
#define VST_JOURNAL_SIGNATURE 8
#define VST_JOURNAL_HEADER_MIN 208 /* bytes of the oldest header */
#define VST_JOURNAL_COMPACT (1U << 4)
#define VST_JOURNAL_KNOWN 0x1fU /* incompatible flags: xz, lz4, keyed hash, zstd, compact */

struct vst_journal_header {
	uint32_t compatible, incompatible;
	uint8_t state;
	uint8_t file_id[VST_JOURNAL_ID], machine_id[VST_JOURNAL_ID], seqnum_id[VST_JOURNAL_ID];
	uint64_t header_size, arena_size;
	uint64_t entry_array, entries;
	uint64_t head_seqnum, tail_seqnum;
	uint64_t head_realtime, tail_realtime; /* µs since the epoch */
};

struct vst_journal_entry {
	uint64_t seqnum, realtime, monotonic; /* µs */
	uint8_t boot_id[VST_JOURNAL_ID];
};

/* Where bytes come from. `read` gives all that is asked for, or returns an errno, or -1 if the file ends
 * before. */
struct vst_journal_bytes {
	int (*read)(void *ctx, uint64_t at, void *ret, size_t len);
	uint64_t (*size)(void *ctx); /* as it is now: a file that is written to has grown by the time its
	                                header was read */
	void *ctx;
};
/* Both on a descriptor: ctx is an int *. */
int vst_journal_pread(void *ctx, uint64_t at, void *ret, size_t len);
uint64_t vst_journal_size(void *ctx);

bool vst_journal_is(const uint8_t signature[VST_JOURNAL_SIGNATURE]);
/* The first VST_JOURNAL_HEADER_MIN bytes. VST_EFORMAT; VST_EUNSUPPORTED for flags that change the format in a
 * way unknown here: the header is then filled all the same. */
int vst_journal_header_parse(
        const uint8_t bytes[VST_JOURNAL_HEADER_MIN], struct vst_journal_header *ret, struct vst_err *err);

/* "offline", "online", "archived"; else "unknown". */
const char *vst_journal_state_name(uint8_t state);

/*
 * Every entry that can be reached. What `each` returns other than 0 ends the walk and is returned. Entries
 * that are broken are passed over, and so is everything behind a broken array: VST_EFORMAT, or VST_EIO with
 * the errno, says so after the walk. `err` may not be NULL.
 */
typedef int vst_journal_each(void *ctx, const struct vst_journal_entry *entry, struct vst_err *err);
int vst_journal_walk(const struct vst_journal_bytes *bytes, const struct vst_journal_header *header,
        vst_journal_each *each, void *ctx, struct vst_err *err);

#endif
