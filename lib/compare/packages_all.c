#include "compare/packages_all.h"

#include <string.h>

#include "compare/rules.h"
#include "vestige/buf.h"

#define NOWHERE UINT32_MAX

/* Most items are of no package, or as it has them: their lines are not taken apart. What only looks so is,
 * and nothing comes of it. */
static bool may_tell(const struct vst_buf *line)
{
	static const char package[] = "\"package\":{", same[] = "\"same\":true";
	const uint8_t *at = line->len > 0 ? memmem(line->data, line->len, package, strlen(package)) : NULL;
	if (!at)
		return false;
	size_t left = line->len - (size_t)(at - line->data);
	const uint8_t *end = memchr(at, '}', left);
	return !end || !memmem(at, (size_t)(end - at), same, strlen(same));
}

static int judge(struct vst_series_index *before, uint64_t origin, struct vst_series_index *after,
        uint64_t seq, const struct vst_series_record *record, const struct vst_finding_sink *findings,
        struct vst_err *err)
{
	const struct vst_rule_context context = {.findings = *findings};
	struct vst_pair pair = {.after_place = {vst_series_exhibit(after), seq}};
	struct vst_series_record was;
	struct vst_item *before_item = NULL, *after_item = NULL;
	int rc = vst_series_item(after, record, &after_item, err);
	if (rc == 0 && before && origin != NOWHERE && vst_series_at(before, origin, &was)) {
		pair.before_place = (struct vst_place){vst_series_exhibit(before), origin};
		rc = vst_series_item(before, &was, &before_item, err);
	}
	pair.before = before_item;
	pair.after = after_item;
	if (rc == 0)
		rc = vst_rule_packages(&context, &pair, err);
	vst_item_free(before_item);
	vst_item_free(after_item);
	return rc;
}

int packages_judge_all(struct vst_series_index *before, const uint32_t *origin,
        struct vst_series_index *after, const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_series_record record;
	struct vst_buf line = VST_BUF_INIT;
	uint64_t seqs = vst_series_seqs(after);
	int rc = 0;
	for (uint64_t seq = 0; rc == 0 && seq < seqs; seq++) {
		if (!vst_series_at(after, seq, &record))
			continue;
		rc = vst_series_line(after, &record, &line, NULL, err);
		if (rc == 0 && may_tell(&line))
			rc = judge(
			        before, origin ? origin[seq] : NOWHERE, after, seq, &record, findings, err);
	}
	vst_buf_free(&line);
	return rc;
}
