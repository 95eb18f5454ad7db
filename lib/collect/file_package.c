#include "collect/file_package.h"

#include <string.h>

#include "collect/packages.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"

void vst_file_package_free(struct vst_file_package *package)
{
	vst_hash_free(package->hash);
	vst_buf_free(&package->details);
	*package = (struct vst_file_package){0};
}

/* libgcrypt may be told to refuse MD5 (FIPS): files are then not compared, and say so. */
static int start(struct vst_file_package *package, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	if (package->hash)
		vst_hash_reset(package->hash);
	else if (vst_hash_new(&package->hash, VST_HASH_MD5, &why) == VST_ENOMEM)
		return vst_err_nomem(err);
	package->running = package->hash != NULL;
	return 0;
}

int vst_file_package_begin(struct vst_file_package *package, struct vst_collect_context *context,
        const char *path, bool linked, uint64_t holes, struct vst_err *err)
{
	package->named = package->running = package->has_md5 = false;
	package->at = 0;
	if (!package->on)
		return 0;
	int rc = vst_packages_names(context->packages, context, path, &package->named, err);
	if (rc == 0 && (package->named || linked) && holes <= VST_SPARSE_WHOLE_HASH_MAX)
		rc = start(package, err);
	return rc;
}

static void add_zeros(struct vst_file_package *package, uint64_t until)
{
	if (package->at >= until)
		return;
	vst_hash_zeros(package->hash, until - package->at);
	package->at = until;
}

void vst_file_package_add(struct vst_file_package *package, uint64_t offset, const void *data, size_t len)
{
	if (!package->running || len == 0)
		return;
	add_zeros(package, offset);
	vst_hash_update(package->hash, data, len);
	package->at += len;
}

/* `same` NULL: it is not known. Other details stand in front. */
static int describe(struct vst_file_package *package, const struct vst_package_claim *claim, const bool *same,
        struct vst_item *item, struct vst_err *err)
{
	struct vst_buf *out = &package->details;
	vst_buf_clear(out);
	if (item->details_len > 1) {
		vst_buf_bytes(out, item->details, item->details_len - 1);
		vst_buf_text(out, item->details_len > 2 ? "," : "");
	} else {
		vst_buf_byte(out, '{');
	}
	vst_buf_text(out, "\"package\":");
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "name");
	vst_json_string(&json, claim->package->name);
	vst_json_key(&json, "version");
	vst_json_string(&json, claim->package->version);
	vst_json_key(&json, "md5");
	vst_json_hex(&json, claim->md5, sizeof claim->md5);
	if (same) {
		vst_json_key(&json, "same");
		vst_json_bool(&json, *same);
	}
	vst_json_end(&json);
	vst_buf_byte(out, '}');
	item->details = (const char *)out->data;
	item->details_len = out->len;
	return vst_buf_check(out, err);
}

static int judge(struct vst_file_package *package, struct vst_collect_context *context, const char *path,
        const uint8_t *md5, struct vst_item *item, struct vst_err *err)
{
	struct vst_package_claim claim;
	bool named = false, same = false;
	int rc = md5 ? vst_packages_judge(context->packages, context, path, md5, &named, &claim, &same, err)
	             : vst_packages_claim(context->packages, context, path, &named, &claim, err);
	return rc == 0 && named ? describe(package, &claim, md5 ? &same : NULL, item, err) : rc;
}

int vst_file_package_end(struct vst_file_package *package, struct vst_collect_context *context,
        const char *path, uint64_t size, bool whole, struct vst_item *item, struct vst_err *err)
{
	if (package->running && whole) {
		add_zeros(package, size);
		memcpy(package->md5, vst_hash_final(package->hash, VST_HASH_MD5), sizeof package->md5);
		package->has_md5 = true;
	}
	package->running = false;
	return package->named
	               ? judge(package, context, path, package->has_md5 ? package->md5 : NULL, item, err)
	               : 0;
}

int vst_file_package_link(struct vst_file_package *package, struct vst_collect_context *context,
        const char *path, const uint8_t *md5, struct vst_item *item, bool *ret_read, struct vst_err *err)
{
	bool named = false;
	*ret_read = false;
	if (!package->on)
		return 0;
	int rc = vst_packages_names(context->packages, context, path, &named, err);
	*ret_read = rc == 0 && named && !md5;
	return rc == 0 && named && md5 ? judge(package, context, path, md5, item, err) : rc;
}
