/* Figures for Prometheus: their text, what is kept of an earlier file, and the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/metrics.h"
#include "vestige/seal.h"
#include "vestige/timefmt.h"

#define NOW (INT64_C(1795305600) * VST_NS_PER_S + 123456789)
#define LABELS "{case=\"/srv/shop\",policy=\"baseline\"}"

static struct vst_seal_source sources[] = {
        {.name = (char[]){"logs"}, .status_count = 2, .statuses = {{"collected", 10}, {"denied", 1}}},
        {.name = (char[]){"etc"}, .status_count = 1, .statuses = {{"collected", 5}}}};
static struct vst_seal seal = {.exhibit = 3,
        .file_bytes = 1000,
        .items = 16,
        .sources = sources,
        .source_count = 2,
        .has_series = true,
        .series = {.full = 1, .described = 50000, .findings = {4, 3, 2, 1}}};

static struct vst_metrics good(void)
{
	return (struct vst_metrics){.case_dir = "/srv/shop",
	        .policy = "baseline",
	        .now = NOW,
	        .duration = INT64_C(61500000000),
	        .exit_status = 3,
	        .seal = &seal,
	        .read_bytes = 60000};
}

static struct vst_metrics failed(void)
{
	struct vst_metrics metrics = good();

	metrics.seal = NULL;
	metrics.exit_status = 2;
	metrics.now += 86400 * VST_NS_PER_S;
	return metrics;
}

static void assert_line(struct vst_buf *text, const char *line, bool wanted)
{
	const char *at = vst_buf_cstr(text);
	size_t len = strlen(line);

	for (; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, line, len) == 0 && at[len] == '\n') {
			if (!wanted)
				fail_msg("is there: %s", line);
			return;
		}
		if (!*at)
			break;
	}
	if (wanted)
		fail_msg("not there: %s\n%s", line, vst_buf_cstr(text));
}

static void metrics_of_a_sealed_exhibit(void **state)
{
	struct vst_metrics metrics = good();
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	vst_metrics_format(&metrics, NULL, 0, &text);
	assert_line(&text, "# TYPE vestige_last_success_timestamp_seconds gauge", true);
	assert_line(&text, "vestige_last_run_timestamp_seconds" LABELS " 1795305600.123", true);
	assert_line(&text, "vestige_last_success_timestamp_seconds" LABELS " 1795305600.123", true);
	assert_line(&text, "vestige_last_exit_status" LABELS " 3", true);
	assert_line(&text, "vestige_snapshot_duration_seconds" LABELS " 61.500", true);
	assert_line(&text,
	        "vestige_exhibit_items{case=\"/srv/shop\",policy=\"baseline\",status=\"collected\"} 15",
	        true);
	assert_line(&text,
	        "vestige_exhibit_items{case=\"/srv/shop\",policy=\"baseline\",status=\"denied\"} 1", true);
	assert_line(&text,
	        "vestige_exhibit_items{case=\"/srv/shop\",policy=\"baseline\",status=\"absent\"} 0", true);
	assert_line(&text,
	        "vestige_exhibit_bytes{case=\"/srv/shop\",policy=\"baseline\",kind=\"stored\"} 1000", true);
	assert_line(&text,
	        "vestige_exhibit_bytes{case=\"/srv/shop\",policy=\"baseline\",kind=\"described\"} 50000",
	        true);
	assert_line(&text,
	        "vestige_exhibit_bytes{case=\"/srv/shop\",policy=\"baseline\",kind=\"read\"} 60000", true);
	assert_line(
	        &text, "vestige_findings{case=\"/srv/shop\",policy=\"baseline\",severity=\"high\"} 1", true);
	assert_line(
	        &text, "vestige_findings{case=\"/srv/shop\",policy=\"baseline\",severity=\"info\"} 4", true);
	vst_buf_free(&text);
}

static void metrics_of_a_failure_keep_the_last_success(void **state)
{
	struct vst_metrics before = good(), now = failed();
	struct vst_buf earlier = VST_BUF_INIT, text = VST_BUF_INIT, third = VST_BUF_INIT;

	(void)state;
	vst_metrics_format(&before, NULL, 0, &earlier);
	vst_metrics_format(&now, earlier.data, earlier.len, &text);
	assert_line(&text, "vestige_last_run_timestamp_seconds" LABELS " 1795392000.123", true);
	assert_line(&text, "vestige_last_success_timestamp_seconds" LABELS " 1795305600.123", true);
	assert_line(&text, "vestige_last_exit_status" LABELS " 2", true);
	assert_null(strstr(vst_buf_cstr(&text), "vestige_exhibit"));
	assert_null(strstr(vst_buf_cstr(&text), "vestige_findings"));
	vst_metrics_format(&now, text.data, text.len, &third);
	assert_line(&third, "vestige_last_success_timestamp_seconds" LABELS " 1795305600.123", true);
	vst_buf_free(&earlier);
	vst_buf_free(&text);
	vst_buf_free(&third);
}

static void metrics_believe_no_line_that_they_could_not_have_written(void **state)
{
#define SUCCESS "vestige_last_success_timestamp_seconds"
	static const char *const lines[] = {
	        "",
	        SUCCESS LABELS " 1795305600.123", /* no line feed: cut */
	        SUCCESS LABELS " 1795305600\n",
	        SUCCESS LABELS " 1795305600.1234\n",
	        SUCCESS LABELS " 1795305600.12\n",
	        SUCCESS LABELS " +Inf\n",
	        SUCCESS LABELS " -1.000\n",
	        SUCCESS LABELS " .123\n",
	        SUCCESS LABELS " 1795305600.123 99\n",
	        SUCCESS LABELS " 1795305600.123\r\n",
	        SUCCESS LABELS "  1795305600.123\n",
	        SUCCESS LABELS " 9999999999999.123\n",
	        SUCCESS "{case=\"/srv/shop\",policy=\"other\"} 1795305600.123\n",
	        SUCCESS "{case=\"/srv/other\",policy=\"baseline\"} 1795305600.123\n",
	        SUCCESS " 1795305600.123\n",
	        " " SUCCESS LABELS " 1795305600.123\n",
	};
	struct vst_metrics now = failed();

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct vst_buf text = VST_BUF_INIT;

		vst_metrics_format(&now, lines[i], strlen(lines[i]), &text);
		if (strstr(vst_buf_cstr(&text), SUCCESS))
			fail_msg("believed: %s", lines[i]);
		vst_buf_free(&text);
	}
}

static void metrics_escape_labels(void **state)
{
	struct vst_metrics metrics = failed();
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	metrics.case_dir = "/srv/\"a\\b\" \xc3\xa9";
	metrics.policy = "line\nfeed\x1b[31m\xff";
	vst_metrics_format(&metrics, NULL, 0, &text);
	assert_line(&text,
	        "vestige_last_exit_status{case=\"/srv/\\\"a\\\\b\\\" "
	        "\xc3\xa9\",policy=\"line\\\\nfeed\\\\x1b[31m\\\\xff\"} 2",
	        true);
	vst_buf_free(&text);
}

static void metrics_of_a_seal_without_a_series_leave_out_what_it_has_not(void **state)
{
	struct vst_metrics metrics = good();
	struct vst_seal old = seal;
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	old.has_series = false;
	metrics.seal = &old;
	vst_metrics_format(&metrics, NULL, 0, &text);
	assert_non_null(strstr(vst_buf_cstr(&text), "kind=\"stored\""));
	assert_null(strstr(vst_buf_cstr(&text), "kind=\"described\""));
	assert_null(strstr(vst_buf_cstr(&text), "vestige_findings"));
	vst_buf_free(&text);
}

static void metrics_replace_their_file_for_everybody_to_read(void **state)
{
	char dir[] = "/tmp/vestige-metrics.XXXXXX", path[64], link[64];
	struct vst_metrics metrics = good();
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	struct stat st;
	mode_t before = umask(077);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/v.prom", dir);
	snprintf(link, sizeof link, "%s/link.prom", dir);
	assert_int_equal(vst_metrics_write(path, &metrics, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	metrics = failed();
	assert_int_equal(vst_metrics_write(path, &metrics, &err), 0);
	assert_int_equal(vst_io_read_file(-1, path, VST_METRICS_MAX, &text, &err), 0);
	assert_line(&text, "vestige_last_success_timestamp_seconds" LABELS " 1795305600.123", true);
	/* A link in its place is replaced, not followed. */
	assert_int_equal(symlink(path, link), 0);
	vst_buf_clear(&text);
	assert_int_equal(vst_metrics_write(link, &metrics, &err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(vst_io_read_file(-1, link, VST_METRICS_MAX, &text, &err), 0);
	assert_null(strstr(vst_buf_cstr(&text), "last_success"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left */
	assert_int_not_equal(vst_metrics_write(path, &metrics, &err), 0);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(umask(before), 077);
	vst_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(metrics_of_a_sealed_exhibit),
	        cmocka_unit_test(metrics_of_a_failure_keep_the_last_success),
	        cmocka_unit_test(metrics_believe_no_line_that_they_could_not_have_written),
	        cmocka_unit_test(metrics_escape_labels),
	        cmocka_unit_test(metrics_of_a_seal_without_a_series_leave_out_what_it_has_not),
	        cmocka_unit_test(metrics_replace_their_file_for_everybody_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
