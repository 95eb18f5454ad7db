#include "collect/live_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collect/limits.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define MOUNTINFO_MAX (16 * 1024 * 1024)
#define PASSES_MAX 3 /* listings, so that what is started meanwhile is taken too */
#define PATH "/processes.jsonl"

static int failed(int error, const char *what, struct vst_err *err)
{
	return error == ENOMEM ? vst_err_nomem(err) : vst_err_sys(err, error, "%s", what);
}

/* ---- mounts over processes ---- */

static int report_mount(
        struct vst_live *live, const struct vst_buf *point, struct vst_text type, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, details = VST_BUF_INIT;
	vst_buf_text(&text, "something is mounted over ");
	vst_text_show(&text, point->data, point->len);
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_put_text(&json, "mount_point", vst_proc_text(point));
	vst_live_put_text(&json, "fs_type", type);
	vst_json_end(&json);
	int rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_buf_check(&details, err);
	if (rc == 0)
		rc = vst_live_finding(live, "proc_overmounted", "high", vst_buf_cstr(&text),
		        "a sandbox hides files of /proc from what runs in it, but not single processes",
		        &details, err);
	vst_buf_free(&text);
	vst_buf_free(&details);
	return rc;
}

/* /proc/NUMBER and what is below. */
static bool is_of_process(const struct vst_buf *point)
{
	struct vst_text text = vst_proc_text(point);
	return vst_text_starts(text, "/proc/") && text.len > 6 && text.data[6] >= '0' && text.data[6] <= '9';
}

static int check_mounts(struct vst_processes *run, struct vst_err *err)
{
	struct vst_buf mounts = VST_BUF_INIT, point = VST_BUF_INIT;
	struct vst_text line, escaped, type;
	int rc = 0;
	if (run->proc.is_overlaid) {
		vst_buf_text(&point, "/proc");
		rc = report_mount(run->live, &point, (struct vst_text){"unknown", 7}, err);
	}
	(void)vst_proc_read(run->proc.fd, "thread-self/mountinfo", MOUNTINFO_MAX, &mounts, NULL);
	struct vst_text text = vst_proc_text(&mounts);
	while (rc == 0 && vst_text_line(&text, &line)) {
		if (!vst_proc_parse_mount(line, &escaped, &type))
			continue;
		vst_buf_clear(&point);
		vst_proc_unescape(escaped, &point);
		if (is_of_process(&point))
			rc = report_mount(run->live, &point, type, err);
	}
	vst_buf_free(&mounts);
	vst_buf_free(&point);
	return rc;
}

/* ---- the listed ---- */

static int add_listed(void *ctx, uint64_t pid)
{
	vst_pids_add(ctx, pid);
	return 0;
}

/* Lines for all that are listed and have none yet. */
static int write_listed(struct vst_processes *run, size_t *ret_new, struct vst_err *err)
{
	struct vst_pid_set listed = {0};
	int rc = 0;
	*ret_new = 0;
	int error = vst_proc_numbers(run->proc.fd, ".", add_listed, &listed);
	if (error == 0 && listed.failed)
		error = ENOMEM;
	if (error != 0)
		rc = failed(error, "/proc", err);
	vst_pids_sort(&listed);
	vst_pids_sort(&run->written);
	size_t before = run->written.count;
	for (size_t i = 0; rc == 0 && !run->live->out.cut && i < listed.count; i++) {
		struct vst_pid_set had = {run->written.ids, before, before, false};
		if (vst_pids_has(&had, listed.ids[i]))
			continue;
		(*ret_new)++;
		rc = vst_process_write(run, listed.ids[i], VST_PROCESS_LISTED, err);
		if (rc == 0)
			rc = vst_limits_check_cancel(run->live->context, err);
	}
	vst_pids_free(&listed);
	return rc;
}

/* ---- the hidden ---- */

static int report_hidden(struct vst_processes *run, uint32_t id, uint64_t group, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, details = VST_BUF_INIT;
	unsigned answers = vst_proc_ask(&run->proc, id, NULL);
	vst_buf_printf(&text, "process %u exists and /proc does not list it", id);
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_put_uint(&json, "pid", id);
	if (group != 0)
		vst_live_put_uint(&json, "tgid", group);
	vst_json_key(&json, "answers");
	vst_json_array(&json);
	for (unsigned bit = 0; bit < VST_PROC_ANSWERS; bit++)
		if (answers & 1u << bit)
			vst_json_string(&json, vst_proc_answer_name(bit));
	vst_json_end(&json);
	vst_json_end(&json);
	int rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_buf_check(&details, err);
	if (rc == 0)
		rc = vst_live_finding(run->live, "hidden_process", "high", vst_buf_cstr(&text),
		        "none that is known: it was asked for twice, before and after a listing", &details,
		        err);
	vst_buf_free(&text);
	vst_buf_free(&details);
	return rc;
}

/* The process that a thread belongs to; 0 if its status does not tell. */
static uint64_t group_of(struct vst_processes *run, uint32_t id)
{
	struct vst_proc_status status = {0};
	int fd = vst_proc_open_pid(&run->proc, id);
	if (fd < 0)
		return 0;
	if (vst_proc_read(fd, "status", 65536, &run->status_text, NULL) == 0)
		vst_proc_parse_status(vst_proc_text(&run->status_text), &status);
	close(fd);
	return status.has_tgid ? status.tgid : 0;
}

static int write_hidden(struct vst_processes *run, const struct vst_pid_set *hidden, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < hidden->count; i++) {
		uint32_t id = hidden->ids[i];
		uint64_t group = group_of(run, id);
		/* Its threads answer as well: one line and one finding for all of them. */
		if (group != 0 && group != id && vst_pids_has(hidden, group))
			continue;
		run->hidden++;
		rc = report_hidden(run, id, group, err);
		if (rc == 0)
			rc = vst_process_write(run, id, VST_PROCESS_HIDDEN, err);
	}
	return rc;
}

static int search_hidden(struct vst_processes *run, struct vst_err *err)
{
	struct vst_pid_set found = {0}, suspects = {0}, hidden = {0};
	const struct vst_pid_world world = vst_proc_world(&run->proc);
	vst_proc_search(&run->proc, &found);
	for (size_t i = 0; i < run->referred.count; i++)
		vst_pids_add(&found, run->referred.ids[i]);
	vst_pids_sort(&found);
	vst_pids_sort(&run->known);
	for (size_t i = 0; i < found.count; i++)
		if (!vst_pids_has(&run->known, found.ids[i]))
			vst_pids_add(&suspects, found.ids[i]);
	int error = found.failed ? ENOMEM : vst_pids_hidden(&world, &suspects, &hidden);
	int rc = error != 0 ? failed(error, "/proc", err) : write_hidden(run, &hidden, err);
	vst_pids_free(&found);
	vst_pids_free(&suspects);
	vst_pids_free(&hidden);
	return rc;
}

/* ---- the item ---- */

static void read_clocks(struct vst_processes *run)
{
	struct timespec boot = {0};
	long ticks = sysconf(_SC_CLK_TCK);
	run->ticks = ticks > 0 ? (uint64_t)ticks : 100;
	int64_t now = vst_time_now();
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	run->boot = now - ((int64_t)boot.tv_sec * VST_NS_PER_S + boot.tv_nsec);
}

static int write_all(struct vst_processes *run, struct vst_err *err)
{
	size_t fresh = 1;
	int rc = check_mounts(run, err);
	for (int pass = 0; rc == 0 && fresh > 0 && pass < PASSES_MAX; pass++)
		rc = write_listed(run, &fresh, err);
	/* With hidepid, all that is not ours would be suspect. */
	run->was_searched = rc == 0 && !run->live->out.cut && !run->proc.is_hiding;
	if (run->was_searched)
		rc = search_hidden(run, err);
	if (rc == 0 && (run->written.failed || run->known.failed || run->referred.failed))
		rc = failed(ENOMEM, "", err);
	return rc;
}

static void put_details(const struct vst_processes *run, struct vst_buf *details)
{
	struct vst_json json = vst_json_begin(details);
	vst_json_object(&json);
	vst_live_put_uint(&json, "processes", run->count);
	vst_live_put_uint(&json, "hidden", run->hidden);
	vst_live_put_uint(&json, "vanished", run->vanished);
	vst_live_put_uint(&json, "incomplete", run->incomplete);
	vst_live_put_bool(&json, "own_procfs", run->proc.is_own);
	vst_live_put_bool(&json, "searched", run->was_searched);
	vst_json_end(&json);
}

static void free_run(struct vst_processes *run)
{
	vst_proc_close(&run->proc);
	vst_inode_map_free(&run->exe_map);
	free(run->digests);
	vst_pids_free(&run->written);
	vst_pids_free(&run->known);
	vst_pids_free(&run->referred);
	vst_buf_free(&run->text);
	vst_buf_free(&run->stat_text);
	vst_buf_free(&run->status_text);
	vst_buf_free(&run->link);
	vst_buf_free(&run->name);
}

int vst_live_processes(struct vst_live *live, struct vst_err *err)
{
	struct vst_processes run = {.live = live, .proc = {.fd = -1}};
	struct vst_buf details = VST_BUF_INIT;
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc != 0)
		return rc;
	if (!live->context->content)
		return vst_stream_close(&live->out, NULL, err);
	int error = vst_proc_open(&run.proc);
	if (error != 0)
		return vst_stream_fail(&live->out, error, "open /proc", NULL, err);
	read_clocks(&run);
	rc = write_all(&run, err);
	put_details(&run, &details);
	if (rc == 0 && run.proc.is_hiding)
		rc = vst_stream_fail(&live->out, EACCES, VST_REASON_HIDEPID, &details, err);
	else if (rc == 0)
		rc = vst_stream_close(&live->out, &details, err);
	free_run(&run);
	vst_buf_free(&details);
	return rc;
}
