#include "vestige/table_details.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/json_pull.h"
#include "vestige/mem.h"

/* What has been found so far. */
struct finding_out {
	struct vst_table_details *details;
	const char **names;
	size_t cap;
};

static bool add_name(struct finding_out *f, const char *name)
{
	struct vst_table_details *details = f->details;
	if (details->key_count == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 8;
		const char **grown = vst_realloc(f->names, cap, sizeof *grown);
		if (!grown)
			return false;
		f->names = grown;
		f->cap = cap;
	}
	f->names[details->key_count++] = name;
	return true;
}

static void pull_key(struct vst_json_pull *in, struct finding_out *f, struct vst_err *err)
{
	vst_json_pull_enter_array(in, NULL);
	while (vst_json_pull_more(in)) {
		const char *name = vst_json_pull_string(in, NULL);
		if (f->details->key_count == VST_TABLE_KEY_MAX)
			vst_json_pull_fail(in, "a key of too many columns");
		else if (in->rc == 0 && !add_name(f, name))
			vst_json_pull_stop(in, vst_err_nomem(err));
	}
	vst_json_pull_leave_array(in);
}

/* Keys that two collectors spell each in its own order, and others between them. */
static void pull_member(struct vst_json_pull *in, struct finding_out *f, struct vst_err *err)
{
	struct vst_table_details *details = f->details;
	const char *key = vst_json_pull_key(in);
	size_t len;
	if (strcmp(key, "key") == 0 && details->key_count == 0) {
		pull_key(in, f, err);
	} else if (strcmp(key, "rows") == 0) {
		details->rows = vst_json_pull_uint(in, NULL);
		details->has_rows = in->rc == 0;
	} else {
		const char *value = vst_json_pull_raw(in, NULL, &len);
		bool named = strcmp(key, "table") == 0 || strcmp(key, "query") == 0;
		if (len > 0 && ((named && *value == '"') || (strcmp(key, "columns") == 0 && *value == '[')))
			details->is_table = true;
	}
}

int vst_table_details_parse(const char *text, size_t len, struct vst_table_details *ret, struct vst_err *err)
{
	struct vst_table_details details = {0};
	struct finding_out f = {.details = &details};
	*ret = details;
	if (!text || len == 0)
		return 0;
	details.text = vst_memdup(text, len);
	if (!details.text)
		return vst_err_nomem(err);
	struct vst_json_pull in = vst_json_pull_of(details.text, len, NULL);
	vst_json_pull_enter_object(&in, NULL);
	while (vst_json_pull_more(&in))
		pull_member(&in, &f, err);
	vst_json_pull_leave_object(&in);
	int rc = vst_json_pull_end(&in);
	details.key = (const char *const *)f.names;
	if (rc != 0 || !details.is_table) {
		vst_table_details_free(&details);
		return rc == VST_ENOMEM ? rc : 0;
	}
	*ret = details;
	return 0;
}

void vst_table_details_free(struct vst_table_details *details)
{
	free((void *)(uintptr_t)details->key);
	free(details->text);
	*details = (struct vst_table_details){0};
}
