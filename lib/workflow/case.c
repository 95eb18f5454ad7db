#include "vestige/case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "workflow/case_internal.h"

/* ---- finding ---- */

static bool looks_like_case(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL "/.git", dir) >= sizeof path)
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int vst_case_find(const char *start, char **ret_dir, struct vst_err *err)
{
	char *dir = realpath(start, NULL);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR
		               ? vst_err_set(err, VST_ENOCASE, "%s: no such directory", start)
		               : vst_err_sys(err, errno, "%s", start);
	for (;;) {
		if (looks_like_case(dir)) {
			*ret_dir = dir;
			return 0;
		}
		char *slash = strrchr(dir, '/');
		if (!slash || strcmp(dir, "/") == 0)
			break;
		*(slash == dir ? slash + 1 : slash) = '\0';
	}
	free(dir);
	vst_err_set(err, VST_ENOCASE, "%s: no case here or above", start);
	vst_err_hint(err, "give the case with -C DIR or VESTIGE_CASE, or make one: vestige init DIR --title "
	                  "T -r RECIPIENT");
	return VST_ENOCASE;
}

/* ---- opening ---- */

int vst_case_open(const char *dir, struct vst_case **ret, struct vst_err *err)
{
	char path[PATH_MAX];
	int rc;
	struct vst_case *c = vst_calloc(1, sizeof *c);
	if (!c)
		return vst_err_nomem(err);
	c->fd = c->exhibits_fd = c->private_fd = c->snapshot_lock = c->commit_lock = -1;
	if (!(c->dir = vst_strdup(dir))) {
		rc = vst_err_nomem(err);
		goto fail;
	}
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL, dir) >= sizeof path) {
		rc = vst_err_set(err, VST_EUSAGE, "the case's path is too long");
		goto fail;
	}
	if (!looks_like_case(dir)) {
		rc = vst_err_set(err, VST_ENOCASE, "not a case");
		vst_err_hint(err,
		        "a case is a directory with trail/, exhibits/ and private/: vestige init makes one");
		goto fail;
	}
	if ((rc = vst_io_open_dir(AT_FDCWD, dir, &c->fd, err)) != 0)
		goto fail;
	if ((rc = vst_io_open_dir(c->fd, CASE_EXHIBITS, &c->exhibits_fd, err)) != 0) {
		vst_err_prepend(err, CASE_EXHIBITS);
		goto fail;
	}
	/* Only writing needs private/; a copy of a case for a court has none. */
	if (vst_io_open_dir(c->fd, CASE_PRIVATE, &c->private_fd, NULL) != 0)
		c->private_fd = -1;
	if ((rc = vst_trail_open(path, &c->trail, err)) != 0 ||
	        (rc = vst_custody_new(&c->custody, err)) != 0 ||
	        (rc = case_log_load(c->trail, c->custody, err)) != 0)
		goto fail;
	*ret = c;
	return 0;
fail:
	vst_case_free(c);
	return vst_err_prepend(err, "%s", dir), rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vst_case_free(struct vst_case *c)
{
	if (!c)
		return;
	vst_case_end(c);
	close_fd(c->snapshot_lock);
	close_fd(c->private_fd);
	close_fd(c->exhibits_fd);
	close_fd(c->fd);
	vst_signer_free(c->collector);
	vst_signer_free(c->log_signer);
	vst_custody_free(c->custody);
	vst_trail_free(c->trail);
	free(c->dir);
	free(c);
}

const char *vst_case_dir(const struct vst_case *c)
{
	return c->dir;
}

int vst_case_fd(const struct vst_case *c)
{
	return c->fd;
}

int vst_case_exhibits_fd(const struct vst_case *c)
{
	return c->exhibits_fd;
}

struct vst_trail *vst_case_trail(struct vst_case *c)
{
	return c->trail;
}

const struct vst_custody *vst_case_custody(const struct vst_case *c)
{
	return c->custody;
}

int vst_case_recipients(
        const struct vst_case *c, struct vst_age_recipients *ret, bool *ret_passphrase, struct vst_err *err)
{
	static const char passphrase[] = "# passphrase\n";
	struct vst_bytes file = vst_custody_recipients(c->custody);
	if (file.len == strlen(passphrase) && memcmp(file.data, passphrase, file.len) == 0) {
		*ret_passphrase = true;
		return 0;
	}
	int rc = vst_age_recipients_parse(file.data, file.len, ret, err);
	if (rc != 0)
		return (void)vst_err_prepend(err, "recipients"), rc;
	*ret_passphrase = false;
	return 0;
}

/* ---- exhibit numbers ---- */

void vst_exhibit_name(uint64_t number, char ret_name[VST_EXHIBIT_NAME_MAX])
{
	snprintf(ret_name, VST_EXHIBIT_NAME_MAX, "EX%04llu", (unsigned long long)number);
}

/* `latest~N`: the Nth before the newest sealed exhibit. */
static int parse_latest(const struct vst_case *c, const char *text, uint64_t *ret, struct vst_err *err)
{
	uint64_t back = 0;
	if (*text == '~') {
		struct vst_reader in = vst_reader_of(text + 1, strlen(text + 1));
		if (!vst_reader_decimal(&in, &back) || !vst_reader_at_end(&in))
			return vst_err_set(err, VST_EUSAGE, "latest%s: a number belongs behind the ~", text);
	} else if (*text) {
		return vst_err_set(err, VST_EUSAGE, "latest%s: not an exhibit", text);
	}
	for (size_t i = vst_custody_exhibit_count(c->custody); i-- > 0;) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(c->custody, i);
		if (exhibit->seal && !exhibit->disposed && back-- == 0) {
			*ret = exhibit->number;
			return 0;
		}
	}
	return vst_err_set(err, VST_ENOTFOUND, "the case has no such exhibit yet");
}

int vst_case_recorded_parse(
        const struct vst_case *c, const char *text, uint64_t *ret_number, struct vst_err *err)
{
	uint64_t number = 0;
	if (strncmp(text, "latest", 6) == 0)
		return parse_latest(c, text + 6, ret_number, err);
	const char *digits = strncmp(text, "EX", 2) == 0 ? text + 2 : text;
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || digits[len] != '\0' || len > 7) {
		vst_err_set(err, VST_EUSAGE, "'%s' is not an exhibit", text);
		vst_err_hint(err, "an exhibit is EX0001, 1, latest or latest~1");
		return VST_EUSAGE;
	}
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (uint64_t)(digits[i] - '0');
	if (!vst_custody_exhibit_find(c->custody, number)) {
		vst_err_set(err, VST_ENOTFOUND, "the log has no exhibit %s", text);
		vst_err_hint(err, "vestige list shows the exhibits of the case");
		return VST_ENOTFOUND;
	}
	*ret_number = number;
	return 0;
}

int vst_case_exhibit_parse(
        const struct vst_case *c, const char *text, uint64_t *ret_number, struct vst_err *err)
{
	uint64_t number = 0;
	int rc = vst_case_recorded_parse(c, text, &number, err);
	if (rc != 0)
		return rc;
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(c->custody, number);
	if (!exhibit->seal && exhibit->disposed)
		return case_say_disposed(exhibit, err);
	if (!exhibit->seal) {
		vst_err_set(err, VST_ENOTFOUND, "exhibit %s was never finished and has no seal", text);
		vst_err_hint(err, "vestige recover takes out what it holds");
		return VST_ENOTFOUND;
	}
	*ret_number = number;
	return 0;
}

int vst_case_lock_snapshot(struct vst_case *c, struct vst_err *err)
{
	if (c->private_fd < 0) {
		vst_err_set(err, VST_EKEY,
		        "the case has no private directory here: it can be read and verified, not written");
		return VST_EKEY;
	}
	int rc = vst_io_lock(c->private_fd, PRIVATE_SNAPSHOT_LOCK, false, &c->snapshot_lock, err);
	if (rc == VST_ELOCKED) {
		vst_err_set(err, rc, "another snapshot of this case is running");
		vst_err_hint(err, "wait for it to end; the lock goes with its process");
	}
	return rc;
}

/* The number in `EXnnnn` and whatever follows; 0 if the name is not of that form. */
static uint64_t number_of_name(const char *name)
{
	uint64_t number = 0;
	size_t len = strncmp(name, "EX", 2) == 0 ? strspn(name + 2, "0123456789") : 0;
	if (len == 0 || len > 7)
		return 0;
	for (size_t i = 2; i < len + 2; i++)
		number = number * 10 + (uint64_t)(name[i] - '0');
	return number;
}

int vst_case_next_exhibit(struct vst_case *c, uint64_t *ret_number, struct vst_err *err)
{
	uint64_t highest = 0;
	for (size_t i = 0; i < vst_custody_exhibit_count(c->custody); i++)
		if (vst_custody_exhibit_at(c->custody, i)->number > highest)
			highest = vst_custody_exhibit_at(c->custody, i)->number;

	int fd = openat(c->exhibits_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		int rc = vst_err_sys(err, errno, CASE_EXHIBITS ": open");
		close_fd(fd);
		return rc;
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (number_of_name(entry->d_name) > highest)
			highest = number_of_name(entry->d_name);
	int sys = errno;
	closedir(dir);
	if (sys != 0)
		return vst_err_sys(err, sys, CASE_EXHIBITS ": read directory");
	if (highest >= VST_EXHIBIT_MAX)
		return vst_err_set(err, VST_ELIMIT, "the case has used up its exhibit numbers");
	*ret_number = highest + 1;
	return 0;
}

bool vst_case_is_writable(const struct vst_case *c)
{
	return c->private_fd >= 0 && faccessat(c->private_fd, ".", W_OK, 0) == 0 &&
	       faccessat(c->private_fd, PRIVATE_LOG_KEY, R_OK, 0) == 0;
}
