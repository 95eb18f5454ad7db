#include "collect/proc_parse.h"

#include <string.h>

#include "vestige/buf.h"

/* ---- text ---- */

bool vst_text_line(struct vst_text *text, struct vst_text *ret_line)
{
	if (text->len == 0)
		return false;
	const char *end = memchr(text->data, '\n', text->len);
	size_t len = end ? (size_t)(end - text->data) : text->len;
	size_t taken = end ? len + 1 : len;
	*ret_line = (struct vst_text){text->data, len};
	text->data += taken;
	text->len -= taken;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool vst_text_field(struct vst_text *text, struct vst_text *ret_field)
{
	size_t start = 0;
	while (start < text->len && is_blank(text->data[start]))
		start++;
	size_t end = start;
	while (end < text->len && !is_blank(text->data[end]))
		end++;
	*ret_field = (struct vst_text){text->data + start, end - start};
	text->data += end;
	text->len -= end;
	return end > start;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 99;
}

bool vst_text_number(struct vst_text field, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	if (field.len == 0)
		return false;
	for (size_t i = 0; i < field.len; i++) {
		unsigned digit = digit_of(field.data[i]);
		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}

bool vst_text_starts(struct vst_text text, const char *prefix)
{
	size_t len = strlen(prefix);
	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

bool vst_text_ends(struct vst_text text, const char *suffix)
{
	size_t len = strlen(suffix);
	return text.len >= len && memcmp(text.data + text.len - len, suffix, len) == 0;
}

static bool is_word(struct vst_text text, const char *word)
{
	return text.len == strlen(word) && vst_text_starts(text, word);
}

/* Up to the delimiter, which is taken too; false if it is not there. */
static bool cut_at(struct vst_text *text, char delimiter, struct vst_text *ret)
{
	const char *end = text->len > 0 ? memchr(text->data, delimiter, text->len) : NULL;
	if (!end)
		return false;
	size_t len = (size_t)(end - text->data);
	*ret = (struct vst_text){text->data, len};
	text->data += len + 1;
	text->len -= len + 1;
	return true;
}

/* ---- stat ---- */

/* A field of stat(5): some are -1 where there is nothing. */
static bool take_number(struct vst_text *text, uint64_t *ret)
{
	struct vst_text field;
	if (!vst_text_field(text, &field))
		return false;
	bool negative = field.data[0] == '-';
	if (negative) {
		field.data++;
		field.len--;
	}
	if (!vst_text_number(field, 10, ret))
		return false;
	if (negative)
		*ret = 0 - *ret;
	return true;
}

static bool skip_fields(struct vst_text *text, unsigned count)
{
	struct vst_text field;
	for (unsigned i = 0; i < count; i++)
		if (!vst_text_field(text, &field))
			return false;
	return true;
}

bool vst_proc_parse_stat(struct vst_text text, struct vst_proc_stat *ret)
{
	struct vst_proc_stat stat = {0};
	struct vst_text field;
	uint64_t nice;
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	const char *open = text.len > 0 ? memchr(text.data, '(', text.len) : NULL;
	const char *close = text.len > 0 ? memrchr(text.data, ')', text.len) : NULL;
	if (!open || !close || close < open || open == text.data || open[-1] != ' ')
		return false;
	if (!vst_text_number((struct vst_text){text.data, (size_t)(open - 1 - text.data)}, 10, &stat.pid))
		return false;
	stat.comm = (struct vst_text){open + 1, (size_t)(close - open - 1)};
	struct vst_text rest = {close + 1, (size_t)(text.data + text.len - close - 1)};
	if (!vst_text_field(&rest, &field) || field.len != 1)
		return false;
	stat.state = field.data[0];
	bool good = take_number(&rest, &stat.ppid) && take_number(&rest, &stat.pgrp) &&
	            take_number(&rest, &stat.session) && take_number(&rest, &stat.tty) &&
	            skip_fields(&rest, 1) && take_number(&rest, &stat.flags) && skip_fields(&rest, 4) &&
	            take_number(&rest, &stat.utime) && take_number(&rest, &stat.stime) &&
	            skip_fields(&rest, 3) && take_number(&rest, &nice) && take_number(&rest, &stat.threads) &&
	            skip_fields(&rest, 1) && take_number(&rest, &stat.start_ticks);
	if (!good)
		return false;
	stat.nice = (int64_t)nice;
	*ret = stat;
	return true;
}

/* ---- status ---- */

static bool one_number(struct vst_text value, unsigned base, uint64_t *ret)
{
	struct vst_text field;
	return vst_text_field(&value, &field) && vst_text_number(field, base, ret);
}

static bool four_numbers(struct vst_text value, uint64_t ret[4])
{
	struct vst_text field;
	for (size_t i = 0; i < 4; i++)
		if (!vst_text_field(&value, &field) || !vst_text_number(field, 10, &ret[i]))
			return false;
	return true;
}

static void status_line(struct vst_text key, struct vst_text value, struct vst_proc_status *ret)
{
	static const char *const caps[VST_PROC_CAPS] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	for (size_t i = 0; i < VST_PROC_CAPS; i++)
		if (is_word(key, caps[i]))
			ret->has_caps[i] = one_number(value, 16, &ret->caps[i]);
	if (is_word(key, "Tgid"))
		ret->has_tgid = one_number(value, 10, &ret->tgid);
	else if (is_word(key, "TracerPid"))
		ret->has_tracer = one_number(value, 10, &ret->tracer);
	else if (is_word(key, "NoNewPrivs"))
		ret->has_no_new_privs = one_number(value, 10, &ret->no_new_privs);
	else if (is_word(key, "Seccomp"))
		ret->has_seccomp = one_number(value, 10, &ret->seccomp);
	else if (is_word(key, "Umask"))
		ret->has_umask = one_number(value, 8, &ret->umask);
	else if (is_word(key, "Kthread"))
		ret->has_kthread = one_number(value, 10, &ret->kthread);
	else if (is_word(key, "Uid"))
		ret->has_ids = four_numbers(value, ret->uids);
	else if (is_word(key, "Gid"))
		ret->has_ids = four_numbers(value, ret->gids) && ret->has_ids; /* Uid stands before it */
	else if (is_word(key, "Groups"))
		ret->groups = value;
	else if (is_word(key, "NSpid"))
		ret->ns_pids = value;
}

/* The kernel escapes LF in the name, so that no line of it can look like another. */
void vst_proc_parse_status(struct vst_text text, struct vst_proc_status *ret)
{
	struct vst_text line, key;
	*ret = (struct vst_proc_status){0};
	while (vst_text_line(&text, &line))
		if (cut_at(&line, ':', &key))
			status_line(key, line, ret);
}

/* ---- maps ---- */

static bool parse_dev(struct vst_text field, struct vst_proc_map *map)
{
	struct vst_text major;
	uint64_t a, b;
	if (!cut_at(&field, ':', &major) || !vst_text_number(major, 16, &a) ||
	        !vst_text_number(field, 16, &b) || a > UINT32_MAX || b > UINT32_MAX)
		return false;
	map->dev_major = (uint32_t)a;
	map->dev_minor = (uint32_t)b;
	return true;
}

bool vst_proc_parse_map(struct vst_text line, struct vst_proc_map *ret)
{
	struct vst_proc_map map = {0};
	struct vst_text start, perms, field;
	if (!cut_at(&line, '-', &start) || !vst_text_number(start, 16, &map.start) ||
	        !cut_at(&line, ' ', &field) || !vst_text_number(field, 16, &map.end) || map.end < map.start)
		return false;
	if (!cut_at(&line, ' ', &perms) || perms.len != 4 || memchr(perms.data, '\0', 4))
		return false;
	memcpy(map.perms, perms.data, 4);
	if (!cut_at(&line, ' ', &field) || !vst_text_number(field, 16, &map.offset) ||
	        !cut_at(&line, ' ', &field) || !parse_dev(field, &map))
		return false;
	/* The number is followed by a blank or the line's end, then padding; names begin with / or [, never
	 * blank. */
	if (!vst_text_field(&line, &field) || !vst_text_number(field, 10, &map.ino))
		return false;
	while (line.len > 0 && line.data[0] == ' ') {
		line.data++;
		line.len--;
	}
	map.path = line;
	*ret = map;
	return true;
}

bool vst_proc_map_is_anonymous_code(const struct vst_proc_map *map)
{
	static const char *const known[] = {"[vdso]", "[vsyscall]", "[uprobes]", "[vectors]", "[sigpage]"};
	if (map->perms[2] != 'x' || (map->path.len > 0 && map->path.data[0] == '/'))
		return false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (is_word(map->path, known[i]))
			return false;
	return true;
}

bool vst_proc_is_kernel_memory(struct vst_text path)
{
	static const char *const exact[] = {"/dev/zero", "/i915", "/anon_hugepage", "/[aio]"};
	for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
		if (is_word(path, exact[i]))
			return true;
	return vst_text_starts(path, "/SYSV") || vst_text_starts(path, "/drm mm object") ||
	       vst_text_starts(path, "/dmabuf:");
}

void vst_proc_unescape(struct vst_text text, struct vst_buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint64_t byte;
		if (text.data[i] == '\\' && text.len - i >= 4 &&
		        vst_text_number((struct vst_text){text.data + i + 1, 3}, 8, &byte) && byte <= 255) {
			vst_buf_byte(out, (uint8_t)byte);
			i += 3;
		} else {
			vst_buf_byte(out, (uint8_t)text.data[i]);
		}
	}
}

/* ---- the others ---- */

void vst_proc_parse_fdinfo(struct vst_text text, struct vst_proc_fdinfo *ret)
{
	struct vst_text line, key;
	*ret = (struct vst_proc_fdinfo){0};
	while (vst_text_line(&text, &line)) {
		if (!cut_at(&line, ':', &key))
			continue;
		/* The first of each is the file's own; what follows is of epoll, inotify and so on. */
		if (is_word(key, "pos") && !ret->has_pos)
			ret->has_pos = one_number(line, 10, &ret->pos);
		else if (is_word(key, "flags") && !ret->has_flags)
			ret->has_flags = one_number(line, 8, &ret->flags);
		else if (is_word(key, "mnt_id") && !ret->has_mnt_id)
			ret->has_mnt_id = one_number(line, 10, &ret->mnt_id);
	}
}

bool vst_proc_parse_cgroup(struct vst_text line, struct vst_proc_cgroup *ret)
{
	struct vst_proc_cgroup cgroup;
	struct vst_text number;
	if (!cut_at(&line, ':', &number) || !vst_text_number(number, 10, &cgroup.hierarchy) ||
	        !cut_at(&line, ':', &cgroup.controllers))
		return false;
	cgroup.path = line;
	*ret = cgroup;
	return true;
}

bool vst_proc_parse_bracketed(struct vst_text link, struct vst_text *ret_word, uint64_t *ret)
{
	struct vst_text word;
	uint64_t number;
	if (!cut_at(&link, ':', &word) || link.len < 3 || link.data[0] != '[' ||
	        link.data[link.len - 1] != ']')
		return false;
	if (!vst_text_number((struct vst_text){link.data + 1, link.len - 2}, 10, &number))
		return false;
	*ret_word = word;
	*ret = number;
	return true;
}

bool vst_proc_strip_deleted(struct vst_text *path)
{
	static const char suffix[] = " (deleted)";
	if (!vst_text_ends(*path, suffix))
		return false;
	path->len -= sizeof suffix - 1;
	return true;
}

bool vst_proc_parse_mount(struct vst_text line, struct vst_text *ret_point, struct vst_text *ret_type)
{
	struct vst_text point, field;
	if (!skip_fields(&line, 4) || !vst_text_field(&line, &point) || point.data[0] != '/')
		return false;
	/* Options and any number of tags, ended by a lone dash. */
	do {
		if (!vst_text_field(&line, &field))
			return false;
	} while (!is_word(field, "-"));
	if (!vst_text_field(&line, &field))
		return false;
	*ret_point = point;
	*ret_type = field;
	return true;
}
