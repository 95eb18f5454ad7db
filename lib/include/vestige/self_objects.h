/*
 * What is mapped into our own process, file by file: a library that an intruder had preloaded shows here.
 *
 * Source: /proc/self/maps, proc(5).
 */
#ifndef VESTIGE_SELF_OBJECTS_H
#define VESTIGE_SELF_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

struct vst_err;

struct vst_self_object {
	char *path; /* as it was mapped; " (deleted)" behind it if it has lost its name since */
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	bool is_executable; /* some of it is mapped to be run */
	bool has_sha256; /* of what was mapped, else of what has the path now; false: it could not be read */
	uint8_t sha256[VST_HASH_LEN];
};

struct vst_self_objects {
	struct vst_self_object *objects; /* in the order of their addresses, each path once */
	size_t count;
};

/* Owns: the caller, vst_self_objects_free(). An unreadable maps file gives no objects. Errors: VST_ENOMEM. */
int vst_self_objects_read(struct vst_self_objects *ret, struct vst_err *err);
void vst_self_objects_free(struct vst_self_objects *objects);

/* The digest of our own program; false if it could not be read. */
bool vst_self_program_digest(uint8_t ret[VST_HASH_LEN]);

#endif
