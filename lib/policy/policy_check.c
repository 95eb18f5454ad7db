#include "policy/policy_check.h"

#include <stddef.h>
#include <string.h>

#include "policy/policy_sources.h"
#include "policy/policy_values.h"
#include "vestige/err.h"
#include "vestige/hash.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- names ---- */

static int take_dotted_name(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	if (rc != 0 || policy_is_name(policy_node(c, node)->text, "-_."))
		return rc;
	return policy_error(c, node,
	        "'%.80s' is not a name (a letter or digit, then letters, digits, '-', '_', '.'; at most %d)",
	        policy_node(c, node)->text, VST_POLICY_NAME_MAX);
}

/* The words that a case's own list of regimes takes. */
static int take_regime(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	if (rc != 0)
		return rc;
	const char *text = policy_node(c, node)->text;
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(text) ||
	        strlen(text) > VST_POLICY_NAME_MAX)
		return policy_error(c, node, "'%.80s' is not a word (a-z, 0-9, '-', '_'; at most %d)", text,
		        VST_POLICY_NAME_MAX);
	return policy_check_once(c, node);
}

static int take_regimes(struct policy_check *c, size_t node, void *to)
{
	return policy_take_list(c, node, 0, take_regime, sizeof(char *), to);
}

static int take_about(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	if (rc == 0 && strlen(policy_node(c, node)->text) > VST_POLICY_ABOUT_MAX)
		rc = policy_error(c, node, "longer than %d bytes", VST_POLICY_ABOUT_MAX);
	return rc;
}

static int take_hashes(struct policy_check *c, size_t node, void *to)
{
	static const char *const known[] = {"sha256", "sha1", "md5"};
	static const unsigned bits[] = {VST_HASH_SHA256, VST_HASH_SHA1, VST_HASH_MD5};
	unsigned *hashes = to;
	size_t word = 0;
	int rc = 0;
	if (policy_node(c, node)->kind != POLICY_LIST) /* says so */
		return policy_take_list(c, node, 0, NULL, 0, NULL);
	for (size_t child = policy_node(c, node)->first; rc == 0 && child != 0;
	        child = policy_node(c, child)->next) {
		rc = policy_take_word(c, child, "hash", known, LENGTH(known), &word);
		if (rc == 0)
			rc = policy_check_once(c, child);
		if (rc == 0)
			*hashes |= bits[word];
	}
	return rc;
}

/* ---- limits ---- */

static int take_io(struct policy_check *c, size_t node, void *to)
{
	static const char *const known[] = {"normal", "idle"};
	bool *idle = to;
	size_t word = 0;
	int rc = policy_take_word(c, node, "priority", known, LENGTH(known), &word);
	if (rc == 0)
		*idle = word == 1;
	return rc;
}

static int take_limits(struct policy_check *c, size_t node, void *to)
{
#define AT(member) offsetof(struct vst_policy_limits, member)
	static const struct policy_field fields[] = {
	        {"item", false, policy_take_size, AT(item)},
	        {"exhibit", false, policy_take_size, AT(exhibit)},
	        {"source", false, policy_take_size, AT(source)},
	        {"source_time", false, policy_take_duration, AT(source_time)},
	        {"read_rate", false, policy_take_rate, AT(read_rate)},
	        {"cpu", false, policy_take_percent, AT(cpu)},
	        {"io", false, take_io, AT(io_idle)},
	};
#undef AT
	return policy_take_map(c, node, fields, LENGTH(fields), to);
}

/* ---- the whole ---- */

static int take_sources(struct policy_check *c, size_t node, void *to)
{
	return policy_take_list(c, node, 1, policy_take_source, sizeof(struct vst_policy_source), to);
}

int policy_check(const struct policy_tree *tree, struct vst_policy *ret, struct vst_err *err)
{
#define AT(member) offsetof(struct vst_policy, member)
	static const struct policy_field fields[] = {
	        {"policy", true, take_dotted_name, AT(name)},
	        {"about", false, take_about, AT(about)},
	        {"regimes", false, take_regimes, AT(regimes)},
	        {"hashes", false, take_hashes, AT(hashes)},
	        {"limits", false, take_limits, AT(limits)},
	        {"full_every", false, policy_take_every, AT(full_every)},
	        {"sources", true, take_sources, AT(sources)},
	};
#undef AT
	struct policy_check c = {.tree = tree, .err = err};
	ret->hashes = VST_HASH_SHA256;
	ret->limits.item = ret->limits.exhibit = ret->limits.source = UINT64_MAX;
	return policy_take_map(&c, 0, fields, LENGTH(fields), ret);
}
