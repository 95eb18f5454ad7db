#include "collect/package_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collect/keyed.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define MD5_DIGITS (2 * VST_MD5_LEN)
#define BY_ADMINISTRATOR ":"

/*
 * 1. files: the first claim on a path is found by its key, those that came later hang on it by `next`.
 * 2. A path that is some package's configuration file has a first claim that says so, made before any list
 *    was read.
 */
struct claim {
	uint8_t key[VST_KEY_LEN];
	uint8_t md5[VST_MD5_LEN];
	uint32_t package;
	uint32_t next; /* VST_KEYED_NONE: the last */
};
#define PACKAGE_CONFIGURES UINT32_MAX /* a claim's package: it is a configuration file */

struct diversion {
	uint8_t key[VST_KEY_LEN];
	char *to, *by;
};

struct vst_package_table {
	struct vst_package_places places;
	struct vst_keyed packages, files, diversions;
	struct vst_package_counts counts;
	struct vst_buf path, directory,
	        place; /* the path at hand; the last directory asked for and where it is */
	bool has_directory;
};

struct text {
	const char *at;
	size_t len;
};

/* ---- its life ---- */

int vst_package_table_new(
        const struct vst_package_places *places, struct vst_package_table **ret, struct vst_err *err)
{
	struct vst_package_table *table = vst_calloc(1, sizeof *table);
	if (!table)
		return vst_err_nomem(err);
	table->places = *places;
	table->packages.size = sizeof(struct vst_package);
	table->files.size = sizeof(struct claim);
	table->diversions.size = sizeof(struct diversion);
	*ret = table;
	return 0;
}

static void free_words(const struct vst_package *package)
{
	free((void *)(uintptr_t)package->name); /* the other words lie behind it */
}

void vst_package_table_free(struct vst_package_table *table)
{
	if (!table)
		return;
	for (uint32_t i = 0; i < table->packages.count; i++)
		free_words(vst_keyed_at(&table->packages, i));
	for (uint32_t i = 0; i < table->diversions.count; i++) {
		struct diversion *diversion = vst_keyed_at(&table->diversions, i);
		free(diversion->to);
		free(diversion->by);
	}
	vst_keyed_free(&table->packages);
	vst_keyed_free(&table->files);
	vst_keyed_free(&table->diversions);
	vst_buf_free(&table->path);
	vst_buf_free(&table->directory);
	vst_buf_free(&table->place);
	free(table);
}

const struct vst_package *vst_package_table_at(const struct vst_package_table *table, size_t number)
{
	return number < table->packages.count ? vst_keyed_at(&table->packages, (uint32_t)number) : NULL;
}

struct vst_package_counts vst_package_table_counts(const struct vst_package_table *table)
{
	return table->counts;
}

/* ---- lines and words ---- */

/* The next line without its end. False: there is none. */
static bool next_line(struct text *rest, struct text *ret_line)
{
	if (rest->len == 0)
		return false;
	const char *end = memchr(rest->at, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->at) : rest->len, step = end ? len + 1 : len;
	*ret_line = (struct text){rest->at, len};
	rest->at += step;
	rest->len -= step;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
	while (text.len > 0 && is_blank(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && (is_blank(text.at[text.len - 1]) || text.at[text.len - 1] == '\r'))
		text.len--;
	return text;
}

/* Takes the first word off. */
static struct text take_word(struct text *rest)
{
	*rest = trim(*rest);
	struct text word = {rest->at, 0};
	while (word.len < rest->len && !is_blank(rest->at[word.len]))
		word.len++;
	rest->at += word.len;
	rest->len -= word.len;
	return word;
}

static bool is_text(struct text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

/* A name, a version, an architecture: nothing in it that could lead a path astray or a terminal. */
static bool is_word(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (c == '\0' || !strchr(i == 0 ? "" : "+-.:~_", c)))
			return false;
	}
	return text.len > 0 && text.len <= VST_PACKAGE_WORD_MAX;
}

static void key_of(const void *data, size_t len, uint8_t ret[VST_KEY_LEN])
{
	uint8_t digest[VST_HASH_LEN];
	vst_sha256(data, len, digest);
	memcpy(ret, digest, VST_KEY_LEN);
}

/* ---- paths ---- */

/*
 * table->path becomes the path as the table spells it: one slash at its start, none doubled, no "." in it.
 * False: it is none that a package could have.
 */
static bool spell(struct vst_package_table *table, struct text text)
{
	vst_buf_clear(&table->path);
	if (text.len == 0 || text.len > VST_PACKAGE_PATH_MAX || memchr(text.at, '\0', text.len))
		return false;
	for (size_t at = 0; at < text.len;) {
		const char *end = memchr(text.at + at, '/', text.len - at);
		size_t len = end ? (size_t)(end - text.at) - at : text.len - at;
		struct text name = {text.at + at, len};
		if (is_text(name, ".."))
			return false;
		if (len > 0 && !is_text(name, ".")) {
			vst_buf_byte(&table->path, '/');
			vst_buf_bytes(&table->path, name.at, len);
		}
		at += len + 1;
	}
	return table->path.failed || (table->path.len > 0 && text.at[text.len - 1] != '/');
}

/* table->path, by way of the links of its directory. Lists are sorted: most paths lie where the one before
 * does. */
static int resolve(struct vst_package_table *table, struct vst_err *err)
{
	const char *path = vst_buf_cstr(&table->path);
	int rc = vst_buf_check(&table->path, err);
	if (rc != 0 || !table->places.place)
		return rc;
	const char *name = strrchr(path, '/');
	size_t len = (size_t)(name - path);
	if (!table->has_directory || len != table->directory.len ||
	        memcmp(path, table->directory.data, len) != 0) {
		table->has_directory = false;
		vst_buf_clear(&table->directory);
		vst_buf_clear(&table->place);
		vst_buf_bytes(&table->directory, path, len);
		const char *directory = vst_buf_cstr(&table->directory);
		if ((rc = vst_buf_check(&table->directory, err)) != 0 ||
		        (rc = table->places.place(table->places.ctx, directory, &table->place, err)) != 0 ||
		        (rc = vst_buf_check(&table->place, err)) != 0)
			return rc;
		table->has_directory = true;
	}
	if (table->place.len == len && (len == 0 || memcmp(table->place.data, path, len) == 0))
		return 0;
	size_t name_len = strlen(name);
	char *copy = vst_memdup(name, name_len);
	if (!copy)
		return vst_err_nomem(err);
	vst_buf_clear(&table->path);
	vst_buf_bytes(&table->path, table->place.data, table->place.len);
	vst_buf_bytes(&table->path, copy, name_len);
	free(copy);
	return vst_buf_check(&table->path, err);
}

/* ---- claims ---- */

static int add_claim(
        struct vst_package_table *table, uint32_t package, const uint8_t *md5, struct vst_err *err)
{
	struct claim claim = {.package = package, .next = VST_KEYED_NONE};
	key_of(table->path.data, table->path.len, claim.key);
	if (md5)
		memcpy(claim.md5, md5, sizeof claim.md5);
	uint32_t first = vst_keyed_find(&table->files, claim.key);
	if (first != VST_KEYED_NONE) {
		struct claim *at = vst_keyed_at(&table->files, first);
		if (package == PACKAGE_CONFIGURES || at->package == PACKAGE_CONFIGURES)
			return 0;
		/* As a claim before: Multi-Arch packages share their documentation. */
		if (memcmp(at->md5, claim.md5, sizeof claim.md5) == 0)
			return 0;
		claim.next = at->next;
	}
	if (table->files.count >= VST_PACKAGE_FILES_MAX) {
		table->counts.cut = true;
		return 0;
	}
	int rc = vst_keyed_append(&table->files, &claim, first == VST_KEYED_NONE, err);
	if (rc != 0)
		return rc;
	if (first != VST_KEYED_NONE)
		((struct claim *)vst_keyed_at(&table->files, first))->next = table->files.count - 1;
	else if (package != PACKAGE_CONFIGURES)
		table->counts.files++;
	return 0;
}

/* ---- status ---- */

struct stanza {
	bool begun, odd;
	struct text package, status, version, arch, multi_arch, conffiles;
};

static bool is_unpacked(struct text status)
{
	static const char *const states[] = {
	        "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"};
	take_word(&status); /* what is wanted */
	take_word(&status); /* "ok", or that it must be installed again */
	struct text state = take_word(&status);
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (is_text(state, states[i]))
			return true;
	return false;
}

/* Words of a package lie behind its name. False without memory. */
static bool copy_words(const struct stanza *stanza, struct vst_package *ret)
{
	const struct text words[] = {stanza->package, stanza->version, stanza->arch};
	const char **const to[] = {&ret->name, &ret->version, &ret->arch};
	char *at = vst_alloc(stanza->package.len + stanza->version.len + stanza->arch.len + 3);
	if (!at)
		return false;
	for (size_t i = 0; i < 3; i++) {
		*to[i] = at;
		if (words[i].len > 0)
			memcpy(at, words[i].at, words[i].len);
		at[words[i].len] = '\0';
		at += words[i].len + 1;
	}
	return true;
}

static int put_package(
        struct vst_package_table *table, const struct vst_package *package, struct vst_err *err)
{
	uint32_t number = vst_keyed_find(&table->packages, package->key);
	if (number != VST_KEYED_NONE) {
		struct vst_package *old = vst_keyed_at(&table->packages, number);
		free_words(old);
		*old = *package;
		return 0;
	}
	int rc = 0;
	if (table->packages.count >= VST_PACKAGES_MAX)
		table->counts.cut = true;
	else if ((rc = vst_keyed_append(&table->packages, package, true, err)) == 0)
		return 0;
	free_words(package);
	return rc;
}

/* ` /etc/path MD5 [obsolete]`, a line each. */
static int put_conffiles(struct vst_package_table *table, struct text rest, struct vst_err *err)
{
	struct text line;
	int rc = 0;
	while (rc == 0 && next_line(&rest, &line)) {
		struct text words = line, path = take_word(&words);
		/* A path with blanks ends before the digest: the last word of its kind. */
		for (struct text word = take_word(&words); word.len > 0; word = take_word(&words)) {
			uint8_t md5[VST_MD5_LEN];
			if (vst_hex_decode(word.at, word.len, md5, sizeof md5) ||
			        is_text(word, "newconffile"))
				break;
			path.len = (size_t)(word.at + word.len - path.at);
		}
		if (path.len == 0)
			continue;
		if (!spell(table, path))
			table->counts.odd_lines++;
		else if ((rc = resolve(table, err)) == 0)
			rc = add_claim(table, PACKAGE_CONFIGURES, NULL, err);
	}
	return rc;
}

static int end_stanza(struct vst_package_table *table, struct stanza *stanza, struct vst_err *err)
{
	struct vst_package package = {0};
	struct stanza s = *stanza;
	*stanza = (struct stanza){0};
	if (!s.begun)
		return 0;
	if (!is_word(s.package) || (s.version.len > 0 && !is_word(s.version)) ||
	        (s.arch.len > 0 && !is_word(s.arch)) || s.status.len == 0) {
		table->counts.odd_lines++;
		return 0;
	}
	package.unpacked = is_unpacked(s.status) && s.version.len > 0;
	package.multi_arch = is_text(s.multi_arch, "same");
	if (!copy_words(&s, &package))
		return vst_err_nomem(err);
	vst_buf_clear(&table->path);
	vst_buf_printf(&table->path, "%s:%s", package.name, package.arch);
	int rc = vst_buf_check(&table->path, err);
	if (rc != 0) {
		free_words(&package);
		return rc;
	}
	key_of(table->path.data, table->path.len, package.key);
	bool unpacked = package.unpacked;
	rc = put_package(table, &package, err);
	return rc == 0 && unpacked ? put_conffiles(table, s.conffiles, err) : rc;
}

/* A field's first line; what it is continued by is added to `*ret_open`. False: the line is no field. */
static bool take_field(struct stanza *stanza, struct text line, struct text **ret_open)
{
	const struct {
		const char *name;
		struct text *to;
	} fields[] = {{"Package", &stanza->package}, {"Status", &stanza->status},
	        {"Version", &stanza->version}, {"Architecture", &stanza->arch},
	        {"Multi-Arch", &stanza->multi_arch}, {"Conffiles", &stanza->conffiles}};
	const char *colon = memchr(line.at, ':', line.len);
	if (!colon || colon == line.at)
		return false;
	size_t len = (size_t)(colon - line.at);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (len != strlen(fields[i].name) || strncasecmp(line.at, fields[i].name, len) != 0)
			continue;
		*fields[i].to = trim((struct text){colon + 1, line.len - len - 1});
		if (fields[i].to == &stanza->conffiles) {
			stanza->conffiles = (struct text){line.at + line.len, 0};
			*ret_open = &stanza->conffiles;
		}
	}
	return true;
}

int vst_package_table_status(
        struct vst_package_table *table, const void *text, size_t len, struct vst_err *err)
{
	struct text rest = {text, len}, line, *open = NULL;
	struct stanza stanza = {0};
	int rc = 0;
	while (rc == 0 && next_line(&rest, &line)) {
		if (line.len > 0 && is_blank(line.at[0]) && stanza.begun) {
			if (open)
				open->len = (size_t)(line.at + line.len - open->at);
			continue;
		}
		open = NULL;
		if (trim(line).len == 0) {
			rc = end_stanza(table, &stanza, err);
			continue;
		}
		stanza.begun = true;
		if (!take_field(&stanza, line, &open))
			table->counts.odd_lines++;
	}
	return rc == 0 ? end_stanza(table, &stanza, err) : rc;
}

/* ---- diversions ---- */

static int add_diversion(struct vst_package_table *table, const struct text lines[3], struct vst_err *err)
{
	struct diversion diversion = {0};
	int rc = 0;
	if ((!is_text(lines[2], BY_ADMINISTRATOR) && !is_word(lines[2])) || !spell(table, lines[1]) ||
	        !spell(table, lines[0])) {
		table->counts.odd_lines += 3;
		return 0;
	}
	if ((rc = vst_buf_check(&table->path, err)) != 0)
		return rc;
	key_of(table->path.data, table->path.len, diversion.key);
	if (vst_keyed_find(&table->diversions, diversion.key) != VST_KEYED_NONE)
		return 0;
	if (table->diversions.count >= VST_PACKAGE_DIVERSIONS_MAX) {
		table->counts.cut = true;
		return 0;
	}
	diversion.to = vst_memdup(lines[1].at, lines[1].len);
	diversion.by = vst_memdup(lines[2].at, lines[2].len);
	if (!diversion.to || !diversion.by)
		rc = vst_err_nomem(err);
	else if ((rc = vst_keyed_append(&table->diversions, &diversion, true, err)) == 0)
		return 0;
	free(diversion.to);
	free(diversion.by);
	return rc;
}

int vst_package_table_diversions(
        struct vst_package_table *table, const void *text, size_t len, struct vst_err *err)
{
	struct text rest = {text, len}, lines[3];
	int rc = 0;
	while (rc == 0 && next_line(&rest, &lines[0])) {
		if (!next_line(&rest, &lines[1]) || !next_line(&rest, &lines[2])) {
			table->counts.odd_lines++;
			break;
		}
		rc = add_diversion(table, lines, err);
	}
	return rc;
}

/* Where dpkg put this package's file of the name in table->path: it goes by the name as it is written, not by
 * links. */
static int divert(struct vst_package_table *table, const struct vst_package *package, struct vst_err *err)
{
	uint8_t key[VST_KEY_LEN];
	int rc = vst_buf_check(&table->path, err);
	if (rc != 0 || table->diversions.count == 0)
		return rc;
	key_of(table->path.data, table->path.len, key);
	uint32_t number = vst_keyed_find(&table->diversions, key);
	if (number == VST_KEYED_NONE)
		return 0;
	const struct diversion *diversion = vst_keyed_at(&table->diversions, number);
	if (strcmp(diversion->by, package->name) == 0) /* its own */
		return 0;
	spell(table, (struct text){diversion->to, strlen(diversion->to)});
	return vst_buf_check(&table->path, err);
}

/* ---- lists of digests ---- */

/* md5sum(1) marks binary files by an asterisk in place of the second blank. */
static bool parse_sum(struct text line, uint8_t md5[VST_MD5_LEN], struct text *ret_path)
{
	if (line.len < MD5_DIGITS + 3 || !vst_hex_decode(line.at, MD5_DIGITS, md5, VST_MD5_LEN) ||
	        line.at[MD5_DIGITS] != ' ' ||
	        (line.at[MD5_DIGITS + 1] != ' ' && line.at[MD5_DIGITS + 1] != '*'))
		return false;
	*ret_path = (struct text){line.at + MD5_DIGITS + 2, line.len - MD5_DIGITS - 2};
	return true;
}

int vst_package_table_md5sums(
        struct vst_package_table *table, size_t package, const void *text, size_t len, struct vst_err *err)
{
	const struct vst_package *owner = vst_package_table_at(table, package);
	struct text rest = {text, len}, line, path;
	uint8_t md5[VST_MD5_LEN];
	int rc = 0;
	if (!owner)
		return vst_err_set(err, VST_EUSAGE, "no package %zu", package);
	while (rc == 0 && next_line(&rest, &line)) {
		if (line.len == 0)
			continue;
		if (!parse_sum(line, md5, &path) || !spell(table, path))
			table->counts.odd_lines++;
		else if ((rc = divert(table, owner, err)) == 0 && (rc = resolve(table, err)) == 0)
			rc = add_claim(table, (uint32_t)package, md5, err);
	}
	return rc;
}

/* ---- asking ---- */

/* The first claim on the path, NULL if no package names it or it is a configuration file. */
static const struct claim *find_claim(const struct vst_package_table *table, const char *path)
{
	uint8_t key[VST_KEY_LEN];
	key_of(path, strlen(path), key);
	uint32_t number = vst_keyed_find(&table->files, key);
	if (number == VST_KEYED_NONE)
		return NULL;
	const struct claim *claim = vst_keyed_at(&table->files, number);
	return claim->package == PACKAGE_CONFIGURES ? NULL : claim;
}

bool vst_package_table_names(const struct vst_package_table *table, const char *path)
{
	return find_claim(table, path) != NULL;
}

bool vst_package_table_judge(const struct vst_package_table *table, const char *path,
        const uint8_t md5[VST_MD5_LEN], struct vst_package_claim *ret, bool *ret_same)
{
	const struct claim *first = find_claim(table, path), *fits = first;
	if (!first)
		return false;
	while (fits && memcmp(fits->md5, md5, VST_MD5_LEN) != 0)
		fits = fits->next == VST_KEYED_NONE ? NULL : vst_keyed_at(&table->files, fits->next);
	*ret_same = fits != NULL;
	first = fits ? fits : first;
	ret->package = vst_package_table_at(table, first->package);
	memcpy(ret->md5, first->md5, sizeof ret->md5);
	return true;
}
