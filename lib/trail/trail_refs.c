#include "trail/trail_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vestige/io.h"
#include "vestige/reader.h"

/* Lower case only, as git writes it: an upper-case digit is a flipped bit that would otherwise go unseen. */
bool vst_trail_oid_parse(const void *text, size_t len, git_oid *ret)
{
	const char *digits = text;

	if (len != GIT_OID_HEXSZ)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((digits[i] >= '0' && digits[i] <= '9') || (digits[i] >= 'a' && digits[i] <= 'f')))
			return false;
	return git_oid_fromstrn(ret, digits, len) == 0;
}

static bool traits_known(const uint8_t *text, size_t len)
{
	static const char *const known[] = {"peeled", "fully-peeled", "sorted"};

	while (len > 0) {
		size_t word = 0;
		bool found = false;

		while (word < len && text[word] != ' ')
			word++;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || (word == strlen(known[i]) && memcmp(text, known[i], word) == 0);
		if (!found || word == len)
			return false;
		text += word + 1;
		len -= word + 1;
	}
	return true;
}

/* What git allows as a name of a reference, as far as it can mislead: components, no control characters. */
bool vst_trail_ref_valid(const void *text, size_t len)
{
	const uint8_t *name = text;

	if (len < 6 || len > TRAIL_REF_MAX || memcmp(name, "refs/", 5) != 0 || name[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] == 0x7f || strchr("~^:?*[\\", name[i]))
			return false;
		if (i > 0 && name[i - 1] == '/' && (name[i] == '/' || name[i] == '.'))
			return false;
		if (i > 0 && name[i - 1] == '.' && name[i] == '.')
			return false;
	}
	return true;
}

static int parse_line(const uint8_t *line, size_t len, char ret_name[TRAIL_REF_MAX + 1], git_oid *ret_id)
{
	if (len < GIT_OID_HEXSZ + 2 || line[GIT_OID_HEXSZ] != ' ' ||
	        !vst_trail_oid_parse(line, GIT_OID_HEXSZ, ret_id) ||
	        !vst_trail_ref_valid(line + GIT_OID_HEXSZ + 1, len - GIT_OID_HEXSZ - 1))
		return -1;
	memcpy(ret_name, line + GIT_OID_HEXSZ + 1, len - GIT_OID_HEXSZ - 1);
	ret_name[len - GIT_OID_HEXSZ - 1] = '\0';
	return 0;
}

/*
 *     # pack-refs with: peeled fully-peeled sorted␠
 *     <40 hex> <name>
 *     ^<40 hex>          what the tag above points to
 */
int vst_trail_packed_refs_parse(
        const void *data, size_t len, vst_trail_packed_ref *each, void *ctx, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(data, len);
	char name[TRAIL_REF_MAX + 1], last[TRAIL_REF_MAX + 1] = "";
	git_oid id, peeled;
	const uint8_t *line;
	size_t line_len;
	int rc;

	if (vst_reader_literal(&in, "# pack-refs with: ")) {
		if (!vst_reader_line(&in, &line, &line_len) || !traits_known(line, line_len))
			return vst_err_set(err, VST_ETAMPERED, "packed-refs: unknown first line");
	}
	while (vst_reader_line(&in, &line, &line_len)) {
		bool has_peeled = false;

		if (parse_line(line, line_len, name, &id) != 0)
			return vst_err_set(
			        err, VST_ETAMPERED, "packed-refs: not a reference at byte %zu", in.pos);
		if (strcmp(name, last) <= 0)
			return vst_err_set(err, VST_ETAMPERED, "packed-refs: not sorted at byte %zu", in.pos);
		memcpy(last, name, sizeof(last));
		if (vst_reader_literal(&in, "^")) {
			if (!vst_reader_line(&in, &line, &line_len) ||
			        !vst_trail_oid_parse(line, line_len, &peeled))
				return vst_err_set(err, VST_ETAMPERED,
				        "packed-refs: not a peeled tag at byte %zu", in.pos);
			has_peeled = true;
		}
		rc = each(ctx, name, &id, has_peeled ? &peeled : NULL, err);
		if (rc != 0)
			return rc;
	}
	if (!vst_reader_at_end(&in))
		return vst_err_set(err, VST_ETAMPERED, "packed-refs: last line is cut");
	return 0;
}

struct find {
	git_oid id;
	bool found;
};

static int find_branch(
        void *ctx, const char *name, const git_oid *id, const git_oid *peeled, struct vst_err *err)
{
	struct find *find = ctx;

	(void)peeled;
	(void)err;
	if (strcmp(name, TRAIL_REF) == 0) {
		find->id = *id;
		find->found = true;
	}
	return 0;
}

static int packed_branch(int gitfd, git_oid *ret, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct find find = {.found = false};
	int rc;

	rc = vst_trail_file_read(gitfd, "packed-refs", TRAIL_PACKED_REFS_MAX, &text, NULL, err);
	if (rc == 0)
		rc = vst_trail_packed_refs_parse(text.data, text.len, find_branch, &find, err);
	if (rc == 0 && !find.found)
		rc = vst_err_set(err, VST_ENOTFOUND, "no branch %s", VST_TRAIL_BRANCH);
	if (rc == 0)
		*ret = find.id;
	vst_buf_free(&text);
	return rc;
}

static int branch_read(int gitfd, git_oid *ret, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc;

	rc = vst_trail_file_read(gitfd, TRAIL_REF, TRAIL_SMALL_MAX, &text, NULL, err);
	if (rc == VST_ENOTFOUND) {
		vst_buf_free(&text);
		return packed_branch(gitfd, ret, err);
	}
	if (rc == 0 && (text.len != GIT_OID_HEXSZ + 1 || text.data[GIT_OID_HEXSZ] != '\n' ||
	                       !vst_trail_oid_parse(text.data, GIT_OID_HEXSZ, ret)))
		rc = vst_err_set(err, VST_ETAMPERED, ".git/" TRAIL_REF ": not a commit id");
	vst_buf_free(&text);
	return rc;
}

int vst_trail_head_read(int gitfd, git_oid *ret, struct vst_err *err)
{
	static const char expected[] = "ref: " TRAIL_REF "\n";
	struct vst_buf text = VST_BUF_INIT;
	int rc;

	rc = vst_trail_file_read(gitfd, "HEAD", TRAIL_SMALL_MAX, &text, NULL, err);
	if (rc == VST_ENOTFOUND)
		rc = vst_err_set(err, VST_ETAMPERED, ".git/HEAD: missing");
	else if (rc == 0 && (text.len != strlen(expected) || memcmp(text.data, expected, text.len) != 0))
		rc = vst_err_set(err, VST_ETAMPERED, ".git/HEAD: not `ref: " TRAIL_REF "`");
	vst_buf_free(&text);
	if (rc != 0)
		return rc;
	return branch_read(gitfd, ret, err);
}

/* git's own protocol, so that a git command at the same moment is kept out: create NAME.lock, look, rename it
 * to NAME. */
int vst_trail_head_move(int gitfd, const git_oid *old, const git_oid *new_id, struct vst_err *err)
{
	char text[GIT_OID_HEXSZ + 2];
	git_oid now;
	int rc;

	git_oid_tostr(text, GIT_OID_HEXSZ + 1, new_id);
	text[GIT_OID_HEXSZ] = '\n';
	rc = vst_io_write_file(gitfd, TRAIL_REF ".lock", 0644, text, GIT_OID_HEXSZ + 1, VST_IO_NEW, err);
	if (rc == VST_EEXIST)
		return vst_err_set(err, VST_ELOCKED, "branch %s is locked", VST_TRAIL_BRANCH);
	if (rc != 0)
		return rc;
	rc = vst_trail_head_read(gitfd, &now, err);
	if (rc == VST_ENOTFOUND && !old) {
		vst_err_clear(err);
		rc = 0;
	} else if (rc == VST_ENOTFOUND || (rc == 0 && (!old || !git_oid_equal(old, &now)))) {
		rc = vst_err_set(
		        err, VST_ELOCKED, "branch %s was moved by another program", VST_TRAIL_BRANCH);
	}
	if (rc == 0)
		rc = vst_io_rename(gitfd, TRAIL_REF ".lock", gitfd, TRAIL_REF, false, err);
	if (rc != 0)
		unlinkat(gitfd, TRAIL_REF ".lock", 0);
	return rc;
}
