#include "compare/sudoers_line.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool starts(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);
	return len >= n && memcmp(text, with, n) == 0;
}

static bool is_comment(const char *text, size_t len)
{
	if (len == 0)
		return true;
	if (text[0] != '#')
		return false;
	return !(len > 1 && text[1] >= '0' && text[1] <= '9') && !starts(text, len, "#include");
}

/* Past `TAG:` words, which are upper case: what follows is the command. */
static const char *past_tags(const char *at, const char *end)
{
	for (;;) {
		while (at < end && is_space(*at))
			at++;
		const char *tag = at;
		while (tag < end && ((*tag >= 'A' && *tag <= 'Z') || *tag == '_'))
			tag++;
		if (tag == at)
			return at;
		const char *colon = tag;
		while (colon < end && is_space(*colon))
			colon++;
		if (colon == end || *colon != ':')
			return at;
		at = colon + 1;
	}
}

static bool has_all(const char *at, const char *end)
{
	while (at < end) {
		const char *command = past_tags(at, end);
		const char *comma = memchr(command, ',', (size_t)(end - command));
		const char *stop = comma ? comma : end;
		if (starts(command, (size_t)(stop - command), "ALL") &&
		        (stop - command == 3 || is_space(command[3]) || command[3] == ':' ||
		                command[3] == '#'))
			return true;
		at = comma ? comma + 1 : end;
	}
	return false;
}

static void find_no_password(struct vst_sudoers_line *line)
{
	static const char tag[] = "NOPASSWD", option[] = "!authenticate";
	const char *end = line->text + line->len;
	if (starts(line->text, line->who_len, "Defaults")) {
		line->no_password = memmem(line->text, line->len, option, sizeof option - 1) != NULL;
		line->everything = line->no_password && line->who_len == strlen("Defaults");
		return;
	}
	const char *at = memmem(line->text, line->len, tag, sizeof tag - 1);
	for (; at; at = memmem(at, (size_t)(end - at), tag, sizeof tag - 1)) {
		const char *behind = at + sizeof tag - 1;
		at = behind;
		while (behind < end && is_space(*behind))
			behind++;
		if (behind == end || *behind != ':')
			continue;
		line->no_password = true;
		if (has_all(behind + 1, end)) {
			line->everything = true;
			return;
		}
	}
}

bool vst_sudoers_line_parse(const char *line, size_t len, struct vst_sudoers_line *ret)
{
	while (len > 0 && is_space(line[0])) {
		line++;
		len--;
	}
	while (len > 0 && is_space(line[len - 1]))
		len--;
	if (is_comment(line, len))
		return false;
	*ret = (struct vst_sudoers_line){.text = line, .len = len};
	while (ret->who_len < len && !is_space(line[ret->who_len]))
		ret->who_len++;
	ret->include = starts(line, len, "@include") || starts(line, len, "#include");
	find_no_password(ret);
	return true;
}
