#include "exhibit/manifest_check.h"

#include <string.h>

#include "exhibit/acl_text.h"
#include "exhibit/errno_name.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/json.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

static int refuse(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EUSAGE, "item: %s", what);
}

/* It becomes a directory below items/ and a word on the command line. */
static bool source_valid(const char *source)
{
	size_t len = source ? strlen(source) : 0;
	if (len == 0 || len > VST_SOURCE_NAME_MAX || !vst_utf8_valid(source, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)source[i] <= ' ' || source[i] == '/' || source[i] == 0x7f)
			return false;
	}
	return strcmp(source, ".") != 0 && strcmp(source, "..") != 0 && strcmp(source, "long") != 0;
}

/* No empty, `.` or `..` components: two spellings of a path would be two items, and `..` would leave the
 * tree. */
static bool components_valid(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.') ||
		        (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static int check_place(const struct vst_item *item, struct vst_err *err)
{
	bool record = item->type == VST_ITEM_RECORD;
	if (!source_valid(item->source))
		return refuse(err, "its source has no usable name");
	if (record != (strcmp(item->source, VST_SOURCE_EXHIBIT) == 0))
		return refuse(err, "source exhibit and type record belong together");
	if (!item->path || item->path[0] == '\0')
		return refuse(err, "no path");
	if (strlen(item->path) > VST_ITEM_PATH_MAX)
		return refuse(err, "path too long");
	if (record) {
		if (!components_valid(item->path) || is_below(item->path, "items") ||
		        is_below(item->path, "manifest") || strcmp(item->path, VST_ENTRY_INDEX) == 0 ||
		        strcmp(item->path, VST_ENTRY_LEAVES) == 0 ||
		        strcmp(item->path, VST_ENTRY_TRAILER) == 0)
			return refuse(err, "a record's name that the layout uses otherwise");
		return 0;
	}
	if (item->path[0] != '/')
		return refuse(err, "path is not absolute");
	if (item->path[1] != '\0' && !components_valid(item->path + 1))
		return refuse(err, "path with an empty, . or .. component");
	return 0;
}

static int check_status(const struct vst_item *item, struct vst_err *err)
{
	enum vst_item_status status = item->status;
	bool failed = status == VST_ITEM_DENIED || status == VST_ITEM_ERROR;
	bool ruled = status == VST_ITEM_EXCLUDED || status == VST_ITEM_TRUNCATED;
	if ((unsigned)item->type >= VST_ITEM_TYPES || (unsigned)status >= VST_ITEM_STATUSES)
		return refuse(err, "unknown type or status");
	if (item->rule && !ruled && !failed)
		return refuse(err, "a rule or reason with a status that has none");
	if (ruled && !item->rule)
		return refuse(err, "excluded or truncated without saying by what");
	if (item->error && !failed)
		return refuse(err, "errno with a status that has none");
	if (item->error < 0 || item->error > VST_ERRNO_MAX)
		return refuse(err, "errno out of range");
	if (failed && !item->error && !item->rule)
		return refuse(err, "denied or failed without saying why");
	if (status == VST_ITEM_UNCHANGED && item->type != VST_ITEM_FILE && item->type != VST_ITEM_STREAM)
		return refuse(err, "unchanged, of something that has no content");
	if ((status == VST_ITEM_TAIL || vst_item_is_tail(item)) && item->type != VST_ITEM_FILE)
		return refuse(err, "a tail of something that is no file");
	return 0;
}

/* Bytes of content that the line speaks of, here or in earlier exhibits. */
static uint64_t content_size(const struct vst_item *item)
{
	return item->has_whole ? item->whole.size : item->has_content ? item->size : 0;
}

static int check_content(const struct vst_item *item, struct vst_err *err)
{
	enum vst_item_type type = item->type;
	bool may = type == VST_ITEM_FILE || type == VST_ITEM_STREAM || type == VST_ITEM_RECORD;
	if (item->has_content && (!may || item->is_hardlink))
		return refuse(err, "content where there can be none");
	if (item->has_content && (item->status == VST_ITEM_EXCLUDED || item->status == VST_ITEM_ABSENT ||
	                                 item->status == VST_ITEM_UNCHANGED))
		return refuse(err, "content of something that was not collected");
	if ((unsigned)item->content >= VST_ITEM_CONTENTS)
		return refuse(err, "unknown extent of content");
	if (item->content != VST_ITEM_CONTENT_FULL &&
	        (!may || type == VST_ITEM_RECORD || item->has_content || item->status == VST_ITEM_UNCHANGED))
		return refuse(err, "content that the policy did not ask for, or of something that has none");
	if (may && !item->has_content && !item->is_hardlink && item->content == VST_ITEM_CONTENT_FULL &&
	        (item->status == VST_ITEM_COLLECTED || item->status == VST_ITEM_CHANGED ||
	                item->status == VST_ITEM_TRUNCATED || item->status == VST_ITEM_TAIL))
		return refuse(err, "collected without content");
	if (item->has_content && (item->hashes & ~(unsigned)VST_HASH_SHA256 & ~(unsigned)VST_HASH_SHA1 &
	                                 ~(unsigned)VST_HASH_MD5))
		return refuse(err, "a digest that manifests do not carry");
	if (!item->has_content && item->hashes)
		return refuse(err, "digests without content");
	if (type == VST_ITEM_STREAM && item->has_content) {
		if (item->parts == 0 || (item->parts > item->size && item->parts > 1))
			return refuse(err, "a number of parts that cannot be");
		if (item->parts < item->size / VST_PART_MAX + (item->size % VST_PART_MAX != 0))
			return refuse(err, "too few parts for the size");
	} else if (item->parts) {
		return refuse(err, "parts of something that is no stream");
	}
	if (item->has_read && type != VST_ITEM_FILE && type != VST_ITEM_STREAM)
		return refuse(err, "a read record of something that is not read");
	if (item->has_read && item->read_padding > content_size(item))
		return refuse(err, "more padding than content");
	if (!item->has_read && item->read_padding)
		return refuse(err, "padding without a read record");
	return 0;
}

static bool xattrs_valid(const struct vst_item *item)
{
	for (size_t i = 0; i < item->xattr_count; i++) {
		const struct vst_item_xattr *xattr = &item->xattrs[i];
		if (!xattr->name || xattr->name[0] == '\0' || (xattr->len > 0 && !xattr->value))
			return false;
		if (i > 0 && strcmp(xattr[-1].name, xattr->name) >= 0)
			return false;
	}
	return true;
}

static bool flags_valid(const char *flags)
{
	if (*flags == '\0')
		return false;
	for (; *flags; flags++) {
		if (!((*flags >= 'a' && *flags <= 'z') || (*flags >= 'A' && *flags <= 'Z')))
			return false;
	}
	return true;
}

static int check_metadata(const struct vst_item *item, struct vst_err *err)
{
	bool device = item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE;
	if (!item->has_stat) {
		if (item->user || item->group || item->mode || item->uid || item->gid)
			return refuse(err, "an owner or mode without a stat");
		if (item->mtime != VST_TIME_NONE || item->atime != VST_TIME_NONE ||
		        item->ctime != VST_TIME_NONE || item->btime != VST_TIME_NONE)
			return refuse(err, "times without a stat");
		if ((item->status == VST_ITEM_COLLECTED || item->status == VST_ITEM_UNCHANGED ||
		            item->status == VST_ITEM_TAIL) &&
		        item->type != VST_ITEM_STREAM && item->type != VST_ITEM_RECORD)
			return refuse(err, "collected without a stat");
	} else if (item->type == VST_ITEM_RECORD) {
		return refuse(err, "a stat of our own record");
	}
	if (item->size > INT64_MAX || item->uid > INT64_MAX || item->gid > INT64_MAX ||
	        item->nlink > INT64_MAX)
		return refuse(err, "a number larger than a file system can give");
	if (item->mode & ~07777u)
		return refuse(err, "mode is more than permission bits");
	if ((item->rdev_major || item->rdev_minor) && !(device && item->has_stat))
		return refuse(err, "device numbers of something that is no device");
	if (item->flags && !flags_valid(item->flags))
		return refuse(err, "inode flags are not chattr letters");
	if ((item->acl && !vst_acl_valid(item->acl)) ||
	        (item->default_acl && !vst_acl_valid(item->default_acl)))
		return refuse(err, "an ACL that is not in numeric form");
	if (!xattrs_valid(item))
		return refuse(err, "extended attributes not sorted by name, or twice, or without a name");
	return 0;
}

static int check_links(const struct vst_item *item, struct vst_err *err)
{
	if (item->target && item->type != VST_ITEM_SYMLINK)
		return refuse(err, "a target of something that is no symbolic link");
	if (item->type == VST_ITEM_SYMLINK && !item->target &&
	        (item->status == VST_ITEM_COLLECTED || item->status == VST_ITEM_CHANGED))
		return refuse(err, "a symbolic link without its target");
	if (item->is_hardlink && (item->type == VST_ITEM_DIRECTORY || item->type == VST_ITEM_STREAM ||
	                                 item->type == VST_ITEM_RECORD || item->type == VST_ITEM_UNKNOWN))
		return refuse(err, "a hard link of something that has none");
	if (item->is_hardlink && item->status != VST_ITEM_COLLECTED && item->status != VST_ITEM_CHANGED &&
	        item->status != VST_ITEM_UNCHANGED)
		return refuse(err, "a hard link that was not collected");
	return 0;
}

static int check_sparse(const struct vst_item *item, struct vst_err *err)
{
	uint64_t end = 0, data = 0;
	if (!item->is_sparse) {
		if (item->extent_count || item->has_whole_sha256)
			return refuse(err, "a map of a file that is not sparse");
		return 0;
	}
	if (item->type != VST_ITEM_FILE || (!item->has_content && !item->has_whole))
		return refuse(err, "sparse without content");
	if (vst_item_is_tail(item))
		return refuse(err, "a tail of a sparse file");
	if (item->extent_count > VST_SPARSE_EXTENTS_MAX)
		return refuse(err, "too many extents");
	for (size_t i = 0; i < item->extent_count; i++) {
		const struct vst_item_extent *extent = &item->extents[i];
		if (extent->len == 0 || (i > 0 && extent->offset <= end) || extent->offset > item->size ||
		        extent->len > item->size - extent->offset)
			return refuse(err, "extents out of order, touching, empty or beyond the end");
		end = extent->offset + extent->len;
		data += extent->len;
	}
	if (item->has_whole && item->whole.size != data)
		return refuse(err, "a map that does not add up to the content");
	return 0;
}

/* Pieces of a file in the order in which exhibits stored them, which is also that of its bytes. */
static int check_stored(const struct vst_item_whole *whole, uint64_t *ret_sum, struct vst_err *err)
{
	uint64_t sum = 0;
	if (whole->stored_count > VST_ITEM_STORED_MAX)
		return refuse(err, "content in more pieces than a line may name");
	for (size_t i = 0; i < whole->stored_count; i++) {
		const struct vst_item_stored *piece = &whole->stored[i];
		if (piece->exhibit == 0 || piece->exhibit > INT64_MAX || piece->seq >= VST_EXHIBIT_ITEMS_MAX)
			return refuse(err, "content in an item that there cannot be");
		if (i > 0 && (piece[-1].exhibit > piece->exhibit ||
		                     (piece[-1].exhibit == piece->exhibit && piece[-1].seq >= piece->seq)))
			return refuse(err, "pieces of content that are not oldest first");
		if (piece->bytes == 0 || piece->bytes > whole->size - sum)
			return refuse(err, "pieces of content that are empty or more than it");
		sum += piece->bytes;
	}
	*ret_sum = sum;
	return 0;
}

/* What a file of which only the end is here may be called: how the reading of that end went is not hidden by
 * it. */
static bool is_status_of_tail(enum vst_item_status status)
{
	return status == VST_ITEM_TAIL || status == VST_ITEM_CHANGED || status == VST_ITEM_TRUNCATED ||
	       status == VST_ITEM_DENIED || status == VST_ITEM_ERROR;
}

static int check_whole(const struct vst_item *item, struct vst_err *err)
{
	const struct vst_item_whole *whole = &item->whole;
	bool tail = vst_item_is_tail(item),
	     unchanged = item->status == VST_ITEM_UNCHANGED && !item->is_hardlink;
	uint64_t sum = 0;
	int rc;
	if (!item->has_whole && (unchanged || item->status == VST_ITEM_TAIL))
		return refuse(err, "content of another exhibit, and not which");
	if (item->has_whole && !(tail ? is_status_of_tail(item->status) : unchanged))
		return refuse(err, "content of another exhibit with a status that has none");
	if (!item->has_whole)
		return 0;
	if (whole->size > INT64_MAX)
		return refuse(err, "a number larger than a file system can give");
	if (!(whole->hashes & VST_HASH_SHA256) ||
	        (whole->hashes & ~(unsigned)(VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5)))
		return refuse(err, "content of another exhibit without its digest, or with one too many");
	if (tail && whole->trusted)
		return refuse(err, "a tail that was not read");
	if ((rc = check_stored(whole, &sum, err)) != 0)
		return rc;
	if (tail && (sum == 0 || item->size == 0 || item->size != whole->size - sum))
		return refuse(err, "a tail that does not begin where the earlier exhibits end");
	if (!tail && sum != whole->size)
		return refuse(err, "pieces of content that are less than it");
	return 0;
}

static int check_series(const struct vst_item *item, struct vst_err *err)
{
	bool read = item->type == VST_ITEM_FILE || item->type == VST_ITEM_STREAM;
	if (item->has_prefix &&
	        (!read || (!item->has_content && !item->has_whole) || item->prefix_size > content_size(item)))
		return refuse(err, "a prefix of what is not that long");
	if (item->long_entry &&
	        (item->type == VST_ITEM_RECORD || !vst_item_has_entry(item) || !vst_item_entry_fits(item)))
		return refuse(err, "a choice of entry where there is none");
	return check_whole(item, err);
}

static int check_details(const struct vst_item *item, struct vst_err *err)
{
	if (!item->details)
		return 0;
	if (item->details_len > VST_ITEM_DETAILS_MAX)
		return refuse(err, "more details than a line may hold");
	if (item->details_len == 0 || item->details[0] != '{' ||
	        vst_json_span(item->details, item->details_len) != item->details_len)
		return refuse(err, "details that are no JSON object of ours");
	return 0;
}

int vst_item_check(const struct vst_item *item, struct vst_err *err)
{
	int rc;
	if ((rc = check_status(item, err)) != 0 || (rc = check_place(item, err)) != 0 ||
	        (rc = check_content(item, err)) != 0 || (rc = check_metadata(item, err)) != 0 ||
	        (rc = check_links(item, err)) != 0 || (rc = check_details(item, err)) != 0 ||
	        (rc = check_series(item, err)) != 0)
		return rc;
	return check_sparse(item, err);
}
