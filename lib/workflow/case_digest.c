/*
 * private/digest.key: 64 hex digits and a line feed.
 */
#include "workflow/case_internal.h"

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/secret.h"
#include "vestige/text.h"

#define KEY_TEXT (2 * VST_HASH_LEN + 1)

int case_digest_key_make(int private_fd, uint8_t ret_key[VST_HASH_LEN], struct vst_err *err)
{
	char text[KEY_TEXT + 1];
	int rc = vst_random(ret_key, VST_HASH_LEN, err);
	if (rc != 0)
		return rc;
	vst_hex(ret_key, VST_HASH_LEN, text);
	text[KEY_TEXT - 1] = '\n';
	rc = vst_io_write_file(private_fd, PRIVATE_DIGEST_KEY, 0600, text, KEY_TEXT, VST_IO_NEW, err);
	vst_wipe(text, sizeof text);
	if (rc != 0)
		(void)vst_err_prepend(err, CASE_PRIVATE "/" PRIVATE_DIGEST_KEY);
	return rc;
}

int case_digest_key_read(int private_fd, uint8_t ret_key[VST_HASH_LEN], struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc = vst_io_read_file(private_fd, PRIVATE_DIGEST_KEY, KEY_TEXT, &text, err);
	if (rc == VST_ELIMIT || (rc == 0 && (text.len != KEY_TEXT || text.data[KEY_TEXT - 1] != '\n' ||
	                                            !vst_hex_decode((const char *)text.data, KEY_TEXT - 1,
	                                                    ret_key, VST_HASH_LEN)))) {
		rc = vst_err_set(err, VST_EFORMAT, "is no key: 64 hex digits and a line feed belong there");
		vst_err_hint(err,
		        "keep a copy of the file, then move it away: a new key is made, whose digests "
		        "cannot be compared with earlier ones");
	}
	vst_buf_wipe(&text);
	if (rc != 0)
		(void)vst_err_prepend(err, CASE_PRIVATE "/" PRIVATE_DIGEST_KEY);
	return rc;
}

int vst_case_digest_key(
        struct vst_case *c, uint8_t ret_key[VST_HASH_LEN], bool *ret_made, struct vst_err *err)
{
	*ret_made = false;
	int rc = case_digest_key_read(c->private_fd, ret_key, err);
	if (rc != VST_ENOTFOUND)
		return rc;
	vst_err_clear(err);
	*ret_made = true;
	return case_digest_key_make(c->private_fd, ret_key, err);
}
