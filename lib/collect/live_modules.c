#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collect/listing.h"
#include "collect/live_field.h"
#include "collect/live_module_list.h"
#include "vestige/err.h"

#define PATH "/modules.jsonl"
#define SMALL 4096          /* bytes of a file of /sys/module/NAME */
#define PARAMETERS_MAX 1024 /* of one module */
#define SYS "sys/module"

struct modules {
	struct vst_live *live;
	struct vst_modules *known;
	bool write;                     /* each line of /proc/modules too */
	char last[VST_MODULE_NAME_MAX]; /* of symbols: those of one module stand together */
	struct vst_buf value;
};

/* ---- what /sys/module tells of one ---- */

static int write_attribute(struct modules *m, const char *name, const char *file, const char *key,
        struct vst_json *json, struct vst_err *err)
{
	char path[256];
	int error;
	snprintf(path, sizeof path, SYS "/%s/%s", name, file);
	int rc = vst_live_read(m->live->context->root_fd, path, SMALL, &m->value, &error, err);
	if (rc == 0 && error == 0)
		vst_live_text(json, key, m->value.data, vst_live_trim(&m->value));
	return rc;
}

static int list(
        struct modules *m, const char *path, struct vst_listing *ret, int *ret_error, struct vst_err *err)
{
	int fd = openat(m->live->context->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret_error = fd < 0 ? errno : 0;
	if (fd < 0)
		return 0;
	int rc = vst_listing_read(ret, fd, ret_error, err);
	close(fd);
	return rc;
}

/* Values that nobody may read have an errno in their place. */
static int write_parameters(struct modules *m, const char *name, struct vst_json *json, struct vst_err *err)
{
	struct vst_listing listing = {0};
	char path[512];
	int error, rc;
	snprintf(path, sizeof path, SYS "/%s/parameters", name);
	rc = list(m, path, &listing, &error, err);
	if (rc == 0 && listing.count > 0) {
		vst_json_key(json, "parameters");
		vst_json_array(json);
		for (size_t i = 0; rc == 0 && i < listing.count && i < PARAMETERS_MAX; i++) {
			const char *parameter = vst_listing_name(&listing, i);
			snprintf(path, sizeof path, SYS "/%s/parameters/%s", name, parameter);
			rc = vst_live_read(m->live->context->root_fd, path, SMALL, &m->value, &error, err);
			vst_json_object(json);
			vst_live_text(json, "name", parameter, strlen(parameter));
			if (error == 0)
				vst_live_text(json, "value", m->value.data, vst_live_trim(&m->value));
			else
				vst_live_put_errno(json, "error", error);
			vst_json_end(json);
		}
		vst_json_end(json);
	}
	vst_listing_free(&listing);
	return rc;
}

static int write_sys(struct modules *m, const char *name, struct vst_json *json, struct vst_err *err)
{
	static const struct {
		const char *file, *key;
	} files[] = {{"initstate", "initstate"}, {"refcnt", "sys_references"}, {"coresize", "core_size"},
	        {"initsize", "init_size"}, {"srcversion", "srcversion"}, {"version", "version"},
	        {"taint", "sys_taint"}};
	struct vst_listing sections = {0};
	char path[256];
	int error, rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof files / sizeof *files; i++)
		rc = write_attribute(m, name, files[i].file, files[i].key, json, err);
	snprintf(path, sizeof path, SYS "/%s/sections", name);
	if (rc == 0)
		rc = list(m, path, &sections, &error, err);
	if (rc == 0 && error == 0)
		vst_live_put_uint(json, "sections", sections.count);
	vst_listing_free(&sections);
	return rc != 0 ? rc : write_parameters(m, name, json, err);
}

/* ---- the lists ---- */

static int write_line(struct modules *m, const struct vst_module_line *line, struct vst_err *err)
{
	char name[VST_MODULE_NAME_MAX];
	int rc = 0;
	struct vst_json json = vst_live_begin(m->live);
	vst_live_string(&json, "from", "/proc/modules");
	vst_live_text(&json, "name", line->name, line->name_len);
	vst_live_put_uint(&json, "size", line->size);
	if (line->has_references)
		vst_live_put_uint(&json, "references", line->references);
	vst_live_text(&json, "users", line->users, line->users_len);
	vst_live_text(&json, "state", line->state, line->state_len);
	vst_live_text(&json, "address", line->address, line->address_len);
	if (line->taint_len > 0)
		vst_live_text(&json, "taint", line->taint, line->taint_len);
	if (line->name_len < sizeof name && !memchr(line->name, '/', line->name_len)) {
		memcpy(name, line->name, line->name_len);
		name[line->name_len] = '\0';
		rc = write_sys(m, name, &json, err);
	}
	return rc != 0 ? rc : vst_live_end(m->live, &json, err);
}

static int see_line(void *ctx, const char *text, size_t len, struct vst_err *err)
{
	struct modules *m = ctx;
	struct vst_module_line line;
	if (!vst_module_line_parse(text, len, &line))
		return m->write ? vst_live_trouble(m->live, 0, EBADMSG, "a line of /proc/modules", err) : 0;
	int rc = vst_modules_add(m->known, line.name, line.name_len, VST_MODULES_PROC, err);
	return rc == 0 && m->write ? write_line(m, &line, err) : rc;
}

static int see_symbol(void *ctx, const char *text, size_t len, struct vst_err *err)
{
	struct modules *m = ctx;
	const char *name;
	size_t name_len;
	if (!vst_module_symbol(text, len, &name, &name_len) || name_len >= sizeof m->last)
		return 0;
	if (strlen(m->last) == name_len && memcmp(m->last, name, name_len) == 0)
		return 0;
	memset(m->last, 0, sizeof m->last);
	memcpy(m->last, name, name_len);
	return vst_modules_add(m->known, name, name_len, VST_MODULES_SYMBOLS, err);
}

static int read_sys(struct modules *m, int *ret_error, struct vst_err *err)
{
	struct vst_listing listing = {0};
	char path[512];
	int error, rc = list(m, SYS, &listing, ret_error, err);
	for (size_t i = 0; rc == 0 && i < listing.count; i++) {
		const char *name = vst_listing_name(&listing, i);
		snprintf(path, sizeof path, SYS "/%s/initstate", name);
		rc = vst_live_read(m->live->context->root_fd, path, SMALL, &m->value, &error, err);
		if (rc == 0 && error == 0)
			rc = vst_modules_add(m->known, name, strlen(name), VST_MODULES_SYS, err);
	}
	vst_listing_free(&listing);
	return rc;
}

/* Reads all three; `*ret_errors` are of /proc/modules, /sys/module, /proc/kallsyms. */
static int read_all(struct modules *m, int ret_errors[3], struct vst_err *err)
{
	int root = m->live->context->root_fd;
	int rc = vst_live_lines(root, "proc/modules", see_line, m, &ret_errors[0], err);
	if (rc == 0)
		rc = read_sys(m, &ret_errors[1], err);
	if (rc == 0)
		rc = vst_live_lines(root, "proc/kallsyms", see_symbol, m, &ret_errors[2], err);
	for (unsigned i = 0; i < 3; i++)
		if (ret_errors[i] == 0)
			m->known->complete |= 1U << i;
	return rc;
}

/* ---- comparison ---- */

static int tell(struct modules *m, const struct vst_module *module, unsigned complete, struct vst_err *err)
{
	static const char *const lists[] = {"/proc/modules", "/sys/module", "/proc/kallsyms"};
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	char text[160];
	vst_json_object(&json);
	vst_live_text(&json, "name", module->name, strlen(module->name));
	for (int missing = 0; missing < 2; missing++) {
		vst_json_key(&json, missing ? "missing_in" : "listed_by");
		vst_json_array(&json);
		for (unsigned i = 0; i < 3; i++)
			if (complete & 1U << i && (missing != 0) == ((module->lists & 1U << i) == 0))
				vst_json_string(&json, lists[i]);
		vst_json_end(&json);
	}
	vst_json_end(&json);
	snprintf(text, sizeof text, "the kernel module %s is in one list of modules and missing in another",
	        module->name);
	int rc = vst_live_finding(m->live, "hidden_module", "high", text,
	        "a module that was being loaded or removed all the time that the lists were read", &details,
	        err);
	vst_buf_free(&details);
	return rc;
}

/* A module that the first reading found in one list only is written with what /sys tells of it. */
static int write_unlisted(struct modules *m, const struct vst_module *module, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(m->live);
	vst_live_string(&json, "from", module->lists & VST_MODULES_SYS ? "/sys/module" : "/proc/kallsyms");
	vst_live_text(&json, "name", module->name, strlen(module->name));
	int rc = strchr(module->name, '/') ? 0 : write_sys(m, module->name, &json, err);
	return rc != 0 ? rc : vst_live_end(m->live, &json, err);
}

static int compare(struct modules *m, struct vst_err *err)
{
	struct vst_modules *first = m->known, again = {0};
	int errors[3], rc = 0;
	bool any = false;
	for (size_t i = 0; rc == 0 && i < first->count; i++) {
		if (!(first->list[i].lists & VST_MODULES_PROC))
			rc = write_unlisted(m, &first->list[i], err);
		any = any || vst_modules_differ(&first->list[i], first->complete);
	}
	if (rc != 0 || !any)
		return rc;
	m->known = &again;
	m->write = false;
	memset(m->last, 0, sizeof m->last);
	rc = read_all(m, errors, err);
	for (size_t i = 0; rc == 0 && i < first->count; i++) {
		const struct vst_module *now = vst_modules_find(&again, first->list[i].name);
		if (vst_modules_differ(&first->list[i], first->complete) && now &&
		        now->lists == first->list[i].lists && vst_modules_differ(now, again.complete))
			rc = tell(m, now, again.complete, err);
	}
	m->known = first;
	vst_modules_free(&again);
	return rc;
}

static int take(struct modules *m, struct vst_err *err)
{
	static const char *const what[] = {
	        "/proc/modules (ENOENT: a kernel without loadable modules)", "/sys/module", "/proc/kallsyms"};
	int errors[3] = {0};
	int rc = read_all(m, errors, err);
	for (unsigned i = 0; rc == 0 && i < 3; i++)
		if (errors[i] != 0)
			rc = vst_live_trouble(m->live, 0, errors[i], what[i], err);
	return rc != 0 ? rc : compare(m, err);
}

int vst_live_modules(struct vst_live *live, struct vst_err *err)
{
	struct vst_modules known = {0};
	struct modules m = {.live = live, .known = &known, .write = true};
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content)
		rc = take(&m, err);
	vst_modules_free(&known);
	vst_buf_free(&m.value);
	return rc != 0 ? rc : vst_live_close(live, 0, NULL, err);
}
