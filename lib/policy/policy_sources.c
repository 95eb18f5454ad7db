#include "policy/policy_sources.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define BIT(kind) (1U << (kind))

static const char *const kind_names[VST_SOURCE_KINDS] = {
        NULL, "files", "live", "journal", "sqlite", "postgres", "artifacts"};
static const char *const content_names[] = {"full", "digest", "metadata"};
static const char *const live_names[] = {"processes", "sockets", "modules", "mounts", "sessions", "network",
        "packet_filter", "bpf", "kernel", "deleted_files", "self"};

const char *vst_source_kind_name(enum vst_source_kind kind)
{
	return (unsigned)kind < VST_SOURCE_KINDS ? kind_names[kind] : NULL;
}

const char *vst_policy_content_name(enum vst_policy_content content)
{
	return (unsigned)content < LENGTH(content_names) ? content_names[content] : NULL;
}

const char *vst_live_kind_name(unsigned bit)
{
	return bit < LENGTH(live_names) ? live_names[bit] : NULL;
}

/* ---- files ---- */

static int check_pattern(struct policy_check *c, size_t node, bool absolute)
{
	struct vst_pattern *pattern = NULL;
	struct vst_err why = VST_ERR_INIT;
	const char *text = policy_node(c, node)->text;
	int rc = vst_pattern_compile(text, &pattern, &why);
	if (rc == VST_EFORMAT) {
		rc = policy_error(c, node, "%.512s", why.text);
		if (why.hint[0])
			vst_err_hint(c->err, "%s", why.hint);
		return rc;
	}
	if (rc != 0)
		return vst_err_nomem(c->err);
	c->alternatives += pattern->count;
	if (c->alternatives > VST_POLICY_ALTERNATIVES_MAX) {
		rc = policy_error(c, node, "all patterns together have more than %d alternatives",
		        VST_POLICY_ALTERNATIVES_MAX);
	} else if (absolute && !pattern->absolute) {
		rc = policy_error(c, node, "'%.128s' must start with '/'", text);
		vst_err_hint(c->err, "'/**/%.64s' takes it at any depth", text);
	}
	vst_pattern_free(pattern);
	return rc;
}

static int take_path(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	return rc == 0 ? check_pattern(c, node, true) : rc;
}

static int take_excluded(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	return rc == 0 ? check_pattern(c, node, false) : rc;
}

static int take_paths(struct policy_check *c, size_t node, void *to)
{
	return policy_take_list(c, node, 1, take_path, sizeof(char *), to);
}

static int take_exclude(struct policy_check *c, size_t node, void *to)
{
	return policy_take_list(c, node, 0, take_excluded, sizeof(char *), to);
}

static int take_files(struct policy_check *c, size_t node, void *to)
{
#define AT(member) offsetof(struct vst_policy_files, member)
	static const struct policy_field fields[] = {
	        {"paths", true, take_paths, AT(paths)},
	        {"exclude", false, take_exclude, AT(exclude)},
	        {"append_only", false, policy_take_flag, AT(append_only)},
	        {"one_file_system", false, policy_take_flag, AT(one_file_system)},
	        {"packages", false, policy_take_flag, AT(packages)},
	};
#undef AT
	return policy_take_map(c, node, fields, LENGTH(fields), to);
}

/* ---- live state ---- */

static int take_live(struct policy_check *c, size_t node, void *to)
{
	const char *known[LENGTH(live_names) + 1];
	unsigned *set = to;
	size_t word = 0;
	int rc = 0;
	memcpy(known, live_names, sizeof live_names);
	known[LENGTH(live_names)] = "all";
	if (policy_node(c, node)->kind != POLICY_LIST || policy_node(c, node)->first == 0) /* says so */
		return policy_take_list(c, node, 1, NULL, 0, NULL);
	for (size_t child = policy_node(c, node)->first; rc == 0 && child != 0;
	        child = policy_node(c, child)->next) {
		rc = policy_take_word(c, child, "kind of live state", known, LENGTH(known), &word);
		if (rc == 0)
			rc = policy_check_once(c, child);
		if (rc == 0)
			*set |= word == LENGTH(live_names) ? (unsigned)VST_LIVE_ALL : 1U << word;
	}
	return rc;
}

/* ---- a path as it is, without wildcards ---- */

static int take_plain_path(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	if (rc != 0)
		return rc;
	const char *text = policy_node(c, node)->text;
	bool good = text[0] == '/' && text[1] != '\0' && strlen(text) < VST_PATTERN_MAX;
	for (const char *at = text; good && *at; at += strcspn(at + 1, "/") + 1) {
		size_t len = strcspn(at + 1, "/");
		good = *at == '/' && len > 0 && !(len == 1 && at[1] == '.') &&
		       !(len == 2 && at[1] == '.' && at[2] == '.');
	}
	return good ? 0
	            : policy_error(
	                      c, node, "'%.128s' is not an absolute path without '.', '..' and '//'", text);
}

/* ---- the journal ---- */

static int take_directories(struct policy_check *c, size_t node, void *to)
{
	return policy_take_list(c, node, 1, take_plain_path, sizeof(char *), to);
}

static int take_journal(struct policy_check *c, size_t node, void *to)
{
#define AT(member) offsetof(struct vst_policy_journal, member)
	static const struct policy_field fields[] = {
	        {"directories", false, take_directories, AT(directories)},
	        {"since", false, policy_take_duration, AT(since)},
	        {"units", false, policy_take_texts, AT(units)},
	        {"boots", false, policy_take_number, AT(boots)},
	        {"raw", false, policy_take_flag, AT(raw)},
	        {"export", false, policy_take_flag, AT(export)},
	};
#undef AT
	struct vst_policy_journal *journal = to;
	journal->raw = journal->export = true;
	int rc = policy_take_map(c, node, fields, LENGTH(fields), to);
	if (rc == 0 && !journal->raw && !journal->export)
		rc = policy_error(c, node, "neither raw nor export: nothing would be taken");
	return rc;
}

/* ---- databases ---- */

static int take_sqlite(struct policy_check *c, size_t node, void *to)
{
#define AT(member) offsetof(struct vst_policy_sqlite, member)
	static const struct policy_field fields[] = {
	        {"database", true, take_plain_path, AT(database)},
	        {"tables", false, policy_take_texts, AT(tables)},
	        {"query", false, policy_take_text, AT(query)},
	        {"raw", false, policy_take_flag, AT(raw)},
	};
#undef AT
	const struct vst_policy_sqlite *sqlite = to;
	int rc = policy_take_map(c, node, fields, LENGTH(fields), to);
	if (rc == 0 && sqlite->table_count > 0 && sqlite->query)
		rc = policy_error(c, node, "tables and query: one of them");
	return rc;
}

/* A secret in a policy would be in each exhibit and on the host. */
static int take_uri(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	if (rc != 0)
		return rc;
	const char *text = policy_node(c, node)->text;
	if (strncmp(text, "postgresql://", 13) != 0 && strncmp(text, "postgres://", 11) != 0)
		return policy_error(c, node, "must start with postgresql://");
	const char *authority = strstr(text, "://") + 3;
	size_t len = strcspn(authority, "/?#");
	const char *at = memchr(authority, '@', len);
	bool secret = at && memchr(authority, ':', (size_t)(at - authority));
	if (!secret && !strcasestr(text, "password") && !strcasestr(text, "sslkey"))
		return 0;
	/* The text is not repeated: errors go to screens and logs. */
	rc = policy_error(c, node, "holds a password");
	vst_err_hint(
	        c->err, "put it into ~/.pgpass or a service file of mode 0600, or use a role without one");
	return rc;
}

static int take_postgres(struct policy_check *c, size_t node, void *to)
{
#define AT(member) offsetof(struct vst_policy_postgres, member)
	static const struct policy_field fields[] = {
	        {"service", false, policy_take_text, AT(service)},
	        {"uri", false, take_uri, AT(uri)},
	        {"schemas", false, policy_take_texts, AT(schemas)},
	        {"tables", false, policy_take_texts, AT(tables)},
	        {"query", false, policy_take_text, AT(query)},
	};
#undef AT
	const struct vst_policy_postgres *postgres = to;
	int rc = policy_take_map(c, node, fields, LENGTH(fields), to);
	if (rc == 0 && !postgres->service == !postgres->uri)
		rc = policy_error(c, node, "needs a service or a uri, and one of them");
	if (rc == 0 &&
	        (postgres->schema_count > 0) + (postgres->table_count > 0) + (postgres->query != NULL) > 1)
		rc = policy_error(c, node, "schemas, tables and query: one of them");
	return rc;
}

/* ---- what goes with several kinds ---- */

static int take_content(struct policy_check *c, size_t node, void *to)
{
	enum vst_policy_content *content = to;
	size_t word = 0;
	int rc = policy_take_word(c, node, "content", content_names, LENGTH(content_names), &word);
	if (rc == 0)
		*content = (enum vst_policy_content)word;
	return rc;
}

static int take_commands(struct policy_check *c, size_t node, void *to)
{
	static const char *const known[] = {"refuse", "allow"};
	bool *allow = to;
	size_t word = 0;
	int rc = policy_take_word(c, node, "answer", known, LENGTH(known), &word);
	if (rc == 0)
		*allow = word == 1;
	return rc;
}

/* A mapping whose keys are the database's own words. */
static int take_columns(struct policy_check *c, size_t node, void *to)
{
	const struct policy_node *at = policy_node(c, node);
	struct {
		struct vst_policy_column *list;
		size_t count;
	} *head = to;
	size_t count = 0;
	if (at->kind != POLICY_MAP)
		return policy_take_map(c, node, NULL, 0, NULL); /* says so */
	for (size_t child = at->first; child != 0; child = policy_node(c, child)->next)
		count++;
	if (count > VST_POLICY_SOURCES_MAX)
		return policy_error(c, node, "more than %d of them", VST_POLICY_SOURCES_MAX);
	if (count > 0 && !(head->list = vst_calloc(count, sizeof *head->list)))
		return vst_err_nomem(c->err);
	for (size_t child = at->first; child != 0; child = policy_node(c, child)->next) {
		struct vst_policy_column *column = &head->list[head->count++];
		int rc = policy_take_text(c, child, &column->category);
		if (rc != 0)
			return rc;
		if (policy_child(c, node, policy_node(c, child)->key) != child)
			return policy_tree_error(c->tree, node, policy_node(c, child)->key_line, c->err,
			        "key '%.64s' is here twice", policy_node(c, child)->key);
		if (!policy_is_name(column->category, "_"))
			return policy_error(c, child, "'%.80s' is not a category (letters, digits, '_')",
			        column->category);
		if (!(column->column = vst_strdup(policy_node(c, child)->key)))
			return vst_err_nomem(c->err);
	}
	return 0;
}

static int take_source_name(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	if (rc != 0)
		return rc;
	const char *text = policy_node(c, node)->text;
	if (!policy_is_name(text, "-_"))
		return policy_error(c, node,
		        "'%.80s' is not a name (a letter or digit, then letters, digits, '-', '_'; at most "
		        "%d)",
		        text, VST_POLICY_NAME_MAX);
	if (strcmp(text, "exhibit") == 0 || strcmp(text, "long") == 0)
		return policy_error(c, node, "'%s' is a name that exhibits use themselves", text);
	return 0;
}

/* ---- the whole source ---- */

/* Its kind is told by the one key that names a kind. */
static int find_kind(struct policy_check *c, size_t node, struct vst_policy_source *source)
{
	for (unsigned kind = VST_SOURCE_FILES; kind < VST_SOURCE_KINDS; kind++) {
		size_t child = policy_child(c, node, kind_names[kind]);
		if (child == 0)
			continue;
		if (source->kind)
			return policy_tree_error(c->tree, node, policy_node(c, child)->key_line, c->err,
			        "'%s' and '%s' in one source: make it two", kind_names[source->kind],
			        kind_names[kind]);
		source->kind = (enum vst_source_kind)kind;
	}
	if (source->kind)
		return 0;
	int rc = policy_error(c, node, "says not what to take");
	vst_err_hint(c->err, "one of files, live, journal, sqlite, postgres, artifacts");
	return rc;
}

/* Keys that mean something for some kinds only. */
static int check_belongings(struct policy_check *c, size_t node, enum vst_source_kind kind)
{
	static const struct {
		const char *key;
		unsigned kinds;
	} belongings[] = {
	        {"content", BIT(VST_SOURCE_FILES) | BIT(VST_SOURCE_SQLITE) | BIT(VST_SOURCE_POSTGRES)},
	        {"subject", BIT(VST_SOURCE_SQLITE) | BIT(VST_SOURCE_POSTGRES)},
	        {"columns", BIT(VST_SOURCE_SQLITE) | BIT(VST_SOURCE_POSTGRES)},
	        {"definitions", BIT(VST_SOURCE_ARTIFACTS)},
	        {"commands", BIT(VST_SOURCE_ARTIFACTS)},
	};
	for (size_t i = 0; i < LENGTH(belongings); i++) {
		size_t child = policy_child(c, node, belongings[i].key);
		if (child != 0 && !(belongings[i].kinds & BIT(kind)))
			return policy_tree_error(c->tree, node, policy_node(c, child)->key_line, c->err,
			        "'%s' means nothing for a source of %s", belongings[i].key, kind_names[kind]);
	}
	return 0;
}

static int check_name_once(struct policy_check *c, size_t node)
{
	size_t name = policy_child(c, node, "name");
	size_t earlier = policy_node(c, policy_node(c, node)->parent)->first;
	for (; earlier != node; earlier = policy_node(c, earlier)->next) {
		const struct policy_node *other = policy_node(c, policy_child(c, earlier, "name"));
		if (strcmp(other->text, policy_node(c, name)->text) == 0)
			return policy_error(c, name, "'%s' is the name of the source in line %zu already",
			        other->text, other->line);
	}
	return 0;
}

int policy_take_source(struct policy_check *c, size_t node, void *to)
{
#define AT(member) offsetof(struct vst_policy_source, member)
	static const struct policy_field fields[] = {
	        {"name", true, take_source_name, AT(name)},
	        {"files", false, take_files, AT(files)},
	        {"live", false, take_live, AT(live)},
	        {"journal", false, take_journal, AT(journal)},
	        {"sqlite", false, take_sqlite, AT(sqlite)},
	        {"postgres", false, take_postgres, AT(postgres)},
	        {"artifacts", false, policy_take_texts, AT(artifacts.names)},
	        {"definitions", false, policy_take_text, AT(artifacts.definitions)},
	        {"commands", false, take_commands, AT(artifacts.commands)},
	        {"content", false, take_content, AT(content)},
	        {"subject", false, policy_take_text, AT(subject)},
	        {"columns", false, take_columns, AT(columns)},
	};
#undef AT
	struct vst_policy_source *source = to;
	int rc = policy_take_map(c, node, fields, LENGTH(fields), to);
	if (rc != 0)
		return rc;
	if (policy_node(c, node)->position >= VST_POLICY_SOURCES_MAX)
		return policy_error(c, node, "more than %d sources", VST_POLICY_SOURCES_MAX);
	if ((rc = check_name_once(c, node)) != 0 || (rc = find_kind(c, node, source)) != 0)
		return rc;
	if (source->files.packages && source->content == VST_CONTENT_METADATA)
		return policy_error(c, policy_child(c, node, "files"),
		        "packages: with content: metadata nothing is read that could be compared");
	return check_belongings(c, node, source->kind);
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void policy_source_release(struct vst_policy_source *source)
{
	free(source->name);
	free_texts(source->files.paths, source->files.path_count);
	free_texts(source->files.exclude, source->files.exclude_count);
	free_texts(source->journal.directories, source->journal.directory_count);
	free_texts(source->journal.units, source->journal.unit_count);
	free(source->sqlite.database);
	free_texts(source->sqlite.tables, source->sqlite.table_count);
	free(source->sqlite.query);
	free(source->postgres.service);
	free(source->postgres.uri);
	free_texts(source->postgres.schemas, source->postgres.schema_count);
	free_texts(source->postgres.tables, source->postgres.table_count);
	free(source->postgres.query);
	free_texts(source->artifacts.names, source->artifacts.name_count);
	free(source->artifacts.definitions);
	free(source->subject);
	for (size_t i = 0; i < source->column_count; i++) {
		free(source->columns[i].column);
		free(source->columns[i].category);
	}
	free(source->columns);
}
