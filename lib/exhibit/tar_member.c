#include "exhibit/tar_member.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

/* ustar: offset and length of each field */
#define F_NAME 0, 100
#define F_MODE 100, 8
#define F_UID 108, 8
#define F_GID 116, 8
#define F_SIZE 124, 12
#define F_MTIME 136, 12
#define F_CHKSUM 148, 8
#define F_LINKNAME 157, 100
#define F_UNAME 265, 32
#define F_GNAME 297, 32
#define F_DEVMAJOR 329, 8
#define F_DEVMINOR 337, 8
#define F_PREFIX 345, 155
#define TYPE_AT 156
#define MAGIC_AT 257
#define REST_AT 500

/* The keywords that mean something once only; xattrs have names of their own. */
enum pax_key {
	K_PATH,
	K_LINKPATH,
	K_SIZE,
	K_UID,
	K_GID,
	K_UNAME,
	K_GNAME,
	K_MTIME,
	K_ATIME,
	K_CTIME,
	K_BTIME,
	K_CHARSET,
	K_DEV,
	K_INO,
	K_NLINK,
	K_DEVMAJOR,
	K_DEVMINOR,
	K_FFLAGS,
	K_ACL,
	K_ACL_DEFAULT,
	K_SPARSE_MAJOR,
	K_SPARSE_MINOR,
	K_SPARSE_NAME,
	K_SPARSE_REALSIZE,
	K_COUNT
};
static const char *const key_names[K_COUNT] = {"path", "linkpath", "size", "uid", "gid", "uname", "gname",
        "mtime", "atime", "ctime", "LIBARCHIVE.creationtime", "hdrcharset", "SCHILY.dev", "SCHILY.ino",
        "SCHILY.nlink", "SCHILY.devmajor", "SCHILY.devminor", "SCHILY.fflags", "SCHILY.acl.access",
        "SCHILY.acl.default", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name",
        "GNU.sparse.realsize"};
#define XATTR_PREFIX "SCHILY.xattr."
#define XATTRS_MAX 16384 /* listxattr(2) gives at most 64 KiB of names */

struct pax_value {
	const char *text; /* borrowed, not terminated; NULL: not given */
	size_t len;
};

struct decoding {
	struct pax_value values[K_COUNT];
	struct archive_entry *entry;
	size_t xattrs;
	struct vst_buf text; /* one value with a NUL behind it */
	struct vst_err *err;
};

bool vst_tar_padded(uint64_t size, uint64_t *ret)
{
	if (size > UINT64_MAX - (VST_TAR_BLOCK - 1))
		return false;
	*ret = (size + VST_TAR_BLOCK - 1) / VST_TAR_BLOCK * VST_TAR_BLOCK;
	return true;
}

static bool all_zero(const uint8_t *data, size_t len)
{
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

/* Octal digits, ended by NULs and spaces; or base 256, which libarchive uses where octal has no room. */
static bool field_number(const uint8_t *block, size_t at, size_t len, uint64_t *ret)
{
	const uint8_t *field = block + at;
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] & 0x80) {
		for (i = 1; i + 8 < len; i++)
			if (field[i] != 0)
				return false;
		if ((field[0] & 0x7f) != 0 && len > 8)
			return false;
		value = len > 8 ? 0 : field[0] & 0x7f;
		for (; i < len; i++)
			value = value << 8 | field[i];
		*ret = value;
		return true;
	}
	while (i < len && field[i] >= '0' && field[i] <= '7')
		value = value << 3 | (uint64_t)(field[i++] - '0');
	for (; i < len; i++)
		if (field[i] != 0 && field[i] != ' ')
			return false;
	*ret = value;
	return true;
}

/* The one field that may be negative: base 256 in two's complement. */
static bool field_time(const uint8_t *block, int64_t *ret)
{
	const uint8_t *field = block + 136;
	uint64_t value = 0;

	if (field[0] != 0xff) {
		if (!field_number(block, F_MTIME, &value) || value > INT64_MAX)
			return false;
		*ret = (int64_t)value;
		return true;
	}
	for (size_t i = 0; i < 12; i++) {
		if (i < 4 && field[i] != 0xff)
			return false;
		value = value << 8 | field[i];
	}
	if (value <= INT64_MAX)
		return false;
	*ret = -(int64_t)(UINT64_MAX - value) - 1;
	return true;
}

/* A text field: bytes up to a NUL or the field's end; false if anything stands behind the NUL. */
static bool field_text(const uint8_t *block, size_t at, size_t len, struct vst_buf *out)
{
	const uint8_t *field = block + at;
	size_t used = strnlen((const char *)field, len);

	vst_buf_bytes(out, field, used);
	return all_zero(field + used, len - used);
}

static bool checksum_right(const uint8_t block[VST_TAR_BLOCK])
{
	uint64_t said = 0, sum = 0;

	for (size_t i = 0; i < VST_TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	return field_number(block, F_CHKSUM, &said) && said == sum;
}

enum vst_tar_block_kind vst_tar_block_kind(
        const uint8_t block[VST_TAR_BLOCK], uint64_t *ret_size, struct vst_err *err)
{
	uint64_t size = 0;
	char type = (char)block[TYPE_AT];

	if (block[0] == 0 && all_zero(block, VST_TAR_BLOCK))
		return VST_TAR_ZERO;
	if (memcmp(block + MAGIC_AT,
	            "ustar\0"
	            "00",
	            8) != 0) {
		vst_err_set(err, VST_EFORMAT, "no pax tar header here");
		return VST_TAR_BROKEN;
	}
	if (!checksum_right(block)) {
		vst_err_set(err, VST_EFORMAT, "the tar header's checksum is wrong");
		return VST_TAR_BROKEN;
	}
	if (!field_number(block, F_SIZE, &size) || !all_zero(block + REST_AT, VST_TAR_BLOCK - REST_AT)) {
		vst_err_set(err, VST_EFORMAT, "the tar header has fields that our writer does not write");
		return VST_TAR_BROKEN;
	}
	if (type == 'x') {
		*ret_size = size;
		return VST_TAR_PAX;
	}
	if (type < '0' || type > '6') {
		vst_err_set(err, VST_EFORMAT, "a tar header of type 0x%02x, which our writer does not write",
		        (unsigned)(uint8_t)type);
		return VST_TAR_BROKEN;
	}
	*ret_size = size;
	return VST_TAR_MAIN;
}

/* ---- pax records ---- */

static int odd_record(struct decoding *d, const char *key, size_t key_len, const char *why)
{
	return vst_err_set(
	        d->err, VST_EFORMAT, "pax keyword %.*s: %s", (int)(key_len > 64 ? 64 : key_len), key, why);
}

static int add_xattr(struct decoding *d, const char *key, size_t key_len, const void *value, size_t len)
{
	const char *name = NULL;
	size_t have_len = 0;
	const void *have = NULL;

	if (++d->xattrs > XATTRS_MAX)
		return odd_record(d, key, key_len, "more attributes than a file can have");
	vst_buf_clear(&d->text);
	vst_buf_bytes(&d->text, key + strlen(XATTR_PREFIX), key_len - strlen(XATTR_PREFIX));
	if (vst_buf_check(&d->text, d->err) != 0)
		return VST_ENOMEM;
	name = vst_buf_cstr(&d->text);
	if (*name == 0 || strlen(name) != d->text.len)
		return odd_record(d, key, key_len, "no name of an attribute");
	archive_entry_xattr_reset(d->entry);
	for (const char *have_name = NULL;
	        archive_entry_xattr_next(d->entry, &have_name, &have, &have_len) == ARCHIVE_OK;)
		if (strcmp(have_name, name) == 0)
			return odd_record(d, key, key_len, "given twice");
	archive_entry_xattr_add_entry(d->entry, name, value, len);
	return 0;
}

static int take_record(struct decoding *d, const char *key, size_t key_len, const char *value, size_t len)
{
	if (key_len >= strlen(XATTR_PREFIX) && memcmp(key, XATTR_PREFIX, strlen(XATTR_PREFIX)) == 0)
		return add_xattr(d, key, key_len, value, len);
	for (size_t i = 0; i < K_COUNT; i++) {
		if (strlen(key_names[i]) != key_len || memcmp(key_names[i], key, key_len) != 0)
			continue;
		if (d->values[i].text != NULL)
			return odd_record(d, key, key_len, "given twice");
		if (len == 0 || memchr(value, 0, len) != NULL)
			return odd_record(d, key, key_len, "not a value that our writer writes");
		d->values[i] = (struct pax_value){value, len};
		return 0;
	}
	return odd_record(d, key, key_len, "our writer does not write it");
}

static int take_records(struct decoding *d, const void *pax, size_t pax_len)
{
	struct vst_reader in = vst_reader_of(pax, pax_len);

	while (!vst_reader_at_end(&in)) {
		const uint8_t *start = in.data + in.pos, *key = NULL;
		size_t before = in.pos, key_len = 0;
		uint64_t len = 0;
		int rc = 0;

		if (!vst_reader_decimal(&in, &len) || len > pax_len - before ||
		        !vst_reader_literal(&in, " ") || len <= in.pos - before || start[len - 1] != '\n' ||
		        !vst_reader_until(&in, '=', &key, &key_len) || in.pos - before > len - 1 ||
		        key_len == 0)
			return vst_err_set(
			        d->err, VST_EFORMAT, "pax records that do not follow their format");
		rc = take_record(d, (const char *)key, key_len, (const char *)in.data + in.pos,
		        (size_t)len - 1 - (in.pos - before));
		if (rc != 0)
			return rc;
		in.pos = before + (size_t)len;
	}
	return 0;
}

/* The value with a NUL behind it; NULL if it is not given (or there is no memory: d->text has failed then).
 */
static const char *value_text(struct decoding *d, enum pax_key key)
{
	if (d->values[key].text == NULL)
		return NULL;
	vst_buf_clear(&d->text);
	vst_buf_bytes(&d->text, d->values[key].text, d->values[key].len);
	return vst_buf_cstr(&d->text);
}

static int value_number(struct decoding *d, enum pax_key key, bool *ret_given, uint64_t *ret)
{
	struct vst_reader in = vst_reader_of(d->values[key].text, d->values[key].len);

	*ret_given = d->values[key].text != NULL;
	if (*ret_given && (!vst_reader_decimal(&in, ret) || !vst_reader_at_end(&in) || *ret > INT64_MAX))
		return odd_record(d, key_names[key], strlen(key_names[key]), "not a number");
	return 0;
}

/* Seconds, perhaps negative, and a fraction that counts upwards, as libarchive writes and reads it. */
static int value_time(struct decoding *d, enum pax_key key, bool *ret_given, int64_t *ret_s, long *ret_ns)
{
	struct vst_reader in = vst_reader_of(d->values[key].text, d->values[key].len);
	uint64_t seconds = 0;
	uint8_t digit = 0;
	long ns = 0, unit = 100000000;
	bool negative = false;

	*ret_given = d->values[key].text != NULL;
	if (!*ret_given)
		return 0;
	negative = vst_reader_literal(&in, "-");
	if (!vst_reader_decimal(&in, &seconds) || seconds > INT64_MAX)
		return odd_record(d, key_names[key], strlen(key_names[key]), "not a time");
	if (vst_reader_literal(&in, "."))
		for (; unit > 0 && vst_reader_u8(&in, &digit); unit /= 10) {
			if (digit < '0' || digit > '9')
				return odd_record(d, key_names[key], strlen(key_names[key]), "not a time");
			ns += (digit - '0') * unit;
		}
	if (!vst_reader_at_end(&in))
		return odd_record(d, key_names[key], strlen(key_names[key]), "not a time");
	*ret_s = negative ? -(int64_t)seconds : (int64_t)seconds;
	*ret_ns = ns;
	return 0;
}

/* ---- the entry ---- */

static int odd_field(struct decoding *d, const char *field)
{
	return vst_err_set(d->err, VST_EFORMAT, "the tar header's %s is not as our writer writes it", field);
}

/* Text from the pax records, or else from the block's field. */
static int text_of(struct decoding *d, const uint8_t *block, enum pax_key key, size_t at, size_t len,
        const char *what, const char **ret)
{
	struct vst_buf field = VST_BUF_INIT;
	int rc = field_text(block, at, len, &field) ? 0 : odd_field(d, what);

	if (rc == 0 && value_text(d, key) == NULL) {
		vst_buf_clear(&d->text);
		vst_buf_bytes(&d->text, field.data, field.len);
	}
	if (rc == 0)
		rc = vst_buf_check(&d->text, d->err);
	if (rc == 0)
		*ret = vst_buf_cstr(&d->text);
	vst_buf_free(&field);
	return rc;
}

static int set_name(struct decoding *d, const uint8_t *block, bool sparse)
{
	struct vst_buf name = VST_BUF_INIT;
	const char *given = NULL;
	int rc = 0;

	if (!field_text(block, F_PREFIX, &name)) {
		rc = odd_field(d, "name");
		goto out;
	}
	if (name.len > 0)
		vst_buf_byte(&name, '/');
	if (!field_text(block, F_NAME, &name)) {
		rc = odd_field(d, "name");
		goto out;
	}
	given = value_text(d, sparse ? K_SPARSE_NAME : K_PATH);
	if ((rc = vst_buf_check(&name, d->err)) != 0 || (rc = vst_buf_check(&d->text, d->err)) != 0)
		goto out;
	archive_entry_copy_pathname(d->entry, given != NULL ? given : vst_buf_cstr(&name));
	given = archive_entry_pathname(d->entry);
	if (given == NULL || *given == 0)
		rc = odd_field(d, "name");
out:
	vst_buf_free(&name);
	return rc;
}

static int set_owner(struct decoding *d, const uint8_t *block)
{
	const char *text = NULL;
	uint64_t number = 0;
	bool given = false;
	int rc = 0;

	if (!field_number(block, F_UID, &number))
		return odd_field(d, "owner");
	if ((rc = value_number(d, K_UID, &given, &number)) != 0)
		return rc;
	archive_entry_set_uid(d->entry, (la_int64_t)number);
	if (!field_number(block, F_GID, &number))
		return odd_field(d, "group");
	if ((rc = value_number(d, K_GID, &given, &number)) != 0)
		return rc;
	archive_entry_set_gid(d->entry, (la_int64_t)number);
	if ((rc = text_of(d, block, K_UNAME, F_UNAME, "owner name", &text)) != 0)
		return rc;
	if (*text != 0)
		archive_entry_copy_uname(d->entry, text);
	if ((rc = text_of(d, block, K_GNAME, F_GNAME, "group name", &text)) != 0)
		return rc;
	if (*text != 0)
		archive_entry_copy_gname(d->entry, text);
	return 0;
}

static int set_times(struct decoding *d, const uint8_t *block)
{
	int64_t field = 0, s = 0;
	long ns = 0;
	bool given = false;
	int rc = 0;

	if (!field_time(block, &field))
		return odd_field(d, "time");
	if ((rc = value_time(d, K_MTIME, &given, &s, &ns)) != 0)
		return rc;
	archive_entry_set_mtime(d->entry, given ? (time_t)s : (time_t)field, given ? ns : 0);
	if ((rc = value_time(d, K_ATIME, &given, &s, &ns)) != 0)
		return rc;
	if (given)
		archive_entry_set_atime(d->entry, (time_t)s, ns);
	if ((rc = value_time(d, K_CTIME, &given, &s, &ns)) != 0)
		return rc;
	if (given)
		archive_entry_set_ctime(d->entry, (time_t)s, ns);
	if ((rc = value_time(d, K_BTIME, &given, &s, &ns)) == 0 && given)
		archive_entry_set_birthtime(d->entry, (time_t)s, ns);
	return rc;
}

static int set_acl(struct decoding *d, enum pax_key key, int type)
{
	const char *text = value_text(d, key);

	if (text == NULL)
		return 0;
	if (d->text.failed)
		return vst_err_nomem(d->err);
	/* A warning is an entry that it did not understand: then the ACL is not what the text says. */
	if (archive_entry_acl_from_text(d->entry, text, type) != ARCHIVE_OK)
		return odd_record(d, key_names[key], strlen(key_names[key]), "not an ACL");
	return 0;
}

static int set_inode(struct decoding *d)
{
	uint64_t number = 0;
	bool given = false;
	int rc = 0;

	if ((rc = value_number(d, K_DEV, &given, &number)) != 0)
		return rc;
	if (given)
		archive_entry_set_dev(d->entry, (dev_t)number);
	if ((rc = value_number(d, K_INO, &given, &number)) != 0)
		return rc;
	if (given)
		archive_entry_set_ino64(d->entry, (la_int64_t)number);
	if ((rc = value_number(d, K_NLINK, &given, &number)) != 0)
		return rc;
	if (given && number > UINT32_MAX)
		return odd_record(d, key_names[K_NLINK], strlen(key_names[K_NLINK]), "not a number");
	if (given)
		archive_entry_set_nlink(d->entry, (unsigned)number);
	return 0;
}

/* Mode, type, link text and device numbers. */
static int set_kind(struct decoding *d, const uint8_t *block, char type)
{
	static const unsigned kinds[] = {['0'] = AE_IFREG,
	        ['2'] = AE_IFLNK,
	        ['3'] = AE_IFCHR,
	        ['4'] = AE_IFBLK,
	        ['5'] = AE_IFDIR,
	        ['6'] = AE_IFIFO};
	const char *link = NULL;
	uint64_t mode = 0, major_number = 0, minor_number = 0;
	bool given = false;
	int rc = 0;

	if (!field_number(block, F_MODE, &mode) || mode > 07777)
		return odd_field(d, "mode");
	archive_entry_set_perm(d->entry, (mode_t)mode);
	if (type != '1')
		archive_entry_set_filetype(d->entry, kinds[(unsigned char)type]);
	if ((rc = text_of(d, block, K_LINKPATH, F_LINKNAME, "link target", &link)) != 0)
		return rc;
	if ((type == '1' || type == '2') != (*link != 0))
		return odd_field(d, "link target");
	if (type == '1')
		archive_entry_copy_hardlink(d->entry, link);
	else if (type == '2')
		archive_entry_copy_symlink(d->entry, link);
	if (!field_number(block, F_DEVMAJOR, &major_number) ||
	        !field_number(block, F_DEVMINOR, &minor_number))
		return odd_field(d, "device");
	if ((rc = value_number(d, K_DEVMAJOR, &given, &major_number)) != 0 ||
	        (rc = value_number(d, K_DEVMINOR, &given, &minor_number)) != 0)
		return rc;
	if (major_number > UINT32_MAX || minor_number > UINT32_MAX ||
	        (type != '3' && type != '4' && (major_number | minor_number) != 0))
		return odd_field(d, "device");
	if (type == '3' || type == '4')
		archive_entry_set_rdev(d->entry, makedev((unsigned)major_number, (unsigned)minor_number));
	return 0;
}

static int set_size(struct decoding *d, const uint8_t *block, struct vst_tar_member *member)
{
	uint64_t major_version = 0, minor_version = 0, real = 0;
	bool has_major = false, has_minor = false, has_real = false, given = false;
	int rc = 0;

	if (!field_number(block, F_SIZE, &member->body))
		return odd_field(d, "size");
	if ((rc = value_number(d, K_SIZE, &given, &member->body)) != 0 ||
	        (rc = value_number(d, K_SPARSE_MAJOR, &has_major, &major_version)) != 0 ||
	        (rc = value_number(d, K_SPARSE_MINOR, &has_minor, &minor_version)) != 0 ||
	        (rc = value_number(d, K_SPARSE_REALSIZE, &has_real, &real)) != 0)
		return rc;
	member->sparse = has_major;
	if (has_major != has_minor || has_major != has_real ||
	        has_major != (d->values[K_SPARSE_NAME].text != NULL) ||
	        (has_major && (major_version != 1 || minor_version != 0)))
		return vst_err_set(
		        d->err, VST_EFORMAT, "a sparse file in a form that our writer does not write");
	if (member->body > INT64_MAX || (member->type != '0' && (member->body != 0 || member->sparse)))
		return odd_field(d, "size");
	member->size = member->sparse ? real : member->body;
	archive_entry_set_size(d->entry, (la_int64_t)member->size);
	return 0;
}

static int decode(struct decoding *d, const void *pax, size_t pax_len, const uint8_t *block,
        struct vst_tar_member *member)
{
	const char *flags = NULL;
	int rc = 0;

	member->type = (char)block[TYPE_AT];
	if ((rc = take_records(d, pax, pax_len)) != 0 || (rc = set_size(d, block, member)) != 0 ||
	        (rc = set_name(d, block, member->sparse)) != 0 ||
	        (rc = set_kind(d, block, member->type)) != 0 || (rc = set_owner(d, block)) != 0 ||
	        (rc = set_times(d, block)) != 0 || (rc = set_inode(d)) != 0 ||
	        (rc = set_acl(d, K_ACL, ARCHIVE_ENTRY_ACL_TYPE_ACCESS)) != 0 ||
	        (rc = set_acl(d, K_ACL_DEFAULT, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT)) != 0)
		return rc;
	flags = value_text(d, K_FFLAGS);
	if (flags != NULL && archive_entry_copy_fflags_text(d->entry, flags) != NULL)
		return odd_record(d, key_names[K_FFLAGS], strlen(key_names[K_FFLAGS]), "not inode flags");
	if (vst_buf_check(&d->text, d->err) != 0)
		return VST_ENOMEM;
	member->name = archive_entry_pathname(d->entry);
	member->name_len = strlen(member->name);
	if (member->type == '5' && member->name[member->name_len - 1] == '/')
		member->name_len--;
	return member->name_len > 0 ? 0 : odd_field(d, "name");
}

int vst_tar_member_decode(const void *pax, size_t pax_len, const uint8_t block[VST_TAR_BLOCK],
        uint64_t offset, struct vst_tar_member *ret, struct vst_err *err)
{
	struct decoding d = {.text = VST_BUF_INIT, .err = err};
	struct vst_tar_member member = {.offset = offset};
	int rc = 0;

	d.entry = archive_entry_new();
	if (d.entry == NULL)
		return vst_err_nomem(err);
	rc = decode(&d, pax, pax_len, block, &member);
	vst_buf_free(&d.text);
	if (rc != 0) {
		archive_entry_free(d.entry);
		return rc;
	}
	member.entry = d.entry;
	*ret = member;
	return 0;
}

int vst_tar_member_make(
        const char *name, uint64_t size, uint64_t offset, struct vst_tar_member *ret, struct vst_err *err)
{
	struct vst_tar_member member = {.type = '0', .offset = offset, .body = size, .size = size};

	member.entry = archive_entry_new();
	if (member.entry == NULL)
		return vst_err_nomem(err);
	archive_entry_copy_pathname(member.entry, name);
	archive_entry_set_filetype(member.entry, AE_IFREG);
	archive_entry_set_size(member.entry, (la_int64_t)size);
	member.name = archive_entry_pathname(member.entry);
	if (member.name == NULL) {
		archive_entry_free(member.entry);
		return vst_err_nomem(err);
	}
	member.name_len = strlen(member.name);
	*ret = member;
	return 0;
}

void vst_tar_member_free(struct vst_tar_member *member)
{
	archive_entry_free(member->entry);
	member->entry = NULL;
	member->name = NULL;
}
