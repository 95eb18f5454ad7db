#include "compare/telling.h"

#include <stdarg.h>
#include <stdio.h>

#include "compare/observer.h"

#define FOUND_MAX 1024

struct vst_json vst_telling_details(struct vst_telling *telling)
{
	return vst_json_begin(&telling->details);
}

int vst_telling_end(struct vst_telling *telling, struct vst_err *err, const char *found, ...)
{
	char text[FOUND_MAX];
	const struct vst_observed *subject = telling->after ? telling->after : telling->before;
	va_list args;
	va_start(args, found);
	vsnprintf(text, sizeof text, found, args);
	va_end(args);

	struct vst_finding finding = {.rule = telling->rule,
	        .severity = telling->severity,
	        .source = subject ? subject->item->source : NULL,
	        .path = subject ? subject->item->path : NULL,
	        .expected = telling->expected,
	        .found = text,
	        .innocent = telling->innocent};
	if (telling->before)
		finding.before = telling->before->place;
	if (telling->after)
		finding.after = telling->after->place;
	int rc = vst_buf_check(&telling->details, err);
	if (rc == 0 && telling->details.len > 0) {
		finding.details = vst_buf_cstr(&telling->details);
		finding.details_len = telling->details.len;
		rc = vst_buf_check(&telling->details, err);
	}
	if (rc == 0)
		rc = telling->sink->take(telling->sink->ctx, &finding, err);
	vst_buf_free(&telling->details);
	return rc;
}
