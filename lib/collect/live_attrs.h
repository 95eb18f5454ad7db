/*
 * Netlink attributes as JSON, by a table of what is known of them: names, and how a value is to be read.
 *
 * What the table does not know, what lies deeper than our JSON goes, an attribute that comes twice, and a
 * value that is not of its length stand in `other`, an array of {"attr":N,"base64":…}; what is behind the
 * last whole attribute in `trailing_base64`. So nothing is lost.
 */
#ifndef COLLECT_LIVE_ATTRS_H
#define COLLECT_LIVE_ATTRS_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/json.h"
#include "vestige/reader.h"

enum vst_attr_kind {
	VST_ATTR_UINT,      /* of 1, 2, 4 or 8 bytes in the machine's order */
	VST_ATTR_BE,        /* the same, most significant byte first */
	VST_ATTR_BE_SIGNED, /* of 4 bytes */
	VST_ATTR_TEXT,      /* up to a NUL */
	VST_ATTR_HEX,
	VST_ATTR_IP,     /* 4 or 16 bytes */
	VST_ATTR_BYTES,  /* base64 */
	VST_ATTR_FLAG,   /* there or not there */
	VST_ATTR_NEST,   /* attributes of `nested` */
	VST_ATTR_LIST,   /* attributes, each of which is a NEST of `nested`, whatever its number */
	VST_ATTR_VALUES, /* attributes, each of which is a value of `nested`'s only row */
	VST_ATTR_CHOICE, /* attributes whose table is found by the name in attribute 1 of the same nest;
	                    `nested` are tables */
};

struct vst_attr_table;

struct vst_attr {
	uint16_t number;
	enum vst_attr_kind kind;
	const char *key;
	const struct vst_attr_table *nested; /* of CHOICE: the first of many, the last has no name */
	const char *const *names;            /* of numbers, by value; NULL: none */
	size_t name_count;
};

struct vst_attr_table {
	const char *name; /* for CHOICE */
	const struct vst_attr *list;
	size_t count;
};

/* Writes all attributes of `in` as keys of the open object. */
void vst_attrs_write(struct vst_json *json, struct vst_reader in, const struct vst_attr_table *table);

/* The value of an attribute, if it is there; a reader without bytes if not. */
struct vst_reader vst_attrs_find(struct vst_reader in, uint16_t number);

#endif
