#include "collect/live_process.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "vestige/err.h"
#include "vestige/text.h"

#define SETTLE_NS 2000000 /* a process in the middle of execve() has no arguments for a moment */

struct verdict {
	const char *finding, *severity, *what, *innocent;
};

static const struct verdict deleted = {"deleted_executable", "medium", "runs a program that has been deleted",
        "a package upgrade replaces the programs of running processes"};
static const struct verdict memory = {"memfd_executable", "high", "runs a program that was never a file",
        "container runtimes run a sealed copy of themselves from memory"};
static const struct verdict unreadable = {"executable_unreadable", "medium",
        "is a user's process and its program cannot be told", "it was ending while it was read"};
static const struct verdict lookalike = {"kernel_thread_lookalike", "high",
        "names itself as kernel threads are named, and runs a program",
        "a few programs put their name into brackets while they start"};
static const struct verdict nameless = {"kernel_thread_lookalike", "medium",
        "has no arguments, as kernel threads have none, and runs a program",
        "some programs clear their arguments to hide a password"};

static int report(struct vst_process *p, const struct verdict *verdict, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, details = VST_BUF_INIT;
	struct vst_text exe = vst_proc_text(&p->exe);
	vst_buf_printf(&text, "process %ju (", (uintmax_t)p->pid);
	vst_text_show(&text, p->stat.comm.data, p->stat.comm.len);
	vst_buf_printf(&text, ") %s", verdict->what);
	if (p->has_exe) {
		vst_buf_text(&text, ": ");
		vst_text_show(&text, exe.data, exe.len);
	}
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_put_uint(&json, "pid", p->pid);
	vst_live_put_text(&json, "comm", p->stat.comm);
	if (p->has_exe)
		vst_live_put_text(&json, "exe", exe);
	if (p->exe_error != 0)
		vst_live_put_errno(&json, "errno", p->exe_error);
	vst_json_end(&json);
	int rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_buf_check(&details, err);
	if (rc == 0)
		rc = vst_live_finding(p->run->live, verdict->finding, verdict->severity, vst_buf_cstr(&text),
		        verdict->innocent, &details, err);
	vst_buf_free(&text);
	vst_buf_free(&details);
	return rc;
}

static bool is_bracketed(const struct vst_buf *text)
{
	return text->len > 2 && text->data[0] == '[' && memchr(text->data, ']', text->len);
}

/* Still without arguments, and still the same program, a moment later. */
static bool stays_nameless(struct vst_process *p)
{
	struct timespec moment = {.tv_nsec = SETTLE_NS};
	nanosleep(&moment, NULL);
	if (vst_proc_read(p->fd, "cmdline", 16, &p->run->text, NULL) != 0 || p->run->text.len > 0)
		return false;
	struct vst_proc_stat stat;
	if (vst_proc_read(p->fd, "stat", 4096, &p->run->text, NULL) != 0 ||
	        !vst_proc_parse_stat(vst_proc_text(&p->run->text), &stat) || stat.state == 'Z')
		return false;
	int error = vst_proc_link(p->fd, "exe", &p->run->link);
	return p->has_exe ? error == 0 : error != 0;
}

int vst_process_judge(struct vst_process *p, struct vst_err *err)
{
	int rc = 0;
	if (!p->has_stat || p->is_kernel || p->stat.state == 'Z' || p->stat.state == 'X')
		return 0;
	if (p->exe_memfd)
		rc = report(p, &memory, err);
	else if (p->exe_deleted)
		rc = report(p, &deleted, err);
	else if (!p->has_exe && p->exe_error != EACCES && p->exe_error != EPERM && stays_nameless(p))
		rc = report(p, &unreadable, err);
	if (rc != 0 || !p->has_exe)
		return rc;
	if (is_bracketed(&p->argument))
		return report(p, &lookalike, err);
	return !p->has_cmdline && stays_nameless(p) ? report(p, &nameless, err) : 0;
}
