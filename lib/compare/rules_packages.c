/*
 * Package files that are not what their package brought: `details.package` of two items of one path
 * (collect/file_package.h).
 *
 *     package_file_differs   high    `same` is false now and was not before
 *     package_file_unread    medium  it was true before and could not be told now
 */
#include <string.h>

#include "compare/rules.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"

enum sameness { UNKNOWN, SAME, DIFFERENT };

struct package {
	bool is_there;
	const char *name, *version, *md5; /* borrowed from `object` */
	enum sameness same;
	json_t *object;
};

/* Other details, and such as cannot be read, are of no package. */
static int take_package(const struct vst_item *item, struct package *ret, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	*ret = (struct package){0};
	if (!item || !item->details || !memmem(item->details, item->details_len, "\"package\"", 9))
		return 0;
	int rc = vst_json_parse(item->details, item->details_len, &ret->object, &why);
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	if (rc != 0)
		return 0;
	const json_t *package = json_object_get(ret->object, "package");
	const json_t *same = json_object_get(package, "same");
	ret->name = json_string_value(json_object_get(package, "name"));
	ret->version = json_string_value(json_object_get(package, "version"));
	ret->md5 = json_string_value(json_object_get(package, "md5"));
	ret->is_there = ret->name && ret->version && ret->md5;
	if (json_is_boolean(same))
		ret->same = json_is_true(same) ? SAME : DIFFERENT;
	return 0;
}

static void write_details(const struct package *before, const struct package *after, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "package");
	vst_json_string(&json, after->name);
	vst_json_key(&json, "version");
	vst_json_string(&json, after->version);
	vst_json_key(&json, "md5");
	vst_json_string(&json, after->md5);
	if (before->is_there && strcmp(before->version, after->version) != 0) {
		vst_json_key(&json, "version_before");
		vst_json_string(&json, before->version);
	}
	vst_json_end(&json);
}

static const char *innocent_of(const struct package *before, const struct package *after)
{
	if (before->is_there && strcmp(before->version, after->version) != 0)
		return "The package was upgraded in between, and the upgrade may have stopped half way.";
	return "It was built or patched here, put in place without dpkg-divert, or changed by a program that "
	       "updates itself or others (npm, prelink).";
}

static int tell(const struct vst_rule_context *context, const struct vst_pair *pair,
        const struct package *was, const struct package *is, struct vst_finding *finding, struct vst_err *err)
{
	struct vst_buf expected = VST_BUF_INIT, details = VST_BUF_INIT;
	int rc;
	vst_buf_printf(&expected, "It has the MD5 %s, by the list of package %s %s.", is->md5, is->name,
	        is->version);
	write_details(was, is, &details);
	finding->expected = vst_buf_cstr(&expected);
	finding->details = (const char *)details.data;
	finding->details_len = details.len;
	if ((rc = vst_buf_check(&expected, err)) == 0 && (rc = vst_buf_check(&details, err)) == 0)
		rc = vst_rule_find(context, pair, finding, err);
	vst_buf_free(&expected);
	vst_buf_free(&details);
	return rc;
}

int vst_rule_packages(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	struct package was = {0}, is = {0};
	struct vst_finding finding = {0};
	int rc = take_package(pair->after, &is, err);
	if (rc == 0 && is.is_there && is.same != SAME)
		rc = take_package(pair->before, &was, err);
	if (rc != 0 || !is.is_there || is.same == SAME)
		goto out;
	finding.innocent = innocent_of(&was, &is);
	if (is.same == DIFFERENT && !(was.is_there && was.same == DIFFERENT)) {
		finding.rule = "package_file_differs";
		finding.severity = VST_SEVERITY_HIGH;
		finding.found = "Its content has another MD5.";
		rc = tell(context, pair, &was, &is, &finding, err);
	} else if (is.same == UNKNOWN && was.is_there && was.same == SAME) {
		finding.rule = "package_file_unread";
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.found =
		        "Not all of it was read, so that it could not be compared; before, it was the same.";
		finding.innocent = "The disk fails, or a limit of the policy is too small.";
		rc = tell(context, pair, &was, &is, &finding, err);
	}
out:
	json_decref(was.object);
	json_decref(is.object);
	return rc;
}
