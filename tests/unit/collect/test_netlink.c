#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/live_attrs.h"
#include "collect/live_nft.h"
#include "collect/live_route.h"
#include "collect/live_socket_info.h"
#include "collect/netlink.h"
#include "vestige/buf.h"
#include "vestige/json.h"

struct built {
	uint8_t bytes[512];
	size_t len;
};

static struct vst_netlink_message message_of(struct built *b, uint16_t type)
{
	return (struct vst_netlink_message){.type = type, .body = vst_reader_of(b->bytes, b->len)};
}

static void put(struct built *b, uint16_t type, const void *value, size_t len)
{
	assert_true(vst_netlink_put(b->bytes, sizeof b->bytes, &b->len, type, value, len));
}

static void put_head(struct built *b, const void *head, size_t len)
{
	memcpy(b->bytes, head, len);
	b->len = (len + 3) & ~(size_t)3;
}

static void expect(struct vst_buf *line, struct vst_json *json, const char *expected)
{
	vst_json_end(json);
	assert_string_equal(vst_buf_cstr(line), expected);
	vst_buf_free(line);
}

static void netlink_gives_messages_one_after_the_other(void **state)
{
	(void)state;
	uint8_t datagram[40] = {0};
	const struct nlmsghdr first = {.nlmsg_len = 17, .nlmsg_type = 20},
	                      second = {.nlmsg_len = 16, .nlmsg_type = 21};
	memcpy(datagram, &first, sizeof first);
	datagram[16] = 7;
	memcpy(datagram + 20, &second, sizeof second);
	struct vst_reader in = vst_reader_of(datagram, 36);
	struct vst_netlink_message message;
	assert_int_equal(vst_netlink_next(&in, &message), 1);
	assert_int_equal(message.type, 20);
	assert_int_equal(message.body.len, 1);
	assert_int_equal(message.body.data[0], 7);
	assert_int_equal(vst_netlink_next(&in, &message), 1);
	assert_int_equal(message.type, 21);
	assert_int_equal(vst_netlink_next(&in, &message), 0);
}

static void netlink_refuses_messages_whose_length_lies(void **state)
{
	(void)state;
	static const uint32_t lengths[] = {0, 15, 21, 0xffffffff};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		uint8_t datagram[20] = {0};
		struct vst_netlink_message message;
		memcpy(datagram, &lengths[i], sizeof lengths[i]);
		struct vst_reader in = vst_reader_of(datagram, sizeof datagram);
		assert_int_equal(vst_netlink_next(&in, &message), -1);
	}
	uint8_t cut[15] = {16};
	struct vst_netlink_message message;
	struct vst_reader in = vst_reader_of(cut, sizeof cut);
	assert_int_equal(vst_netlink_next(&in, &message), -1);
}

static void netlink_refuses_attributes_whose_length_lies(void **state)
{
	(void)state;
	static const uint16_t lengths[] = {0, 3, 9, 0xffff};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		uint8_t bytes[8] = {0};
		struct vst_reader value;
		uint16_t type;
		memcpy(bytes, &lengths[i], sizeof lengths[i]);
		struct vst_reader in = vst_reader_of(bytes, sizeof bytes);
		assert_false(vst_netlink_attr(&in, &type, &value));
		assert_int_equal(in.pos, 0);
	}
}

static void netlink_requests_do_not_grow_over_their_room(void **state)
{
	(void)state;
	uint8_t request[16];
	size_t len = 8;
	assert_false(vst_netlink_put(request, sizeof request, &len, 1, "12345", 5));
	assert_int_equal(len, 8);
	assert_true(vst_netlink_put(request, sizeof request, &len, 1, "1234", 4));
	assert_int_equal(len, 16);
	assert_false(vst_netlink_put(request, sizeof request, &len, 1, "", 0));
}

struct counting {
	size_t links, loopbacks;
};

static int count(void *ctx, const struct vst_netlink_message *message, struct vst_err *err)
{
	struct counting *c = ctx;
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	bool promiscuous;
	(void)err;
	vst_json_object(&json);
	c->links += vst_route_write(VST_ROUTE_INTERFACE, message, &json, &promiscuous);
	vst_json_end(&json);
	c->loopbacks += strstr(vst_buf_cstr(&line), "\"loopback\"") != NULL;
	vst_buf_free(&line);
	return 0;
}

static void netlink_dumps_what_the_kernel_has_and_takes_its_errors(void **state)
{
	(void)state;
	const struct ifinfomsg head = {0};
	static const uint8_t large[VST_NETLINK_REQUEST_MAX + 1];
	struct vst_netlink netlink;
	struct vst_netlink_result result;
	struct counting c = {0};
	assert_int_equal(vst_netlink_open(NETLINK_ROUTE, &netlink), 0);
	assert_int_equal(vst_netlink_dump(&netlink, RTM_GETLINK, NLM_F_DUMP, &head, sizeof head, count, &c,
	                         &result, NULL),
	        0);
	assert_int_equal(result.error, 0);
	assert_true(c.links >= 1);
	assert_true(c.loopbacks >= 1);
	/* No such message. */
	assert_int_equal(
	        vst_netlink_dump(&netlink, 0x3f0, NLM_F_ACK, &head, sizeof head, count, &c, &result, NULL),
	        0);
	assert_true(result.error == EOPNOTSUPP || result.error == EINVAL || result.error == EPERM);
	assert_int_equal(vst_netlink_dump(&netlink, RTM_GETLINK, NLM_F_DUMP, large,
	                         VST_NETLINK_REQUEST_MAX + 1, count, &c, &result, NULL),
	        0);
	assert_int_equal(result.error, E2BIG);
	vst_netlink_close(&netlink);
	assert_int_equal(netlink.fd, -1);
}

static void sockets_of_diag_are_told_with_address_and_mark(void **state)
{
	(void)state;
	struct inet_diag_msg head = {.idiag_family = AF_INET,
	        .idiag_state = 10,
	        .idiag_inode = 77,
	        .idiag_uid = 1000,
	        .id = {.idiag_sport = htons(8080), .idiag_src = {htonl(0x7f000001)}}};
	struct built b = {.len = 0};
	struct vst_socket socket;
	const uint32_t mark = 9;
	put_head(&b, &head, sizeof head);
	put(&b, INET_DIAG_MARK, &mark, sizeof mark);
	struct vst_netlink_message message = message_of(&b, SOCK_DIAG_BY_FAMILY);
	assert_true(vst_socket_diag(&message, IPPROTO_TCP, &socket));
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	vst_json_object(&json);
	vst_socket_write(&socket, &json);
	expect(&line, &json,
	        "{\"family\":\"inet\",\"type\":\"stream\",\"protocol\":\"tcp\",\"state\":\"listen\","
	        "\"inode\":77,"
	        "\"local\":\"127.0.0.1\",\"local_port\":8080,\"remote\":\"0.0.0.0\",\"remote_port\":0,"
	        "\"uid\":1000,"
	        "\"receive_queue\":0,\"send_queue\":0,\"mark\":9}");
	message.body.len = sizeof head - 1;
	assert_false(vst_socket_diag(&message, IPPROTO_TCP, &socket));
	message.body.len = 0;
	assert_false(vst_socket_diag(&message, IPPROTO_TCP, &socket));
}

static void sockets_of_abstract_names_keep_their_nuls(void **state)
{
	(void)state;
	const struct unix_diag_msg head = {
	        .udiag_family = AF_UNIX, .udiag_type = SOCK_STREAM, .udiag_state = 10, .udiag_ino = 5};
	struct built b = {.len = 0};
	struct vst_socket socket;
	put_head(&b, &head, sizeof head);
	put(&b, UNIX_DIAG_NAME, "\0a\0b", 4);
	const struct vst_netlink_message message = message_of(&b, SOCK_DIAG_BY_FAMILY);
	assert_true(vst_socket_diag(&message, 0, &socket));
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	vst_json_object(&json);
	vst_socket_write(&socket, &json);
	expect(&line, &json,
	        "{\"family\":\"unix\",\"type\":\"stream\",\"state\":\"listen\",\"inode\":5,\"abstract\":"
	        "\"a\\u0000b\","
	        "\"abstract_base64\":\"YQBi\"}");
}

static void interfaces_that_take_all_packets_are_noticed(void **state)
{
	(void)state;
	const struct ifinfomsg head = {.ifi_index = 2, .ifi_flags = 0x1 | 0x100};
	struct built b = {.len = 0};
	bool promiscuous;
	put_head(&b, &head, sizeof head);
	put(&b, IFLA_IFNAME, "e\xffh", 4);
	put(&b, 1000, "xy", 2);
	put(&b, IFLA_IFNAME, "twice", 6);
	b.bytes[b.len++] = 1; /* behind the last whole attribute */
	struct vst_netlink_message message = message_of(&b, RTM_NEWLINK);
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	vst_json_object(&json);
	assert_true(vst_route_write(VST_ROUTE_INTERFACE, &message, &json, &promiscuous));
	assert_true(promiscuous);
	expect(&line, &json,
	        "{\"index\":2,\"hardware\":0,\"flags_number\":257,\"flags\":[\"up\",\"promisc\"],\"name\":"
	        "\"e\xef\xbf\xbdh\","
	        "\"name_base64\":\"Zf9o\",\"other\":[{\"attr\":1000,\"base64\":\"eHk=\"},{\"attr\":3,"
	        "\"base64\":\"dHdpY2UA\"}],"
	        "\"trailing_base64\":\"AQ==\"}");
	message.type = RTM_NEWADDR;
	assert_false(vst_route_write(VST_ROUTE_INTERFACE, &message, &json, &promiscuous));
}

/* { type = 1: name, 2: data } within a list within a rule, and each as often as it fits into the next. */
static void rules_that_nest_too_deep_stay_in_base64(void **state)
{
	(void)state;
	uint8_t inner[400] = {0}, outer[400];
	size_t len = 0;
	for (int i = 0; i < 12; i++) {
		size_t at = 0;
		assert_true(vst_netlink_put(outer, sizeof outer, &at, NFTA_EXPR_NAME, "dynset", 7));
		assert_true(vst_netlink_put(outer, sizeof outer, &at, NFTA_EXPR_DATA, inner, len));
		len = 0;
		assert_true(vst_netlink_put(inner, sizeof inner, &len, NFTA_DYNSET_EXPR, outer, at));
	}
	const struct nfgenmsg head = {.nfgen_family = 1};
	struct built b = {.len = 0};
	put_head(&b, &head, sizeof head);
	size_t at = 0;
	assert_true(vst_netlink_put(outer, sizeof outer, &at, NFTA_EXPR_NAME, "dynset", 7));
	assert_true(vst_netlink_put(outer, sizeof outer, &at, NFTA_EXPR_DATA, inner, len));
	len = 0;
	assert_true(vst_netlink_put(inner, sizeof inner, &len, NFTA_LIST_ELEM, outer, at));
	put(&b, NFTA_RULE_EXPRESSIONS, inner, len);
	const struct vst_netlink_message message =
	        message_of(&b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE);
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	vst_json_object(&json);
	assert_true(vst_nft_write(VST_NFT_RULE, &message, &json));
	vst_json_end(&json);
	assert_int_equal(vst_buf_check(&line, NULL), 0);
	assert_non_null(strstr(vst_buf_cstr(&line), "\"other\":[{\"attr\":"));
	assert_int_equal(vst_json_span(line.data, line.len), line.len);
	vst_buf_free(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(netlink_gives_messages_one_after_the_other),
	        cmocka_unit_test(netlink_refuses_messages_whose_length_lies),
	        cmocka_unit_test(netlink_refuses_attributes_whose_length_lies),
	        cmocka_unit_test(netlink_requests_do_not_grow_over_their_room),
	        cmocka_unit_test(netlink_dumps_what_the_kernel_has_and_takes_its_errors),
	        cmocka_unit_test(sockets_of_diag_are_told_with_address_and_mark),
	        cmocka_unit_test(sockets_of_abstract_names_keep_their_nuls),
	        cmocka_unit_test(interfaces_that_take_all_packets_are_noticed),
	        cmocka_unit_test(rules_that_nest_too_deep_stay_in_base64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
