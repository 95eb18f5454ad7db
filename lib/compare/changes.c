#include "compare/changes.h"

#include <string.h>

static const char *const field_names[VST_FIELDS] = {"content", "size", "type", "status", "mode", "owner",
        "group", "target", "xattrs", "acl", "flags", "device", "mtime", "ctime", "btime", "inode", "links"};

const char *vst_change_field_name(unsigned bit)
{
	return bit < VST_FIELDS ? field_names[bit] : NULL;
}

bool changes_was_had(enum vst_item_status status)
{
	return status == VST_ITEM_COLLECTED || status == VST_ITEM_CHANGED || status == VST_ITEM_UNCHANGED ||
	       status == VST_ITEM_TAIL;
}

static bool same_status(uint8_t a, uint8_t b)
{
	return a == b ||
	       (changes_was_had((enum vst_item_status)a) && changes_was_had((enum vst_item_status)b));
}

static bool same_inode(const struct vst_series_record *a, const struct vst_series_record *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

static bool has_content(const struct vst_series_record *record)
{
	static const uint8_t none[VST_HASH_LEN];
	return memcmp(record->content, none, VST_HASH_LEN) != 0;
}

bool changes_content(const struct vst_series_record *a, const struct vst_series_record *b)
{
	return a->extent == b->extent && has_content(a) && has_content(b) &&
	       memcmp(a->content, b->content, VST_HASH_LEN) != 0;
}

static bool other_size(const struct vst_series_record *a, const struct vst_series_record *b)
{
	return a->extent == b->extent && a->size != b->size;
}

/* Nothing was there to have content. */
static bool is_missing(const struct vst_series_record *record)
{
	return record->status == VST_ITEM_ABSENT || record->status == VST_ITEM_VANISHED ||
	       record->status == VST_ITEM_EXCLUDED;
}

const char *changes_unknown(
        const struct vst_series_record *before, const struct vst_series_record *after, bool other_key)
{
	if ((after->type != VST_ITEM_FILE && after->type != VST_ITEM_STREAM) || is_missing(before) ||
	        is_missing(after))
		return NULL;
	if (before->extent != after->extent && (!changes_was_had((enum vst_item_status)before->status) ||
	                                               !changes_was_had((enum vst_item_status)after->status)))
		return "one exhibit has nothing of it";
	if (before->extent != after->extent)
		return "of one exhibit the policy asked for more than of the other";
	if (after->extent != VST_ITEM_CONTENT_DIGEST)
		return NULL;
	if (other_key)
		return "digests by different keys";
	bool was = has_content(before), is = has_content(after);
	bool had = changes_was_had((enum vst_item_status)before->status) &&
	           changes_was_had((enum vst_item_status)after->status);
	/* Notes of collectors are called digests, too, and have none. */
	return was != is || (!was && !had) ? "one exhibit has no digest of it" : NULL;
}

bool changes_differ(const struct vst_series_record *a, const struct vst_series_record *b)
{
	return changes_content(a, b) || memcmp(a->meta, b->meta, sizeof a->meta) != 0 || other_size(a, b) ||
	       a->type != b->type || !same_status(a->status, b->status) || a->mode != b->mode ||
	       a->mtime != b->mtime || a->ctime != b->ctime || a->btime != b->btime || !same_inode(a, b);
}

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_xattrs(const struct vst_item *a, const struct vst_item *b)
{
	if (a->xattr_count != b->xattr_count || !same_text(a->xattrs_error, b->xattrs_error))
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		const struct vst_item_xattr *x = &a->xattrs[i], *y = &b->xattrs[i];
		if (strcmp(x->name, y->name) != 0 || x->len != y->len ||
		        memcmp(x->value, y->value, x->len) != 0)
			return false;
	}
	return true;
}

static unsigned bit(bool differs, enum vst_change_field field)
{
	return differs ? (unsigned)field : 0;
}

unsigned changes_fields(const struct vst_series_record *before, const struct vst_item *a,
        const struct vst_series_record *after, const struct vst_item *b)
{
	unsigned fields = bit(changes_content(before, after), VST_FIELD_CONTENT) |
	                  bit(other_size(before, after), VST_FIELD_SIZE) |
	                  bit(a->type != b->type, VST_FIELD_TYPE) |
	                  bit(!same_status(before->status, after->status), VST_FIELD_STATUS);
	if (!a->has_stat || !b->has_stat)
		return fields;
	return fields | bit(a->mode != b->mode, VST_FIELD_MODE) |
	       bit(a->uid != b->uid || !same_text(a->user, b->user), VST_FIELD_OWNER) |
	       bit(a->gid != b->gid || !same_text(a->group, b->group), VST_FIELD_GROUP) |
	       bit(!same_text(a->target, b->target), VST_FIELD_TARGET) |
	       bit(!same_xattrs(a, b), VST_FIELD_XATTRS) |
	       bit(!same_text(a->acl, b->acl) || !same_text(a->default_acl, b->default_acl), VST_FIELD_ACL) |
	       bit(!same_text(a->flags, b->flags), VST_FIELD_FLAGS) |
	       bit(a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor, VST_FIELD_DEVICE) |
	       bit(a->mtime != b->mtime, VST_FIELD_MTIME) | bit(a->ctime != b->ctime, VST_FIELD_CTIME) |
	       bit(a->btime != b->btime, VST_FIELD_BTIME) | bit(!same_inode(before, after), VST_FIELD_INODE) |
	       bit(a->nlink != b->nlink, VST_FIELD_LINKS);
}
