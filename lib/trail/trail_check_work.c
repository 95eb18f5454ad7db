#include "trail/trail_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the index ---- */

int vst_trail_check_index(struct trail_check *check, struct vst_err *err)
{
	struct trail_index index = {.bytes = VST_BUF_INIT};
	struct vst_err why = VST_ERR_INIT;
	bool first = check->trail->size == 1;
	int rc;

	rc = vst_trail_index_read(check->trail->gitfd, &index, &why);
	if (rc == VST_ENOTFOUND && first)
		return vst_trail_check_say(
		        check, VST_TRAIL_BEHIND, ".git/index", "not there yet: an interrupted commit");
	if (rc == VST_ENOTFOUND || rc == VST_ETAMPERED)
		return vst_trail_check_say(check, VST_TRAIL_DIFFERENT, ".git/index", why.text);
	if (rc != 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (vst_trail_index_is(&index, check->state, check->events))
		rc = 0;
	else if (!first && vst_trail_index_is(&index, &check->before, check->events))
		rc = vst_trail_check_say(
		        check, VST_TRAIL_BEHIND, ".git/index", "as the commit before had it");
	else
		rc = vst_trail_check_say(
		        check, VST_TRAIL_DIFFERENT, ".git/index", "does not list the files of HEAD");
	vst_trail_index_free(&index);
	return rc;
}

/* ---- the work tree ---- */

/* What the commit before had under this path; NULL if nothing. */
static const git_oid *id_before(const struct trail_check *check, uint64_t i)
{
	uint64_t events = check->state->number + 1;

	if (check->trail->size == 1)
		return NULL;
	if (i >= TRAIL_RECIPIENTS && i < TRAIL_RECIPIENTS + events)
		return i + 1 < TRAIL_RECIPIENTS + events ? &check->events[i - TRAIL_RECIPIENTS] : NULL;
	return &check->before.files[i < TRAIL_RECIPIENTS ? i : TRAIL_RECIPIENTS];
}

static int check_file(struct trail_check *check, uint64_t i, struct vst_err *err)
{
	const git_oid *before = id_before(check, i);
	struct vst_err why = VST_ERR_INIT;
	char path[TRAIL_EVENT_PATH];
	git_oid id, now;
	int rc;

	vst_trail_path_at(check->state, check->events, i, path, &id);
	rc = vst_trail_work_id(check->trail, path, &now, &why);
	if (rc == 0 && git_oid_equal(&now, &id))
		return 0;
	if (rc == VST_ENOTFOUND && !before)
		return vst_trail_check_say(
		        check, VST_TRAIL_BEHIND, path, "not there yet: an interrupted commit");
	if (rc == 0 && before && git_oid_equal(&now, before))
		return vst_trail_check_say(check, VST_TRAIL_BEHIND, path, "as the commit before had it");
	if (rc == 0)
		return vst_trail_check_say(check, VST_TRAIL_DIFFERENT, path, "not as HEAD has it");
	if (rc == VST_ENOTFOUND || rc == VST_ETAMPERED)
		return vst_trail_check_say(check, VST_TRAIL_DIFFERENT, path, why.text);
	if (err)
		*err = why;
	return rc;
}

/* Reads exactly `count` digits. */
static bool digits(const char *text, size_t count, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = value;
	return true;
}

/*
 * May this name stand in directory `prefix`? Level 0 is the top of the work tree, 1 `events`, 2
 * `events/AAAA`, 3 `events/AAAA/BB`; prefixes of levels 2 and 3 have been found good.
 */
static bool name_expected(const struct trail_check *check, int level, const char *prefix, const char *name)
{
	static const size_t lens[] = {0, 4, 2, 13};
	char path[TRAIL_EVENT_PATH];
	uint64_t upper = 0, lower = 0, number;

	if (level == 0) {
		for (int i = 0; i < TRAIL_FILES; i++)
			if (strcmp(name, vst_trail_file_names[i]) == 0)
				return true;
		return strcmp(name, ".git") == 0 || strcmp(name, "events") == 0;
	}
	if (strlen(name) != lens[level])
		return false;
	if (level == 3) {
		if (!digits(name, 8, &number) || number > check->state->number)
			return false;
		vst_trail_event_path(number, path);
		return strncmp(path, prefix, strlen(prefix)) == 0 &&
		       strcmp(path + strlen(prefix) + 1, name) == 0;
	}
	if (level == 2)
		return digits(prefix + 7, 4, &upper) && digits(name, 2, &lower) &&
		       upper * 10000 + lower * 100 <= check->state->number;
	return digits(name, 4, &upper) && upper * 10000 <= check->state->number;
}

static int say_stray(struct trail_check *check, const char *prefix, const char *name, struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT;
	bool temporary = vst_trail_is_temporary(name, TRAIL_IN_WORK);
	int rc;

	vst_buf_printf(&path, "%s%s%s", prefix, *prefix ? "/" : "", name);
	rc = vst_buf_check(&path, err);
	if (rc == 0)
		rc = vst_trail_check_say(check, temporary ? VST_TRAIL_TEMPORARY : VST_TRAIL_STRANGER,
		        vst_buf_cstr(&path),
		        temporary ? "left by an interrupted write" : "no event names this file");
	vst_buf_free(&path);
	return rc;
}

/* Names of one directory; those that belong there are compared by check_file(). */
static int check_dir(struct trail_check *check, int level, const char *prefix, struct trail_names *ret_names,
        struct vst_err *err)
{
	struct trail_names names = {0};
	int fd, rc;

	rc = vst_trail_dir_open(check->trail->dirfd, *prefix ? prefix : ".", &fd, NULL);
	if (rc == VST_ENOTFOUND || rc == VST_ETAMPERED)
		return 0; /* named by check_file() */
	if (rc != 0)
		return vst_err_set(err, rc, "%s: cannot be opened", prefix);
	rc = vst_trail_names_read(fd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		if (!name_expected(check, level, prefix, names.names[i]))
			rc = say_stray(check, prefix, names.names[i], err);
	close(fd);
	if (rc == 0 && ret_names) {
		*ret_names = names;
		return 0;
	}
	vst_trail_names_free(&names);
	return rc;
}

/* events/AAAA and below: three levels, so three loops. */
static int check_upper(struct trail_check *check, const char *upper, struct vst_err *err)
{
	struct trail_names lower = {0};
	int rc = check_dir(check, 2, upper, &lower, err);

	for (size_t i = 0; rc == 0 && i < lower.count; i++) {
		char path[TRAIL_EVENT_PATH];

		if (!name_expected(check, 2, upper, lower.names[i]))
			continue;
		snprintf(path, sizeof(path), "%.11s/%.2s", upper, lower.names[i]);
		rc = check_dir(check, 3, path, NULL, err);
	}
	vst_trail_names_free(&lower);
	return rc;
}

static int check_strays(struct trail_check *check, struct vst_err *err)
{
	struct trail_names uppers = {0};
	int rc = check_dir(check, 0, "", NULL, err);

	if (rc == 0)
		rc = check_dir(check, 1, "events", &uppers, err);
	for (size_t i = 0; rc == 0 && i < uppers.count; i++) {
		char path[TRAIL_EVENT_PATH];

		if (!name_expected(check, 1, "events", uppers.names[i]))
			continue;
		snprintf(path, sizeof(path), "events/%.4s", uppers.names[i]);
		rc = check_upper(check, path, err);
	}
	vst_trail_names_free(&uppers);
	return rc;
}

int vst_trail_check_work(struct trail_check *check, struct vst_err *err)
{
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < vst_trail_path_count(check->state); i++)
		rc = check_file(check, i, err);
	if (rc == 0)
		rc = check_strays(check, err);
	return rc;
}
