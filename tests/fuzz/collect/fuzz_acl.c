/* POSIX ACLs as a broken file system may give them. What becomes text is an ACL of the manifest's form. */
#include <stdint.h>
#include <stdlib.h>

#include "collect/file_attributes.h"
#include "exhibit/acl_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_buf text = VST_BUF_INIT;

	if (vst_file_acl_text(data, size, &text) ? !vst_acl_valid(vst_buf_cstr(&text)) : text.len != 0)
		abort();
	vst_buf_free(&text);
	return 0;
}
