/*
 * The strict JSON reader: whatever it takes is one object of limited depth, and our writer writes it so that
 * it reads back equal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct level {
	json_t *value;
	void *iter;
	size_t index;
};

static void put_scalar(struct vst_json *json, json_t *value)
{
	if (json_is_string(value))
		vst_json_text(json, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		vst_json_int(json, json_integer_value(value));
	else if (json_is_boolean(value))
		vst_json_bool(json, json_is_true(value));
	else
		vst_json_null(json);
}

static void put(struct vst_json *json, struct level *levels, int *depth, json_t *value)
{
	if (!json_is_object(value) && !json_is_array(value)) {
		put_scalar(json, value);
		return;
	}
	if (*depth == VST_JSON_DEPTH)
		abort();
	levels[*depth].value = value;
	levels[*depth].iter = json_is_object(value) ? json_object_iter(value) : NULL;
	levels[*depth].index = 0;
	++*depth;
	if (json_is_object(value))
		vst_json_object(json);
	else
		vst_json_array(json);
}

/* Writes a parsed object by our writer. Fractions, which no format of ours has, become null. */
static void write_again(json_t *object, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);
	struct level levels[VST_JSON_DEPTH];
	int depth = 0;
	put(&json, levels, &depth, object);
	while (depth > 0) {
		struct level *top = &levels[depth - 1];
		json_t *value = NULL;
		if (top->iter) {
			vst_json_key(&json, json_object_iter_key(top->iter));
			value = json_object_iter_value(top->iter);
			top->iter = json_object_iter_next(top->value, top->iter);
		} else if (json_is_array(top->value) && top->index < json_array_size(top->value)) {
			value = json_array_get(top->value, top->index++);
		}
		if (value) {
			put(&json, levels, &depth, value);
		} else {
			vst_json_end(&json);
			depth--;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_err err = VST_ERR_INIT;
	json_t *first = NULL, *second = NULL;
	struct vst_buf once = VST_BUF_INIT, twice = VST_BUF_INIT;
	if (vst_json_parse(data, size, &first, &err) != 0) {
		if (first || err.code != VST_EFORMAT || !err.text[0])
			abort();
		return 0;
	}
	write_again(first, &once);
	if (vst_json_parse(once.data, once.len, &second, &err) != 0)
		abort();
	write_again(second, &twice);
	if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		abort();
	json_decref(first);
	json_decref(second);
	vst_buf_free(&once);
	vst_buf_free(&twice);
	return 0;
}
