#include "vestige/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/manifest.h"
#include "vestige/reader.h"
#include "vestige/seal.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define LAST_SUCCESS "vestige_last_success_timestamp_seconds"
#define SECONDS_DIGITS 12

/* ---- labels ---- */

static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return vst_utf8_valid(text, strlen(text));
}

static void label(struct vst_buf *out, const char *name, const char *value)
{
	struct vst_buf shown = VST_BUF_INIT;

	if (!is_plain(value)) {
		vst_text_show(&shown, value, strlen(value));
		value = vst_buf_cstr(&shown);
	}
	vst_buf_printf(out, "%s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			vst_buf_byte(out, '\\');
		vst_buf_byte(out, (uint8_t)*p);
	}
	vst_buf_byte(out, '"');
	if (shown.failed)
		out->failed = true;
	vst_buf_free(&shown);
}

/* NAME{case="…",policy="…"[,key="value"]} and a space. */
static void series(const struct vst_metrics *metrics, const char *name, const char *key, const char *value,
        struct vst_buf *out)
{
	vst_buf_text(out, name);
	vst_buf_byte(out, '{');
	label(out, "case", metrics->case_dir);
	vst_buf_byte(out, ',');
	label(out, "policy", metrics->policy);
	if (key) {
		vst_buf_byte(out, ',');
		label(out, key, value);
	}
	vst_buf_text(out, "} ");
}

/* ---- values ---- */

static void head(struct vst_buf *out, const char *name, const char *help)
{
	vst_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_uint(const struct vst_metrics *metrics, const char *name, const char *key, const char *value,
        uint64_t number, struct vst_buf *out)
{
	series(metrics, name, key, value, out);
	vst_buf_printf(out, "%" PRIu64 "\n", number);
}

static void put_seconds(const struct vst_metrics *metrics, const char *name, const char *help, int64_t ns,
        struct vst_buf *out)
{
	int64_t ms = ns > 0 ? ns / (VST_NS_PER_S / 1000) : 0;

	head(out, name, help);
	series(metrics, name, NULL, NULL, out);
	vst_buf_printf(out, "%" PRId64 ".%03d\n", ms / 1000, (int)(ms % 1000));
}

/* ---- the earlier file ---- */

/* The digits behind `prefix`, if the line is one that put_seconds() writes. */
static size_t seconds_of(const uint8_t *line, size_t len, const struct vst_buf *prefix, const uint8_t **ret)
{
	const uint8_t *number = line + prefix->len;
	size_t digits = 0, rest;

	if (len <= prefix->len || memcmp(line, prefix->data, prefix->len) != 0)
		return 0;
	len -= prefix->len;
	while (digits < len && number[digits] >= '0' && number[digits] <= '9')
		digits++;
	rest = len - digits;
	if (digits == 0 || digits > SECONDS_DIGITS || rest != 4 || number[digits] != '.')
		return 0;
	for (size_t i = digits + 1; i < len; i++)
		if (number[i] < '0' || number[i] > '9')
			return 0;
	*ret = number;
	return len;
}

static void keep_success(
        const struct vst_metrics *metrics, const void *earlier, size_t earlier_len, struct vst_buf *out)
{
	struct vst_reader in = vst_reader_of(earlier, earlier_len);
	struct vst_buf prefix = VST_BUF_INIT;
	const uint8_t *line, *number = NULL;
	size_t len, digits = 0;

	series(metrics, LAST_SUCCESS, NULL, NULL, &prefix);
	while (!prefix.failed && digits == 0 && vst_reader_line(&in, &line, &len))
		digits = seconds_of(line, len, &prefix, &number);
	if (digits > 0) {
		head(out, LAST_SUCCESS, "When a snapshot was last sealed.");
		vst_buf_bytes(out, prefix.data, prefix.len);
		vst_buf_bytes(out, number, digits);
		vst_buf_byte(out, '\n');
	}
	if (prefix.failed)
		out->failed = true;
	vst_buf_free(&prefix);
}

/* ---- the exhibit ---- */

static void put_exhibit(const struct vst_metrics *metrics, struct vst_buf *out)
{
	static const char items[] = "vestige_exhibit_items", bytes[] = "vestige_exhibit_bytes",
	                  findings[] = "vestige_findings";
	const struct vst_seal *seal = metrics->seal;

	head(out, items, "Items of the last exhibit, by what came of them.");
	for (int i = 0; i < VST_ITEM_STATUSES; i++) {
		const char *status = vst_item_status_name((enum vst_item_status)i);

		put_uint(metrics, items, "status", status, vst_seal_total(seal, status), out);
	}
	head(out, bytes, "Bytes of the last exhibit: stored in it, described by it, read for it.");
	put_uint(metrics, bytes, "kind", "stored", seal->file_bytes, out);
	if (seal->has_series)
		put_uint(metrics, bytes, "kind", "described", seal->series.described, out);
	put_uint(metrics, bytes, "kind", "read", metrics->read_bytes, out);
	if (!seal->has_series)
		return;
	head(out, findings, "Findings sealed in the last exhibit.");
	for (int i = VST_SEVERITIES - 1; i >= 0; i--)
		put_uint(metrics, findings, "severity", vst_severity_name((enum vst_severity)i),
		        seal->series.findings[i], out);
}

void vst_metrics_format(
        const struct vst_metrics *metrics, const void *earlier, size_t earlier_len, struct vst_buf *out)
{
	put_seconds(metrics, "vestige_last_run_timestamp_seconds",
	        "When the last snapshot ended, sealed or not.", metrics->now, out);
	if (metrics->seal)
		put_seconds(metrics, LAST_SUCCESS, "When a snapshot was last sealed.", metrics->now, out);
	else if (earlier)
		keep_success(metrics, earlier, earlier_len, out);
	head(out, "vestige_last_exit_status", "Exit status of the last snapshot: 0 and 3 sealed an exhibit.");
	put_uint(metrics, "vestige_last_exit_status", NULL, NULL,
	        metrics->exit_status > 0 ? (uint64_t)metrics->exit_status : 0, out);
	put_seconds(metrics, "vestige_snapshot_duration_seconds", "How long the last snapshot took.",
	        metrics->duration, out);
	if (metrics->seal)
		put_exhibit(metrics, out);
}

int vst_metrics_write(const char *path, const struct vst_metrics *metrics, struct vst_err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct vst_buf earlier = VST_BUF_INIT, text = VST_BUF_INIT;
	char parent[PATH_MAX] = ".";
	int dirfd = -1, rc = 0;
	mode_t before;

	if (slash) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		if (len >= sizeof parent)
			rc = vst_err_set(err, VST_EUSAGE, "the path is too long");
		else
			parent[len] = '\0', memcpy(parent, path, len);
	}
	if (rc == 0)
		rc = vst_io_open_dir(AT_FDCWD, parent, &dirfd, err);
	if (rc != 0)
		goto out;
	bool has_earlier =
	        !metrics->seal && vst_io_read_file(dirfd, name, VST_METRICS_MAX, &earlier, NULL) == 0;
	vst_metrics_format(metrics, has_earlier ? (const void *)earlier.data : NULL,
	        has_earlier ? earlier.len : 0, &text);
	if ((rc = vst_buf_check(&text, err)) != 0)
		goto out;
	before = umask(022); /* the exporter that reads it is no more than anybody */
	rc = vst_io_write_file(dirfd, name, 0644, text.data, text.len, VST_IO_REPLACE, err);
	umask(before);
out:
	if (dirfd >= 0)
		close(dirfd);
	vst_buf_free(&earlier);
	vst_buf_free(&text);
	return rc == 0 ? 0 : vst_err_prepend(err, "metrics %s", path);
}
