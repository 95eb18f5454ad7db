#include "operator.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/accounts.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define LOGIN_UNSET UINT32_MAX

/* /proc files have no size, so this is read by hand. */
static bool login_id(uint32_t *ret)
{
	char text[16] = "";
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len <= 0 || text[0] < '0' || text[0] > '9')
		return false;
	uint32_t id = (uint32_t)strtoul(text, NULL, 10);
	if (id == LOGIN_UNSET) /* nobody logged in: a service, a container */
		return false;
	*ret = id;
	return true;
}

char *operator_name(void)
{
	const char *sudo_user = getenv("SUDO_USER");
	uint32_t id = getuid();
	struct vst_accounts *accounts = NULL;
	char number[24];
	if (sudo_user && *sudo_user && vst_utf8_valid(sudo_user, strlen(sudo_user)))
		return vst_strdup(sudo_user);
	login_id(&id);
	snprintf(number, sizeof number, "uid %u", id);
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = NULL;
	if (root >= 0 && vst_accounts_load(root, &accounts, NULL) == 0)
		name = vst_accounts_user(accounts, id);
	char *result = vst_strdup(name && vst_utf8_valid(name, strlen(name)) ? name : number);
	vst_accounts_free(accounts);
	if (root >= 0)
		close(root);
	return result;
}
