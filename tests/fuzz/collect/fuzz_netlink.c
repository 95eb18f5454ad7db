/* Messages of all families that are taken apart: what is written of one is a JSON object, without keys that
 * come twice. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "collect/live_nft.h"
#include "collect/live_route.h"
#include "collect/live_socket_info.h"
#include "collect/netlink.h"
#include "vestige/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct vst_buf *line, struct vst_json *json)
{
	vst_json_end(json);
	if (!line->failed) {
		json_t *value = json_loadb(
		        (const char *)line->data, line->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		if (!value)
			abort();
		json_decref(value);
	}
	vst_buf_clear(line);
}

static void take(const struct vst_netlink_message *message, struct vst_buf *line)
{
	struct vst_json json;
	struct vst_socket socket;
	bool promiscuous;
	for (int protocol = 0; protocol < 256; protocol += 17)
		if (vst_socket_diag(message, protocol, &socket)) {
			json = vst_json_begin(line);
			vst_json_object(&json);
			vst_socket_write(&socket, &json);
			check(line, &json);
		}
	for (int kind = 0; kind < VST_ROUTE_KINDS; kind++) {
		json = vst_json_begin(line);
		vst_json_object(&json);
		vst_route_write((enum vst_route_kind)kind, message, &json, &promiscuous);
		check(line, &json);
	}
	for (int kind = 0; kind < VST_NFT_KINDS; kind++) {
		json = vst_json_begin(line);
		vst_json_object(&json);
		vst_nft_write((enum vst_nft_kind)kind, message, &json);
		check(line, &json);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_reader in = vst_reader_of(data, size);
	struct vst_netlink_message message;
	struct vst_buf line = VST_BUF_INIT;
	while (vst_netlink_next(&in, &message) == 1)
		take(&message, &line);
	vst_buf_free(&line);
	return 0;
}
