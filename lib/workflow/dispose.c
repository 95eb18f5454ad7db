/*
 * The order of a disposal: look at the files, record the event, unlink, make the unlinking durable. The log
 * never lags behind the directory: a file that is gone without an event is missing.
 */
#include "vestige/dispose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"

void vst_disposal_free(struct vst_disposal *disposal)
{
	free(disposal->exhibits);
	*disposal = (struct vst_disposal){0};
}

/* ---- what would go ---- */

static int check_generation(const struct vst_custody *custody, uint64_t generation, struct vst_err *err)
{
	const struct vst_custody_exhibit *first = vst_custody_generation_next(custody, generation, NULL);
	char name[VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(generation, name);
	if (!first)
		return vst_err_set(err, VST_ENOTFOUND, "the log has no generation that begins with %s", name);
	if (first->disposed)
		return case_say_disposed(first, err);
	if (vst_custody_generation_is_newest(custody, generation)) {
		vst_err_set(err, VST_EUNSUPPORTED,
		        "%s belongs to the newest generation, which is never disposed of: the next snapshot "
		        "may stand on it",
		        name);
		vst_err_hint(err, "it can be disposed of once a full snapshot has opened the next");
		return VST_EUNSUPPORTED;
	}
	return 0;
}

static int look_at_file(struct vst_case *c, const struct vst_custody_exhibit *exhibit,
        struct vst_disposal *disposal, struct vst_err *err)
{
	struct vst_disposal_exhibit *entry = &disposal->exhibits[disposal->exhibit_count++];
	char file[CASE_FILE_NAME_MAX];
	struct stat st;
	case_exhibit_file(exhibit, file);
	entry->number = exhibit->number;
	if (fstatat(c->exhibits_fd, file, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return vst_err_sys(err, errno, CASE_EXHIBITS "/%s", file);
		entry->file = VST_DISPOSAL_MISSING;
	} else if (S_ISDIR(st.st_mode)) {
		return vst_err_set(err, VST_ETAMPERED, CASE_EXHIBITS "/%s is a directory", file);
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != exhibit->file_bytes) {
		entry->file = VST_DISPOSAL_DIFFERENT;
		disposal->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	} else {
		disposal->bytes += (uint64_t)st.st_size;
	}
	if (entry->file == VST_DISPOSAL_THERE)
		return 0;
	disposal->lacking++;
	if (disposal->cause == VST_DISPOSE_REQUEST)
		return 0;
	vst_err_set(err, VST_ETAMPERED, CASE_EXHIBITS "/%s is %s", file,
	        entry->file == VST_DISPOSAL_MISSING ? "missing" : "not the file that the log speaks of");
	vst_err_hint(err,
	        "disposing of it would hide that: see vestige verify; an examiner can dispose of it "
	        "by request");
	return VST_ETAMPERED;
}

int vst_disposal_plan(struct vst_case *c, uint64_t generation, enum vst_dispose_cause cause,
        struct vst_disposal *ret, struct vst_err *err)
{
	struct vst_disposal disposal = {.generation = generation, .cause = cause};
	const struct vst_custody_exhibit *exhibit = NULL;
	size_t count = 0;
	int rc = check_generation(c->custody, generation, err);
	if (rc != 0)
		return rc;
	while ((exhibit = vst_custody_generation_next(c->custody, generation, exhibit)) != NULL)
		count++;
	if (count > VST_EVENT_DISPOSED_MAX)
		return vst_err_set(err, VST_ELIMIT,
		        "a generation of %zu exhibits is more than an event can name", count);
	if (!(disposal.exhibits = vst_calloc(count, sizeof *disposal.exhibits)))
		return vst_err_nomem(err);
	while (rc == 0 && (exhibit = vst_custody_generation_next(c->custody, generation, exhibit)) != NULL)
		rc = look_at_file(c, exhibit, &disposal, err);
	if (rc == 0) {
		*ret = disposal;
		disposal = (struct vst_disposal){0};
	}
	vst_disposal_free(&disposal);
	return rc;
}

/* ---- doing it ---- */

static int record(
        struct vst_case *c, struct vst_disposal *disposal, struct vst_signer *examiner, struct vst_err *err)
{
	struct vst_event event = {.type = VST_EVENT_DISPOSE};
	const struct vst_custody_exhibit *exhibit = NULL;
	event.dispose.generation = disposal->generation;
	event.dispose.cause = disposal->cause;
	event.dispose.exhibits = vst_calloc(disposal->exhibit_count, sizeof *event.dispose.exhibits);
	if (!event.dispose.exhibits)
		return vst_err_nomem(err);
	while ((exhibit = vst_custody_generation_next(c->custody, disposal->generation, exhibit)) != NULL) {
		struct vst_event_disposed *named = &event.dispose.exhibits[event.dispose.exhibit_count++];
		named->exhibit = exhibit->number;
		named->is_sealed = exhibit->seal != NULL;
		memcpy(named->seal_sha256, exhibit->seal_sha256, VST_HASH_LEN);
	}
	int rc = vst_case_append(c, &event, examiner, NULL, err);
	if (rc == 0)
		disposal->event = event.number;
	free(event.dispose.exhibits);
	free(event.actor);
	free(event.next_key);
	return rc;
}

/* One file that cannot be unlinked keeps none of the others. */
static int unlink_files(struct vst_case *c, const struct vst_disposal *disposal, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; i < disposal->exhibit_count; i++) {
		char file[CASE_FILE_NAME_MAX];
		case_exhibit_file(vst_custody_exhibit_find(c->custody, disposal->exhibits[i].number), file);
		if (unlinkat(c->exhibits_fd, file, 0) != 0 && errno != ENOENT && rc == 0)
			rc = vst_err_sys(err, errno, CASE_EXHIBITS "/%s: remove", file);
		VST_STEP("disposed-file-unlinked");
	}
	int synced = vst_io_fsync_dir(c->exhibits_fd, ".", rc == 0 ? err : NULL);
	if (rc == 0)
		rc = synced;
	if (rc != 0) {
		vst_err_prepend(err, "event %llu is recorded, but", (unsigned long long)disposal->event);
		vst_err_hint(err, "the next command that writes to the case tries again");
	}
	return rc;
}

/* Between begin and end. disposal->event tells whether it was recorded, also if the rest failed. */
static int carry_out(
        struct vst_case *c, struct vst_disposal *disposal, struct vst_signer *examiner, struct vst_err *err)
{
	int rc = record(c, disposal, examiner, err);
	if (rc != 0)
		return rc;
	VST_STEP("disposal-recorded");
	rc = unlink_files(c, disposal, err);
	VST_STEP("disposal-done");
	return rc;
}

int vst_dispose(struct vst_case *c, uint64_t generation, enum vst_dispose_cause cause,
        struct vst_signer *examiner, struct vst_disposal *ret, struct vst_err *err)
{
	struct vst_disposal disposal = {0};
	int rc = 0;
	/* Refused before anything is begun: a rule would refuse it as well, in words for a log. */
	if (!examiner && cause != VST_DISPOSE_RETENTION) {
		vst_err_set(err, VST_EKEY, "only an examiner disposes of exhibits by request");
		vst_err_hint(err, "give --signing-key; a host alone disposes of what is older than --keep");
		return VST_EKEY;
	}
	if ((rc = vst_case_begin(c, err)) != 0)
		return rc;
	rc = vst_disposal_plan(c, generation, cause, &disposal, err);
	if (rc == 0)
		rc = carry_out(c, &disposal, examiner, err);
	vst_case_end(c);
	if (ret && disposal.event > 0) {
		*ret = disposal;
		disposal = (struct vst_disposal){0};
	}
	vst_disposal_free(&disposal);
	return rc;
}

/* ---- retention ---- */

/* The newest time in a generation that `opening` opens. Clocks step, so the last need not be the newest. */
static int64_t newest_time(const struct vst_custody *custody, const struct vst_custody_exhibit *opening)
{
	int64_t newest = INT64_MIN;
	for (const struct vst_custody_exhibit *exhibit = opening; exhibit;
	        exhibit = vst_custody_generation_next(custody, opening->number, exhibit)) {
		int64_t time = exhibit->seal ? exhibit->seal->sealed : exhibit->time;
		newest = time > newest ? time : newest;
	}
	return newest;
}

static bool is_expired(
        const struct vst_custody *custody, const struct vst_custody_exhibit *exhibit, int64_t before)
{
	return !exhibit->disposed && vst_custody_generation(exhibit) == exhibit->number &&
	       !vst_custody_generation_is_newest(custody, exhibit->number) &&
	       newest_time(custody, exhibit) < before;
}

int vst_dispose_expired(const struct vst_case *c, uint64_t keep, int64_t now, uint64_t **ret,
        size_t *ret_count, struct vst_err *err)
{
	size_t all = vst_custody_exhibit_count(c->custody), count = 0;
	int64_t span, before;
	uint64_t *list = vst_calloc(all + 1, sizeof *list);
	if (!list)
		return vst_err_nomem(err);
	/* A span longer than time itself: nothing is so old. */
	if (keep <= INT64_MAX && !__builtin_mul_overflow((int64_t)keep, VST_NS_PER_S, &span) &&
	        !__builtin_sub_overflow(now, span, &before))
		for (size_t i = 0; i < all; i++) {
			const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(c->custody, i);
			if (is_expired(c->custody, exhibit, before))
				list[count++] = exhibit->number;
		}
	*ret = list;
	*ret_count = count;
	return 0;
}

static void count_in(struct vst_retention_result *result, const struct vst_disposal *disposal)
{
	result->generations++;
	result->exhibits += disposal->exhibit_count;
	result->bytes += disposal->bytes;
}

/* Between begin and end. Returns what stops the others. */
static int retain_one(struct vst_case *c, const struct vst_retention *retention, uint64_t generation,
        struct vst_retention_result *result, struct vst_err *unlinked, struct vst_err *err)
{
	struct vst_disposal disposal = {0};
	struct vst_err why = VST_ERR_INIT;
	int rc = vst_disposal_plan(c, generation, VST_DISPOSE_RETENTION, &disposal, &why);
	if (rc == VST_ETAMPERED) {
		result->kept++;
		if (retention->kept)
			retention->kept(retention->ctx, generation, &why);
		return 0;
	}
	if (rc == 0)
		rc = carry_out(c, &disposal, retention->examiner, &why);
	if (disposal.event > 0) {
		count_in(result, &disposal);
		if (retention->disposed)
			retention->disposed(retention->ctx, &disposal);
		if (rc != 0 && unlinked->code == 0)
			*unlinked = why;
		rc = 0;
	} else if (rc != 0 && err) {
		*err = why;
	}
	vst_disposal_free(&disposal);
	return rc;
}

int vst_dispose_retain(struct vst_case *c, const struct vst_retention *retention,
        struct vst_retention_result *ret, struct vst_err *err)
{
	struct vst_err unlinked = VST_ERR_INIT;
	uint64_t *list = NULL;
	size_t count = 0;
	*ret = (struct vst_retention_result){0};
	int rc = vst_dispose_expired(c, retention->keep, retention->now, &list, &count, err);
	if (rc != 0 || count == 0)
		goto out;
	if ((rc = vst_case_begin(c, err)) != 0)
		goto out;
	/* The log may have grown since it was opened. */
	free(list);
	list = NULL;
	rc = vst_dispose_expired(c, retention->keep, retention->now, &list, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = retain_one(c, retention, list[i], ret, &unlinked, err);
	vst_case_end(c);
	if (rc == 0 && unlinked.code != 0) {
		rc = unlinked.code;
		if (err)
			*err = unlinked;
	}
out:
	free(list);
	return rc;
}
