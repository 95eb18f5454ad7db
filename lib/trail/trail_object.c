#include "trail/trail_internal.h"

#include <string.h>

#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/text.h"

/* ---- reading objects ---- */

int vst_trail_odb_read(struct vst_trail *trail, git_odb *odb, const git_oid *id, git_object_t *ret_type,
        struct vst_buf *out, struct vst_err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_odb_object *object = NULL;
	git_object_t type;
	size_t len;
	int result, rc = 0;

	git_error_clear();
	trail->loose_err.code = 0;
	/* The size first: what a pack claims is what libgit2 would allocate. */
	result = git_odb_read_header(&len, &type, odb, id);
	if (result == 0 && len > TRAIL_OBJECT_MAX)
		return vst_err_set(err, VST_ETAMPERED, "object %s: longer than %u bytes",
		        git_oid_tostr(hex, sizeof(hex), id), TRAIL_OBJECT_MAX);
	if (result == 0)
		result = git_odb_read(&object, odb, id);
	git_oid_tostr(hex, sizeof(hex), id);
	if (result < 0) {
		if (trail->loose_err.code) {
			if (err)
				*err = trail->loose_err;
			return trail->loose_err.code;
		}
		if (result == GIT_ENOTFOUND)
			return vst_err_set(err, VST_ENOTFOUND, "object %s: missing", hex);
		rc = vst_trail_lib_err(err, VST_ETAMPERED, hex);
		vst_err_prepend(err, "object");
		return rc;
	}
	vst_buf_bytes(out, git_odb_object_data(object), git_odb_object_size(object));
	*ret_type = git_odb_object_type(object);
	git_odb_object_free(object);
	return vst_buf_check(out, err);
}

int vst_trail_object_read(struct vst_trail *trail, const git_oid *id, git_object_t type, struct vst_buf *out,
        struct vst_err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_object_t real;
	size_t before = out->len;
	int rc;

	rc = vst_trail_odb_read(trail, trail->odb, id, &real, out, err);
	if (rc != 0 && rc != VST_ENOMEM) {
		/* Another process may have packed what was loose, and made one of several packs, since we
		 * looked. */
		struct vst_err second = VST_ERR_INIT;

		if (vst_trail_odb_open(trail, &second) == 0) {
			out->len = before;
			rc = vst_trail_odb_read(trail, trail->odb, id, &real, out, err);
		}
	}
	if (rc == VST_ENOTFOUND)
		return vst_err_set(
		        err, VST_ETAMPERED, "object %s: missing", git_oid_tostr(hex, sizeof(hex), id));
	if (rc == 0 && real != type)
		rc = vst_err_set(err, VST_ETAMPERED, "object %s: a %s where a %s belongs",
		        git_oid_tostr(hex, sizeof(hex), id), git_object_type2string(real),
		        git_object_type2string(type));
	return rc;
}

/* ---- commits ---- */

/* One line of printable text that git's own parsers take apart in one way only. */
bool vst_trail_author_valid(const char *name, size_t len)
{
	if (len == 0 || len > 1024 || name[0] == ' ' || name[len - 1] == ' ' || !vst_utf8_valid(name, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)name[i];

		if (byte < ' ' || byte == 0x7f || byte == '<' || byte == '>')
			return false;
	}
	return true;
}

void vst_trail_author_address(struct vst_buf *out, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char byte = name[i];
		bool keep = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
		            (byte >= 'a' && byte <= 'z') || strchr("@._+-", byte) != NULL;

		vst_buf_byte(out, keep && byte ? (uint8_t)byte : '-');
	}
}

/* ` NAME <ADDRESS> SECONDS +0000`, the address made from the name. */
static int ident_parse(
        const uint8_t *line, size_t len, size_t *ret_name_len, int64_t *ret_seconds, struct vst_err *err)
{
	static const char zone[] = " +0000";
	struct vst_reader in = vst_reader_of(line, len);
	struct vst_buf address = VST_BUF_INIT;
	const uint8_t *name, *mail;
	size_t name_len, mail_len;
	uint64_t seconds;
	int rc = vst_err_set(err, VST_ETAMPERED, "author or committer is not as a trail has it");

	if (!vst_reader_until(&in, '<', &name, &name_len) || name_len < 2 || name[name_len - 1] != ' ')
		return rc;
	name_len--;
	if (!vst_trail_author_valid((const char *)name, name_len) ||
	        !vst_reader_until(&in, '>', &mail, &mail_len) || !vst_reader_literal(&in, " ") ||
	        !vst_reader_decimal(&in, &seconds) || seconds > INT64_MAX || !vst_reader_literal(&in, zone) ||
	        !vst_reader_at_end(&in))
		return rc;
	vst_trail_author_address(&address, (const char *)name, name_len);
	if (vst_buf_check(&address, NULL) != 0) {
		rc = vst_err_nomem(err);
	} else if (address.len == mail_len && memcmp(address.data, mail, mail_len) == 0) {
		*ret_name_len = name_len;
		*ret_seconds = (int64_t)seconds;
		vst_err_clear(err);
		rc = 0;
	}
	vst_buf_free(&address);
	return rc;
}

static bool id_line(struct vst_reader *in, const char *keyword, git_oid *ret)
{
	struct vst_reader try = *in;
	const uint8_t *line;
	size_t len;

	if (!vst_reader_literal(&try, keyword) || !vst_reader_line(&try, &line, &len) ||
	        !vst_trail_oid_parse(line, len, ret))
		return false;
	*in = try;
	return true;
}

/* `gpgsig FIRST` and continuation lines; every line goes to `signature` with its LF, as the signer made it.
 */
static bool signature_lines(struct vst_reader *in, struct vst_buf *signature)
{
	const uint8_t *line;
	size_t len;

	if (!vst_reader_literal(in, "gpgsig "))
		return false;
	do {
		if (!vst_reader_line(in, &line, &len))
			return false;
		if (signature) {
			vst_buf_bytes(signature, line, len);
			vst_buf_byte(signature, '\n');
		}
	} while (vst_reader_literal(in, " "));
	return true;
}

/*
 *     tree <40 hex>
 *     parent <40 hex>       not in the first commit
 *     author NAME <ADDRESS> SECONDS +0000
 *     committer             the same
 *     gpgsig FIRST LINE     and further ones, each behind one space
 *     <empty line>
 *     message, to the end
 */
int vst_trail_commit_parse(const void *data, size_t len, struct trail_commit_parts *ret,
        struct vst_buf *payload, struct vst_buf *signature, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(data, len);
	struct trail_commit_parts parts = {0};
	const uint8_t *author, *committer;
	size_t author_len, committer_len, signed_at;
	int rc;

	if (!id_line(&in, "tree ", &parts.tree))
		return vst_err_set(err, VST_ETAMPERED, "commit without a tree");
	parts.has_parent = id_line(&in, "parent ", &parts.parent);
	if (vst_reader_literal(&in, "parent "))
		return vst_err_set(err, VST_ETAMPERED, "a merge, or a damaged parent");
	if (!vst_reader_literal(&in, "author "))
		return vst_err_set(err, VST_ETAMPERED, "commit without an author");
	parts.author_offset = in.pos;
	if (!vst_reader_line(&in, &author, &author_len) || !vst_reader_literal(&in, "committer ") ||
	        !vst_reader_line(&in, &committer, &committer_len))
		return vst_err_set(err, VST_ETAMPERED, "commit without author and committer");
	rc = ident_parse(author, author_len, &parts.author_len, &parts.seconds, err);
	if (rc != 0)
		return rc;
	if (author_len != committer_len || memcmp(author, committer, author_len) != 0)
		return vst_err_set(err, VST_ETAMPERED, "author and committer differ");
	signed_at = in.pos;
	if (!signature_lines(&in, signature))
		return vst_err_set(err, VST_ETAMPERED, "commit is not signed");
	/* The empty line belongs to the payload, as the message does. */
	if (payload) {
		vst_buf_bytes(payload, data, signed_at);
		vst_buf_bytes(payload, (const uint8_t *)data + in.pos, len - in.pos);
	}
	parts.message_offset = signed_at + 1;
	if (!vst_reader_literal(&in, "\n"))
		return vst_err_set(err, VST_ETAMPERED, "commit has a header that no trail has");
	if (memchr(in.data + in.pos, 0, vst_reader_left(&in)))
		return vst_err_set(err, VST_ETAMPERED, "commit message holds a NUL");
	if (payload && (rc = vst_buf_check(payload, err)) != 0)
		return rc;
	if (signature && (rc = vst_buf_check(signature, err)) != 0)
		return rc;
	*ret = parts;
	return 0;
}

int vst_trail_commit_read(struct vst_trail *trail, const git_oid *id, struct trail_commit_parts *ret,
        struct vst_buf *payload, struct vst_buf *signature, struct vst_err *err)
{
	struct vst_buf raw = VST_BUF_INIT;
	char hex[GIT_OID_HEXSZ + 1];
	int rc;

	rc = vst_trail_object_read(trail, id, GIT_OBJECT_COMMIT, &raw, err);
	if (rc == 0)
		rc = vst_trail_commit_parse(raw.data, raw.len, ret, payload, signature, err);
	if (rc != 0)
		vst_err_prepend(err, "commit %s", git_oid_tostr(hex, sizeof(hex), id));
	vst_buf_free(&raw);
	return rc;
}
