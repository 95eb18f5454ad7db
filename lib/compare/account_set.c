#include "compare/account_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compare/facts_read.h"
#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define PEOPLE_FROM 1000
#define NOBODY 65534

static int add_entries(
        struct vst_account_table *table, enum vst_account_file kind, const json_t *facts, struct vst_err *err)
{
	const json_t *entries = json_object_get(facts, "entries");
	for (size_t i = 0; i < json_array_size(entries); i++) {
		json_t *entry = json_array_get(entries, i);
		char number[24];
		const char *name = vst_facts_text_at(entry, 0);
		if (kind == VST_ACCOUNT_LASTLOG) {
			snprintf(number, sizeof number, "%" PRId64, vst_facts_at(entry, VST_LASTLOG_UID, 0));
			name = number;
		}
		if (!json_object_get(table->by_name, name) &&
		        json_object_set(table->by_name, name, entry) != 0)
			return vst_err_nomem(err);
	}
	return 0;
}

static int add_item(struct vst_account_set *set, const struct vst_observed *item, struct vst_err *err)
{
	enum vst_account_file kind = vst_account_file_of(item->item->path);
	struct vst_account_table *table = &set->tables[kind];
	json_t *facts = NULL;
	if (kind == VST_ACCOUNT_NONE || (table->facts && kind != VST_ACCOUNT_SUDOERS))
		return 0;
	int rc = vst_facts_read_item(item, VST_ACCOUNT_FORMAT, &facts, err);
	if (rc != 0 || !facts)
		return rc;
	if (!table->by_name && !(table->by_name = json_object())) {
		json_decref(facts);
		return vst_err_nomem(err);
	}
	table->cut |= json_is_true(json_object_get(facts, "cut"));
	rc = add_entries(table, kind, facts, err);
	if (table->facts) {
		json_decref(facts);
	} else {
		table->facts = facts;
		table->item = item;
	}
	return rc;
}

int vst_account_set_read(
        const struct vst_observed_set *observed, struct vst_account_set *ret, struct vst_err *err)
{
	struct vst_account_set set = {0};
	for (size_t i = 0; observed && i < observed->count; i++) {
		int rc = add_item(&set, &observed->items[i], err);
		if (rc != 0) {
			vst_account_set_free(&set);
			return rc;
		}
	}
	*ret = set;
	return 0;
}

void vst_account_set_free(struct vst_account_set *set)
{
	for (int kind = 0; kind < VST_ACCOUNT_FILES; kind++) {
		json_decref(set->tables[kind].facts);
		json_decref(set->tables[kind].by_name);
		set->tables[kind] = (struct vst_account_table){0};
	}
}

const json_t *vst_account_find(
        const struct vst_account_set *set, enum vst_account_file kind, const char *name)
{
	return json_object_get(set->tables[kind].by_name, name);
}

const char *vst_account_password(const struct vst_account_set *set, const char *name)
{
	const json_t *passwd = vst_account_find(set, VST_ACCOUNT_PASSWD, name);
	const char *own = vst_facts_text_at(passwd, VST_PASSWD_PASSWORD);
	if (passwd && strcmp(own, "shadow") != 0)
		return own;
	const json_t *shadow = vst_account_find(set, VST_ACCOUNT_SHADOW, name);
	if (shadow)
		return vst_facts_text_at(shadow, VST_SHADOW_PASSWORD);
	/* Without an entry nobody can come in by a password. */
	const struct vst_account_table *table = &set->tables[VST_ACCOUNT_SHADOW];
	return table->facts && !table->cut ? "locked" : "unknown";
}

bool vst_account_shell_opens(const char *shell)
{
	static const char *const closed[] = {"nologin", "false", "true", "sync", "shutdown", "halt"};
	const char *slash = strrchr(shell, '/');
	const char *name = slash ? slash + 1 : shell;
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		if (strcmp(name, closed[i]) == 0)
			return false;
	return true;
}

bool vst_account_is_system(int64_t uid)
{
	return (uid > 0 && uid < PEOPLE_FROM) || uid == NOBODY;
}
