#include "compare/account_files.h"

#include <string.h>

#include "compare/fact_text.h"
#include "compare/observer.h"
#include "compare/sudoers_line.h"

#define ENTRIES_MAX (200 * 1024) /* bytes; one more entry and the end always fit behind it */
#define URGENT_MAX (240 * 1024)  /* of accounts with number 0 */
#define FIELDS_MAX 9             /* of shadow */
#define METHOD_MAX 16

static const char *const names[VST_ACCOUNT_FILES] = {"", "passwd", "shadow", "group", "sudoers", "lastlog"};

const char *vst_account_file_name(enum vst_account_file kind)
{
	return (unsigned)kind < VST_ACCOUNT_FILES ? names[kind] : "";
}

enum vst_account_file vst_account_file_of(const char *path)
{
	static const struct {
		const char *path;
		enum vst_account_file kind;
	} files[] = {{"/etc/passwd", VST_ACCOUNT_PASSWD}, {"/etc/shadow", VST_ACCOUNT_SHADOW},
	        {"/etc/group", VST_ACCOUNT_GROUP}, {"/etc/sudoers", VST_ACCOUNT_SUDOERS},
	        {"/var/log/lastlog", VST_ACCOUNT_LASTLOG}};
	static const char directory[] = "/etc/sudoers.d/";
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(path, files[i].path) == 0)
			return files[i].kind;
	if (strncmp(path, directory, sizeof directory - 1) != 0)
		return VST_ACCOUNT_NONE;
	const char *name = path + sizeof directory - 1;
	size_t len = strlen(name);
	return len > 0 && !strpbrk(name, "/.") && name[len - 1] != '~' ? VST_ACCOUNT_SUDOERS
	                                                               : VST_ACCOUNT_NONE;
}

bool vst_account_group_is_privileged(const char *name, size_t len)
{
	static const char *const groups[] = {"root", "sudo", "wheel", "admin", "adm", "docker", "shadow",
	        "disk", "kmem", "lxd", "lxc", "incus", "incus-admin", "libvirt", "staff", "systemd-journal"};
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strlen(groups[i]) == len && memcmp(groups[i], name, len) == 0)
			return true;
	return false;
}

struct field {
	const char *text;
	size_t len;
};

static size_t split(const char *line, size_t len, struct field *fields, size_t max)
{
	const char *end = line + len;
	size_t count = 0;
	while (count < max) {
		const char *colon = memchr(line, ':', (size_t)(end - line));
		fields[count++] = (struct field){line, (size_t)((colon ? colon : end) - line)};
		if (!colon)
			break;
		line = colon + 1;
	}
	return count;
}

static bool number(const struct field *field, int64_t *ret)
{
	int64_t value = 0;
	if (field->len == 0 || field->len > 10)
		return false;
	for (size_t i = 0; i < field->len; i++) {
		if (field->text[i] < '0' || field->text[i] > '9')
			return false;
		value = value * 10 + (field->text[i] - '0');
	}
	*ret = value;
	return value <= UINT32_MAX;
}

static bool is_crypt_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
	       c == '/';
}

static bool are_crypt_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_crypt_digit(text[i]))
			return false;
	return true;
}

/* The method of something that crypt() could give; false if it could not. Also behind the `!` of a locked
 * account. */
static bool method_of(struct field hash, struct field *ret)
{
	while (hash.len > 0 && hash.text[0] == '!') {
		hash.text++;
		hash.len--;
	}
	*ret = (struct field){"", 0};
	if (hash.len > 1 && hash.text[0] == '$') {
		const char *end = memchr(hash.text + 1, '$', hash.len - 1);
		size_t len = end ? (size_t)(end - hash.text - 1) : 0;
		if (len == 0 || len > METHOD_MAX)
			return false;
		for (size_t i = 1; i <= len; i++)
			if (!is_crypt_digit(hash.text[i]) && hash.text[i] != '-')
				return false;
		*ret = (struct field){hash.text + 1, len};
		return true;
	}
	if (hash.len == 20 && hash.text[0] == '_' && are_crypt_digits(hash.text + 1, hash.len - 1))
		*ret = (struct field){"bsdi", 4};
	else if (hash.len == 13 && are_crypt_digits(hash.text, hash.len))
		*ret = (struct field){"des", 3};
	return ret->len > 0;
}

static const char *password_of(const struct field *field, bool in_passwd)
{
	struct field method;
	if (field->len == 0)
		return "empty";
	if (in_passwd && field->len == 1 && field->text[0] == 'x')
		return "shadow";
	return field->text[0] != '!' && method_of(*field, &method) ? "set" : "locked";
}

static void text(struct vst_account_facts *facts, const struct field *field)
{
	vst_fact_text(&facts->json, field->text, field->len);
}

/* Whether one more may be written. */
static bool has_room(struct vst_account_facts *facts, bool urgent)
{
	if (facts->out.len < (urgent ? URGENT_MAX : ENTRIES_MAX))
		return true;
	facts->cut = true;
	return false;
}

static bool passwd_line(struct vst_account_facts *facts, const struct field *fields, size_t count)
{
	int64_t uid, gid;
	if (count < 7 || !number(&fields[2], &uid) || !number(&fields[3], &gid))
		return false;
	if (!has_room(facts, uid == 0))
		return true;
	vst_json_array(&facts->json);
	text(facts, &fields[0]);
	vst_json_int(&facts->json, uid);
	vst_json_int(&facts->json, gid);
	text(facts, &fields[5]);
	text(facts, &fields[6]);
	vst_json_string(&facts->json, password_of(&fields[1], true));
	vst_json_end(&facts->json);
	return true;
}

static bool shadow_line(struct vst_account_facts *facts, const struct field *fields, size_t count)
{
	struct field method;
	int64_t day;
	if (count < 2)
		return false;
	if (!has_room(facts, false))
		return true;
	method_of(fields[1], &method);
	if (count < 3 || !number(&fields[2], &day))
		day = -1;
	vst_json_array(&facts->json);
	text(facts, &fields[0]);
	vst_json_string(&facts->json, password_of(&fields[1], false));
	text(facts, &method);
	vst_json_int(&facts->json, day);
	vst_json_end(&facts->json);
	return true;
}

static bool group_line(struct vst_account_facts *facts, const struct field *fields, size_t count)
{
	int64_t gid;
	if (count < 4 || !number(&fields[2], &gid))
		return false;
	if ((gid != 0 && !vst_account_group_is_privileged(fields[0].text, fields[0].len)) ||
	        !has_room(facts, false))
		return true;
	vst_json_array(&facts->json);
	text(facts, &fields[0]);
	vst_json_int(&facts->json, gid);
	vst_json_array(&facts->json);
	const char *at = fields[3].text, *end = at + fields[3].len;
	while (at < end && has_room(facts, false)) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct field member = {at, (size_t)((comma ? comma : end) - at)};
		if (member.len > 0)
			text(facts, &member);
		at += member.len + 1;
	}
	vst_json_end(&facts->json);
	vst_json_end(&facts->json);
	return true;
}

static void sudoers_line(struct vst_account_facts *facts, const char *line, size_t len)
{
	struct vst_sudoers_line parsed;
	if (!vst_sudoers_line_parse(line, len, &parsed))
		return;
	facts->lines++;
	if (!has_room(facts, parsed.everything))
		return;
	vst_json_array(&facts->json);
	vst_fact_digest(&facts->json, parsed.text, parsed.len);
	vst_json_bool(&facts->json, parsed.no_password);
	vst_json_bool(&facts->json, parsed.everything);
	vst_fact_text(&facts->json, parsed.text, parsed.who_len);
	vst_json_bool(&facts->json, parsed.include);
	vst_json_end(&facts->json);
}

void vst_account_facts_begin(struct vst_account_facts *facts, enum vst_account_file kind)
{
	*facts = (struct vst_account_facts){.kind = kind};
	facts->json = vst_json_begin(&facts->out);
	vst_json_object(&facts->json);
	vst_json_key(&facts->json, "format");
	vst_json_uint(&facts->json, VST_ACCOUNT_FORMAT);
	vst_json_key(&facts->json, "kind");
	vst_json_string(&facts->json, vst_account_file_name(kind));
	vst_json_key(&facts->json, "entries");
	vst_json_array(&facts->json);
}

void vst_account_facts_line(struct vst_account_facts *facts, const char *line, size_t len, bool whole)
{
	struct field fields[FIELDS_MAX];
	if (facts->kind == VST_ACCOUNT_SUDOERS) {
		sudoers_line(facts, line, len);
		facts->odd += !whole;
		return;
	}
	if (len == 0 && whole)
		return;
	if (whole && line[0] == '#')
		return;
	facts->lines++;
	size_t count = split(line, len, fields, FIELDS_MAX);
	bool good = fields[0].len > 0 && line[0] != '+' && line[0] != '-';
	if (good && facts->kind == VST_ACCOUNT_PASSWD)
		good = passwd_line(facts, fields, count);
	else if (good && facts->kind == VST_ACCOUNT_SHADOW)
		good = shadow_line(facts, fields, count);
	else if (good)
		good = group_line(facts, fields, count);
	facts->odd += !good || !whole;
}

int vst_account_facts_end(struct vst_account_facts *facts, struct vst_buf *ret, struct vst_err *err)
{
	vst_json_end(&facts->json);
	vst_json_key(&facts->json, "lines");
	vst_json_uint(&facts->json, facts->lines);
	vst_json_key(&facts->json, "odd");
	vst_json_uint(&facts->json, facts->odd);
	if (facts->cut) {
		vst_json_key(&facts->json, "cut");
		vst_json_bool(&facts->json, true);
	}
	vst_json_end(&facts->json);
	int rc = vst_buf_check(&facts->out, err);
	if (rc == 0) {
		vst_buf_bytes(ret, facts->out.data, facts->out.len);
		rc = vst_buf_check(ret, err);
	}
	return rc;
}

void vst_account_facts_free(struct vst_account_facts *facts)
{
	vst_buf_free(&facts->out);
}
