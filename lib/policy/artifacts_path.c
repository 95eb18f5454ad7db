#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/artifacts_set.h"
#include "policy/pattern_braces.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

#define HOME "users.homedir"
#define USER "users.username"

struct translation {
	char separator;
	const struct artifact_homes *homes;
	artifact_each_pattern *each;
	void *ctx;
	bool has_home, has_user;
	char *reason;
	bool failed;
	struct vst_err *err;
};

/* The path means nothing: it is told why, and that is no failure of ours. */
static int give_up(struct translation *t, bool failed, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static int give_up(struct translation *t, bool failed, const char *format, ...)
{
	char text[VST_ERR_TEXT_MAX];
	va_list args;
	if (t->reason)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	t->failed = failed;
	t->reason = vst_strdup(text);
	return t->reason ? 0 : vst_err_nomem(t->err);
}

/* ---- homes ---- */

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);
	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* A component that is `.` or `..`. */
static bool has_dots(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path += len + (path[len] == '/');
	}
	return false;
}

const char *vst_artifact_home_refusal(const char *home)
{
	static const char *const none[] = {
	        "/nonexistent", "/dev/null", "/no/home", "/var/empty", "/run/empty"};
	if (home[0] == '\0')
		return "no home";
	if (home[0] != '/')
		return "not an absolute path";
	if (home[strspn(home, "/")] == '\0')
		return "the root is everybody's";
	if (has_dots(home))
		return "a path with '.' or '..'";
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (is_below(home, none[i]))
			return "a name that says that there is none";
	if (is_below(home, "/proc") || is_below(home, "/sys"))
		return "the kernel's own files";
	if (strlen(home) > VST_PATTERN_MAX / 4)
		return "too long a path";
	return NULL;
}

static bool is_user_name(const char *user)
{
	return user[0] && !strchr(user, '/') && strcmp(user, ".") != 0 && strcmp(user, "..") != 0;
}

/* ---- the path as a pattern, its variables still in it ---- */

/* Our separators, and a backslash that is a byte like others escaped. Doubled separators are one. */
static int put_separators(const struct translation *t, const char *path, struct vst_buf *out)
{
	for (; *path; path++) {
		if (*path == t->separator) {
			if (out->len == 0 || out->data[out->len - 1] != '/')
				vst_buf_byte(out, '/');
		} else if (*path == '\\') {
			vst_buf_text(out, "\\\\");
		} else {
			vst_buf_byte(out, (uint8_t)*path);
		}
	}
	vst_buf_cstr(out);
	return vst_buf_check(out, t->err);
}

/* N of `**N`, VST_ARTIFACT_DEPTH_DEFAULT of `**`; 0: the component is something else, or N is out of bounds.
 */
static unsigned long depth_of(const char *component, size_t len)
{
	char digits[4];
	if (len < 2 || len > 4 || memcmp(component, "**", 2) != 0)
		return 0;
	if (len == 2)
		return VST_ARTIFACT_DEPTH_DEFAULT;
	snprintf(digits, sizeof digits, "%.*s", (int)(len - 2), component + 2);
	unsigned long depth = digits[0] == '0' ? 0 : strtoul(digits, NULL, 10);
	return strspn(digits, "0123456789") == len - 2 && depth <= VST_PATTERN_DEPTH_MAX ? depth : 0;
}

/* From one to N levels: one, and at most N - 1 more. */
static int put_depths(const struct translation *t, const char *text, struct vst_buf *out)
{
	for (;;) {
		size_t len = strcspn(text, "/");
		unsigned long depth = depth_of(text, len);
		if (depth == 1)
			vst_buf_byte(out, '*');
		else if (depth > 1)
			vst_buf_printf(out, "*/**%lu", depth - 1);
		else
			vst_buf_bytes(out, text, len);
		if (text[len] == '\0')
			break;
		vst_buf_byte(out, '/');
		text += len + 1;
	}
	vst_buf_cstr(out);
	return vst_buf_check(out, t->err);
}

/* ---- variables ---- */

/* Which there are, and whether all of them mean something. */
static int look_at_variables(struct translation *t, const char *text)
{
	for (const char *at = strstr(text, "%%"); at && !t->reason; at = strstr(at, "%%")) {
		const char *name = at + 2, *end = strstr(name, "%%");
		if (!end)
			return give_up(t, true, "'%.128s': a %%%% without its second", text);
		size_t len = (size_t)(end - name);
		if (len == strlen(HOME) && memcmp(name, HOME, len) == 0)
			t->has_home = true;
		else if (len == strlen(USER) && memcmp(name, USER, len) == 0)
			t->has_user = true;
		else
			return give_up(t, false, "the variable %%%%%.*s%%%% has no meaning on Linux",
			        len > 64 ? 64 : (int)len, name);
		at = end + 2;
	}
	return 0;
}

static void put_literal(struct vst_buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*?[]{},\\", *text))
			vst_buf_byte(out, '\\');
		vst_buf_byte(out, (uint8_t)*text);
	}
}

/* The text with the account's home and name in it. `home` and `user` are patterns. */
static int put_account(const struct translation *t, const char *text, const char *home, const char *user,
        struct vst_buf *out)
{
	vst_buf_clear(out);
	for (const char *at; (at = strstr(text, "%%")) != NULL; text = strstr(at + 2, "%%") + 2) {
		vst_buf_bytes(out, text, (size_t)(at - text));
		vst_buf_text(out, strncmp(at + 2, HOME, strlen(HOME)) == 0 ? home : user);
	}
	vst_buf_text(out, text);
	vst_buf_cstr(out);
	return vst_buf_check(out, t->err);
}

static int give(struct translation *t, const char *text)
{
	struct vst_err why = VST_ERR_INIT;
	struct vst_pattern *pattern = NULL;
	int rc = vst_pattern_compile(text, &pattern, &why);
	if (rc == VST_EFORMAT)
		return give_up(t, true, "%s", why.text);
	if (rc != 0)
		return vst_err_nomem(t->err);
	bool absolute = pattern->absolute;
	vst_pattern_free(pattern);
	if (!absolute)
		return give_up(t, true, "'%.128s' is not an absolute path", text);
	return t->each(t->ctx, text, t->err);
}

static int give_account(struct translation *t, const char *text, const struct vst_artifact_account *account,
        struct vst_buf *room)
{
	struct vst_buf home = VST_BUF_INIT, user = VST_BUF_INIT;
	bool usable = !account->reason && !vst_artifact_home_refusal(account->home);
	int rc = 0;
	if ((t->has_home && !usable) || (t->has_user && !is_user_name(account->user)))
		return 0;
	put_literal(&home, account->home);
	while (home.len > 1 && home.data[home.len - 1] == '/')
		home.len--;
	put_literal(&user, account->user);
	/* A home may be written with doubled slashes. */
	struct vst_buf single = VST_BUF_INIT;
	for (size_t i = 0; i < home.len; i++)
		if (home.data[i] != '/' || i == 0 || home.data[i - 1] != '/')
			vst_buf_byte(&single, home.data[i]);
	rc = vst_buf_check(&home, t->err);
	if (rc == 0)
		rc = vst_buf_check(&single, t->err);
	if (rc == 0)
		rc = put_account(t, text, vst_buf_cstr(&single), vst_buf_cstr(&user), room);
	if (rc == 0)
		rc = give(t, vst_buf_cstr(room));
	vst_buf_free(&home);
	vst_buf_free(&user);
	vst_buf_free(&single);
	return rc;
}

/* Once for each account; then for root, and for homes that no account has any more. */
static int give_accounts(struct translation *t, const char *text)
{
	struct vst_buf room = VST_BUF_INIT;
	int rc = 0;
	for (size_t i = 0; rc == 0 && !t->reason && i < t->homes->count; i++)
		rc = give_account(t, text, &t->homes->accounts[i], &room);
	if (rc == 0 && !t->reason && (rc = put_account(t, text, "/root", "root", &room)) == 0)
		rc = give(t, vst_buf_cstr(&room));
	if (rc == 0 && !t->reason && t->has_home && (rc = put_account(t, text, "/home/*", "*", &room)) == 0)
		rc = give(t, vst_buf_cstr(&room));
	vst_buf_free(&room);
	return rc;
}

/* ---- one path ---- */

static int give_path(struct translation *t, const char *text)
{
	struct vst_buf pattern = VST_BUF_INIT;
	int rc = put_depths(t, text, &pattern);
	if (rc == 0 && (t->has_home || t->has_user))
		rc = give_accounts(t, vst_buf_cstr(&pattern));
	else if (rc == 0)
		rc = give(t, vst_buf_cstr(&pattern));
	vst_buf_free(&pattern);
	return rc;
}

/* Alternatives may have slashes in them and depths between those: they are multiplied out before depths are
 * looked for. */
static int give_alternatives(struct translation *t, const char *text)
{
	struct pattern_texts texts = {0};
	struct vst_err why = VST_ERR_INIT;
	int rc = pattern_check(text, &why);
	if (rc == 0)
		rc = pattern_expand(text, &texts, &why);
	if (rc == VST_EFORMAT)
		rc = give_up(t, true, "pattern '%.256s': %s", text, why.text);
	else if (rc != 0)
		rc = vst_err_nomem(t->err);
	for (size_t i = 0; rc == 0 && !t->reason && i < texts.count; i++)
		rc = give_path(t, texts.texts[i]);
	pattern_texts_free(&texts);
	return rc;
}

int artifact_path_patterns(const char *path, char separator, const struct artifact_homes *homes,
        artifact_each_pattern *each, void *ctx, bool *ret_homes, char **ret_reason, bool *ret_failed,
        struct vst_err *err)
{
	struct translation t = {.separator = separator, .homes = homes, .each = each, .ctx = ctx, .err = err};
	struct vst_buf text = VST_BUF_INIT;
	int rc = look_at_variables(&t, path);
	if (rc == 0 && !t.reason && strlen(path) > VST_PATTERN_MAX)
		rc = give_up(&t, true, "a path longer than %d bytes", VST_PATTERN_MAX);
	if (rc == 0 && !t.reason)
		rc = put_separators(&t, path, &text);
	if (rc == 0 && !t.reason)
		rc = strstr(path, "**") && strchr(path, '{') ? give_alternatives(&t, vst_buf_cstr(&text))
		                                             : give_path(&t, vst_buf_cstr(&text));
	vst_buf_free(&text);
	if (rc != 0) {
		free(t.reason);
		return rc;
	}
	*ret_homes = *ret_homes || t.has_home;
	*ret_reason = t.reason;
	*ret_failed = t.failed;
	return 0;
}
