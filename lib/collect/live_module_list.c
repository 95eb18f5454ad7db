#include "collect/live_module_list.h"

#include <stdlib.h>
#include <string.h>

#include "collect/live_field.h"
#include "vestige/mem.h"

int vst_modules_add(struct vst_modules *modules, const char *name, size_t len, enum vst_module_list list,
        struct vst_err *err)
{
	if (len == 0 || len >= VST_MODULE_NAME_MAX || memchr(name, 0, len))
		return 0;
	for (size_t i = 0; i < modules->count; i++)
		if (strlen(modules->list[i].name) == len && memcmp(modules->list[i].name, name, len) == 0) {
			modules->list[i].lists |= list;
			return 0;
		}
	if (modules->count == VST_MODULES_MAX)
		return 0;
	if (modules->count == modules->cap) {
		size_t cap = modules->cap ? modules->cap * 2 : 64;
		struct vst_module *grown = vst_realloc(modules->list, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		modules->list = grown;
		modules->cap = cap;
	}
	struct vst_module *module = &modules->list[modules->count++];
	*module = (struct vst_module){.lists = list};
	memcpy(module->name, name, len);
	return 0;
}

const struct vst_module *vst_modules_find(const struct vst_modules *modules, const char *name)
{
	for (size_t i = 0; i < modules->count; i++)
		if (strcmp(modules->list[i].name, name) == 0)
			return &modules->list[i];
	return NULL;
}

void vst_modules_free(struct vst_modules *modules)
{
	free(modules->list);
	*modules = (struct vst_modules){0};
}

bool vst_modules_differ(const struct vst_module *module, unsigned complete)
{
	unsigned asked = complete & (VST_MODULES_PROC | VST_MODULES_SYS);
	return (module->lists & asked) != asked && (module->lists & complete) != 0;
}

static bool text(struct vst_reader *in, const char **ret, size_t *ret_len)
{
	return vst_live_word(in, ret, ret_len);
}

bool vst_module_line_parse(const char *line, size_t len, struct vst_module_line *ret)
{
	struct vst_reader in = vst_reader_of(line, len);
	const char *word;
	size_t word_len;
	*ret = (struct vst_module_line){0};
	if (!text(&in, &ret->name, &ret->name_len) || !text(&in, &word, &word_len) ||
	        !vst_live_number(word, word_len, 10, &ret->size) || !text(&in, &word, &word_len))
		return false;
	ret->has_references = vst_live_number(word, word_len, 10, &ret->references);
	if (!text(&in, &ret->users, &ret->users_len) || !text(&in, &ret->state, &ret->state_len) ||
	        !text(&in, &ret->address, &ret->address_len))
		return false;
	text(&in, &ret->taint, &ret->taint_len);
	return true;
}

bool vst_module_symbol(const char *line, size_t len, const char **ret, size_t *ret_len)
{
	static const char *const none[] = {"bpf", "__builtin__ftrace", "__builtin__kprobes"};
	struct vst_reader in = vst_reader_of(line, len);
	for (int i = 0; i < 4; i++)
		if (!text(&in, ret, ret_len))
			return false;
	if (*ret_len < 3 || (*ret)[0] != '[' || (*ret)[*ret_len - 1] != ']')
		return false;
	++*ret;
	*ret_len -= 2;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (strlen(none[i]) == *ret_len && memcmp(none[i], *ret, *ret_len) == 0)
			return false;
	return true;
}
