#include "collect/path_match.h"

#include <string.h>

static bool has(const uint64_t *set, size_t position)
{
	return set[position / 64] >> (position % 64) & 1;
}

static bool is_any_depth(const struct vst_path_match *match, size_t position)
{
	const struct vst_pattern_alternative *alternative = match->alternative;
	if (position >= alternative->count)
		return position < match->size;
	return alternative->components[position].kind == VST_COMPONENT_ANY_DEPTH;
}

static bool is_optional(const struct vst_path_match *match, size_t position)
{
	const struct vst_pattern_alternative *alternative = match->alternative;
	return position < alternative->count &&
	       alternative->components[position].kind == VST_COMPONENT_OPTIONAL;
}

/* "Any depth" and an optional component may be nothing at all: the position behind is in the set as well. */
static void put(const struct vst_path_match *match, uint64_t *set, size_t position)
{
	set[position / 64] |= UINT64_C(1) << (position % 64);
	while (is_any_depth(match, position) || is_optional(match, position)) {
		position++;
		set[position / 64] |= UINT64_C(1) << (position % 64);
	}
}

void vst_path_match_init(struct vst_path_match *match, const struct vst_pattern_alternative *alternative)
{
	size_t count = alternative->count;
	bool tree = count == 0 || alternative->components[count - 1].kind == VST_COMPONENT_LITERAL;
	match->alternative = alternative;
	match->size = count + tree;
	match->words = match->size / 64 + 1;
}

void vst_path_match_start(const struct vst_path_match *match, uint64_t *ret_set)
{
	memset(ret_set, 0, match->words * sizeof *ret_set);
	put(match, ret_set, match->alternative->literal);
}

static bool takes(const struct vst_path_match *match, size_t position, const char *name)
{
	const struct vst_pattern_component *component = &match->alternative->components[position];
	if (component->kind == VST_COMPONENT_LITERAL)
		return strcmp(component->text, name) == 0;
	return vst_pattern_match_name(component->text, name);
}

bool vst_path_match_step(
        const struct vst_path_match *match, const uint64_t *set, const char *name, uint64_t *ret_set)
{
	bool any = false;
	memset(ret_set, 0, match->words * sizeof *ret_set);
	for (size_t i = 0; i < match->size; i++) {
		if (set[i / 64] == 0) {
			i |= 63;
			continue;
		}
		if (!has(set, i))
			continue;
		if (is_any_depth(match, i))
			put(match, ret_set, i);
		else if (is_optional(match, i) || takes(match, i, name))
			put(match, ret_set, i + 1);
		else
			continue;
		any = true;
	}
	return any;
}

bool vst_path_match_done(const struct vst_path_match *match, const uint64_t *set)
{
	return has(set, match->size);
}

bool vst_path_match_below(const struct vst_path_match *match, const uint64_t *set)
{
	for (size_t i = 0; i < match->size; i++)
		if (has(set, i))
			return true;
	return false;
}

bool vst_path_match_all_below(const struct vst_path_match *match, const uint64_t *set)
{
	return match->size > 0 && is_any_depth(match, match->size - 1) && has(set, match->size - 1);
}
