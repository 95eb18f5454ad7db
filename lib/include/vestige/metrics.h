/*
 * Figures of the last snapshot for a monitoring system: a file that Prometheus's node exporter picks up (its
 * textfile collector), so that somebody hears of a night without a snapshot, and of what it found.
 *
 * All are gauges with the labels `case` and `policy`:
 *   vestige_last_run_timestamp_seconds      when the last snapshot ended, sealed or not
 *   vestige_last_success_timestamp_seconds  when one was last sealed; after a failure as the file before had it
 *   vestige_last_exit_status                of the last snapshot
 *   vestige_snapshot_duration_seconds       of the last snapshot
 *   vestige_exhibit_items{status}           of the exhibit, as those below; left out after a failure
 *   vestige_exhibit_bytes{kind}             kind is "stored", "described" or "read"
 *   vestige_findings{severity}
 *
 * Source: the text-based format of Prometheus, version 0.0.4.
 */
#ifndef VESTIGE_METRICS_H
#define VESTIGE_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct vst_buf;
struct vst_err;
struct vst_seal;

#define VST_METRICS_MAX (256 * 1024) /* bytes of an earlier file that is read */

struct vst_metrics {
	const char *case_dir, *policy; /* as the labels name them; any bytes */
	int64_t now;                   /* when the snapshot ended; ns */
	int64_t duration;              /* ns */
	int exit_status;
	const struct vst_seal *seal; /* NULL: nothing was sealed */
	uint64_t read_bytes;         /* of the host's content; with a seal */
};

/*
 * Replaces the file at once, mode 0644; a reader has the old figures or the new ones. For a failure it reads
 * the time of the last success out of the earlier file: just from a line that this function could have
 * written with the same labels. Changes the umask for a moment. VST_EIO and what else io.h says; an earlier
 * file that cannot be read or is none is no error: then no success is known.
 */
int vst_metrics_write(const char *path, const struct vst_metrics *metrics, struct vst_err *err);

/* The text. `earlier` are the bytes of the file before, NULL: none. Failure to allocate sticks to the buffer. */
void vst_metrics_format(
        const struct vst_metrics *metrics, const void *earlier, size_t earlier_len, struct vst_buf *out);

#endif
