#include "policy_show.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy_artifacts.h"
#include "vestige/look.h"
#include "vestige/text.h"

static const struct {
	unsigned bit;
	const char *name;
} hash_names[] = {{VST_HASH_SHA256, "sha256"}, {VST_HASH_SHA1, "sha1"}, {VST_HASH_MD5, "md5"}};

/* ---- one key: as text, or as JSON, so that each kind is told once ---- */

struct showing {
	const struct cli *cli;
	struct vst_json *json; /* NULL: text */
	int root_fd;
};

static void label(const char *key, bool first)
{
	cli_print("  %-16s", first ? key : "");
}

static void show_texts(struct showing *s, const char *key, char *const *texts, size_t count)
{
	if (s->json) {
		vst_json_key(s->json, key);
		vst_json_array(s->json);
		for (size_t i = 0; i < count; i++)
			vst_json_string(s->json, texts[i]);
		vst_json_end(s->json);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		label(key, i == 0);
		cli_print("%s\n", cli_show_text(texts[i]));
	}
}

static void show_one(struct showing *s, const char *key, const char *text)
{
	if (s->json) {
		vst_json_key(s->json, key);
		vst_json_string(s->json, text);
	} else if (text) {
		label(key, true);
		cli_print("%s\n", cli_show_text(text));
	}
}

static void show_flag(struct showing *s, const char *key, bool flag)
{
	if (s->json) {
		vst_json_key(s->json, key);
		vst_json_bool(s->json, flag);
	} else if (flag) {
		label(key, true);
		cli_print("yes\n");
	}
}

/* 0: none. */
static void show_number(struct showing *s, const char *key, uint64_t number, const char *text)
{
	if (s->json) {
		vst_json_key(s->json, key);
		if (number == 0)
			vst_json_null(s->json);
		else
			vst_json_uint(s->json, number);
	} else if (number > 0) {
		label(key, true);
		cli_print("%s\n", text);
	}
}

static void number_text(uint64_t number, char ret[32])
{
	snprintf(ret, 32, "%" PRIu64, number);
}

/* As the policy has it: the largest unit that it is a whole number of. */
static void duration_text(uint64_t seconds, char ret[32])
{
	static const struct {
		unsigned seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t unit = 0;
	while (seconds % units[unit].seconds != 0)
		unit++;
	snprintf(ret, 32, "%" PRIu64 "%s", seconds / units[unit].seconds, units[unit].name);
}

/* ---- where a pattern leads ---- */

static void json_look(struct vst_json *json, const char *pattern, const struct vst_look *look)
{
	vst_json_object(json);
	vst_json_key(json, "pattern");
	vst_json_string(json, pattern);
	vst_json_key(json, "matches");
	vst_json_uint(json, look->matches);
	vst_json_key(json, "more");
	vst_json_bool(json, look->more);
	vst_json_key(json, "any_depth");
	vst_json_bool(json, look->any_depth);
	vst_json_key(json, "denied");
	vst_json_uint(json, look->denied);
	vst_json_key(json, "failed");
	vst_json_uint(json, look->failed);
	vst_json_key(json, "first");
	vst_json_array(json);
	for (size_t i = 0; i < VST_LOOK_EXAMPLES && look->examples[i]; i++)
		vst_json_text(json, look->examples[i], strlen(look->examples[i]));
	vst_json_end(json);
	vst_json_end(json);
}

static void text_look(const struct cli *cli, const char *pattern, const struct vst_look *look)
{
	bool itself = look->matches == 1 && !look->any_depth && strcmp(look->examples[0], pattern) == 0;
	const char *between = ": ";
	cli_print("  %s", cli_style(cli, CLI_DIM));
	if (look->matches == 0 && look->denied + look->failed == 0)
		cli_print("not here");
	else if (itself)
		cli_print("is here");
	else
		cli_print("%" PRIu64 "%s%s here", look->matches, look->more ? " and more" : "",
		        !look->any_depth     ? ""
		        : look->matches == 1 ? " directory to search"
		                             : " directories to search");
	for (size_t i = 0; !itself && i < VST_LOOK_EXAMPLES && look->examples[i]; i++) {
		cli_print("%s%s", between, cli_show_text(look->examples[i]));
		between = ", ";
	}
	if (!itself && look->matches > VST_LOOK_EXAMPLES)
		cli_print(", …");
	if (look->denied > 0)
		cli_print(" (%" PRIu64 " denied)", look->denied);
	if (look->failed > 0)
		cli_print(" (%" PRIu64 " failed)", look->failed);
	cli_print("%s\n", cli_style(cli, CLI_PLAIN));
}

/* A look that fails is no reason not to show the policy. */
static void show_paths(struct showing *s, char *const *patterns, size_t count)
{
	if (s->json) {
		show_texts(s, "paths", patterns, count);
		vst_json_key(s->json, "resolved");
		vst_json_array(s->json);
	}
	for (size_t i = 0; i < count; i++) {
		struct vst_look look = {0};
		bool good = s->root_fd >= 0 && vst_look(s->root_fd, patterns[i], &look, NULL) == 0;
		if (s->json && good) {
			json_look(s->json, patterns[i], &look);
		} else if (!s->json) {
			label("paths", i == 0);
			cli_print("%s", cli_show_text(patterns[i]));
			if (good)
				text_look(s->cli, patterns[i], &look);
			else
				cli_print("\n");
		}
		vst_look_free(&look);
	}
	if (s->json)
		vst_json_end(s->json);
}

/* ---- the kinds ---- */

static void show_files(struct showing *s, const struct vst_policy_source *source)
{
	const struct vst_policy_files *files = &source->files;
	show_paths(s, files->paths, files->path_count);
	show_texts(s, "exclude", files->exclude, files->exclude_count);
	show_flag(s, "append_only", files->append_only);
	show_flag(s, "one_file_system", files->one_file_system);
	show_flag(s, "packages", files->packages);
}

static void show_live(struct showing *s, const struct vst_policy_source *source)
{
	const char *between = "";
	if (s->json) {
		vst_json_key(s->json, "live");
		vst_json_array(s->json);
	} else {
		label("live", true);
	}
	for (unsigned bit = 0; vst_live_kind_name(bit); bit++) {
		if (!(source->live & 1U << bit))
			continue;
		if (s->json)
			vst_json_string(s->json, vst_live_kind_name(bit));
		else
			cli_print("%s%s", between, vst_live_kind_name(bit));
		between = ", ";
	}
	if (s->json)
		vst_json_end(s->json);
	else
		cli_print("\n");
}

static void show_journal(struct showing *s, const struct vst_policy_source *source)
{
	const struct vst_policy_journal *journal = &source->journal;
	char since[32], boots[32];
	duration_text(journal->since, since);
	number_text(journal->boots, boots);
	show_texts(s, "directories", journal->directories, journal->directory_count);
	show_flag(s, "raw", journal->raw);
	show_flag(s, "export", journal->export);
	show_number(s, "since", journal->since, since);
	show_number(s, "boots", journal->boots, boots);
	show_texts(s, "units", journal->units, journal->unit_count);
}

static void show_sqlite(struct showing *s, const struct vst_policy_source *source)
{
	const struct vst_policy_sqlite *sqlite = &source->sqlite;
	show_one(s, "database", sqlite->database);
	show_texts(s, "tables", sqlite->tables, sqlite->table_count);
	show_one(s, "query", sqlite->query);
	show_flag(s, "raw", sqlite->raw);
}

static void show_postgres(struct showing *s, const struct vst_policy_source *source)
{
	const struct vst_policy_postgres *postgres = &source->postgres;
	show_one(s, "service", postgres->service);
	show_one(s, "uri", postgres->uri);
	show_texts(s, "schemas", postgres->schemas, postgres->schema_count);
	show_texts(s, "tables", postgres->tables, postgres->table_count);
	show_one(s, "query", postgres->query);
}

static void show_artifacts(struct showing *s, const struct vst_policy_source *source)
{
	if (!s->json) {
		policy_artifacts_show(s->cli, source);
		return;
	}
	policy_artifacts_json(s->json, source);
	show_one(s, "definitions", source->artifacts.definitions);
}

static void show_columns(struct showing *s, const struct vst_policy_source *source)
{
	if (source->column_count == 0)
		return;
	if (s->json) {
		vst_json_key(s->json, "columns");
		vst_json_object(s->json);
	}
	for (size_t i = 0; i < source->column_count; i++) {
		const struct vst_policy_column *column = &source->columns[i];
		if (s->json) {
			vst_json_key(s->json, column->column);
			vst_json_string(s->json, column->category);
		} else {
			label("columns", i == 0);
			cli_print("%s: %s\n", cli_show_text(column->column), cli_show_text(column->category));
		}
	}
	if (s->json)
		vst_json_end(s->json);
}

typedef void show_kind(struct showing *s, const struct vst_policy_source *source);

static show_kind *const kinds[VST_SOURCE_KINDS] = {
        [VST_SOURCE_FILES] = show_files,
        [VST_SOURCE_LIVE] = show_live,
        [VST_SOURCE_JOURNAL] = show_journal,
        [VST_SOURCE_SQLITE] = show_sqlite,
        [VST_SOURCE_POSTGRES] = show_postgres,
        [VST_SOURCE_ARTIFACTS] = show_artifacts,
};

static void show_source(struct showing *s, const struct vst_policy_source *source)
{
	const char *kind = vst_source_kind_name(source->kind);
	if (s->json) {
		vst_json_object(s->json);
		vst_json_key(s->json, "name");
		vst_json_string(s->json, source->name);
		vst_json_key(s->json, "kind");
		vst_json_string(s->json, kind);
		vst_json_key(s->json, "content");
		vst_json_string(s->json, vst_policy_content_name(source->content));
	} else if (source->kind != VST_SOURCE_ARTIFACTS) { /* which has a heading of its own */
		cli_print("\n%-12s%s%s%s, %s\n", "source", cli_style(s->cli, CLI_BOLD),
		        cli_show_text(source->name), cli_style(s->cli, CLI_PLAIN), kind);
		if (source->content != VST_CONTENT_FULL)
			show_one(s, "content", vst_policy_content_name(source->content));
	}
	kinds[source->kind](s, source);
	if (source->subject)
		show_one(s, "subject", source->subject);
	show_columns(s, source);
	if (s->json)
		vst_json_end(s->json);
}

static int open_root(void)
{
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* ---- the policy as JSON ---- */

static void json_bytes(struct vst_json *json, const char *key, uint64_t limit)
{
	vst_json_key(json, key);
	if (limit == UINT64_MAX || limit == 0)
		vst_json_null(json);
	else
		vst_json_uint(json, limit);
}

static void json_limits(struct vst_json *json, const struct vst_policy_limits *limits)
{
	json_bytes(json, "item_limit", limits->item);
	json_bytes(json, "exhibit_limit", limits->exhibit);
	json_bytes(json, "source_limit", limits->source);
	json_bytes(json, "source_time", limits->source_time);
	json_bytes(json, "read_rate", limits->read_rate);
	json_bytes(json, "cpu", limits->cpu);
	vst_json_key(json, "io");
	vst_json_string(json, limits->io_idle ? "idle" : "normal");
}

void policy_show_json(const struct vst_policy *policy, const char *path, const uint8_t digest[VST_HASH_LEN])
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "policy");
	struct showing s = {.json = &json, .root_fd = open_root()};
	vst_json_key(&json, "name");
	vst_json_string(&json, policy->name);
	vst_json_key(&json, "about");
	vst_json_string(&json, policy->about);
	vst_json_key(&json, "file");
	vst_json_string(&json, path);
	vst_json_key(&json, "sha256");
	vst_json_hex(&json, digest, VST_HASH_LEN);
	show_texts(&s, "regimes", policy->regimes, policy->regime_count);
	vst_json_key(&json, "hashes");
	vst_json_array(&json);
	for (size_t i = 0; i < sizeof hash_names / sizeof *hash_names; i++)
		if (policy->hashes & hash_names[i].bit)
			vst_json_string(&json, hash_names[i].name);
	vst_json_end(&json);
	json_limits(&json, &policy->limits);
	vst_json_key(&json, "sources");
	vst_json_array(&json);
	for (size_t i = 0; i < policy->source_count; i++)
		show_source(&s, &policy->sources[i]);
	vst_json_end(&json);
	cli_json_end(&json);
	if (s.root_fd >= 0)
		close(s.root_fd);
}

/* ---- the policy as text ---- */

static void text_limit(const char *what, uint64_t limit, const char *first)
{
	char size[16];
	if (limit == UINT64_MAX) {
		cli_print("%-12s%s: none\n", first, what);
		return;
	}
	vst_text_size(limit, size);
	cli_print("%-12s%s: %s (%" PRIu64 " bytes)\n", first, what, size, limit);
}

static void text_limits(const struct vst_policy_limits *limits)
{
	char text[32];
	text_limit("item", limits->item, "limits");
	text_limit("exhibit", limits->exhibit, "");
	if (limits->source != UINT64_MAX)
		text_limit("source", limits->source, "");
	if (limits->source_time > 0) {
		duration_text(limits->source_time, text);
		cli_print("%-12ssource_time: %s\n", "", text);
	}
	if (limits->read_rate > 0) {
		vst_text_size(limits->read_rate, text);
		cli_print("%-12sread_rate: %s/s\n", "", text);
	}
	if (limits->cpu > 0)
		cli_print("%-12scpu: %u%%\n", "", limits->cpu);
	if (limits->io_idle)
		cli_print("%-12sio: idle\n", "");
}

void policy_show_text(const struct cli *cli, const struct vst_policy *policy, const char *path,
        const uint8_t digest[VST_HASH_LEN])
{
	struct showing s = {.cli = cli, .root_fd = open_root()};
	char digits[2 * VST_HASH_LEN + 1];
	vst_hex(digest, VST_HASH_LEN, digits);
	cli_print("%-12s%s\n", "policy", cli_show_text(policy->name));
	if (policy->about)
		cli_print("%-12s%s\n", "about", cli_show_text(policy->about));
	cli_print("%-12s%s\n%-12s%s\n", "file", cli_show_text(path), "sha256", digits);
	for (size_t i = 0; i < policy->regime_count; i++)
		cli_print("%-12s%s\n", i == 0 ? "regimes" : "", cli_show_text(policy->regimes[i]));
	cli_print("%-12s", "hashes");
	for (size_t i = 0; i < sizeof hash_names / sizeof *hash_names; i++)
		if (policy->hashes & hash_names[i].bit)
			cli_print("%s%s", i > 0 ? ", " : "", hash_names[i].name);
	cli_print("\n");
	text_limits(&policy->limits);
	for (size_t i = 0; i < policy->source_count; i++)
		show_source(&s, &policy->sources[i]);
	if (s.root_fd >= 0)
		close(s.root_fd);
}
