#include "workflow/case_internal.h"

#include "vestige/err.h"

static struct vst_bytes bytes_of(const struct vst_buf *buf)
{
	return (struct vst_bytes){buf->data, buf->len};
}

struct vst_custody_step case_step(const struct vst_trail_record *record)
{
	return (struct vst_custody_step){
	        .event = bytes_of(&record->event),
	        .case_file = bytes_of(&record->case_file),
	        .recipients = bytes_of(&record->recipients),
	        .allowed_signers = bytes_of(&record->allowed_signers),
	        .checkpoint = bytes_of(&record->checkpoint),
	        .payload = bytes_of(&record->payload),
	        .signature = bytes_of(&record->signature),
	        .message = {record->payload.data + record->message_offset,
	                record->payload.len - record->message_offset},
	        .author = bytes_of(&record->author),
	        .author_seconds = record->author_seconds,
	};
}

int case_log_load(struct vst_trail *trail, struct vst_custody *custody, struct vst_err *err)
{
	struct vst_trail_record record = {0};
	int rc = 0;

	for (uint64_t n = vst_custody_size(custody); n < vst_trail_size(trail); n++) {
		/* Both name the event in what they say. */
		if ((rc = vst_trail_read(trail, n, &record, err)) != 0)
			break;
		struct vst_custody_step step = case_step(&record);
		if ((rc = vst_custody_apply(custody, &step, err)) != 0)
			break;
	}
	vst_trail_record_free(&record);
	return rc;
}
