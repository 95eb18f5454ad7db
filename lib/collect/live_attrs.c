#include "collect/live_attrs.h"

#include <arpa/inet.h>
#include <string.h>

#include "collect/live_field.h"
#include "collect/netlink.h"

#define LEVELS                                                                                               \
	4 /* of JSON that one table may need: an array, its object, and `other` with an object in it         \
	   */
#define NUMBERS_MAX 256 /* attributes that can be known to have come before */

static void write_nest(struct vst_json *json, struct vst_reader in, const struct vst_attr_table *table);

static bool read_number(struct vst_reader value, bool big_endian, uint64_t *ret)
{
	if (value.len != 1 && value.len != 2 && value.len != 4 && value.len != 8)
		return false;
	*ret = 0;
	for (size_t i = 0; i < value.len; i++) {
		bool reverse = !big_endian && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
		*ret = *ret << 8 | value.data[reverse ? value.len - 1 - i : i];
	}
	return true;
}

static const struct vst_attr *find(const struct vst_attr_table *table, uint16_t number)
{
	for (size_t i = 0; table && i < table->count; i++)
		if (table->list[i].number == number)
			return &table->list[i];
	return NULL;
}

/* Whether the value can be read as its kind says; checked before the key is written. */
static bool fits(const struct vst_json *json, const struct vst_attr *attr, struct vst_reader value)
{
	uint64_t number;
	switch (attr->kind) {
	case VST_ATTR_UINT:
	case VST_ATTR_BE:
		return read_number(value, attr->kind == VST_ATTR_BE, &number);
	case VST_ATTR_BE_SIGNED:
		return value.len == 4;
	case VST_ATTR_IP:
		return value.len == 4 || value.len == 16;
	case VST_ATTR_FLAG:
		return value.len == 0;
	case VST_ATTR_NEST:
	case VST_ATTR_LIST:
	case VST_ATTR_VALUES:
	case VST_ATTR_CHOICE:
		return json->depth + LEVELS <= VST_JSON_DEPTH;
	default:
		return true;
	}
}

static void write_number(struct vst_json *json, const struct vst_attr *attr, uint64_t number)
{
	if (number < attr->name_count && attr->names[number])
		vst_live_string(json, attr->key, attr->names[number]);
	else
		vst_live_put_uint(json, attr->key, number);
}

static void write_list(struct vst_json *json, const struct vst_attr *attr, struct vst_reader value)
{
	struct vst_reader element;
	uint16_t number;
	vst_json_key(json, attr->key);
	vst_json_array(json);
	while (vst_netlink_attr(&value, &number, &element)) {
		vst_json_object(json);
		/* A list of bare values is a list of objects with one key each. */
		if (attr->kind == VST_ATTR_LIST)
			write_nest(json, element, attr->nested);
		else if (fits(json, &attr->nested->list[0], element))
			vst_live_text(json, attr->nested->list[0].key, element.data,
			        strnlen((const char *)element.data, element.len));
		vst_json_end(json);
	}
	if (vst_reader_left(&value) > 0) {
		vst_json_object(json);
		vst_json_key(json, "trailing_base64");
		vst_json_base64(json, value.data + value.pos, vst_reader_left(&value));
		vst_json_end(json);
	}
	vst_json_end(json);
}

static const struct vst_attr_table *choose(const struct vst_attr_table *tables, struct vst_reader name)
{
	size_t len = strnlen((const char *)name.data, name.len);
	for (; tables && tables->name; tables++)
		if (strlen(tables->name) == len && memcmp(tables->name, name.data, len) == 0)
			return tables;
	return NULL;
}

static void write_value(
        struct vst_json *json, const struct vst_attr *attr, struct vst_reader value, struct vst_reader all)
{
	char text[INET6_ADDRSTRLEN];
	uint64_t number = 0;
	switch (attr->kind) {
	case VST_ATTR_UINT:
	case VST_ATTR_BE:
		read_number(value, attr->kind == VST_ATTR_BE, &number);
		write_number(json, attr, number);
		break;
	case VST_ATTR_BE_SIGNED:
		read_number(value, true, &number);
		vst_json_key(json, attr->key);
		vst_json_int(json, (int32_t)(uint32_t)number);
		break;
	case VST_ATTR_TEXT:
		vst_live_text(json, attr->key, value.data, strnlen((const char *)value.data, value.len));
		break;
	case VST_ATTR_HEX:
		vst_json_key(json, attr->key);
		vst_json_hex(json, value.data, value.len);
		break;
	case VST_ATTR_IP:
		vst_live_string(json, attr->key,
		        inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.data, text, sizeof text));
		break;
	case VST_ATTR_BYTES:
		vst_json_key(json, attr->key);
		vst_json_base64(json, value.data, value.len);
		break;
	case VST_ATTR_FLAG:
		vst_live_put_bool(json, attr->key, true);
		break;
	case VST_ATTR_NEST:
	case VST_ATTR_CHOICE:
		vst_json_key(json, attr->key);
		vst_json_object(json);
		write_nest(json, value,
		        attr->kind == VST_ATTR_NEST ? attr->nested
		                                    : choose(attr->nested, vst_attrs_find(all, 1)));
		vst_json_end(json);
		break;
	case VST_ATTR_LIST:
	case VST_ATTR_VALUES:
		write_list(json, attr, value);
		break;
	}
}

/* What goes into `other`. Which attributes came before is told by `seen`. */
static bool is_other(const struct vst_json *json, const struct vst_attr_table *table, uint16_t number,
        struct vst_reader value, uint8_t seen[NUMBERS_MAX / 8])
{
	const struct vst_attr *attr = find(table, number);
	if (!attr || number >= NUMBERS_MAX || !fits(json, attr, value))
		return true;
	bool before = seen[number / 8] >> (number % 8) & 1;
	seen[number / 8] |= (uint8_t)(1U << (number % 8));
	return before;
}

/* Two passes, so that the known stand in their order and the rest in one array behind them. */
static void write_nest(struct vst_json *json, struct vst_reader in, const struct vst_attr_table *table)
{
	uint8_t seen[NUMBERS_MAX / 8] = {0}, seen_again[NUMBERS_MAX / 8] = {0};
	const struct vst_reader all = in;
	struct vst_reader value;
	uint16_t number;
	bool any = false;
	while (vst_netlink_attr(&in, &number, &value))
		if (is_other(json, table, number, value, seen))
			any = true;
		else
			write_value(json, find(table, number), value, all);
	if (any) {
		vst_json_key(json, "other");
		vst_json_array(json);
		in = all;
		while (vst_netlink_attr(&in, &number, &value)) {
			if (!is_other(json, table, number, value, seen_again))
				continue;
			vst_json_object(json);
			vst_live_put_uint(json, "attr", number);
			vst_json_key(json, "base64");
			vst_json_base64(json, value.data, value.len);
			vst_json_end(json);
		}
		vst_json_end(json);
	}
	if (vst_reader_left(&in) > 0) {
		vst_json_key(json, "trailing_base64");
		vst_json_base64(json, in.data + in.pos, vst_reader_left(&in));
	}
}

void vst_attrs_write(struct vst_json *json, struct vst_reader in, const struct vst_attr_table *table)
{
	write_nest(json, in, table);
}

struct vst_reader vst_attrs_find(struct vst_reader in, uint16_t number)
{
	struct vst_reader value;
	uint16_t type;
	while (vst_netlink_attr(&in, &type, &value))
		if (type == number)
			return value;
	return vst_reader_of("", 0);
}
