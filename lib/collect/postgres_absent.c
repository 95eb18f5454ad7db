/* What stands in for PostgreSQL where libpq is not linked. */
#include "collect/postgres.h"
#include "collect/stream.h"
#include "vestige/err.h"

int vst_postgres_sessions_new(struct vst_postgres_sessions **ret, struct vst_err *err)
{
	(void)err;
	*ret = NULL;
	return 0;
}

void vst_postgres_sessions_free(struct vst_postgres_sessions *sessions)
{
	(void)sessions;
}

int vst_collect_postgres(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_stream out = vst_stream_of(context, source->name, sink);
	const struct vst_note note = {
	        .path = "/postgres",
	        .type = VST_ITEM_STREAM,
	        .status = VST_ITEM_EXCLUDED,
	        .rule = "this program was built without libpq",
	};
	int rc = vst_stream_note(&out, &note, err);
	vst_stream_free(&out);
	return rc;
}
