#include "compare/login_set.h"

#include <stdlib.h>
#include <string.h>

#include "compare/facts_read.h"
#include "compare/login_file.h"
#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define SAME_RECORD_MAX 8 /* files that have the same record and are counted for it */

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

enum vst_login_kind vst_login_kind_of(const char *path)
{
	static const char directory[] = "/var/log/";
	if (strcmp(path, "/run/utmp") == 0 || strcmp(path, "/var/run/utmp") == 0)
		return VST_LOGIN_UTMP;
	if (!starts(path, directory) || strchr(path + sizeof directory - 1, '/'))
		return VST_LOGIN_NONE;
	if (starts(path + sizeof directory - 1, "wtmp"))
		return VST_LOGIN_WTMP;
	return starts(path + sizeof directory - 1, "btmp") ? VST_LOGIN_BTMP : VST_LOGIN_NONE;
}

/* `.N` counts up with age, `-YYYYMMDD` down. */
static uint64_t rank_of(const char *path)
{
	const char *at = strrchr(path, '/') + 1 + strlen("wtmp");
	uint64_t number = 0;
	bool dated = *at == '-';
	if (*at == 0)
		return 0;
	for (at++; *at >= '0' && *at <= '9' && number < UINT32_MAX; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return dated ? UINT64_MAX - number : number > 0 ? number : UINT64_MAX;
}

static int decode(const json_t *facts, const char *key, struct vst_buf *ret, struct vst_err *err)
{
	const char *text = json_string_value(json_object_get(facts, key));
	if (text && (!vst_base64_decode(text, strlen(text), VST_BASE64_PADDED, ret) ||
	                    ret->len % VST_LOGIN_DIGEST != 0))
		vst_buf_clear(ret);
	return vst_buf_check(ret, err);
}

static void free_log(struct vst_login_log *log)
{
	json_decref(log->facts);
	vst_buf_free(&log->records);
	vst_buf_free(&log->blocks);
}

static int read_log(const struct vst_observed *item, struct vst_login_log *ret, struct vst_err *err)
{
	struct vst_login_log log = {.item = item, .rank = rank_of(item->item->path)};
	int rc = vst_facts_read_item(item, VST_LOGIN_FORMAT, &log.facts, err);
	if (rc == 0)
		rc = decode(log.facts, "records", &log.records, err);
	if (rc == 0)
		rc = decode(log.facts, "blocks", &log.blocks, err);
	if (rc != 0) {
		free_log(&log);
		return rc;
	}
	log.known = vst_facts_int(log.facts, "record", 0) != 0;
	log.packed = json_is_true(json_object_get(log.facts, "packed"));
	log.over = (uint64_t)vst_facts_int(log.facts, "over", 0);
	log.from = (uint64_t)vst_facts_int(log.facts, "from", 0);
	log.count = log.from + log.records.len / VST_LOGIN_DIGEST;
	*ret = log;
	return 0;
}

int vst_login_set_read(const struct vst_observed_set *observed, enum vst_login_kind kind,
        struct vst_login_set *ret, struct vst_err *err)
{
	struct vst_login_set set = {0};
	if (!(set.logs = vst_calloc(VST_LOGIN_FILES, sizeof *set.logs)))
		return vst_err_nomem(err);
	for (size_t i = 0; observed && i < observed->count; i++) {
		const struct vst_observed *item = &observed->items[i];
		if (vst_login_kind_of(item->item->path) != kind || vst_login_by_path(&set, item->item->path))
			continue;
		if (set.count == VST_LOGIN_FILES) {
			set.cut = true;
			break;
		}
		int rc = read_log(item, &set.logs[set.count], err);
		if (rc != 0) {
			vst_login_set_free(&set);
			return rc;
		}
		if (set.logs[set.count].facts)
			set.count++;
	}
	*ret = set;
	return 0;
}

void vst_login_set_free(struct vst_login_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free_log(&set->logs[i]);
	free(set->logs);
	*set = (struct vst_login_set){0};
}

const uint8_t *vst_login_record(const struct vst_login_log *log, uint64_t at)
{
	return at >= log->from && at < log->count ? log->records.data + (at - log->from) * VST_LOGIN_DIGEST
	                                          : NULL;
}

bool vst_login_is_blank(const uint8_t *digest)
{
	static const uint8_t blank[VST_LOGIN_DIGEST];
	return memcmp(digest, blank, sizeof blank) == 0;
}

bool vst_login_has_block(const struct vst_login_log *log, uint64_t block)
{
	return block < log->blocks.len / VST_LOGIN_DIGEST;
}

bool vst_login_same_block(const struct vst_login_log *a, const struct vst_login_log *b, uint64_t block)
{
	return vst_login_has_block(a, block) && vst_login_has_block(b, block) &&
	       memcmp(a->blocks.data + block * VST_LOGIN_DIGEST, b->blocks.data + block * VST_LOGIN_DIGEST,
	               VST_LOGIN_DIGEST) == 0;
}

bool vst_login_same_inode(const struct vst_login_log *a, const struct vst_login_log *b)
{
	const struct vst_item *x = a->item->item, *y = b->item->item;
	return x->has_stat && y->has_stat && x->ino == y->ino && x->dev_major == y->dev_major &&
	       x->dev_minor == y->dev_minor && x->btime == y->btime;
}

const struct vst_login_log *vst_login_by_path(const struct vst_login_set *set, const char *path)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->logs[i].item->item->path, path) == 0)
			return &set->logs[i];
	return NULL;
}

bool vst_login_has_records(const struct vst_login_log *log)
{
	return log->known && log->count > (uint64_t)vst_facts_int(log->facts, "blank", 0);
}

/* ---- looking up ---- */

struct known {
	uint8_t digest[VST_LOGIN_DIGEST];
	uint32_t log;
};

struct vst_login_known {
	size_t count;
	struct known all[];
};

static int compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int order = memcmp(x->digest, y->digest, sizeof x->digest);
	return order ? order : x->log < y->log ? -1 : x->log > y->log;
}

int vst_login_known_new(const struct vst_login_set *set, struct vst_login_known **ret, struct vst_err *err)
{
	size_t count = 0;
	for (size_t i = 0; i < set->count; i++)
		count += set->logs[i].records.len / VST_LOGIN_DIGEST;
	struct vst_login_known *known = vst_alloc(sizeof *known + count * sizeof *known->all);
	if (!known)
		return vst_err_nomem(err);
	known->count = 0;
	for (size_t i = 0; i < set->count; i++) {
		for (uint64_t at = set->logs[i].from; at < set->logs[i].count; at++) {
			const uint8_t *digest = vst_login_record(&set->logs[i], at);
			if (vst_login_is_blank(digest))
				continue;
			struct known *entry = &known->all[known->count++];
			memcpy(entry->digest, digest, sizeof entry->digest);
			entry->log = (uint32_t)i;
		}
	}
	qsort(known->all, known->count, sizeof *known->all, compare);
	*ret = known;
	return 0;
}

void vst_login_known_free(struct vst_login_known *known)
{
	free(known);
}

/* The first with this digest. */
static size_t find(const struct vst_login_known *known, const uint8_t *digest)
{
	size_t low = 0, high = known->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(known->all[middle].digest, digest, VST_LOGIN_DIGEST) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool vst_login_known_has(const struct vst_login_known *known, const uint8_t *digest)
{
	size_t at = find(known, digest);
	return at < known->count && memcmp(known->all[at].digest, digest, VST_LOGIN_DIGEST) == 0;
}

/* ---- matching ---- */

static void count_records(
        const struct vst_login_log *log, const struct vst_login_known *known, uint64_t *scores)
{
	for (uint64_t at = log->from; at < log->count; at++) {
		const uint8_t *digest = vst_login_record(log, at);
		size_t found = find(known, digest);
		for (size_t i = found; i < known->count && i < found + SAME_RECORD_MAX; i++) {
			if (memcmp(known->all[i].digest, digest, VST_LOGIN_DIGEST) != 0)
				break;
			scores[known->all[i].log]++;
		}
	}
}

static const struct vst_login_log *best_for(const struct vst_login_log *log,
        const struct vst_login_set *after, const struct vst_login_known *known)
{
	uint64_t scores[VST_LOGIN_FILES] = {0}, most = 0;
	const struct vst_login_log *best = NULL;
	count_records(log, known, scores);
	for (size_t i = 0; i < after->count; i++) {
		const struct vst_login_log *other = &after->logs[i];
		for (uint64_t block = 0; vst_login_has_block(log, block) && vst_login_has_block(other, block);
		        block++)
			scores[i] += vst_login_same_block(log, other, block) ? VST_LOGIN_BLOCK : 0;
		bool same = vst_login_same_inode(log, other);
		if (scores[i] > most || (scores[i] == most && same && other->known)) {
			most = scores[i];
			best = other;
		}
	}
	return best;
}

void vst_login_match(const struct vst_login_set *before, const struct vst_login_set *after,
        const struct vst_login_known *known, const struct vst_login_log **ret)
{
	for (size_t i = 0; i < before->count; i++)
		ret[i] = best_for(&before->logs[i], after, known);
}
