#include <string.h>

#include "vestige/err.h"
#include "workflow/series_sink_state.h"

/* What was not opened, because its stat is as sealed: all that reading would have told is in the earlier
 * line. */
static int refuse_trust(struct series_sink *s, struct vst_item *item, uint8_t *ret_leaf, struct vst_err *err)
{
	item->status = VST_ITEM_ERROR;
	item->rule = "it was to be trusted, and the generation does not have it as it is said to be";
	item->has_whole = item->has_prefix = false;
	int rc = vst_exhibit_writer_item(s->options.writer, item, NULL, NULL, ret_leaf, err);
	return rc == 0 ? series_sink_note(s, item, NULL, err) : rc;
}

/* The collector says that the file is as it was sealed. It may be wrong or lie, so what the exhibit before
 * says of the file is looked at here too. */
static bool may_be_trusted(
        const struct series_sink *s, const struct vst_item *item, const struct vst_series_record *known)
{
	bool whole = known->status == VST_ITEM_COLLECTED || known->status == VST_ITEM_UNCHANGED ||
	             known->status == VST_ITEM_TAIL;
	return whole && item->type == VST_ITEM_FILE && item->content == VST_ITEM_CONTENT_FULL &&
	       item->has_stat && !item->is_sparse && known->type == VST_ITEM_FILE &&
	       known->extent == VST_ITEM_CONTENT_FULL &&
	       !(known->flags & (VST_SERIES_SPARSE | VST_SERIES_HARDLINK)) &&
	       known->flags & VST_SERIES_STAT && known->size == item->size && known->mtime == item->mtime &&
	       known->ctime == item->ctime && known->ino == item->ino &&
	       known->dev_major == item->dev_major && known->dev_minor == item->dev_minor &&
	       s->source->content == VST_CONTENT_FULL;
}

int series_sink_trusted(struct series_sink *s, struct vst_item *item, uint8_t *ret_leaf, struct vst_err *err)
{
	struct vst_series_record known;
	struct vst_item *old = NULL;
	uint64_t seq, size = 0;
	int rc;
	s->stored_count = 0;
	if (!s->options.incremental ||
	        !vst_series_find(s->options.earlier, s->source->name, item->path, &seq, &known) ||
	        !may_be_trusted(s, item, &known) ||
	        (known.size > 0 && !vst_series_content(s->options.earlier, known.content, s->stored,
	                                   &s->stored_count, &size)))
		return refuse_trust(s, item, ret_leaf, err);
	vst_buf_clear(&s->facts);
	if ((rc = vst_series_item(s->options.earlier, &known, &old, err)) != 0 ||
	        (rc = vst_series_line(s->options.earlier, &known, NULL, &s->facts, err)) != 0)
		goto out;
	if (s->options.hashes & ~(old->has_whole ? old->whole.hashes : old->hashes)) {
		rc = refuse_trust(s, item, ret_leaf, err);
		goto out;
	}
	item->status = VST_ITEM_UNCHANGED;
	item->whole.size = size;
	item->whole.stored = s->stored;
	item->whole.stored_count = size > 0 ? s->stored_count : 0;
	item->whole.hashes = old->has_whole ? old->whole.hashes : old->hashes;
	memcpy(item->whole.sha256, old->has_whole ? old->whole.sha256 : old->sha256, VST_HASH_LEN);
	memcpy(item->whole.sha1, old->has_whole ? old->whole.sha1 : old->sha1, VST_SHA1_LEN);
	memcpy(item->whole.md5, old->has_whole ? old->whole.md5 : old->md5, VST_MD5_LEN);
	item->flags = old->flags;
	item->acl = old->acl;
	item->default_acl = old->default_acl;
	item->xattrs = old->xattrs;
	item->xattr_count = old->xattr_count;
	item->xattrs_error = old->xattrs_error;
	item->details = old->details;
	item->details_len = old->details_len;
	rc = vst_exhibit_writer_item(s->options.writer, item, NULL, NULL, ret_leaf, err);
	if (rc == 0)
		rc = series_sink_note(s, item, s->facts.len > 0 ? &s->facts : NULL, err);
out:
	vst_item_free(old);
	return rc;
}
