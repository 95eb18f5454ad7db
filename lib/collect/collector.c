#include "vestige/collector.h"

#include "collect/files.h"
#include "collect/live.h"
#include "vestige/err.h"

typedef int collect_kind(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

static collect_kind *const kinds[] = {
        [VST_SOURCE_FILES] = vst_collect_files,
        [VST_SOURCE_LIVE] = vst_collect_live,
};

int vst_collect(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	size_t kind = (size_t)source->kind;
	if (kind >= sizeof kinds / sizeof *kinds || !kinds[kind])
		return vst_err_set(
		        err, VST_EUNSUPPORTED, "a kind of source that this program does not collect");
	return kinds[kind](context, source, sink, err);
}
