/*
 * Who logged in and who tried: utmp, wtmp and btmp with their rotated files. Format of the facts:
 * login_file.h; rules: login_rules.h.
 */
#include "compare/login_file.h"
#include "compare/login_rules.h"
#include "compare/login_set.h"
#include "compare/observer.h"

static bool wants(const struct vst_item *item)
{
	return item->type == VST_ITEM_FILE && item->path && vst_login_kind_of(item->path) != VST_LOGIN_NONE;
}

static int open_observation(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	struct vst_login_file *file = NULL;
	(void)item;
	int rc = vst_login_file_new(&file, err);
	if (rc == 0)
		*ret_state = file;
	return rc;
}

static int take_data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	(void)err;
	vst_login_file_data(state, offset, bytes, len);
	return 0;
}

static int close_observation(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	return vst_login_file_end(state, ret_facts, err);
}

static void free_observation(void *state)
{
	vst_login_file_free(state);
}

const struct vst_observer vst_observe_logins = {.name = "logins",
        .wants = wants,
        .open = open_observation,
        .data = take_data,
        .close = close_observation,
        .free = free_observation,
        .judge = vst_login_rules};
