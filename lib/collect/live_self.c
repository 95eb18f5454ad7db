#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/live.h"
#include "collect/live_put.h"
#include "collect/self_needed.h"
#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/self_objects.h"
#include "vestige/text.h"

#define PATH "/self.jsonl"
#define PRELOAD_FILE "/etc/ld.so.preload"
#define PRELOAD_MAX (64 * 1024)

static const char *const variables[] = {"LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"};

struct self {
	struct vst_live *live;
	struct vst_self_objects objects;
	struct vst_self_libraries *libraries;
	struct vst_buf preload; /* what LD_PRELOAD, LD_AUDIT and the file name, with blanks between */
	uint64_t unexplained;
};

static struct vst_text text_of(const char *text)
{
	return (struct vst_text){text, strlen(text)};
}

/* ---- what was asked for ---- */

static int write_variables(struct self *self, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof variables / sizeof *variables; i++) {
		const char *value = getenv(variables[i]);
		struct vst_json json = vst_live_begin(self->live);
		vst_json_key(&json, "kind");
		vst_json_string(&json, "environment");
		vst_json_key(&json, "name");
		vst_json_string(&json, variables[i]);
		vst_live_put_bool(&json, "set", value != NULL);
		if (value)
			vst_live_put_text(&json, "value", text_of(value));
		rc = vst_live_end(self->live, &json, err);
		if (value && i < 2) {
			vst_buf_text(&self->preload, value);
			vst_buf_byte(&self->preload, ' ');
		}
	}
	return rc;
}

static int write_preload_file(struct self *self, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err failure = VST_ERR_INIT;
	int rc = vst_beneath_read(self->live->context->root_fd, PRELOAD_FILE, PRELOAD_MAX, &text, &failure);
	struct vst_json json = vst_live_begin(self->live);
	vst_json_key(&json, "kind");
	vst_json_string(&json, "ld_so_preload");
	vst_json_key(&json, "path");
	vst_json_string(&json, PRELOAD_FILE);
	vst_json_key(&json, "status");
	if (rc == VST_ENOTFOUND) {
		vst_json_string(&json, "absent");
	} else if (rc != 0) {
		vst_json_string(&json, vst_item_status_name(vst_stream_status_of(failure.sys)));
		vst_live_put_text(&json, "reason", text_of(failure.text));
	} else {
		vst_json_string(&json, "collected");
		vst_live_put_text(&json, "content", (struct vst_text){(const char *)text.data, text.len});
		vst_buf_bytes(&self->preload, text.data, text.len);
	}
	vst_buf_free(&text);
	return vst_live_end(self->live, &json, err);
}

/* ---- what is there ---- */

/* Whether a path is one of the words that are to be preloaded; they may be names alone. */
static bool is_preloaded(const struct self *self, const char *path)
{
	static const char separators[] = " \t\n:";
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *at = (const char *)self->preload.data, *end = at + self->preload.len;
	while (at < end) {
		size_t len = 0;
		while (at + len < end && !(at[len] && strchr(separators, at[len])))
			len++;
		if ((len == strlen(path) && memcmp(at, path, len) == 0) ||
		        (len > 0 && len == strlen(base) && memcmp(at, base, len) == 0))
			return true;
		at += len + 1;
	}
	return false;
}

static const struct vst_self_library *library_of(const struct self *self, const char *path)
{
	char *real = NULL;
	const struct vst_self_library *found = NULL;
	for (size_t i = 0; i < self->libraries->count && !found; i++) {
		const struct vst_self_library *library = &self->libraries->list[i];
		if (strcmp(library->path, path) == 0)
			found = library;
		/* The dynamic linker keeps the link by which it found it. */
		else if (library->path[0] == '/' && (real = realpath(library->path, NULL)) &&
		         strcmp(real, path) == 0)
			found = library;
		free(real);
		real = NULL;
	}
	return found;
}

/* Ours, needed, or data; the program stands in the linker's list without a path. */
static bool is_explained(
        const struct self *self, const struct vst_self_object *object, const struct vst_self_library *library)
{
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	if (is_preloaded(self, object->path) || (library && is_preloaded(self, library->path)))
		return false;
	if (len > 0) {
		program[len] = '\0';
		if (strcmp(program, object->path) == 0)
			return true;
	}
	return !object->is_executable || (library && library->is_needed);
}

static int report(struct self *self, const struct vst_self_object *object, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, details = VST_BUF_INIT;
	vst_buf_text(&text, "a library that this program did not ask for is mapped into it: ");
	vst_text_show(&text, object->path, strlen(object->path));
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_put_text(&json, "path", text_of(object->path));
	if (object->has_sha256) {
		vst_json_key(&json, "sha256");
		vst_json_hex(&json, object->sha256, VST_HASH_LEN);
	}
	vst_json_end(&json);
	int rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_buf_check(&details, err);
	if (rc == 0)
		rc = vst_live_finding(self->live, "preloaded_library", "high", vst_buf_cstr(&text),
		        "some hosts preload a library into everything: allocators, sandboxes, build tools",
		        &details, err);
	vst_buf_free(&text);
	vst_buf_free(&details);
	self->unexplained++;
	return rc;
}

static int write_object(struct self *self, const struct vst_self_object *object, struct vst_err *err)
{
	const struct vst_self_library *library = library_of(self, object->path);
	bool explained = is_explained(self, object, library);
	struct vst_json json = vst_live_begin(self->live);
	vst_json_key(&json, "kind");
	vst_json_string(&json, "object");
	vst_live_put_text(&json, "path", text_of(object->path));
	vst_live_put_dev(&json, object->dev_major, object->dev_minor);
	vst_live_put_uint(&json, "ino", object->ino);
	vst_live_put_bool(&json, "executable", object->is_executable);
	vst_live_put_bool(&json, "explained", explained);
	vst_json_key(&json, "sha256");
	if (object->has_sha256)
		vst_json_hex(&json, object->sha256, VST_HASH_LEN);
	else
		vst_json_null(&json);
	int rc = vst_live_end(self->live, &json, err);
	return rc == 0 && !explained ? report(self, object, err) : rc;
}

/* ---- the item ---- */

static int write_all(struct self *self, struct vst_err *err)
{
	int rc = write_variables(self, err);
	if (rc == 0)
		rc = write_preload_file(self, err);
	if (rc == 0)
		rc = vst_buf_check(&self->preload, err);
	if (rc == 0)
		rc = vst_self_objects_read(&self->objects, err);
	for (size_t i = 0; rc == 0 && i < self->objects.count; i++)
		rc = write_object(self, &self->objects.objects[i], err);
	return rc;
}

int vst_live_self(struct vst_live *live, struct vst_err *err)
{
	struct self self = {.live = live};
	struct vst_buf details = VST_BUF_INIT;
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc != 0)
		return rc;
	if (!live->context->content)
		return vst_stream_close(&live->out, NULL, err);
	self.libraries = vst_alloc(sizeof *self.libraries);
	if (self.libraries) {
		vst_self_needed(self.libraries);
		rc = write_all(&self, err);
	} else {
		rc = vst_err_nomem(err);
	}
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_put_uint(&json, "objects", self.objects.count);
	vst_live_put_uint(&json, "unexplained", self.unexplained);
	vst_json_end(&json);
	if (rc == 0)
		rc = vst_stream_close(&live->out, &details, err);
	vst_self_objects_free(&self.objects);
	free(self.libraries);
	vst_buf_free(&self.preload);
	vst_buf_free(&details);
	return rc;
}
