#include "vestige/case_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/plain.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define ORIGIN_PREFIX "vestige/"
#define ORIGIN_DIGITS 8

static bool id_valid(const char *id)
{
	return id && strlen(id) == VST_CASE_ID_DIGITS && strspn(id, "0123456789abcdef") == VST_CASE_ID_DIGITS;
}

int vst_case_file_origin(const char *id, char ret_origin[VST_CASE_ORIGIN_TEXT], struct vst_err *err)
{
	if (!id_valid(id))
		return vst_err_set(
		        err, VST_EUSAGE, "case: the id is not %d hexadecimal digits", VST_CASE_ID_DIGITS);
	memcpy(ret_origin, ORIGIN_PREFIX, strlen(ORIGIN_PREFIX));
	memcpy(ret_origin + strlen(ORIGIN_PREFIX), id, ORIGIN_DIGITS);
	ret_origin[strlen(ORIGIN_PREFIX) + ORIGIN_DIGITS] = '\0';
	return 0;
}

static const char *regimes_fault(const struct vst_case_file *file)
{
	if (file->regime_count > VST_CASE_REGIMES_MAX)
		return "too many regimes";
	for (size_t i = 0; i < file->regime_count; i++) {
		if (!vst_plain_word(file->regimes[i], VST_CASE_REGIME_MAX))
			return "a regime is no word";
		for (size_t j = 0; j < i; j++)
			if (strcmp(file->regimes[j], file->regimes[i]) == 0)
				return "a regime is named twice";
	}
	return NULL;
}

/* Why the record cannot be written, or NULL. */
static const char *case_fault(const struct vst_case_file *file)
{
	char origin[VST_CASE_ORIGIN_TEXT];

	if (vst_case_file_origin(file->id, origin, NULL) != 0)
		return "the id is not 32 lower-case hexadecimal digits";
	if (!vst_plain_text(file->title, VST_CASE_TITLE_MAX))
		return "the title is empty, too long, or holds control characters";
	if (file->number && !vst_plain_text(file->number, VST_CASE_NUMBER_MAX))
		return "the number is empty, too long, or holds control characters";
	if (file->created == VST_TIME_NONE)
		return "the time of its making is missing";
	if (strcmp(file->log_key.name, origin) != 0)
		return "the name of the log key is not the origin that follows from the id";
	return regimes_fault(file);
}

static void write_case(const struct vst_case_file *file, struct vst_buf *key_text, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);

	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, "id");
	vst_json_string(&json, file->id);
	vst_json_key(&json, "title");
	vst_json_string(&json, file->title);
	vst_json_key(&json, "number");
	vst_json_string(&json, file->number);
	vst_json_key(&json, "created");
	vst_json_time(&json, file->created);
	vst_json_key(&json, "log");
	vst_json_object(&json);
	vst_json_key(&json, "origin");
	vst_json_string(&json, file->log_key.name);
	vst_json_key(&json, "key");
	vst_json_string(&json, vst_buf_cstr(key_text));
	vst_json_end(&json);
	vst_json_key(&json, "regimes");
	vst_json_array(&json);
	for (size_t i = 0; i < file->regime_count; i++)
		vst_json_string(&json, file->regimes[i]);
	vst_json_end(&json);
	vst_json_end(&json);
	vst_buf_byte(out, '\n');
}

int vst_case_file_encode(const struct vst_case_file *file, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT, key_text = VST_BUF_INIT;
	const char *fault = case_fault(file);
	int rc;

	if (fault)
		return vst_err_set(err, VST_EUSAGE, "case: %s", fault);
	vst_note_key_text(&file->log_key, &key_text);
	if ((rc = vst_buf_check(&key_text, err)) != 0)
		goto out;
	write_case(file, &key_text, &bytes);
	if ((rc = vst_buf_check(&bytes, err)) != 0)
		goto out;
	if (bytes.len > VST_CASE_FILE_MAX) {
		rc = vst_err_set(err, VST_ELIMIT, "case: longer than %d bytes", VST_CASE_FILE_MAX);
		goto out;
	}
	vst_buf_bytes(out, bytes.data, bytes.len);
	rc = vst_buf_check(out, err);
out:
	vst_buf_free(&bytes);
	vst_buf_free(&key_text);
	return rc;
}

static int read_text(struct vst_json_take *take, const char *key, char **ret)
{
	const char *text = vst_json_take_string(take, key);

	if (take->failed)
		return 0;
	*ret = vst_strdup(text);
	return *ret ? 0 : vst_err_nomem(take->err);
}

static int read_number(struct vst_json_take *take, struct vst_case_file *file)
{
	json_t *value = vst_json_take_any(take, "number");

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value)) {
		vst_json_take_fail(take, "number: neither null nor a string");
		return 0;
	}
	file->number = vst_strdup(json_string_value(value));
	return file->number ? 0 : vst_err_nomem(take->err);
}

static int read_log(struct vst_json_take *take, struct vst_case_file *file)
{
	json_t *value = vst_json_take_value(take, "log", JSON_OBJECT);
	struct vst_json_take log;
	const char *origin, *key;

	if (!value)
		return 0;
	log = vst_json_take_of(value, take->err);
	origin = vst_json_take_string(&log, "origin");
	key = vst_json_take_string(&log, "key");
	if (!log.failed) {
		int rc = vst_note_key_parse(key, strlen(key), &file->log_key, NULL);

		if (rc == VST_ENOMEM)
			return vst_err_nomem(take->err);
		if (rc != 0)
			vst_json_take_fail(&log, "log: key: not the key of a signed note");
	}
	if (!log.failed && strcmp(origin, file->log_key.name) != 0)
		vst_json_take_fail(&log, "log: the key has another name than the origin");
	if (vst_json_take_end(&log) != 0)
		take->failed = true;
	return 0;
}

static int read_regimes(struct vst_json_take *take, struct vst_case_file *file)
{
	json_t *array = vst_json_take_value(take, "regimes", JSON_ARRAY);
	size_t count = array ? json_array_size(array) : 0;

	if (count > VST_CASE_REGIMES_MAX)
		vst_json_take_fail(take, "regimes: too many");
	if (take->failed || count == 0)
		return 0;
	file->regimes = vst_calloc(count, sizeof *file->regimes);
	if (!file->regimes)
		return vst_err_nomem(take->err);
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text) {
			vst_json_take_fail(take, "regimes: not a string");
			return 0;
		}
		file->regimes[i] = vst_strdup(text);
		if (!file->regimes[i])
			return vst_err_nomem(take->err);
		file->regime_count++;
	}
	return 0;
}

static int read_case(json_t *object, struct vst_case_file *file, struct vst_err *err)
{
	struct vst_json_take take = vst_json_take_of(object, err);
	uint64_t format = vst_json_take_uint(&take, "format");
	const char *fault;
	int rc;

	if (!take.failed && format != 1)
		return vst_err_set(err, VST_EVERSION, "format %llu is not known", (unsigned long long)format);
	if ((rc = read_text(&take, "id", &file->id)) != 0 ||
	        (rc = read_text(&take, "title", &file->title)) != 0 || (rc = read_number(&take, file)) != 0)
		return rc;
	file->created = vst_json_take_time(&take, "created");
	if ((rc = read_log(&take, file)) != 0 || (rc = read_regimes(&take, file)) != 0 ||
	        (rc = vst_json_take_end(&take)) != 0)
		return rc;
	fault = case_fault(file);
	return fault ? vst_err_set(err, VST_EFORMAT, "%s", fault) : 0;
}

static int check_spelling(
        const struct vst_case_file *file, const void *bytes, size_t len, struct vst_err *err)
{
	struct vst_buf again = VST_BUF_INIT;
	int rc;

	if ((rc = vst_case_file_encode(file, &again, err)) != 0)
		goto out;
	if (again.len != len || memcmp(again.data, bytes, len) != 0)
		rc = vst_err_set(err, VST_EFORMAT, "not written as this format is written");
out:
	vst_buf_free(&again);
	return rc;
}

int vst_case_file_parse(const void *bytes, size_t len, struct vst_case_file **ret, struct vst_err *err)
{
	struct vst_err scratch = VST_ERR_INIT;
	struct vst_case_file *file = NULL;
	json_t *object = NULL;
	int rc;

	if (!err)
		err = &scratch;
	vst_err_clear(err); /* the takes read an earlier failure as one of this document */
	if (len > VST_CASE_FILE_MAX)
		return vst_err_set(err, VST_ELIMIT, "case.json: longer than %d bytes", VST_CASE_FILE_MAX);
	if (len == 0 || ((const uint8_t *)bytes)[len - 1] != '\n')
		return vst_err_set(err, VST_EFORMAT, "case.json: no line feed at the end");
	file = vst_calloc(1, sizeof *file);
	if (!file)
		return vst_err_nomem(err);
	if ((rc = vst_json_parse(bytes, len - 1, &object, err)) != 0 ||
	        (rc = read_case(object, file, err)) != 0 ||
	        (rc = check_spelling(file, bytes, len, err)) != 0) {
		vst_err_prepend(err, "case.json");
		goto out;
	}
	*ret = file;
	file = NULL;
out:
	json_decref(object);
	vst_case_file_free(file);
	return rc;
}

void vst_case_file_free(struct vst_case_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->regime_count; i++)
		free(file->regimes[i]);
	free(file->regimes);
	free(file->id);
	free(file->title);
	free(file->number);
	free(file);
}
