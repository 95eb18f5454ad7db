#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect/live_field.h"
#include "collect/live_mountinfo.h"
#include "collect/live_taint.h"
#include "collect/live_tree.h"
#include "vestige/err.h"

#define FACT_MAX (1024 * 1024)
#define SYSCTL_MAX (64 * 1024)
#define BINFMT_MAX 4096
#define BINFMT "proc/sys/fs/binfmt_misc"

struct kernel {
	struct vst_live *live;
	struct vst_buf text;
	bool binfmt_mounted;
};

/* ---- facts: small files, as they are ---- */

static const struct {
	const char *fact, *path;
} facts[] = {
        {"version", "proc/version"},
        {"cmdline", "proc/cmdline"},
        {"uptime", "proc/uptime"},
        {"loadavg", "proc/loadavg"},
        {"filesystems", "proc/filesystems"},
        {"crashdump_loaded", "sys/kernel/kexec_crash_loaded"},
        {"kexec_loaded", "sys/kernel/kexec_loaded"},
        {"lockdown", "sys/kernel/security/lockdown"},
        {"lsm", "sys/kernel/security/lsm"},
        {"profiling", "sys/kernel/profiling"},
        {"tracing_enabled", "sys/kernel/tracing/tracing_on"},
        {"ftrace_functions", "sys/kernel/tracing/enabled_functions"},
        {"kprobes", "sys/kernel/debug/kprobes/list"},
        {"hostname", "proc/sys/kernel/hostname"},
        {"boot_id", "proc/sys/kernel/random/boot_id"},
        {"entropy_available", "proc/sys/kernel/random/entropy_avail"},
        {"clocksource", "sys/devices/system/clocksource/clocksource0/current_clocksource"},
        {"product", "sys/class/dmi/id/product_name"},
};

static int write_fact(struct kernel *k, const char *fact, const char *path, int error, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(k->live);
	vst_live_string(&json, "fact", fact);
	vst_live_string(&json, "from", path);
	if (error != 0)
		vst_live_put_errno(&json, "error", error);
	if (k->text.len > 0 || error == 0)
		vst_live_text(&json, "value", k->text.len > 0 ? (const char *)k->text.data : "",
		        vst_live_trim(&k->text));
	return vst_live_end(k->live, &json, err);
}

static int find_preload(struct kernel *k, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_text(&json, "content", k->text.data, vst_live_trim(&k->text));
	vst_json_end(&json);
	int rc = vst_live_finding(k->live, "preload", "medium",
	        "/etc/ld.so.preload puts objects into every program",
	        "an allocator, a monitoring agent or a compatibility library of the administrator", &details,
	        err);
	vst_buf_free(&details);
	return rc;
}

static int take_facts(struct kernel *k, struct vst_err *err)
{
	int error, rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof facts / sizeof *facts; i++) {
		rc = vst_live_read(k->live->context->root_fd, facts[i].path, FACT_MAX, &k->text, &error, err);
		if (rc == 0)
			rc = write_fact(k, facts[i].fact, facts[i].path, error, err);
	}
	return rc;
}

static int take_preload(struct kernel *k, struct vst_err *err)
{
	static const char path[] = "etc/ld.so.preload";
	int error, rc = vst_live_read_file(k->live->context->root_fd, path, FACT_MAX, &k->text, &error, err);
	if (rc == 0)
		rc = write_fact(k, "preload", path, error, err);
	return rc == 0 && vst_live_trim(&k->text) > 0 ? find_preload(k, err) : rc;
}

/* "btime SECONDS" */
static int see_stat(void *ctx, const char *line, size_t len, struct vst_err *err)
{
	struct kernel *k = ctx;
	uint64_t seconds;
	if (len < 7 || memcmp(line, "btime ", 6) != 0 || !vst_live_number(line + 6, len - 6, 10, &seconds))
		return 0;
	struct vst_json json = vst_live_begin(k->live);
	vst_live_string(&json, "fact", "boot_time");
	vst_live_string(&json, "from", "proc/stat");
	vst_live_put_uint(&json, "seconds", seconds);
	if (seconds < INT64_MAX / 1000000000) {
		vst_json_key(&json, "time");
		vst_json_time(&json, (int64_t)seconds * 1000000000);
	}
	return vst_live_end(k->live, &json, err);
}

/* The variable is four bytes of attributes and one that is 1 where only signed code is booted. */
static int take_secure_boot(struct kernel *k, struct vst_err *err)
{
	static const char path[] = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	int error, rc = vst_live_read(k->live->context->root_fd, path, 64, &k->text, &error, err);
	if (rc != 0)
		return rc;
	struct vst_json json = vst_live_begin(k->live);
	vst_live_string(&json, "fact", "secure_boot");
	vst_live_string(&json, "from", path);
	if (error == 0 && k->text.len == 5)
		vst_live_put_bool(&json, "enabled", k->text.data[4] == 1);
	else
		vst_live_put_errno(&json, "error", error ? error : EBADMSG);
	return vst_live_end(k->live, &json, err);
}

static int find_taint(struct kernel *k, const struct vst_taint *taint, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	const char letter[2] = {taint->letter, '\0'};
	vst_json_object(&json);
	vst_live_string(&json, "letter", letter);
	vst_live_string(&json, "taint", taint->word);
	vst_json_end(&json);
	int rc = vst_live_finding(k->live, "tainted_kernel", taint->severity, taint->text,
	        "a driver that its maker delivers by itself (nvidia, vmware, zfs), or one that DKMS built "
	        "here",
	        &details, err);
	vst_buf_free(&details);
	return rc;
}

static int take_taint(struct kernel *k, struct vst_err *err)
{
	static const char path[] = "proc/sys/kernel/tainted";
	uint64_t bits = 0;
	int error, rc = vst_live_read(k->live->context->root_fd, path, 64, &k->text, &error, err);
	if (rc == 0 && error == 0 &&
	        !vst_live_number((const char *)k->text.data, vst_live_trim(&k->text), 10, &bits))
		error = EBADMSG;
	if (rc != 0 || error != 0)
		return rc != 0 ? rc : write_fact(k, "taint", path, error, err);
	struct vst_json json = vst_live_begin(k->live);
	char letters[VST_TAINTS + 1] = {0};
	vst_live_string(&json, "fact", "taint");
	vst_live_string(&json, "from", path);
	vst_live_put_uint(&json, "bits", bits);
	vst_json_key(&json, "words");
	vst_json_array(&json);
	for (unsigned i = 0; i < VST_TAINTS; i++)
		if (bits >> i & 1) {
			letters[strlen(letters)] = vst_taint_of(i)->letter;
			vst_json_string(&json, vst_taint_of(i)->word);
		}
	vst_json_end(&json);
	vst_live_string(&json, "letters", letters);
	rc = vst_live_end(k->live, &json, err);
	for (unsigned i = 0; rc == 0 && i < VST_TAINTS; i++)
		if (bits >> i & 1 && vst_taint_of(i)->severity)
			rc = find_taint(k, vst_taint_of(i), err);
	return rc;
}

static int write_kernel(struct kernel *k, struct vst_err *err)
{
	int error, rc = vst_stream_open(&k->live->out, "/kernel.jsonl", err);
	if (rc == 0 && k->live->context->content) {
		rc = take_facts(k, err);
		if (rc == 0)
			rc = take_preload(k, err);
		if (rc == 0)
			rc = vst_live_lines(k->live->context->root_fd, "proc/stat", see_stat, k, &error, err);
		if (rc == 0 && error != 0)
			rc = vst_live_trouble(k->live, 0, error, "/proc/stat", err);
		if (rc == 0)
			rc = take_secure_boot(k, err);
		if (rc == 0)
			rc = take_taint(k, err);
	}
	return rc != 0 ? rc : vst_live_close(k->live, 0, NULL, err);
}

/* ---- /proc/sys ---- */

/* Reading stat_refresh makes the kernel gather its counters. binfmt_misc is another file system, and may be
 * an automount. */
static bool is_skipped(void *ctx, const char *path)
{
	(void)ctx;
	return strcmp(path, "proc/sys/vm/stat_refresh") == 0 || strcmp(path, BINFMT) == 0;
}

static int write_value(void *ctx, const char *path, enum vst_item_type type, int error, struct vst_err *err)
{
	struct kernel *k = ctx;
	int rc = 0;
	vst_buf_clear(&k->text);
	if (error == 0 && type == VST_ITEM_FILE)
		rc = vst_live_read(k->live->context->root_fd, path, SYSCTL_MAX, &k->text, &error, err);
	if (rc != 0 || error == ENOENT)
		return rc;
	struct vst_json json = vst_live_begin(k->live);
	vst_live_text(&json, "path", path + strlen("proc/sys/"), strlen(path) > 9 ? strlen(path) - 9 : 0);
	if (error != 0)
		vst_live_put_errno(&json, "error", error);
	if (error == EFBIG)
		vst_live_put_bool(&json, "cut", true);
	if (error == 0 || k->text.len > 0)
		vst_live_text(&json, "value", k->text.len > 0 ? (const char *)k->text.data : "",
		        vst_live_trim(&k->text));
	return vst_live_end(k->live, &json, err);
}

static int write_sysctl(struct kernel *k, struct vst_err *err)
{
	int rc = vst_stream_open(&k->live->out, "/sysctl.jsonl", err);
	if (rc == 0 && k->live->context->content)
		rc = vst_live_tree(k->live, "proc/sys", is_skipped, write_value, k, err);
	return rc != 0 ? rc : vst_live_close(k->live, 0, NULL, err);
}

/* ---- formats of programs that others run (binfmt_misc) ---- */

static int see_mount(void *ctx, const char *line, size_t len, struct vst_err *err)
{
	struct kernel *k = ctx;
	struct vst_mountinfo mount;
	(void)err;
	if (vst_mountinfo_parse(line, len, &mount) && mount.type.len == 11 &&
	        memcmp(mount.type.text, "binfmt_misc", 11) == 0 && mount.point.len == strlen("/" BINFMT) &&
	        memcmp(mount.point.text, "/" BINFMT, mount.point.len) == 0)
		k->binfmt_mounted = true;
	return 0;
}

static int write_format(void *ctx, const char *path, enum vst_item_type type, int error, struct vst_err *err)
{
	struct kernel *k = ctx;
	const char *name = strrchr(path, '/') + 1;
	int rc = 0;
	if (strcmp(name, "register") == 0)
		return 0;
	vst_buf_clear(&k->text);
	if (error == 0 && type == VST_ITEM_FILE)
		rc = vst_live_read(k->live->context->root_fd, path, BINFMT_MAX, &k->text, &error, err);
	if (rc != 0)
		return rc;
	struct vst_json json = vst_live_begin(k->live);
	vst_live_text(&json, "name", name, strlen(name));
	if (error != 0)
		vst_live_put_errno(&json, "error", error);
	vst_live_text(
	        &json, "value", k->text.len > 0 ? (const char *)k->text.data : "", vst_live_trim(&k->text));
	return vst_live_end(k->live, &json, err);
}

/* Where it is not mounted nothing is registered that could be read: looking would make an automount mount it.
 */
static int write_binfmt(struct kernel *k, struct vst_err *err)
{
	int error, rc = vst_stream_open(&k->live->out, "/binfmt.jsonl", err);
	if (rc == 0 && k->live->context->content) {
		rc = vst_live_lines(
		        k->live->context->root_fd, "proc/self/mountinfo", see_mount, k, &error, err);
		if (rc == 0 && k->binfmt_mounted)
			rc = vst_live_tree(k->live, BINFMT, NULL, write_format, k, err);
		else if (rc == 0)
			rc = vst_live_trouble(k->live, 0, ENOENT, "binfmt_misc is not mounted", err);
	}
	return rc != 0 ? rc : vst_live_close(k->live, 0, NULL, err);
}

int vst_live_kernel(struct vst_live *live, struct vst_err *err)
{
	struct kernel k = {.live = live};
	int rc = write_kernel(&k, err);
	if (rc == 0)
		rc = write_sysctl(&k, err);
	if (rc == 0)
		rc = write_binfmt(&k, err);
	vst_buf_free(&k.text);
	return rc;
}
