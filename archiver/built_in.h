/*
 * The files of policies/, inside the program: one file on read-only media must do alone. The table is written
 * by tools/cmake/embed.cmake when the program is built.
 */
#ifndef ARCHIVER_BUILT_IN_H
#define ARCHIVER_BUILT_IN_H

#include <stddef.h>
#include <stdint.h>

struct built_in_file {
	const char *name; /* relative to policies/, e.g. "linux-logs.yaml" */
	const uint8_t *data;
	size_t len;
};

extern const struct built_in_file built_in_files[]; /* in the order of their names */
extern const size_t built_in_file_count;

#endif
