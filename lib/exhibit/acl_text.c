#include "exhibit/acl_text.h"

#include <stddef.h>
#include <string.h>

static bool take(const char **at, const char *literal)
{
	size_t len = strlen(literal);
	if (strncmp(*at, literal, len) != 0)
		return false;
	*at += len;
	return true;
}

/* An id without leading zeros; (uint32_t)-1 is no id. */
static bool take_id(const char **at, uint32_t *ret)
{
	uint64_t id = 0;
	const char *start = *at, *end = start;
	for (; *end >= '0' && *end <= '9'; end++) {
		id = id * 10 + (uint64_t)(*end - '0');
		if (id >= UINT32_MAX)
			return false;
	}
	if (end == start || (*start == '0' && end != start + 1))
		return false;
	*ret = (uint32_t)id;
	*at = end;
	return true;
}

static bool take_permset(const char **at, unsigned *ret)
{
	static const char letters[] = "rwx";
	unsigned permset = 0;
	for (unsigned i = 0; i < 3; i++, (*at)++) {
		if (**at == letters[i])
			permset |= 4u >> i;
		else if (**at != '-')
			return false;
	}
	*ret = permset;
	return true;
}

bool vst_acl_next(const char **at, struct vst_acl_entry *ret)
{
	const char *in = *at;
	struct vst_acl_entry entry = {0};
	bool may_name = false;
	if (take(&in, "user:")) {
		entry.tag = VST_ACL_USER_OBJ;
		may_name = true;
	} else if (take(&in, "group:")) {
		entry.tag = VST_ACL_GROUP_OBJ;
		may_name = true;
	} else if (take(&in, "mask:")) {
		entry.tag = VST_ACL_MASK;
	} else if (take(&in, "other:")) {
		entry.tag = VST_ACL_OTHER;
	} else {
		return false;
	}
	if (may_name && *in != ':') {
		entry.tag = entry.tag == VST_ACL_USER_OBJ ? VST_ACL_USER : VST_ACL_GROUP;
		if (!take_id(&in, &entry.id))
			return false;
	}
	if (!take(&in, ":") || !take_permset(&in, &entry.permset))
		return false;
	if (*in == '\0')
		*at = NULL;
	else if (*in == ',')
		*at = in + 1;
	else
		return false;
	*ret = entry;
	return true;
}

bool vst_acl_valid(const char *text)
{
	struct vst_acl_entry entry;
	while (text) {
		if (!vst_acl_next(&text, &entry))
			return false;
	}
	return true;
}
