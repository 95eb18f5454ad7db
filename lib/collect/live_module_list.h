/*
 * Kernel modules by name, and which of three lists has each: /proc/modules, /sys/module (with initstate: what
 * is built in has none), and the symbols of /proc/kallsyms.
 */
#ifndef COLLECT_LIVE_MODULE_LIST_H
#define COLLECT_LIVE_MODULE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_MODULES_MAX 65536
#define VST_MODULE_NAME_MAX 64 /* the kernel's own limit is 56 with the NUL, and 64 on some */

struct vst_err;

enum vst_module_list { VST_MODULES_PROC = 1, VST_MODULES_SYS = 2, VST_MODULES_SYMBOLS = 4 };

struct vst_module {
	char name[VST_MODULE_NAME_MAX]; /* as text that ends in NUL */
	unsigned lists;
};

struct vst_modules {
	struct vst_module *list;
	size_t count, cap;
	unsigned complete; /* lists that could be read to their end */
};

int vst_modules_add(struct vst_modules *modules, const char *name, size_t len, enum vst_module_list list,
        struct vst_err *err);
const struct vst_module *vst_modules_find(const struct vst_modules *modules, const char *name);
void vst_modules_free(struct vst_modules *modules);

/*
 * Whether the module stands in one list and not in another that would have it. Lists that could not be read
 * count for nothing, and what has no symbols is no sign of anything.
 */
bool vst_modules_differ(const struct vst_module *module, unsigned complete);

/* A line of /proc/modules: name size references users state address [taint]. Borrowed; false if it is none.
 */
struct vst_module_line {
	const char *name, *users, *state, *address, *taint;
	size_t name_len, users_len, state_len, address_len, taint_len; /* users: "-" is none */
	uint64_t size, references;
	bool has_references; /* "-" where modules cannot be unloaded */
};
bool vst_module_line_parse(const char *line, size_t len, struct vst_module_line *ret);

/* The module's name in a line of /proc/kallsyms: ADDRESS TYPE SYMBOL [MODULE]. False: of the kernel itself,
 * or of no module. */
bool vst_module_symbol(const char *line, size_t len, const char **ret, size_t *ret_len);

#endif
