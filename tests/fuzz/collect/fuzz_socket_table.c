/* A line of a table of /proc/net, as each family reads it; and of /proc/modules and /proc/kallsyms. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "collect/live_module_list.h"
#include "collect/live_socket_info.h"
#include "vestige/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET};
	struct vst_buf line = VST_BUF_INIT;
	struct vst_module_line module;
	struct vst_socket socket;
	const char *name;
	size_t len;
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		if (!vst_socket_line((const char *)data, size, families[i], -1, -1, &socket))
			continue;
		struct vst_json json = vst_json_begin(&line);
		vst_json_object(&json);
		vst_socket_write(&socket, &json);
		vst_json_end(&json);
		json_t *value = json_loadb(
		        (const char *)line.data, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		if (!value)
			abort();
		json_decref(value);
		vst_buf_clear(&line);
	}
	if (vst_module_line_parse((const char *)data, size, &module) && module.name_len > size)
		abort();
	if (vst_module_symbol((const char *)data, size, &name, &len) &&
	        ((const uint8_t *)name < data || (const uint8_t *)name + len > data + size))
		abort();
	vst_buf_free(&line);
	return 0;
}
