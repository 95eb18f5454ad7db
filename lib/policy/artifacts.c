/*
 * Invariants of a set:
 *
 * 1. A definition's text points into its file's, which stays until the set goes.
 * 2. `names` and `aliases` are search trees of names to definitions. A name that was there already is not put
 * in, so the definition that came first is the one that is found.
 * 3. A definition that is broken has a name, or it would only be a problem.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/artifacts_set.h"
#include "policy/nearest.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#define SUFFIX ".yaml"

struct file {
	char *name;
	char *text;
	size_t len;
};

struct named {
	const char *name;
	struct artifact_definition *definition;
};

struct problem {
	struct vst_artifact_problem shown; /* first */
	char *text;
};

struct vst_artifact_set {
	struct file *files;
	size_t file_count, file_cap;
	size_t bytes;
	struct artifact_definition **definitions;
	size_t count, cap;
	void *names, *aliases; /* tsearch(3) of struct named */
	struct problem *problems;
	size_t problem_count, problem_cap; /* the count goes on when no more are kept */
};

int vst_artifacts_new(struct vst_artifact_set **ret, struct vst_err *err)
{
	struct vst_artifact_set *set = vst_calloc(1, sizeof *set);
	if (!set)
		return vst_err_nomem(err);
	*ret = set;
	return 0;
}

void vst_artifacts_free(struct vst_artifact_set *set)
{
	if (!set)
		return;
	tdestroy(set->names, free);
	tdestroy(set->aliases, free);
	for (size_t i = 0; i < set->count; i++)
		artifact_definition_free(set->definitions[i]);
	for (size_t i = 0; i < set->file_count; i++) {
		free(set->files[i].name);
		free(set->files[i].text);
	}
	for (size_t i = 0; i < set->problem_count && i < VST_ARTIFACT_PROBLEMS_MAX; i++)
		free(set->problems[i].text);
	free(set->definitions);
	free(set->files);
	free(set->problems);
	free(set);
}

/* ---- problems ---- */

/* Room for one more in a list that doubles. */
static int make_room(void **list, size_t count, size_t *cap, size_t size, struct vst_err *err)
{
	if (count < *cap)
		return 0;
	size_t more = *cap ? 2 * *cap : 16;
	void *grown = vst_realloc(*list, more, size);
	if (!grown)
		return vst_err_nomem(err);
	*list = grown;
	*cap = more;
	return 0;
}

/* `file` is the set's. */
static int add_problem(struct vst_artifact_set *set, const char *file, size_t line, struct vst_err *err,
        const char *format, ...) __attribute__((format(printf, 5, 6)));

static int add_problem(struct vst_artifact_set *set, const char *file, size_t line, struct vst_err *err,
        const char *format, ...)
{
	char text[VST_ERR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (set->problem_count >= VST_ARTIFACT_PROBLEMS_MAX) {
		set->problem_count++;
		return 0;
	}
	int rc = make_room(
	        (void **)&set->problems, set->problem_count, &set->problem_cap, sizeof *set->problems, err);
	if (rc != 0)
		return rc;
	struct problem *problem = &set->problems[set->problem_count];
	if (!(problem->text = vst_strdup(text)))
		return vst_err_nomem(err);
	problem->shown = (struct vst_artifact_problem){file, line, problem->text};
	set->problem_count++;
	return 0;
}

size_t vst_artifacts_problem_count(const struct vst_artifact_set *set)
{
	return set->problem_count;
}

const struct vst_artifact_problem *vst_artifacts_problem(const struct vst_artifact_set *set, size_t index)
{
	return index < set->problem_count && index < VST_ARTIFACT_PROBLEMS_MAX ? &set->problems[index].shown
	                                                                       : NULL;
}

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct artifact_definition *look_up(void *tree, const char *name)
{
	const struct named key = {.name = name};
	struct named *const *found = tfind(&key, &tree, compare_names);
	return found ? (*found)->definition : NULL;
}

static int enter(void **tree, const char *name, struct artifact_definition *definition, struct vst_err *err)
{
	struct named *named = vst_alloc(sizeof *named);
	if (!named)
		return vst_err_nomem(err);
	*named = (struct named){name, definition};
	if (!tsearch(named, tree, compare_names)) {
		free(named);
		return vst_err_nomem(err);
	}
	return 0;
}

static int enter_name(
        struct vst_artifact_set *set, struct artifact_definition *definition, struct vst_err *err)
{
	const struct vst_artifact *shown = &definition->shown;
	const struct artifact_definition *other = look_up(set->names, definition->name);
	if (other)
		return add_problem(set, shown->file, shown->line, err,
		        "%s is defined in %s:%zu already; that one counts", definition->name,
		        other->shown.file, other->shown.line);
	other = look_up(set->aliases, definition->name);
	int rc = enter(&set->names, definition->name, definition, err);
	if (rc == 0 && other)
		rc = add_problem(set, shown->file, shown->line, err,
		        "%s is an alias of %s as well; the definition counts", definition->name, other->name);
	return rc;
}

static int enter_aliases(
        struct vst_artifact_set *set, struct artifact_definition *definition, struct vst_err *err)
{
	const struct vst_artifact *shown = &definition->shown;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < definition->aliases.count; i++) {
		const char *alias = definition->aliases.texts[i];
		const struct artifact_definition *other = look_up(set->names, alias);
		if (!other)
			other = look_up(set->aliases, alias);
		if (other)
			rc = add_problem(set, shown->file, shown->line, err,
			        "%s: its alias %s is a name of %s already, which counts", definition->name,
			        alias, other->name);
		else
			rc = enter(&set->aliases, alias, definition, err);
	}
	return rc;
}

const struct artifact_definition *artifact_find(const struct vst_artifact_set *set, const char *name)
{
	const struct artifact_definition *found = look_up(set->names, name);
	return found ? found : look_up(set->aliases, name);
}

const struct vst_artifact *vst_artifacts_find(const struct vst_artifact_set *set, const char *name)
{
	const struct artifact_definition *found = artifact_find(set, name);
	return found ? &found->shown : NULL;
}

size_t vst_artifacts_count(const struct vst_artifact_set *set)
{
	return set->count;
}

const struct vst_artifact *vst_artifacts_at(const struct vst_artifact_set *set, size_t index)
{
	return &set->definitions[index]->shown;
}

static void consider(const char *name, const char *word, const char **best, size_t *best_distance)
{
	size_t distance = policy_distance(name, word);
	if (distance < *best_distance) {
		*best = name;
		*best_distance = distance;
	}
}

const char *vst_artifacts_nearest(const struct vst_artifact_set *set, const char *name)
{
	const char *best = NULL;
	size_t distance = strlen(name) / 4 + 2; /* a word or an ending of it may be another */
	for (size_t i = 0; i < set->count; i++) {
		consider(set->definitions[i]->name, name, &best, &distance);
		for (size_t k = 0; k < set->definitions[i]->aliases.count; k++)
			consider(set->definitions[i]->aliases.texts[k], name, &best, &distance);
	}
	return best;
}

/* ---- documents of a file ---- */

/* `---` and white space at the start of a line: YAML has it nowhere else. */
static bool is_marker(const char *line, const char *end)
{
	return end - line >= 3 && memcmp(line, "---", 3) == 0 &&
	       (end - line == 3 || (line[3] && strchr(" \t\r\n", line[3])));
}

static const char *next_line(const char *line, const char *end)
{
	const char *lf = memchr(line, '\n', (size_t)(end - line));
	return lf ? lf + 1 : end;
}

/* Comments, directives and ends of documents say nothing by themselves. */
static bool says_nothing(const char *text, const char *end)
{
	for (const char *line = text; line < end; line = next_line(line, end)) {
		const char *at = line, *stop = next_line(line, end);
		if (*at == '%' || (stop - at >= 3 && memcmp(at, "...", 3) == 0))
			continue;
		while (at < stop && strchr(" \t\r\n", *at) && *at)
			at++;
		if (at < stop && *at != '#')
			return false;
	}
	return true;
}

/* What of a document its parser sees: directives behind its end are for the next one. */
static size_t parsed_len(const char *text, const char *end)
{
	for (const char *line = text; line < end; line = next_line(line, end))
		if (end - line > 3 && memcmp(line, "...", 3) == 0 && line[3] && strchr(" \t\r\n", line[3]) &&
		        says_nothing(line, end))
			return (size_t)(next_line(line, end) - text);
	return (size_t)(end - text);
}

static int keep(struct vst_artifact_set *set, struct artifact_definition *definition, struct vst_err *err)
{
	int rc = make_room((void **)&set->definitions, set->count, &set->cap, sizeof *set->definitions, err);
	if (rc != 0)
		return rc;
	definition->index = set->count;
	set->definitions[set->count++] = definition;
	return 0;
}

/* The error's text begins with file and line, which a problem has apart. */
static const char *behind_line(const char *text)
{
	const char *at = strstr(text, ": ");
	return at ? at + 2 : text;
}

static int add_document(struct vst_artifact_set *set, size_t file, size_t lines_before, const char *text,
        size_t len, struct vst_err *err)
{
	struct artifact_definition *definition = NULL;
	const char *name = set->files[file].name;
	size_t line = 0;
	int rc = artifact_parse(
	        name, lines_before, text, parsed_len(text, text + len), &definition, &line, err);
	if (rc != 0 || !definition)
		return rc;
	if (definition->broken)
		rc = add_problem(set, name, line, err, "%s%s%s", definition->name ? definition->name : "",
		        definition->name ? ": " : "", behind_line(definition->broken));
	if (rc != 0 || !definition->name) {
		artifact_definition_free(definition);
		return rc;
	}
	definition->file = file;
	definition->text = text;
	definition->text_len = len;
	definition->shown =
	        (struct vst_artifact){definition->name, name, lines_before + 1, definition->broken};
	if ((rc = keep(set, definition, err)) != 0) {
		artifact_definition_free(definition);
		return rc;
	}
	rc = enter_name(set, definition, err);
	return rc == 0 && look_up(set->names, definition->name) == definition
	               ? enter_aliases(set, definition, err)
	               : rc;
}

static int add_documents(struct vst_artifact_set *set, size_t file, struct vst_err *err)
{
	const char *text = set->files[file].text, *end = text + set->files[file].len;
	size_t line = 0;
	int rc = 0;
	if (end - text >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (rc == 0 && text < end) {
		size_t lines = 1;
		const char *next = next_line(text, end);
		for (; next < end && !is_marker(next, end); next = next_line(next, end))
			lines++;
		if (set->count >= VST_ARTIFACTS_MAX)
			return add_problem(set, set->files[file].name, line + 1, err,
			        "more than %d definitions: from here on they are not read",
			        VST_ARTIFACTS_MAX);
		bool marked = is_marker(text, end);
		if (marked || !says_nothing(text, next))
			rc = add_document(set, file, line, text, (size_t)(next - text), err);
		text = next;
		line += lines;
	}
	return rc;
}

/* ---- files ---- */

static int add_file(struct vst_artifact_set *set, const char *name, const void *text, size_t len, size_t *ret,
        struct vst_err *err)
{
	int rc = make_room((void **)&set->files, set->file_count, &set->file_cap, sizeof *set->files, err);
	if (rc != 0)
		return rc;
	struct file *file = &set->files[set->file_count];
	*file = (struct file){vst_strdup(name), vst_memdup(text ? text : "", text ? len : 0), text ? len : 0};
	if (!file->name || !file->text) {
		free(file->name);
		free(file->text);
		return vst_err_nomem(err);
	}
	*ret = set->file_count++;
	set->bytes += file->len;
	return 0;
}

int vst_artifacts_add(
        struct vst_artifact_set *set, const char *name, const void *text, size_t len, struct vst_err *err)
{
	size_t file;
	if (set->file_count >= VST_ARTIFACT_FILES_MAX)
		return vst_err_set(
		        err, VST_ELIMIT, "more than %d files of definitions", VST_ARTIFACT_FILES_MAX);
	if (len > VST_ARTIFACT_FILE_MAX)
		return vst_err_set(err, VST_ELIMIT, "longer than %d bytes", VST_ARTIFACT_FILE_MAX);
	if (len > VST_ARTIFACT_BYTES_MAX - set->bytes)
		return vst_err_set(err, VST_ELIMIT, "the files of definitions are longer than %d bytes",
		        VST_ARTIFACT_BYTES_MAX);
	int rc = add_file(set, name, text, len, &file, err);
	return rc == 0 ? add_documents(set, file, err) : rc;
}

/* A file that cannot be had is a problem like one in it. */
static int load_file(struct vst_artifact_set *set, int dirfd, const char *name, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	struct stat st;
	size_t file;
	int rc = 0, fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		rc = vst_err_sys(&why, errno, "open");
	else if (fstat(fd, &st) != 0)
		rc = vst_err_sys(&why, errno, "stat");
	else if (!S_ISREG(st.st_mode))
		rc = vst_err_set(&why, VST_EUNSUPPORTED, "not a regular file");
	else
		rc = vst_io_read_all(fd, VST_ARTIFACT_FILE_MAX, &text, &why);
	if (rc == 0)
		rc = vst_artifacts_add(set, name, text.data, text.len, &why);
	if (fd >= 0)
		close(fd);
	vst_buf_free(&text);
	if (rc == 0)
		return 0;
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	if (set->file_count >= VST_ARTIFACT_FILES_MAX)
		return vst_err_set(err, VST_ELIMIT, "%s", why.text);
	rc = add_file(set, name, "", 0, &file, err);
	return rc == 0 ? add_problem(set, set->files[file].name, 0, err, "%s", why.text) : rc;
}

static int is_definition_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > strlen(SUFFIX) &&
	       strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct vst_artifact_set *set, int dirfd, struct vst_err *err)
{
	struct dirent **entries = NULL;
	int count = scandirat(dirfd, ".", &entries, is_definition_file, by_name), rc = 0;
	if (count < 0)
		return vst_err_sys(err, errno, "list");
	if (count == 0)
		rc = vst_err_set(err, VST_ENOTFOUND, "no file *" SUFFIX " is in it");
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = load_file(set, dirfd, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int vst_artifacts_load(const char *directory, struct vst_artifact_set **ret, struct vst_err *err)
{
	struct vst_artifact_set *set = NULL;
	int dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	if (dirfd < 0)
		rc = errno == ENOENT ? vst_err_set(err, VST_ENOTFOUND, "no such directory")
		                     : vst_err_sys(err, errno, "open");
	else if ((rc = vst_artifacts_new(&set, err)) == 0)
		rc = load_directory(set, dirfd, err);
	if (dirfd >= 0)
		close(dirfd);
	if (rc != 0) {
		vst_artifacts_free(set);
		vst_err_prepend(err, "artifact definitions in %s", directory);
		vst_err_hint(err, "Debian has them in the package forensic-artifacts");
		return rc;
	}
	*ret = set;
	return 0;
}

/* ---- what was used, as it stands ---- */

static void put_definition(const struct artifact_definition *definition, struct vst_buf *out)
{
	const char *text = definition->text, *end = text + definition->text_len;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		vst_buf_byte(out, '\n');
	if (out->len > 0 && !is_marker(text, end))
		vst_buf_text(out, "---\n");
	vst_buf_bytes(out, text, definition->text_len);
}

int vst_artifacts_each_used(const struct vst_artifact_set *set, const bool *used,
        vst_artifacts_each_file *each, void *ctx, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->count;) {
		size_t file = set->definitions[i]->file;
		vst_buf_clear(&text);
		for (; i < set->count && set->definitions[i]->file == file; i++)
			if (used[i])
				put_definition(set->definitions[i], &text);
		rc = vst_buf_check(&text, err);
		if (rc == 0 && text.len > 0)
			rc = each(ctx, set->files[file].name, text.data, text.len, err);
	}
	vst_buf_free(&text);
	return rc;
}
