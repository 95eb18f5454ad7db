#include "vestige/accounts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/beneath.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/*
 * One table for each file: names end to end in one block, and entries sorted by id, each id once.
 */
struct account {
	uint32_t id;
	uint32_t name; /* offset; it also tells which of two entries came first */
};

struct table {
	struct vst_buf names;
	struct account *entries;
	size_t count, cap;
};

struct home {
	size_t user, home; /* offsets */
	size_t line;
};

struct vst_accounts {
	struct table users, groups;
	struct vst_buf texts; /* of the homes */
	struct home *homes;
	size_t home_count, home_cap;
};

/* Digits only; (uint32_t)-1 is no id. */
static bool parse_id(const char *text, size_t len, uint32_t *ret)
{
	uint64_t id = 0;
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		id = id * 10 + (uint64_t)(text[i] - '0');
		if (id >= UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)id;
	return true;
}

/* `name:password:id:…`; the name is the line's first *ret_name_len bytes. */
static bool parse_line(const char *line, size_t len, size_t *ret_name_len, uint32_t *ret_id)
{
	const char *end = line + len;
	const char *name_end = memchr(line, ':', len);
	if (!name_end || name_end == line || (size_t)(name_end - line) > VST_ACCOUNTS_NAME_MAX)
		return false;
	/* Comments, and entries that ask for a network service, which we do not. */
	if (line[0] == '#' || line[0] == '+' || line[0] == '-' || memchr(line, 0, len))
		return false;
	const char *password_end = memchr(name_end + 1, ':', (size_t)(end - name_end - 1));
	if (!password_end)
		return false;
	const char *id = password_end + 1;
	const char *id_end = memchr(id, ':', (size_t)(end - id));
	if (!id_end || !parse_id(id, (size_t)(id_end - id), ret_id))
		return false;
	*ret_name_len = (size_t)(name_end - line);
	return true;
}

static int add(struct table *table, const char *name, size_t len, uint32_t id, struct vst_err *err)
{
	if (table->count == table->cap) {
		size_t cap = table->cap ? table->cap * 2 : 64;
		struct account *grown = vst_realloc(table->entries, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		table->entries = grown;
		table->cap = cap;
	}
	table->entries[table->count++] = (struct account){id, (uint32_t)table->names.len};
	vst_buf_bytes(&table->names, name, len);
	vst_buf_byte(&table->names, 0);
	return vst_buf_check(&table->names, err);
}

static int compare(const void *a, const void *b)
{
	const struct account *x = a, *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static void keep_first_of_each_id(struct table *table)
{
	size_t kept = 0;
	if (table->count == 0)
		return;
	qsort(table->entries, table->count, sizeof *table->entries, compare);
	for (size_t i = 0; i < table->count; i++) {
		if (kept == 0 || table->entries[kept - 1].id != table->entries[i].id)
			table->entries[kept++] = table->entries[i];
	}
	table->count = kept;
}

static int fill(struct table *table, const char *text, size_t len, struct vst_err *err)
{
	while (len > 0 && table->count < VST_ACCOUNTS_MAX) {
		const char *lf = memchr(text, '\n', len);
		size_t line_len = lf ? (size_t)(lf - text) : len, name_len;
		uint32_t id;
		if (parse_line(text, line_len, &name_len, &id)) {
			int rc = add(table, text, name_len, id, err);
			if (rc != 0)
				return rc;
		}
		text += line_len + (lf != NULL);
		len -= line_len + (lf != NULL);
	}
	keep_first_of_each_id(table);
	return 0;
}

/* The sixth field; "" if there are not so many. */
static void find_home(const char *line, size_t len, const char **ret, size_t *ret_len)
{
	const char *end = line + len, *at = line;
	for (int colons = 0; colons < 5 && at < end; colons++) {
		const char *colon = memchr(at, ':', (size_t)(end - at));
		at = colon ? colon + 1 : end;
	}
	*ret = at;
	const char *stop = memchr(*ret, ':', (size_t)(end - *ret));
	*ret_len = (size_t)((stop ? stop : end) - *ret);
}

static int add_home(struct vst_accounts *accounts, const char *line, size_t len, size_t name_len,
        size_t number, struct vst_err *err)
{
	const char *home;
	size_t home_len;
	if (accounts->home_count == accounts->home_cap) {
		size_t cap = accounts->home_cap ? 2 * accounts->home_cap : 64;
		struct home *grown = vst_realloc(accounts->homes, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		accounts->homes = grown;
		accounts->home_cap = cap;
	}
	find_home(line, len, &home, &home_len);
	struct home *to = &accounts->homes[accounts->home_count++];
	*to = (struct home){.user = accounts->texts.len, .line = number};
	vst_buf_bytes(&accounts->texts, line, name_len);
	vst_buf_byte(&accounts->texts, 0);
	to->home = accounts->texts.len;
	vst_buf_bytes(&accounts->texts, home, home_len);
	vst_buf_byte(&accounts->texts, 0);
	return vst_buf_check(&accounts->texts, err);
}

static int fill_homes(struct vst_accounts *accounts, const char *text, size_t len, struct vst_err *err)
{
	for (size_t number = 1; len > 0 && accounts->home_count < VST_ACCOUNTS_MAX; number++) {
		const char *lf = memchr(text, '\n', len);
		size_t line_len = lf ? (size_t)(lf - text) : len, name_len;
		uint32_t id;
		if (parse_line(text, line_len, &name_len, &id)) {
			int rc = add_home(accounts, text, line_len, name_len, number, err);
			if (rc != 0)
				return rc;
		}
		text += line_len + (lf != NULL);
		len -= line_len + (lf != NULL);
	}
	return 0;
}

bool vst_accounts_home(const struct vst_accounts *accounts, size_t index, struct vst_account_home *ret)
{
	if (!accounts || index >= accounts->home_count)
		return false;
	const struct home *home = &accounts->homes[index];
	const char *texts = (const char *)accounts->texts.data;
	*ret = (struct vst_account_home){texts + home->user, texts + home->home, home->line};
	return true;
}

int vst_accounts_parse(const void *passwd, size_t passwd_len, const void *group, size_t group_len,
        struct vst_accounts **ret, struct vst_err *err)
{
	if (passwd_len > VST_ACCOUNTS_FILE_MAX || group_len > VST_ACCOUNTS_FILE_MAX)
		return vst_err_set(
		        err, VST_ELIMIT, "passwd or group is longer than %d bytes", VST_ACCOUNTS_FILE_MAX);
	struct vst_accounts *accounts = vst_calloc(1, sizeof *accounts);
	if (!accounts)
		return vst_err_nomem(err);
	int rc = fill(&accounts->users, passwd, passwd ? passwd_len : 0, err);
	if (rc == 0)
		rc = fill(&accounts->groups, group, group ? group_len : 0, err);
	if (rc == 0)
		rc = fill_homes(accounts, passwd, passwd ? passwd_len : 0, err);
	if (rc != 0) {
		vst_accounts_free(accounts);
		return rc;
	}
	*ret = accounts;
	return 0;
}

/* Ids without names are evidence enough: a file that cannot be read or is no passwd file gives none. */
static int read_names(int root_fd, const char *path, struct vst_buf *out, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int rc = vst_beneath_read(root_fd, path, VST_ACCOUNTS_FILE_MAX, out, &why);
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	if (rc != 0)
		vst_buf_clear(out);
	return 0;
}

int vst_accounts_load(int root_fd, struct vst_accounts **ret, struct vst_err *err)
{
	struct vst_buf passwd = VST_BUF_INIT, group = VST_BUF_INIT;
	int rc = read_names(root_fd, "etc/passwd", &passwd, err);
	if (rc == 0)
		rc = read_names(root_fd, "etc/group", &group, err);
	if (rc == 0)
		rc = vst_accounts_parse(passwd.data, passwd.len, group.data, group.len, ret, err);
	vst_buf_free(&passwd);
	vst_buf_free(&group);
	return rc;
}

void vst_accounts_free(struct vst_accounts *accounts)
{
	if (!accounts)
		return;
	vst_buf_free(&accounts->users.names);
	vst_buf_free(&accounts->groups.names);
	free(accounts->users.entries);
	free(accounts->groups.entries);
	vst_buf_free(&accounts->texts);
	free(accounts->homes);
	free(accounts);
}

static const char *find(const struct table *table, uint64_t id)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (table->entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || table->entries[low].id != id)
		return NULL;
	return (const char *)table->names.data + table->entries[low].name;
}

const char *vst_accounts_user(const struct vst_accounts *accounts, uint64_t uid)
{
	return accounts ? find(&accounts->users, uid) : NULL;
}

const char *vst_accounts_group(const struct vst_accounts *accounts, uint64_t gid)
{
	return accounts ? find(&accounts->groups, gid) : NULL;
}
