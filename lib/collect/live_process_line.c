#include "collect/live_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/timefmt.h"

#define STAT_MAX 4096
#define STATUS_MAX (1024 * 1024) /* groups: 65536 of them */
#define CMDLINE_MAX (1024 * 1024)
#define ENVIRON_MAX (1024 * 1024)
#define TEXTS_MAX 65536 /* arguments; variables */
#define CGROUP_MAX (1024 * 1024)
#define NAMESPACES_MAX 64
#define NUMBER_MAX 64

/* ---- what could not be had ---- */

void vst_process_error(struct vst_process *p, const char *field, int error)
{
	if (error == ESRCH)
		p->is_gone = true;
	if (p->error_lines.len > 0)
		vst_buf_byte(&p->error_lines, ',');
	struct vst_json json = vst_json_begin(&p->error_lines);
	vst_json_object(&json);
	vst_json_key(&json, "field");
	vst_json_string(&json, field);
	vst_live_put_errno(&json, "errno", error);
	vst_json_end(&json);
}

void vst_process_cut(struct vst_process *p, const char *field)
{
	if (p->cuts.len > 0)
		vst_buf_byte(&p->cuts, ',');
	struct vst_json json = vst_json_begin(&p->cuts);
	vst_json_string(&json, field);
}

static void put_list(struct vst_process *p, const char *key, const struct vst_buf *values)
{
	if (values->len == 0)
		return;
	vst_json_key(p->json, key);
	vst_json_array(p->json);
	vst_json_raw(p->json, values->data, values->len);
	vst_json_end(p->json);
}

/* ---- stat and status ---- */

static void read_state(struct vst_process *p)
{
	struct vst_processes *run = p->run;
	int error = vst_proc_read(p->fd, "stat", STAT_MAX, &run->stat_text, NULL);
	if (error == 0)
		p->has_stat = vst_proc_parse_stat(vst_proc_text(&run->stat_text), &p->stat);
	if (!p->has_stat)
		vst_process_error(p, "stat", error != 0 ? error : EPROTO);
	error = vst_proc_read(p->fd, "status", STATUS_MAX, &run->status_text, NULL);
	vst_proc_parse_status(
	        error == 0 ? vst_proc_text(&run->status_text) : (struct vst_text){0}, &p->status);
	if (error != 0)
		vst_process_error(p, "status", error);
	p->is_kernel = p->has_stat && p->stat.flags & VST_PROC_KTHREAD;
}

static void put_tty(struct vst_json *json, uint64_t tty)
{
	uint32_t major = (uint32_t)(tty >> 8) & 0xfff;
	uint32_t minor = ((uint32_t)tty & 0xff) | ((uint32_t)(tty >> 12) & 0xfff00);
	char name[24] = "";
	if (tty == 0)
		return;
	if (major == 136)
		snprintf(name, sizeof name, "pts/%u", minor);
	else if (major == 4)
		snprintf(name, sizeof name, minor < 64 ? "tty%u" : "ttyS%u", minor < 64 ? minor : minor - 64);
	vst_json_key(json, "tty");
	vst_json_object(json);
	vst_live_put_dev(json, major, minor);
	if (name[0]) {
		vst_json_key(json, "name");
		vst_json_string(json, name);
	}
	vst_json_end(json);
}

static int64_t start_of(const struct vst_processes *run, uint64_t ticks)
{
	uint64_t seconds = ticks / run->ticks, rest = ticks % run->ticks;
	if (seconds > UINT64_C(4000000000))
		return VST_TIME_NONE;
	return run->boot + (int64_t)seconds * VST_NS_PER_S +
	       (int64_t)(rest * (uint64_t)VST_NS_PER_S / run->ticks);
}

static void put_state(struct vst_process *p)
{
	struct vst_json *json = p->json;
	const struct vst_proc_stat *stat = &p->stat;
	vst_live_put_text(json, "comm", stat->comm);
	vst_live_put_bool(json, "kernel_thread", p->is_kernel);
	vst_live_put_text(json, "state", (struct vst_text){&stat->state, 1});
	vst_live_put_uint(json, "ppid", stat->ppid);
	vst_live_put_uint(json, "pgrp", stat->pgrp);
	vst_live_put_uint(json, "session", stat->session);
	put_tty(json, stat->tty);
	vst_json_key(json, "start");
	vst_json_time(json, start_of(p->run, stat->start_ticks));
	vst_live_put_uint(json, "start_ticks", stat->start_ticks);
	vst_live_put_uint(json, "flags", stat->flags);
	vst_live_put_uint(json, "utime_ticks", stat->utime);
	vst_live_put_uint(json, "stime_ticks", stat->stime);
	vst_json_key(json, "nice");
	vst_json_int(json, stat->nice);
	vst_pids_add(&p->run->referred, stat->ppid);
	vst_pids_add(&p->run->referred, stat->pgrp);
	vst_pids_add(&p->run->referred, stat->session);
}

static void put_numbers(struct vst_json *json, const char *key, struct vst_text text)
{
	struct vst_text field;
	uint64_t number;
	vst_json_key(json, key);
	vst_json_array(json);
	while (vst_text_field(&text, &field))
		if (vst_text_number(field, 10, &number))
			vst_json_uint(json, number);
	vst_json_end(json);
}

static void put_four(struct vst_json *json, const char *key, const uint64_t ids[4])
{
	vst_json_key(json, key);
	vst_json_array(json);
	for (size_t i = 0; i < 4; i++)
		vst_json_uint(json, ids[i]);
	vst_json_end(json);
}

static void put_credentials(struct vst_process *p)
{
	static const char *const caps[VST_PROC_CAPS] = {
	        "inheritable", "permitted", "effective", "bounding", "ambient"};
	const struct vst_proc_status *status = &p->status;
	struct vst_json *json = p->json;
	char text[24];
	if (!status->has_ids)
		return;
	vst_json_key(json, "credentials");
	vst_json_object(json);
	put_four(json, "uids", status->uids);
	put_four(json, "gids", status->gids);
	put_numbers(json, "groups", status->groups);
	vst_json_key(json, "capabilities");
	vst_json_object(json);
	for (size_t i = 0; i < VST_PROC_CAPS; i++) {
		if (!status->has_caps[i])
			continue;
		snprintf(text, sizeof text, "%016jx", (uintmax_t)status->caps[i]);
		vst_json_key(json, caps[i]);
		vst_json_string(json, text);
	}
	vst_json_end(json);
	vst_json_end(json);
}

static void put_status(struct vst_process *p)
{
	const struct vst_proc_status *status = &p->status;
	struct vst_json *json = p->json;
	if (status->has_tgid)
		vst_live_put_uint(json, "tgid", status->tgid);
	if (status->ns_pids.len > 0)
		put_numbers(json, "ns_pids", status->ns_pids);
	put_credentials(p);
	if (status->has_tracer) {
		vst_live_put_uint(json, "tracer_pid", status->tracer);
		vst_pids_add(&p->run->referred, status->tracer);
	}
	if (status->has_no_new_privs)
		vst_live_put_uint(json, "no_new_privs", status->no_new_privs);
	if (status->has_seccomp)
		vst_live_put_uint(json, "seccomp", status->seccomp);
	if (status->has_umask) {
		char text[24];
		snprintf(text, sizeof text, "%04jo", (uintmax_t)status->umask);
		vst_json_key(json, "umask");
		vst_json_string(json, text);
	}
}

/* ---- small files and links ---- */

static void put_number(struct vst_process *p, const char *key, const char *file)
{
	struct vst_buf *text = &p->run->text;
	int error = vst_proc_read(p->fd, file, NUMBER_MAX, text, NULL);
	if (error == ENOENT) /* a kernel without it */
		return;
	if (error != 0) {
		vst_process_error(p, key, error);
		return;
	}
	struct vst_text value = vst_proc_text(text), line = {0};
	uint64_t number;
	(void)vst_text_line(&value, &line);
	bool negative = vst_text_starts(line, "-");
	if (negative) {
		line.data++;
		line.len--;
	}
	if (!vst_text_number(line, 10, &number) || number > INT64_MAX) {
		vst_process_error(p, key, EPROTO);
		return;
	}
	vst_json_key(p->json, key);
	vst_json_int(p->json, negative ? -(int64_t)number : (int64_t)number);
}

static void put_texts(struct vst_process *p, const char *key, const char *file, size_t max)
{
	struct vst_buf *text = &p->run->text;
	bool cut = false;
	int error = vst_proc_read(p->fd, file, max, text, &cut);
	if (error != 0)
		vst_process_error(p, key, error);
	if (error != 0 && text->len == 0)
		return;
	if (!vst_live_put_texts(p->json, key, vst_proc_text(text), TEXTS_MAX))
		cut = true;
	if (cut)
		vst_process_cut(p, key);
}

static void put_cmdline(struct vst_process *p)
{
	put_texts(p, "cmdline", "cmdline", CMDLINE_MAX);
	const struct vst_buf *text = &p->run->text;
	p->has_cmdline = text->len > 0;
	vst_buf_bytes(
	        &p->argument, text->data, strnlen(text->len > 0 ? (const char *)text->data : "", text->len));
}

static void put_link(struct vst_process *p, const char *key)
{
	int error = vst_proc_link(p->fd, key, &p->run->link);
	if (error == 0)
		vst_live_put_text(p->json, key, vst_proc_text(&p->run->link));
	else if (error != ENOENT || !(p->is_kernel || p->stat.state == 'Z' || p->stat.state == 'X'))
		vst_process_error(p, key, error);
}

static void put_namespace(struct vst_process *p, int fd, const char *name)
{
	struct vst_text word;
	uint64_t inode;
	int error = vst_proc_link(fd, name, &p->run->link);
	if (error == 0 && vst_proc_parse_bracketed(vst_proc_text(&p->run->link), &word, &inode))
		vst_live_put_uint(p->json, name, inode);
	else if (error != ENOENT) /* an ended process has none; others have no children yet */
		vst_process_error(p, "namespaces", error != 0 ? error : EPROTO);
}

static void put_namespaces(struct vst_process *p)
{
	struct dirent *entry;
	size_t count = 0;
	int fd = openat(p->fd, "ns", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		vst_process_error(p, "namespaces", errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	vst_json_key(p->json, "namespaces");
	vst_json_object(p->json);
	while (count < NAMESPACES_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			put_namespace(p, fd, entry->d_name);
			count++;
		}
	vst_json_end(p->json);
	closedir(dir);
}

static void put_cgroups(struct vst_process *p)
{
	struct vst_text line;
	struct vst_proc_cgroup cgroup;
	bool cut = false;
	int error = vst_proc_read(p->fd, "cgroup", CGROUP_MAX, &p->run->text, &cut);
	if (error == ENOENT)
		return;
	if (error != 0)
		vst_process_error(p, "cgroup", error);
	if (cut)
		vst_process_cut(p, "cgroup");
	struct vst_text text = vst_proc_text(&p->run->text);
	vst_json_key(p->json, "cgroup");
	vst_json_array(p->json);
	while (vst_text_line(&text, &line)) {
		if (!vst_proc_parse_cgroup(line, &cgroup))
			continue;
		vst_json_object(p->json);
		vst_live_put_uint(p->json, "hierarchy", cgroup.hierarchy);
		vst_live_put_text(p->json, "controllers", cgroup.controllers);
		vst_live_put_text(p->json, "path", cgroup.path);
		vst_json_end(p->json);
	}
	vst_json_end(p->json);
}

static void put_threads(struct vst_process *p)
{
	struct vst_pid_set *known = &p->run->known;
	size_t before = known->count;
	int error = vst_proc_threads(p->fd, known);
	vst_json_key(p->json, "threads");
	vst_json_array(p->json);
	for (size_t i = before; i < known->count; i++)
		vst_json_uint(p->json, known->ids[i]);
	vst_json_end(p->json);
	if (error == E2BIG)
		vst_process_cut(p, "threads");
	else if (error != 0)
		vst_process_error(p, "threads", error);
}

/* ---- the line ---- */

static void put_all(struct vst_process *p)
{
	read_state(p);
	if (p->has_stat)
		put_state(p);
	put_status(p);
	put_threads(p);
	put_cmdline(p);
	vst_process_put_exe(p);
	put_link(p, "cwd");
	put_link(p, "root");
	put_texts(p, "environ", "environ", ENVIRON_MAX);
	put_namespaces(p);
	put_cgroups(p);
	put_number(p, "loginuid", "loginuid");
	put_number(p, "sessionid", "sessionid");
	put_number(p, "oom_score", "oom_score");
	put_number(p, "oom_score_adj", "oom_score_adj");
	vst_process_put_files(p);
	vst_process_put_maps(p);
}

/* Ended while it was read, or before: its directory answers no more. */
static bool is_gone(struct vst_process *p)
{
	struct vst_proc_stat stat;
	if (p->is_gone)
		return true;
	int error = vst_proc_read(p->fd, "stat", STAT_MAX, &p->run->text, NULL);
	if (error == 0 && p->has_stat && vst_proc_parse_stat(vst_proc_text(&p->run->text), &stat))
		return (stat.state == 'Z' || stat.state == 'X') && stat.state != p->stat.state;
	return error == ESRCH || error == ENOENT;
}

static void put_end(struct vst_process *p, enum vst_process_listing listing, int open_error)
{
	const char *status = "collected";
	if (open_error != 0) {
		vst_process_error(p, "pid", open_error);
		status = vst_item_status_name(vst_stream_status_of(open_error));
	}
	if (open_error == ENOENT || open_error == ESRCH ? listing == VST_PROCESS_LISTED
	                                                : open_error == 0 && is_gone(p)) {
		status = "vanished";
		p->run->vanished++;
	}
	p->is_gone = strcmp(status, "vanished") == 0;
	vst_json_key(p->json, "status");
	vst_json_string(p->json, status);
	if (p->error_lines.len > 0 && !p->is_gone)
		p->run->incomplete++;
	put_list(p, "cut", &p->cuts);
	put_list(p, "errors", &p->error_lines);
}

int vst_process_write(
        struct vst_processes *run, uint64_t pid, enum vst_process_listing listing, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(run->live);
	struct vst_process p = {.run = run, .pid = pid, .json = &json};
	vst_live_put_uint(&json, "pid", pid);
	if (listing == VST_PROCESS_HIDDEN)
		vst_live_put_bool(&json, "hidden", true);
	p.fd = vst_proc_open_pid(&run->proc, pid);
	int open_error = p.fd < 0 ? errno : 0;
	if (p.fd >= 0)
		put_all(&p);
	put_end(&p, listing, open_error);
	run->count++;
	vst_pids_add(&run->written, pid);
	vst_pids_add(&run->known, pid);
	int rc = vst_buf_check(&p.error_lines, err);
	if (rc == 0)
		rc = vst_buf_check(&p.cuts, err);
	if (rc == 0)
		rc = vst_live_end(run->live, &json, err);
	if (rc == 0 && p.fd >= 0 && !p.is_gone)
		rc = vst_process_judge(&p, err);
	if (p.fd >= 0)
		close(p.fd);
	vst_buf_free(&p.error_lines);
	vst_buf_free(&p.cuts);
	vst_buf_free(&p.exe);
	vst_buf_free(&p.argument);
	return rc;
}
