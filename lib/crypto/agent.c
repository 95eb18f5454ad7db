#include "crypto/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/reader.h"
#include "vestige/sshkey.h"

#define REQUEST_IDENTITIES 11
#define IDENTITIES_ANSWER 12
#define SIGN_REQUEST 13
#define SIGN_RESPONSE 14
#define RETRY_CONNECT_MS 20

struct link {
	int fd;
	int64_t deadline_ms;
};

/* The monotonic clock: a host whose time is being set must not change how long we wait. */
static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int gone(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EKEY, "ssh-agent: %s", what);
}

/* Waits for `events`; also returns when the other side hung up: the read or write that follows then says so.
 */
static int wait_for(const struct link *link, short events, struct vst_err *err)
{
	for (;;) {
		int64_t left = link->deadline_ms - now_ms();
		struct pollfd fd = {.fd = link->fd, .events = events};
		if (left <= 0)
			return gone(err, "does not answer in time");
		int n = poll(&fd, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return vst_err_sys(err, errno, "ssh-agent: poll");
	}
}

/* A full backlog makes a local connect() fail at once instead of waiting: so we wait. */
static int connect_link(const struct link *link, const struct sockaddr_un *address, struct vst_err *err)
{
	while (connect(link->fd, (const struct sockaddr *)address, sizeof *address) != 0) {
		if (errno != EAGAIN && errno != EINTR) {
			vst_err_sys(err, errno, "ssh-agent: connect to %s", address->sun_path);
			if (err)
				err->code = VST_EKEY;
			vst_err_hint(err, "start an agent, or set SSH_AUTH_SOCK to a running one's socket");
			return VST_EKEY;
		}
		if (now_ms() >= link->deadline_ms)
			return gone(err, "does not take connections");
		poll(NULL, 0, RETRY_CONNECT_MS);
	}
	return 0;
}

static int open_link(const char *path, int timeout_ms, struct link *ret, struct vst_err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct link link = {.fd = -1, .deadline_ms = now_ms() + timeout_ms};
	int rc;

	if (!path || path[0] == '\0' || strlen(path) >= sizeof address.sun_path)
		return gone(err, "no usable socket path");
	memcpy(address.sun_path, path, strlen(path));
	link.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link.fd < 0)
		return vst_err_sys(err, errno, "ssh-agent: socket");
	if ((rc = connect_link(&link, &address, err)) != 0) {
		close(link.fd);
		return rc;
	}
	*ret = link;
	return 0;
}

static int send_all(const struct link *link, const uint8_t *data, size_t len, struct vst_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(link->fd, data + done, len - done, MSG_NOSIGNAL);
		int rc = 0;
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			rc = wait_for(link, POLLOUT, err);
		else if (errno != EINTR)
			rc = gone(err, "closed the connection");
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int receive_all(const struct link *link, uint8_t *ret, size_t len, struct vst_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = recv(link->fd, ret + done, len - done, 0);
		int rc = 0;
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			rc = wait_for(link, POLLIN, err);
		else if (n == 0 || errno != EINTR)
			rc = gone(err, "closed the connection");
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int receive_message(const struct link *link, struct vst_buf *ret, struct vst_err *err)
{
	uint8_t head[4];
	uint32_t len = 0;
	int rc;

	if ((rc = receive_all(link, head, sizeof head, err)) != 0)
		return rc;
	struct vst_reader in = vst_reader_of(head, sizeof head);
	if (!vst_reader_u32be(&in, &len) || len == 0 || len > VST_AGENT_MESSAGE_MAX)
		return gone(err, "answers nonsense (the length of its message)");
	vst_buf_reserve(ret, len);
	if ((rc = vst_buf_check(ret, err)) != 0)
		return rc;
	if ((rc = receive_all(link, ret->data + ret->len, len, err)) == 0)
		ret->len += len;
	return rc;
}

/* Sends `request` (type and content) and gives the answer (type and content). */
static int exchange(const char *path, int timeout_ms, const struct vst_buf *request,
        struct vst_buf *ret_answer, struct vst_err *err)
{
	struct vst_buf framed = VST_BUF_INIT;
	struct link link = {.fd = -1};
	int rc;

	vst_buf_u32be(&framed, (uint32_t)request->len);
	vst_buf_bytes(&framed, request->data, request->len);
	if ((rc = vst_buf_check(&framed, err)) != 0)
		goto out;
	if ((rc = open_link(path, timeout_ms, &link, err)) != 0)
		goto out;
	if ((rc = send_all(&link, framed.data, framed.len, err)) != 0)
		goto out;
	rc = receive_message(&link, ret_answer, err);
out:
	if (link.fd >= 0)
		close(link.fd);
	vst_buf_free(&framed);
	return rc;
}

/* ---- requests ---- */

static int find_identity(const struct vst_buf *answer, const struct vst_buf *wire, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(answer->data, answer->len);
	uint8_t type;
	uint32_t count;

	if (!vst_reader_u8(&in, &type) || type != IDENTITIES_ANSWER || !vst_reader_u32be(&in, &count))
		return gone(err, "does not tell its keys");
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *blob, *comment;
		size_t blob_len, comment_len;
		if (!vst_reader_ssh_string(&in, VST_AGENT_MESSAGE_MAX, &blob, &blob_len) ||
		        !vst_reader_ssh_string(&in, VST_AGENT_MESSAGE_MAX, &comment, &comment_len))
			return gone(err, "answers nonsense (its list of keys)");
		if (blob_len == wire->len && memcmp(blob, wire->data, blob_len) == 0)
			return 0;
	}
	gone(err, "does not hold the key");
	vst_err_hint(err, "ssh-add the private key first");
	return VST_EKEY;
}

int vst_agent_holds(const char *path, const struct vst_ssh_public *key, int timeout_ms, struct vst_err *err)
{
	struct vst_buf request = VST_BUF_INIT, answer = VST_BUF_INIT, wire = VST_BUF_INIT;
	int rc;

	vst_buf_byte(&request, REQUEST_IDENTITIES);
	vst_ssh_public_wire(key, &wire);
	if ((rc = vst_buf_check(&request, err)) != 0 || (rc = vst_buf_check(&wire, err)) != 0)
		goto out;
	if ((rc = exchange(path, timeout_ms, &request, &answer, err)) != 0)
		goto out;
	rc = find_identity(&answer, &wire, err);
out:
	vst_buf_free(&request);
	vst_buf_free(&answer);
	vst_buf_free(&wire);
	return rc;
}

static int take_signature(const struct vst_buf *answer, struct vst_buf *out, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(answer->data, answer->len);
	const uint8_t *blob;
	size_t blob_len;
	uint8_t type;

	if (!vst_reader_u8(&in, &type) || type != SIGN_RESPONSE)
		return gone(err, "refuses to sign with the key");
	if (!vst_reader_ssh_string(&in, VST_AGENT_MESSAGE_MAX, &blob, &blob_len) || !vst_reader_at_end(&in))
		return gone(err, "answers nonsense (its signature)");
	vst_buf_bytes(out, blob, blob_len);
	return vst_buf_check(out, err);
}

int vst_agent_sign(const char *path, const struct vst_ssh_public *key, const void *data, size_t len,
        int timeout_ms, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf request = VST_BUF_INIT, answer = VST_BUF_INIT, wire = VST_BUF_INIT;
	int rc;

	if (len > VST_AGENT_MESSAGE_MAX - 1024)
		return vst_err_set(err, VST_ELIMIT, "ssh-agent: more data than an agent signs at once");
	vst_ssh_public_wire(key, &wire);
	vst_buf_byte(&request, SIGN_REQUEST);
	vst_buf_u32be(&request, (uint32_t)wire.len);
	vst_buf_bytes(&request, wire.data, wire.len);
	vst_buf_u32be(&request, (uint32_t)len);
	vst_buf_bytes(&request, data, len);
	vst_buf_u32be(&request, 0); /* no flags: they choose among RSA's digests */
	if ((rc = vst_buf_check(&wire, err)) != 0 || (rc = vst_buf_check(&request, err)) != 0)
		goto out;
	if ((rc = exchange(path, timeout_ms, &request, &answer, err)) != 0)
		goto out;
	rc = take_signature(&answer, out, err);
out:
	vst_buf_free(&request);
	vst_buf_free(&answer);
	vst_buf_free(&wire);
	return rc;
}
