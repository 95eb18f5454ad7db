/*
 * Policies in three steps: libyaml's events become a tree with line numbers, the tree is checked for all that
 * a policy must be, and libcyaml, which alone would drop later documents and tell wrong lines, loads the
 * checked text into the structures.
 */
#include "vestige/policy.h"

#include <cyaml/cyaml.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_check.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"

struct limits {
	char *item, *exhibit;
};

/* What libcyaml fills: the policy itself, and the sizes that are still text. */
struct loaded {
	struct vst_policy policy;
	struct limits limits;
};

/* ---- the schema ---- */

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define OPTIONAL_POINTER (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_schema_value_t text_schema = {
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

static const cyaml_strval_t hash_names[] = {
        {"sha256", VST_HASH_SHA256},
        {"sha1", VST_HASH_SHA1},
        {"md5", VST_HASH_MD5},
};

static const cyaml_schema_field_t files_fields[] = {
        CYAML_FIELD_SEQUENCE_COUNT("paths", CYAML_FLAG_POINTER, struct vst_policy_files, paths, path_count,
                &text_schema, 1, CYAML_UNLIMITED),
        CYAML_FIELD_SEQUENCE_COUNT("exclude", OPTIONAL_POINTER, struct vst_policy_files, exclude,
                exclude_count, &text_schema, 0, CYAML_UNLIMITED),
        CYAML_FIELD_BOOL("append_only", CYAML_FLAG_OPTIONAL, struct vst_policy_files, append_only),
        CYAML_FIELD_BOOL("one_file_system", CYAML_FLAG_OPTIONAL, struct vst_policy_files, one_file_system),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t source_fields[] = {
        CYAML_FIELD_STRING_PTR(
                "name", CYAML_FLAG_POINTER, struct vst_policy_source, name, 0, CYAML_UNLIMITED),
        CYAML_FIELD_MAPPING("files", CYAML_FLAG_DEFAULT, struct vst_policy_source, files, files_fields),
        CYAML_FIELD_END,
};

static const cyaml_schema_value_t source_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vst_policy_source, source_fields),
};

static const cyaml_schema_field_t limits_fields[] = {
        CYAML_FIELD_STRING_PTR("item", OPTIONAL_POINTER, struct limits, item, 0, CYAML_UNLIMITED),
        CYAML_FIELD_STRING_PTR("exhibit", OPTIONAL_POINTER, struct limits, exhibit, 0, CYAML_UNLIMITED),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t policy_fields[] = {
        CYAML_FIELD_STRING_PTR("policy", CYAML_FLAG_POINTER, struct loaded, policy.name, 0, CYAML_UNLIMITED),
        CYAML_FIELD_STRING_PTR("about", OPTIONAL_POINTER, struct loaded, policy.about, 0, CYAML_UNLIMITED),
        CYAML_FIELD_SEQUENCE_COUNT("regimes", OPTIONAL_POINTER, struct loaded, policy.regimes,
                policy.regime_count, &text_schema, 0, CYAML_UNLIMITED),
        CYAML_FIELD_FLAGS("hashes", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct loaded, policy.hashes,
                hash_names, LENGTH(hash_names)),
        CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct loaded, limits, limits_fields),
        CYAML_FIELD_SEQUENCE_COUNT("sources", CYAML_FLAG_POINTER, struct loaded, policy.sources,
                policy.source_count, &source_schema, 1, VST_POLICY_SOURCES_MAX),
        CYAML_FIELD_END,
};

static const cyaml_schema_value_t policy_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct loaded, policy_fields),
};

/* So that what libcyaml makes is released with free(), and tests can make it fail. */
static void *allocate(void *ctx, void *old, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(old);
		return NULL;
	}
	return vst_realloc(old, 1, size);
}

static const cyaml_config_t config = {
        .log_fn = NULL,
        .mem_fn = allocate,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
};

/* ---- loading ---- */

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void free_contents(struct vst_policy *policy)
{
	for (size_t i = 0; i < policy->source_count; i++) {
		struct vst_policy_source *source = &policy->sources[i];
		free_texts(source->files.paths, source->files.path_count);
		free_texts(source->files.exclude, source->files.exclude_count);
		free(source->name);
	}
	free(policy->sources);
	free_texts(policy->regimes, policy->regime_count);
	free(policy->about);
	free(policy->name);
}

void vst_policy_free(struct vst_policy *policy)
{
	if (!policy)
		return;
	free_contents(policy);
	free(policy);
}

static void free_loaded(struct loaded *loaded)
{
	if (!loaded)
		return;
	free_contents(&loaded->policy);
	free(loaded->limits.item);
	free(loaded->limits.exhibit);
	free(loaded);
}

/* The check has read these sizes already, so they fit. */
static uint64_t limit_of(const char *text)
{
	uint64_t size = UINT64_MAX;
	return text && policy_size(text, &size) ? size : UINT64_MAX;
}

static int load(const void *text, size_t len, const char *name, struct vst_policy **ret, struct vst_err *err)
{
	cyaml_data_t *data = NULL;
	cyaml_err_t result = cyaml_load_data(text, len, &config, &policy_schema, &data, NULL);
	if (result == CYAML_ERR_OOM)
		return vst_err_nomem(err);
	if (result != CYAML_OK)
		return vst_err_set(err, VST_ELIBRARY, "%s: checked, but libcyaml says: %s", name,
		        cyaml_strerror(result));
	struct loaded *loaded = data;
	struct vst_policy *policy = vst_alloc(sizeof *policy);
	if (!policy) {
		free_loaded(loaded);
		return vst_err_nomem(err);
	}
	*policy = loaded->policy;
	loaded->policy = (struct vst_policy){0};
	policy->hashes |= VST_HASH_SHA256;
	policy->item_limit = limit_of(loaded->limits.item);
	policy->exhibit_limit = limit_of(loaded->limits.exhibit);
	for (size_t i = 0; i < policy->source_count; i++)
		policy->sources[i].kind = VST_SOURCE_FILES;
	free_loaded(loaded);
	*ret = policy;
	return 0;
}

int vst_policy_parse(
        const void *text, size_t len, const char *name, struct vst_policy **ret, struct vst_err *err)
{
	struct policy_tree tree = {0};
	if (len > VST_POLICY_MAX)
		return vst_err_set(err, VST_ELIMIT, "%s: longer than %d bytes", name, VST_POLICY_MAX);
	/* Some editors put a byte order mark before UTF-8. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text = (const char *)text + 3;
		len -= 3;
	}
	int rc = policy_tree_read(text, len, name, &tree, err);
	if (rc == 0)
		rc = policy_check(&tree, err);
	policy_tree_free(&tree);
	return rc == 0 ? load(text, len, name, ret, err) : rc;
}
