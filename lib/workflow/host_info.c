#include "workflow/host_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "vestige/beneath.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/self_objects.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define SMALL_FILE_MAX (64 * 1024)

/* ---- clocks ---- */

static void read_boot_id(char ret[40])
{
	struct vst_buf text = VST_BUF_INIT;
	ret[0] = '\0';
	if (vst_io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, NULL) == 0 &&
	        text.len >= 36) {
		memcpy(ret, text.data, 36);
		ret[36] = '\0';
		if (strspn(ret, "0123456789abcdef-") != 36)
			ret[0] = '\0';
	}
	vst_buf_free(&text);
}

void host_clocks(struct vst_clocks *ret)
{
	struct timespec boot;
	struct timex ntp = {0};
	*ret = (struct vst_clocks){.realtime = vst_time_now()};
	if (clock_gettime(CLOCK_BOOTTIME, &boot) == 0)
		ret->boottime_ns = (int64_t)boot.tv_sec * VST_NS_PER_S + boot.tv_nsec;
	read_boot_id(ret->boot_id);
	int state = adjtimex(&ntp); /* modes 0: only reads, needs no privilege */
	if (state >= 0) {
		ret->ntp_known = true;
		ret->ntp_synchronised = state != TIME_ERROR && !(ntp.status & STA_UNSYNC);
		ret->ntp_offset_ns = (int64_t)ntp.offset * (ntp.status & STA_NANO ? 1 : 1000);
		ret->ntp_max_error_us = ntp.maxerror;
	}
}

/* ---- the host, from its own files ---- */

/* A regular file beneath the root, links followed inside it; NULL if it is not there, cannot be read, or is no text. */
static char *read_beneath(int root_fd, const char *path)
{
	struct vst_buf text = VST_BUF_INIT;
	char *content = NULL;
	if (vst_beneath_read(root_fd, path, SMALL_FILE_MAX, &text, NULL) == 0 && text.len > 0 &&
	        !memchr(text.data, 0, text.len))
		content = vst_strdup(vst_buf_cstr(&text));
	vst_buf_free(&text);
	return content;
}

/* The first line, without white space around it; NULL if there is none or it is no text. */
static char *first_line(char *text)
{
	if (!text)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	char *start = text + strspn(text, " \t");
	size_t len = strlen(start);
	while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\t'))
		len--;
	char *line = len > 0 && vst_utf8_valid(start, len) ? vst_memdup(start, len) : NULL;
	free(text);
	return line;
}

/* PRETTY_NAME of os-release(5), quotes taken off. */
static char *os_name(char *text)
{
	char *name = NULL;
	for (char *line = text; line && *line && !name;) {
		char *end = line + strcspn(line, "\n");
		if (strncmp(line, "PRETTY_NAME=", 12) == 0) {
			const char *value = line + 12;
			size_t len = (size_t)(end - value);
			if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
				value++;
				len -= 2;
			}
			name = vst_memdup(value, len);
		}
		line = *end ? end + 1 : NULL;
	}
	free(text);
	return first_line(name);
}

/* The zone's name: /etc/timezone (Debian), else what /etc/localtime points to. */
static char *zone_name(int root_fd)
{
	char target[4096];
	char *name = first_line(read_beneath(root_fd, "/etc/timezone"));
	if (name)
		return name;
	ssize_t len = readlinkat(root_fd, "etc/localtime", target, sizeof target - 1);
	if (len <= 0)
		return NULL;
	target[len] = '\0';
	const char *zone = strstr(target, "zoneinfo/");
	return zone && vst_utf8_valid(zone, strlen(zone)) ? vst_strdup(zone + strlen("zoneinfo/")) : NULL;
}

int host_describe(int root_fd, bool live, struct vst_exhibit_info *info, struct vst_err *err)
{
	struct utsname names;
	info->os = os_name(read_beneath(root_fd, "/etc/os-release"));
	info->machine_id = first_line(read_beneath(root_fd, "/etc/machine-id"));
	info->zone_name = zone_name(root_fd);
	if (!live) {
		info->host_name = first_line(read_beneath(root_fd, "/etc/hostname"));
		return 0;
	}
	if (uname(&names) == 0) {
		info->host_name = vst_strdup(names.nodename);
		info->kernel = vst_strdup(names.release);
		info->machine = vst_strdup(names.machine);
		if (!info->host_name || !info->kernel || !info->machine)
			return vst_err_nomem(err);
	}
	time_t now = (time_t)(info->clocks.realtime / VST_NS_PER_S);
	struct tm local;
	if (localtime_r(&now, &local)) {
		info->has_zone_offset = true;
		info->zone_offset = (int32_t)local.tm_gmtoff;
	}
	return 0;
}

/* ---- this program ---- */

int host_describe_program(struct vst_exhibit_info *info, struct vst_err *err)
{
	struct vst_self_objects mapped = {0};
	info->has_program_sha256 = vst_self_program_digest(info->program_sha256);
	int rc = vst_self_objects_read(&mapped, err);
	if (rc == 0 && mapped.count > 0) {
		info->mapped = vst_calloc(mapped.count, sizeof *info->mapped);
		rc = info->mapped ? 0 : vst_err_nomem(err);
	}
	for (size_t i = 0; rc == 0 && i < mapped.count; i++) {
		const struct vst_self_object *object = &mapped.objects[i];
		struct vst_mapped_object *copy = &info->mapped[info->mapped_count++];
		copy->path = mapped.objects[i].path;
		mapped.objects[i].path = NULL;
		copy->has_sha256 = object->has_sha256;
		memcpy(copy->sha256, object->sha256, VST_HASH_LEN);
	}
	vst_self_objects_free(&mapped);
	return rc;
}
