/*
 * Exhibits whose files went, or have to go, by an event of the log.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"

int case_say_disposed(const struct vst_custody_exhibit *exhibit, struct vst_err *err)
{
	char name[VST_EXHIBIT_NAME_MAX], time[VST_TIME_TEXT];
	vst_exhibit_name(exhibit->number, name);
	vst_time_format(exhibit->disposed_time / VST_NS_PER_S * VST_NS_PER_S, time);
	vst_err_set(err, VST_ENOTFOUND, "%s was disposed of at %s, by event %llu: its file is gone%s", name,
	        time, (unsigned long long)exhibit->disposed, exhibit->seal ? ", its seal stays" : "");
	vst_err_hint(err, "vestige log tells by whom");
	return VST_ENOTFOUND;
}

void case_exhibit_file(const struct vst_custody_exhibit *exhibit, char ret_name[CASE_FILE_NAME_MAX])
{
	char name[VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(exhibit->number, name);
	snprintf(ret_name, CASE_FILE_NAME_MAX, "%s%s", name,
	        exhibit->seal ? VST_EXHIBIT_SUFFIX : VST_PARTIAL_SUFFIX);
}

/* The exhibit whose file has exactly this name, if it was disposed of. */
static bool is_disposed(const struct vst_custody *custody, const char *name)
{
	char expected[CASE_FILE_NAME_MAX];
	uint64_t number = strncmp(name, "EX", 2) == 0 ? strtoull(name + 2, NULL, 10) : 0;
	const struct vst_custody_exhibit *exhibit =
	        number > 0 && number <= VST_EXHIBIT_MAX ? vst_custody_exhibit_find(custody, number) : NULL;
	if (!exhibit || !exhibit->disposed)
		return false;
	case_exhibit_file(exhibit, expected);
	return strcmp(name, expected) == 0;
}

/* What is there is looked through, and not what was ever disposed of: that only grows. */
void case_finish_disposals(struct vst_case *c)
{
	bool removed = false;
	if (vst_custody_disposed_count(c->custody) == 0)
		return;
	int fd = openat(c->exhibits_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (is_disposed(c->custody, entry->d_name) && unlinkat(c->exhibits_fd, entry->d_name, 0) == 0)
			removed = true;
	closedir(dir);
	if (removed)
		vst_io_fsync_dir(c->exhibits_fd, ".", NULL);
}
