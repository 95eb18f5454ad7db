/*
 * Which of the libraries that the dynamic linker has loaded our program asked for, itself or through others.
 *
 * Source: the ELF gABI (DT_NEEDED, DT_SONAME), dl_iterate_phdr(3).
 */
#ifndef COLLECT_SELF_NEEDED_H
#define COLLECT_SELF_NEEDED_H

#include <stdbool.h>
#include <stddef.h>

#define VST_SELF_LIBRARIES_MAX 1024

struct vst_self_library {
	const char *path; /* as the dynamic linker has it, borrowed from it; "" for the program */
	const char *name; /* DT_SONAME, else the last component of the path */
	bool is_needed;   /* or the program itself, or the kernel's */
};

struct vst_self_libraries {
	struct vst_self_library list[VST_SELF_LIBRARIES_MAX];
	size_t count;
};

void vst_self_needed(struct vst_self_libraries *ret);

#endif
