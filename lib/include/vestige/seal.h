/*
 * The seal: the public record that binds an exhibit. It stands inside the acquire event.
 *
 * Format 1, keys in this order:
 *   format          1
 *   exhibit         its number
 *   file            {sha256, bytes}
 *   payload         {sha256, bytes}
 *   merkle          {root, size}
 *   policy_sha256
 *   predecessor     SHA-256 of the predecessor's seal, or null
 *   recipients      [SHA-256 of each recipient's text]
 *   counts          {source: {status: n}}
 *   series          {full, index_sha256, described, changes {added, removed, changed}, findings {high, medium,
 *                   low, info}}: its place in a series of snapshots. Left out by programs before 0.2; `changes`
 *                   is left out where nothing was compared
 *   started         when the acquisition began
 *   sealed          when it was sealed
 *
 * It holds digests and counts, never paths, names, policies or contents of evidence.
 */
#ifndef VESTIGE_SEAL_H
#define VESTIGE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/finding.h"
#include "vestige/hash.h"
#include "vestige/json.h"

#define VST_SEAL_SOURCES_MAX 1024
#define VST_SEAL_STATUSES_MAX 16
#define VST_SEAL_RECIPIENTS_MAX 4096
#define VST_SEAL_NAME_MAX 255 /* bytes of a source's name: UTF-8 without control characters */
#define VST_EXHIBIT_MAX 9999999

struct vst_seal_count {
	char status[24]; /* a status word of the manifest: a-z, 0-9, '_', '-'; once a source */
	uint64_t count;  /* not zero */
};

struct vst_seal_source {
	char *name; /* as the policy calls it; once a seal */
	size_t status_count;
	struct vst_seal_count statuses[VST_SEAL_STATUSES_MAX]; /* in the order of the manifest's enum, zero
	                                                          counts left out */
};

/* How an exhibit stands to those before it. */
struct vst_seal_series {
	uint64_t full; /* the exhibit that opens its generation: its own number if it stores all of its content itself */
	uint8_t index_sha256[VST_HASH_LEN]; /* of private/series.index as this snapshot left it */
	uint64_t described; /* bytes of content that its items describe, stored here or in an earlier exhibit */
	bool compared;      /* with the exhibit before it; else the next three are 0 */
	uint64_t added, removed, changed; /* items */
	uint64_t findings[VST_SEVERITIES]; /* sealed in it */
};

struct vst_seal {
	uint64_t exhibit;
	uint8_t file_sha256[VST_HASH_LEN];
	uint64_t file_bytes;
	uint8_t payload_sha256[VST_HASH_LEN]; /* all behind the age header: nonce and chunks */
	uint64_t payload_bytes;               /* at most file_bytes */
	uint8_t root[VST_HASH_LEN];
	uint64_t items; /* leaves of the Merkle tree */
	uint8_t policy_sha256[VST_HASH_LEN];
	bool has_predecessor;
	uint8_t predecessor[VST_HASH_LEN];
	uint8_t (*recipients)[VST_HASH_LEN]; /* at least one, in the order of the case's recipients file */
	size_t recipient_count;
	struct vst_seal_source *sources; /* in the policy's order */
	size_t source_count;
	bool has_series;
	struct vst_seal_series series;
	int64_t started;
	int64_t sealed;
};

/* Whether the seal can be written, and so read again: VST_EUSAGE says what is wrong with it. Event encoding
 * calls it. */
int vst_seal_check(const struct vst_seal *seal, struct vst_err *err);
/* Writes the object into a surrounding record. The seal has passed vst_seal_check(). */
void vst_seal_write(const struct vst_seal *seal, struct vst_json *json);
/* Reads the object; `value` is borrowed. VST_EFORMAT, VST_EVERSION for another format. That the text has the
   one spelling that vst_seal_write() gives it is checked by vst_event_parse() over all of the event. */
int vst_seal_read(json_t *value, struct vst_seal **ret, struct vst_err *err);
/* SHA-256 of the object's bytes: what the successor names. */
int vst_seal_digest(const struct vst_seal *seal, uint8_t ret[VST_HASH_LEN], struct vst_err *err);
/* The number of the exhibit that opens its generation; a seal that states no series is a generation of its
 * own. */
uint64_t vst_seal_generation(const struct vst_seal *seal);
/* The sum over all sources of one status word. */
uint64_t vst_seal_total(const struct vst_seal *seal, const char *status);
void vst_seal_free(struct vst_seal *seal);

#endif
