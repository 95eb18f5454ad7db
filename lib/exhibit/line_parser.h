/*
 * Manifest lines parsed ahead by a thread of their own: they are a tenth of the deep check's work, and the
 * thread that hashes has the most to do.
 *
 * Lines come out in the order in which they went in. What the thread has not begun when a line is taken, the
 * caller does itself: so without the thread everything works, only slower. Memory: VST_LINE_PARSER_BYTES and
 * one line, at most.
 */
#ifndef EXHIBIT_LINE_PARSER_H
#define EXHIBIT_LINE_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/err.h"
#include "vestige/manifest.h"

#define VST_LINE_PARSER_LINES 256
#define VST_LINE_PARSER_BYTES (8u * 1024 * 1024)

struct vst_line_parser;

struct vst_parsed_line {
	uint64_t at; /* its offset, as it was given */
	uint32_t len;
	uint8_t leaf[VST_HASH_LEN];
	int rc;                /* of vst_item_parse() */
	struct vst_item *item; /* owned by whoever took the line; NULL if rc is not 0 */
	struct vst_err err;
};

int vst_line_parser_new(struct vst_line_parser **ret, struct vst_err *err);
void vst_line_parser_free(struct vst_line_parser *parser);

/* Whether a line of this length has room; an empty parser always has. */
bool vst_line_parser_has_room(struct vst_line_parser *parser, size_t len);
/* Copies the line. There must be room. */
int vst_line_parser_push(
        struct vst_line_parser *parser, const void *line, size_t len, uint64_t at, struct vst_err *err);
/* The oldest line; false if there is none. */
bool vst_line_parser_take(struct vst_line_parser *parser, struct vst_parsed_line *ret);

#endif
