/*
 * exhibit.json and closing.json: who sealed what, where, why, with which program and by which clocks.
 *
 * Format 1: one JSON object without white space, and a line feed. Keys stand in this order, what is not known
 * is null, digests are in lower-case hexadecimal.
 *
 *     exhibit.json
 *         format, case, exhibit, operator, reason (null if none was given),
 *         root ("/", or the image's path as given),
 *         host {name, kernel, machine, os, machine_id}, zone {name, offset}, clocks,
 *         program {name: "vestige", version, sha256}, mapped [{path, sha256}],
 *         predecessor (the seal's digest; null for a first exhibit),
 *         policy {name, sha256}, sources [names]
 *     closing.json
 *         format, clocks, sources [{name, counts {status: n}, bytes}]
 *         (counts that are not zero, in the order of enum vst_item_status)
 *     clocks
 *         realtime, boottime_ns, boot_id, ntp (null or {synchronised, offset_ns, max_error_us})
 *
 * Text that is not UTF-8 has U+FFFD in place of what is not, and the key NAME_base64 with its bytes follows.
 *
 * `host` and `zone` describe the evidence: under --root they come from the image's files, and what a file
 * cannot tell is null. `mapped` are the objects in our own address space: a preloaded library shows here.
 */
#ifndef VESTIGE_EXHIBIT_INFO_H
#define VESTIGE_EXHIBIT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/exhibit_writer.h"

#define VST_EXHIBIT_INFO_MAX (16 * 1024 * 1024) /* bytes of either file */

struct vst_buf;
struct vst_err;

struct vst_clocks {
	int64_t realtime; /* ns since the epoch */
	int64_t boottime_ns;
	char boot_id[40]; /* "" if unknown, else 36 lower-case digits and dashes */
	bool ntp_known;
	bool ntp_synchronised;
	int64_t ntp_offset_ns;
	int64_t ntp_max_error_us;
};

struct vst_mapped_object {
	char *path;
	bool has_sha256;
	uint8_t sha256[VST_HASH_LEN];
};

struct vst_exhibit_info {
	char *case_id;
	uint64_t exhibit;
	char *operator_name;
	char *reason; /* NULL if none */
	char *root;
	char *host_name, *kernel, *machine, *os, *machine_id; /* NULL if unknown */
	char *zone_name;                                      /* "Europe/Berlin"; NULL if unknown */
	bool has_zone_offset;
	int32_t zone_offset; /* seconds east of UTC at acquisition */
	struct vst_clocks clocks;
	char *program_version;
	bool has_program_sha256;
	uint8_t program_sha256[VST_HASH_LEN];
	struct vst_mapped_object *mapped;
	size_t mapped_count;
	bool has_predecessor;
	uint8_t predecessor[VST_HASH_LEN]; /* zeros if it has none */
	char *policy_name;
	uint8_t policy_sha256[VST_HASH_LEN];
	char **sources;
	size_t source_count;
};

/* Appends. VST_EUSAGE says which field cannot be written; `out` is as it was after a failure. */
int vst_exhibit_info_encode(const struct vst_exhibit_info *info, struct vst_buf *out, struct vst_err *err);
/* Strict: encodes back to the same bytes. VST_EFORMAT, VST_EVERSION for another format, VST_ELIMIT. */
int vst_exhibit_info_parse(const void *bytes, size_t len, struct vst_exhibit_info **ret, struct vst_err *err);
void vst_exhibit_info_free(struct vst_exhibit_info *info);

struct vst_exhibit_closing {
	struct vst_clocks clocks;
	struct vst_exhibit_source_counts *sources;
	size_t source_count;
};

/* As above. */
int vst_exhibit_closing_encode(const struct vst_clocks *clocks,
        const struct vst_exhibit_source_counts *sources, size_t source_count, struct vst_buf *out,
        struct vst_err *err);
int vst_exhibit_closing_parse(
        const void *bytes, size_t len, struct vst_exhibit_closing **ret, struct vst_err *err);
void vst_exhibit_closing_free(struct vst_exhibit_closing *closing);

#endif
