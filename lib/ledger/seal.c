#include "vestige/seal.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/plain.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* Why a seal cannot be written, or NULL. One list for both directions: what is written can be read, and
 * nothing else. */
static const char *source_fault(const struct vst_seal *seal, size_t index)
{
	const struct vst_seal_source *source = &seal->sources[index];

	if (!vst_plain_text(source->name, VST_SEAL_NAME_MAX))
		return "the name of a source is empty, too long, or no plain text";
	for (size_t i = 0; i < index; i++)
		if (strcmp(seal->sources[i].name, source->name) == 0)
			return "a source is named twice";
	if (source->status_count > VST_SEAL_STATUSES_MAX)
		return "too many statuses";
	for (size_t i = 0; i < source->status_count; i++) {
		const struct vst_seal_count *count = &source->statuses[i];

		if (!memchr(count->status, '\0', sizeof count->status) ||
		        !vst_plain_word(count->status, sizeof count->status - 1))
			return "a status is no word";
		if (count->count == 0 || count->count > VST_PLAIN_UINT_MAX)
			return "the count of a status is zero or too large";
		for (size_t j = 0; j < i; j++)
			if (strcmp(source->statuses[j].status, count->status) == 0)
				return "a status is counted twice";
	}
	return NULL;
}

static const char *series_fault(const struct vst_seal *seal)
{
	const struct vst_seal_series *series = &seal->series;

	if (!seal->has_series)
		return NULL;
	if (series->full == 0 || series->full > seal->exhibit)
		return "the exhibit that opens its series is none, or a later one";
	if (series->full != seal->exhibit && !seal->has_predecessor)
		return "it continues a series and has no predecessor";
	if (series->compared && !seal->has_predecessor)
		return "it is compared with a predecessor that it has not";
	if (!series->compared && (series->added != 0 || series->removed != 0 || series->changed != 0))
		return "changes are counted where nothing was compared";
	if (series->added > seal->items || series->changed > seal->items - series->added)
		return "more items are new or changed than there are";
	if (series->removed > VST_PLAIN_UINT_MAX || series->described > VST_PLAIN_UINT_MAX)
		return "a count of the series is out of range";
	for (int i = 0; i < VST_SEVERITIES; i++)
		if (series->findings[i] > VST_PLAIN_UINT_MAX)
			return "a count of findings is out of range";
	return NULL;
}

static const char *seal_fault(const struct vst_seal *seal)
{
	if (seal->exhibit == 0 || seal->exhibit > VST_EXHIBIT_MAX)
		return "no such exhibit number";
	if (seal->file_bytes > VST_PLAIN_UINT_MAX || seal->payload_bytes > seal->file_bytes ||
	        seal->items > VST_PLAIN_UINT_MAX)
		return "a size is out of range";
	if (seal->recipient_count == 0 || seal->recipient_count > VST_SEAL_RECIPIENTS_MAX)
		return "no recipients, or too many";
	if (seal->source_count > VST_SEAL_SOURCES_MAX)
		return "too many sources";
	if (seal->started == VST_TIME_NONE || seal->sealed == VST_TIME_NONE)
		return "a time is missing";
	for (size_t i = 0; i < seal->source_count; i++) {
		const char *fault = source_fault(seal, i);

		if (fault)
			return fault;
	}
	return series_fault(seal);
}

int vst_seal_check(const struct vst_seal *seal, struct vst_err *err)
{
	const char *fault = seal_fault(seal);

	return fault ? vst_err_set(err, VST_EUSAGE, "seal: %s", fault) : 0;
}

static void write_blob(
        struct vst_json *json, const char *key, const uint8_t digest[VST_HASH_LEN], uint64_t bytes)
{
	vst_json_key(json, key);
	vst_json_object(json);
	vst_json_key(json, "sha256");
	vst_json_hex(json, digest, VST_HASH_LEN);
	vst_json_key(json, "bytes");
	vst_json_uint(json, bytes);
	vst_json_end(json);
}

static void write_counts(struct vst_json *json, const struct vst_seal *seal)
{
	vst_json_key(json, "counts");
	vst_json_object(json);
	for (size_t i = 0; i < seal->source_count; i++) {
		const struct vst_seal_source *source = &seal->sources[i];

		vst_json_key(json, source->name);
		vst_json_object(json);
		for (size_t j = 0; j < source->status_count; j++) {
			vst_json_key(json, source->statuses[j].status);
			vst_json_uint(json, source->statuses[j].count);
		}
		vst_json_end(json);
	}
	vst_json_end(json);
}

static void write_series(struct vst_json *json, const struct vst_seal *seal)
{
	const struct vst_seal_series *series = &seal->series;

	if (!seal->has_series)
		return;
	vst_json_key(json, "series");
	vst_json_object(json);
	vst_json_key(json, "full");
	vst_json_uint(json, series->full);
	vst_json_key(json, "index_sha256");
	vst_json_hex(json, series->index_sha256, VST_HASH_LEN);
	vst_json_key(json, "described");
	vst_json_uint(json, series->described);
	if (series->compared) {
		vst_json_key(json, "changes");
		vst_json_object(json);
		vst_json_key(json, "added");
		vst_json_uint(json, series->added);
		vst_json_key(json, "removed");
		vst_json_uint(json, series->removed);
		vst_json_key(json, "changed");
		vst_json_uint(json, series->changed);
		vst_json_end(json);
	}
	vst_json_key(json, "findings");
	vst_findings_count_write(series->findings, json);
	vst_json_end(json);
}

void vst_seal_write(const struct vst_seal *seal, struct vst_json *json)
{
	vst_json_object(json);
	vst_json_key(json, "format");
	vst_json_uint(json, 1);
	vst_json_key(json, "exhibit");
	vst_json_uint(json, seal->exhibit);
	write_blob(json, "file", seal->file_sha256, seal->file_bytes);
	write_blob(json, "payload", seal->payload_sha256, seal->payload_bytes);
	vst_json_key(json, "merkle");
	vst_json_object(json);
	vst_json_key(json, "root");
	vst_json_hex(json, seal->root, VST_HASH_LEN);
	vst_json_key(json, "size");
	vst_json_uint(json, seal->items);
	vst_json_end(json);
	vst_json_key(json, "policy_sha256");
	vst_json_hex(json, seal->policy_sha256, VST_HASH_LEN);
	vst_json_key(json, "predecessor");
	if (seal->has_predecessor)
		vst_json_hex(json, seal->predecessor, VST_HASH_LEN);
	else
		vst_json_null(json);
	vst_json_key(json, "recipients");
	vst_json_array(json);
	for (size_t i = 0; i < seal->recipient_count; i++)
		vst_json_hex(json, seal->recipients[i], VST_HASH_LEN);
	vst_json_end(json);
	write_counts(json, seal);
	write_series(json, seal);
	vst_json_key(json, "started");
	vst_json_time(json, seal->started);
	vst_json_key(json, "sealed");
	vst_json_time(json, seal->sealed);
	vst_json_end(json);
}

static void read_blob(
        struct vst_json_take *take, const char *key, uint8_t ret_digest[VST_HASH_LEN], uint64_t *ret_bytes)
{
	json_t *value = vst_json_take_value(take, key, JSON_OBJECT);
	struct vst_json_take blob;

	if (!value)
		return;
	blob = vst_json_take_of(value, take->err);
	vst_json_take_hex(&blob, "sha256", ret_digest, VST_HASH_LEN);
	*ret_bytes = vst_json_take_uint(&blob, "bytes");
	if (vst_json_take_end(&blob) != 0)
		take->failed = true;
}

static void read_merkle(struct vst_json_take *take, struct vst_seal *seal)
{
	json_t *value = vst_json_take_value(take, "merkle", JSON_OBJECT);
	struct vst_json_take merkle;

	if (!value)
		return;
	merkle = vst_json_take_of(value, take->err);
	vst_json_take_hex(&merkle, "root", seal->root, VST_HASH_LEN);
	seal->items = vst_json_take_uint(&merkle, "size");
	if (vst_json_take_end(&merkle) != 0)
		take->failed = true;
}

static void read_predecessor(struct vst_json_take *take, struct vst_seal *seal)
{
	json_t *value = vst_json_take_any(take, "predecessor");

	if (!value || json_is_null(value))
		return;
	seal->has_predecessor = true;
	if (!json_is_string(value) || !vst_hex_decode(json_string_value(value), json_string_length(value),
	                                      seal->predecessor, VST_HASH_LEN))
		vst_json_take_fail(take, "predecessor: neither null nor a digest");
}

static int read_recipients(struct vst_json_take *take, struct vst_seal *seal)
{
	json_t *array = vst_json_take_value(take, "recipients", JSON_ARRAY);
	size_t count = array ? json_array_size(array) : 0;

	if (count == 0 || count > VST_SEAL_RECIPIENTS_MAX) {
		vst_json_take_fail(take, "recipients: none, or too many");
		return 0;
	}
	seal->recipients = vst_calloc(count, sizeof *seal->recipients);
	if (!seal->recipients)
		return vst_err_nomem(take->err);
	seal->recipient_count = count;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(array, i);

		if (!json_is_string(item) ||
		        !vst_hex_decode(json_string_value(item), json_string_length(item),
		                seal->recipients[i], VST_HASH_LEN))
			vst_json_take_fail(take, "recipients: not a digest");
	}
	return 0;
}

static void read_statuses(struct vst_json_take *take, json_t *object, struct vst_seal_source *source)
{
	const char *status;
	json_t *value;

	if (json_object_size(object) > VST_SEAL_STATUSES_MAX) {
		vst_json_take_fail(take, "counts: too many statuses");
		return;
	}
	json_object_foreach(object, status, value)
	{
		struct vst_seal_count *count = &source->statuses[source->status_count];
		size_t len = strlen(status);

		if (len >= sizeof count->status || !json_is_integer(value) ||
		        json_integer_value(value) <= 0) {
			vst_json_take_fail(take, "counts: not a status word and a positive count");
			return;
		}
		memcpy(count->status, status, len + 1);
		count->count = (uint64_t)json_integer_value(value);
		source->status_count++;
	}
}

static int read_counts(struct vst_json_take *take, struct vst_seal *seal)
{
	json_t *object = vst_json_take_value(take, "counts", JSON_OBJECT);
	size_t count = object ? json_object_size(object) : 0;
	const char *name;
	json_t *value;

	if (count > VST_SEAL_SOURCES_MAX)
		vst_json_take_fail(take, "counts: too many sources");
	if (take->failed || count == 0)
		return 0;
	seal->sources = vst_calloc(count, sizeof *seal->sources);
	if (!seal->sources)
		return vst_err_nomem(take->err);
	json_object_foreach(object, name, value)
	{
		struct vst_seal_source *source = &seal->sources[seal->source_count];

		source->name = vst_strdup(name);
		if (!source->name)
			return vst_err_nomem(take->err);
		seal->source_count++;
		if (!json_is_object(value)) {
			vst_json_take_fail(take, "counts: a source without an object");
			return 0;
		}
		read_statuses(take, value, source);
	}
	return 0;
}

static void read_changes(struct vst_json_take *take, struct vst_seal_series *series)
{
	json_t *value = vst_json_take_value(take, "changes", JSON_OBJECT);
	struct vst_json_take changes;

	if (!value)
		return;
	series->compared = true;
	changes = vst_json_take_of(value, take->err);
	series->added = vst_json_take_uint(&changes, "added");
	series->removed = vst_json_take_uint(&changes, "removed");
	series->changed = vst_json_take_uint(&changes, "changed");
	if (vst_json_take_end(&changes) != 0)
		take->failed = true;
}

static void read_findings(struct vst_json_take *take, struct vst_seal_series *series)
{
	json_t *value = vst_json_take_value(take, "findings", JSON_OBJECT);
	struct vst_json_take findings;

	if (!value)
		return;
	findings = vst_json_take_of(value, take->err);
	for (int i = VST_SEVERITIES - 1; i >= 0; i--)
		series->findings[i] = vst_json_take_uint(&findings, vst_severity_name((enum vst_severity)i));
	if (vst_json_take_end(&findings) != 0)
		take->failed = true;
}

static void read_series(struct vst_json_take *take, struct vst_seal *seal)
{
	struct vst_json_take series;
	json_t *value;

	if (!vst_json_take_is(take, "series"))
		return;
	value = vst_json_take_value(take, "series", JSON_OBJECT);
	if (!value)
		return;
	seal->has_series = true;
	series = vst_json_take_of(value, take->err);
	seal->series.full = vst_json_take_uint(&series, "full");
	vst_json_take_hex(&series, "index_sha256", seal->series.index_sha256, VST_HASH_LEN);
	seal->series.described = vst_json_take_uint(&series, "described");
	if (vst_json_take_is(&series, "changes"))
		read_changes(&series, &seal->series);
	read_findings(&series, &seal->series);
	if (vst_json_take_end(&series) != 0)
		take->failed = true;
}

/* The keys behind `format`. */
static int read_fields(struct vst_json_take *take, struct vst_seal *seal)
{
	const char *fault;
	int rc;

	seal->exhibit = vst_json_take_uint(take, "exhibit");
	read_blob(take, "file", seal->file_sha256, &seal->file_bytes);
	read_blob(take, "payload", seal->payload_sha256, &seal->payload_bytes);
	read_merkle(take, seal);
	vst_json_take_hex(take, "policy_sha256", seal->policy_sha256, VST_HASH_LEN);
	read_predecessor(take, seal);
	if ((rc = read_recipients(take, seal)) != 0 || (rc = read_counts(take, seal)) != 0)
		return rc;
	read_series(take, seal);
	seal->started = vst_json_take_time(take, "started");
	seal->sealed = vst_json_take_time(take, "sealed");
	if ((rc = vst_json_take_end(take)) != 0)
		return rc;
	fault = seal_fault(seal);
	return fault ? vst_err_set(take->err, VST_EFORMAT, "%s", fault) : 0;
}

int vst_seal_read(json_t *value, struct vst_seal **ret, struct vst_err *err)
{
	struct vst_err scratch = VST_ERR_INIT;
	struct vst_seal *seal = NULL;
	struct vst_json_take take;
	uint64_t format;
	int rc;

	if (!err)
		err = &scratch;
	vst_err_clear(err); /* the takes read an earlier failure as one of this document */
	if (!json_is_object(value))
		return vst_err_set(err, VST_EFORMAT, "seal: not an object");
	seal = vst_calloc(1, sizeof *seal);
	if (!seal)
		return vst_err_nomem(err);
	take = vst_json_take_of(value, err);
	format = vst_json_take_uint(&take, "format");
	if (!take.failed && format != 1)
		rc = vst_err_set(err, VST_EVERSION, "format %llu is not known", (unsigned long long)format);
	else
		rc = read_fields(&take, seal);
	if (rc != 0) {
		vst_err_prepend(err, "seal");
		goto out;
	}
	*ret = seal;
	seal = NULL;
out:
	vst_seal_free(seal);
	return rc;
}

int vst_seal_digest(const struct vst_seal *seal, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&bytes);
	int rc;

	if ((rc = vst_seal_check(seal, err)) != 0)
		goto out;
	vst_seal_write(seal, &json);
	if ((rc = vst_buf_check(&bytes, err)) != 0)
		goto out;
	vst_sha256(bytes.data, bytes.len, ret);
out:
	vst_buf_free(&bytes);
	return rc;
}

uint64_t vst_seal_generation(const struct vst_seal *seal)
{
	return seal->has_series ? seal->series.full : seal->exhibit;
}

uint64_t vst_seal_total(const struct vst_seal *seal, const char *status)
{
	uint64_t total = 0;

	for (size_t i = 0; i < seal->source_count; i++) {
		const struct vst_seal_source *source = &seal->sources[i];

		for (size_t j = 0; j < source->status_count; j++) {
			if (strcmp(source->statuses[j].status, status) != 0)
				continue;
			/* Counts come from a record that a hostile host may have made: a sum never wraps to a
			 * small one. */
			if (source->statuses[j].count > UINT64_MAX - total)
				return UINT64_MAX;
			total += source->statuses[j].count;
		}
	}
	return total;
}

void vst_seal_free(struct vst_seal *seal)
{
	if (!seal)
		return;
	for (size_t i = 0; i < seal->source_count; i++)
		free(seal->sources[i].name);
	free(seal->sources);
	free(seal->recipients);
	free(seal);
}
