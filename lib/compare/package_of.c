#include "compare/package_of.h"

#include <string.h>

#include "vestige/json.h"

static enum package_state read_details(const struct vst_item *item)
{
	enum package_state state = PACKAGE_NONE;
	json_t *details = NULL;
	if (!item->details ||
	        !memmem(item->details, item->details_len, "\"package\"", strlen("\"package\"")) ||
	        vst_json_parse(item->details, item->details_len, &details, NULL) != 0)
		return PACKAGE_NONE;
	const json_t *same = json_object_get(json_object_get(details, "package"), "same");
	if (json_is_boolean(same))
		state = json_is_true(same) ? PACKAGE_SAME : PACKAGE_DIFFERS;
	json_decref(details);
	return state;
}

enum package_state package_of(const struct vst_rule_context *context, const struct vst_item *item)
{
	struct vst_series_index *index = context->after->index;
	enum package_state state = read_details(item);
	size_t sources = vst_series_sources(index);
	for (size_t i = 0; state == PACKAGE_NONE && i < sources; i++) {
		struct vst_series_record record;
		struct vst_item *other = NULL;
		uint64_t seq;
		const char *source = vst_series_source(index, (uint32_t)i);
		if (strcmp(source, item->source) == 0 ||
		        !vst_series_find(index, source, item->path, &seq, &record) ||
		        vst_series_item(index, &record, &other, NULL) != 0)
			continue;
		state = read_details(other);
		vst_item_free(other);
	}
	return state;
}
