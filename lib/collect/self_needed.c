#include "collect/self_needed.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

struct loaded {
	const ElfW(Dyn) * dynamic; /* NULL: none */
	const char *strings;
};

struct closure {
	struct vst_self_libraries *libraries;
	struct loaded loaded[VST_SELF_LIBRARIES_MAX];
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* The dynamic linker has made the table's address absolute, but on some machines that section is read-only
 * and it has not. */
static const char *strings_of(const ElfW(Dyn) * dynamic, ElfW(Addr) base)
{
	for (; dynamic->d_tag != DT_NULL; dynamic++)
		if (dynamic->d_tag == DT_STRTAB) {
			ElfW(Addr) at = dynamic->d_un.d_ptr;
			return (const char *)(at < base ? at + base
			                                : at); // NOLINT: an address of the linker's
		}
	return NULL;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct closure *closure = ctx;
	struct vst_self_libraries *libraries = closure->libraries;
	(void)size;
	if (libraries->count == VST_SELF_LIBRARIES_MAX)
		return 1;
	struct vst_self_library *library = &libraries->list[libraries->count];
	struct loaded *loaded = &closure->loaded[libraries->count];
	bool is_program = libraries->count++ == 0;
	library->path = info->dlpi_name ? info->dlpi_name : "";
	library->name = base_name(library->path);
	/* What has no file is the kernel's. */
	library->is_needed = is_program || !strchr(library->path, '/');
	*loaded = (struct loaded){0};
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			loaded->dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	if (loaded->dynamic)
		loaded->strings = strings_of(loaded->dynamic, info->dlpi_addr);
	if (!loaded->strings || !strchr(library->path, '/'))
		return 0;
	for (const ElfW(Dyn) *d = loaded->dynamic; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_SONAME)
			library->name = loaded->strings + d->d_un.d_val;
	return 0;
}

/* Marks what one object needs; true if that was news. */
static bool mark_needs(struct closure *closure, const struct loaded *loaded)
{
	struct vst_self_libraries *libraries = closure->libraries;
	bool any = false;
	if (!loaded->strings)
		return false;
	for (const ElfW(Dyn) *d = loaded->dynamic; d->d_tag != DT_NULL; d++) {
		if (d->d_tag != DT_NEEDED)
			continue;
		const char *name = base_name(loaded->strings + d->d_un.d_val);
		for (size_t i = 0; i < libraries->count; i++) {
			struct vst_self_library *library = &libraries->list[i];
			if (!library->is_needed && (strcmp(library->name, name) == 0 ||
			                                   strcmp(base_name(library->path), name) == 0)) {
				library->is_needed = true;
				any = true;
			}
		}
	}
	return any;
}

/* The program's interpreter is asked for by its header, and by the C library by name. */
void vst_self_needed(struct vst_self_libraries *ret)
{
	static struct closure closure; /* large, and the dynamic linker's list is one for all */
	ret->count = 0;
	closure.libraries = ret;
	dl_iterate_phdr(add_object, &closure);
	for (bool any = true; any;) {
		any = false;
		for (size_t i = 0; i < ret->count; i++)
			if (ret->list[i].is_needed)
				any = mark_needs(&closure, &closure.loaded[i]) || any;
	}
}
