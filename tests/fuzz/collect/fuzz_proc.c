/* Files of /proc/PID from anybody: the first byte chooses which. What a parser gives lies within the text,
 * and what is written from it is JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/live_put.h"
#include "collect/proc_parse.h"
#include "vestige/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vst_text all;

static void check(struct vst_text part)
{
	if (part.len > 0 && (part.data < all.data || part.data + part.len > all.data + all.len))
		abort();
}

static void parse_lines(struct vst_text text, uint8_t kind)
{
	struct vst_text line, a, b;
	struct vst_proc_map map;
	struct vst_proc_cgroup cgroup;
	uint64_t number;
	while (vst_text_line(&text, &line)) {
		check(line);
		if (kind == 2 && vst_proc_parse_map(line, &map)) {
			check(map.path);
			if (map.end < map.start || strlen(map.perms) != 4)
				abort();
			(void)vst_proc_map_is_anonymous_code(&map);
			(void)vst_proc_is_kernel_memory(map.path);
			(void)vst_proc_strip_deleted(&map.path);
			check(map.path);
		} else if (kind == 3 && vst_proc_parse_cgroup(line, &cgroup)) {
			check(cgroup.controllers);
			check(cgroup.path);
		} else if (kind == 4 && vst_proc_parse_mount(line, &a, &b)) {
			check(a);
			check(b);
		} else if (kind == 5 && vst_proc_parse_bracketed(line, &a, &number)) {
			check(a);
		}
	}
}

static void write_texts(void)
{
	struct vst_buf out = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&out);
	vst_json_object(&json);
	if (!memchr(all.data, '\0', all.len)) /* no text of the kernel holds one */
		vst_live_put_text(&json, "text", all);
	(void)vst_live_put_texts(&json, "texts", all, 64);
	vst_json_end(&json);
	if (!out.failed && vst_json_span(out.data, out.len) != out.len)
		abort();
	vst_buf_clear(&out);
	vst_proc_unescape(all, &out);
	if (!out.failed && out.len > all.len)
		abort();
	vst_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_proc_stat stat;
	struct vst_proc_status status;
	struct vst_proc_fdinfo info;
	if (size == 0)
		return 0;
	uint8_t kind = data[0] % 8;
	all = (struct vst_text){(const char *)data + 1, size - 1};
	if (kind == 0 && vst_proc_parse_stat(all, &stat)) {
		check(stat.comm);
	} else if (kind == 1) {
		vst_proc_parse_status(all, &status);
		check(status.groups);
		check(status.ns_pids);
	} else if (kind == 6) {
		vst_proc_parse_fdinfo(all, &info);
	} else if (kind == 7) {
		write_texts();
	} else {
		parse_lines(all, kind);
	}
	return 0;
}
