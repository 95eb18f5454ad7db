#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/listing.h"
#include "collect/live_field.h"
#include "collect/live_utmp.h"
#include "vestige/err.h"
#include "vestige/timefmt.h"

#define PATH "/sessions.jsonl"
#define UTMP_MAX (64 * 1024 * 1024)
#define STATE_MAX (64 * 1024) /* bytes of a file of /run/systemd */
#define NOBODY UINT32_MAX     /* loginuid of a process that no login began */

/* ---- utmp ---- */

static void write_time(struct vst_json *json, const struct vst_utmp *record)
{
	vst_json_key(json, "seconds");
	vst_json_int(json, record->seconds);
	if (record->seconds <= 0 || record->seconds > INT64_MAX / VST_NS_PER_S - 1 ||
	        record->microseconds < 0 || record->microseconds >= 1000000)
		return;
	vst_json_key(json, "time");
	vst_json_time(json, record->seconds * VST_NS_PER_S + record->microseconds * 1000);
}

/* An IPv4 address stands in the first four bytes, the others are zero. */
static void write_address(struct vst_json *json, const uint8_t address[16])
{
	static const uint8_t zeros[16];
	char text[INET6_ADDRSTRLEN];
	if (memcmp(address, zeros, 16) == 0)
		return;
	int family = memcmp(address + 4, zeros, 12) == 0 ? AF_INET : AF_INET6;
	vst_live_string(json, "address", inet_ntop(family, address, text, sizeof text));
}

static int write_record(struct vst_live *live, const char *file, uint64_t number,
        const struct vst_utmp *record, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(live);
	const char *type = vst_utmp_type_name(record->type);
	vst_live_string(&json, "from", file);
	vst_live_put_uint(&json, "record", number);
	vst_json_key(&json, "type");
	if (type)
		vst_json_string(&json, type);
	else
		vst_json_int(&json, record->type);
	vst_json_key(&json, "pid");
	vst_json_int(&json, record->pid);
	vst_live_text(&json, "line", record->line, record->line_len);
	vst_live_text(&json, "id", record->id, record->id_len);
	vst_live_text(&json, "user", record->user, record->user_len);
	vst_live_text(&json, "host", record->host, record->host_len);
	vst_json_key(&json, "termination");
	vst_json_int(&json, record->termination);
	vst_json_key(&json, "exit");
	vst_json_int(&json, record->exit);
	vst_json_key(&json, "session");
	vst_json_int(&json, record->session);
	write_time(&json, record);
	write_address(&json, record->address);
	return vst_live_end(live, &json, err);
}

static int write_tail(
        struct vst_live *live, const char *file, const uint8_t *tail, size_t len, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(live);
	vst_live_string(&json, "from", file);
	vst_live_put_errno(&json, "error", EBADMSG);
	vst_live_string(&json, "what", "bytes behind the last whole record");
	vst_json_key(&json, "base64");
	vst_json_base64(&json, tail, len);
	return vst_live_end(live, &json, err);
}

static int take_utmp(struct vst_live *live, struct vst_err *err)
{
	struct vst_buf data = VST_BUF_INIT;
	struct vst_utmp record;
	int error;
	int rc = vst_live_read_file(live->context->root_fd, "run/utmp", UTMP_MAX, &data, &error, err);
	const char *file = "/run/utmp";
	if (rc == 0 && error == ENOENT) { /* where /var/run is not a link to /run */
		file = "/var/run/utmp";
		rc = vst_live_read_file(live->context->root_fd, "var/run/utmp", UTMP_MAX, &data, &error, err);
	}
	if (rc == 0 && error != 0)
		rc = vst_live_trouble(live, 0, error, file, err);
	size_t size = rc == 0 ? vst_utmp_record_size(data.data, data.len) : VST_UTMP_RECORD, at = 0;
	for (; rc == 0 && data.len - at >= size; at += size)
		if (vst_utmp_parse(data.data + at, size, &record))
			rc = write_record(live, file, at / size, &record, err);
	if (rc == 0 && at < data.len)
		rc = write_tail(live, file, data.data + at, data.len - at, err);
	vst_buf_free(&data);
	return rc;
}

/* ---- systemd ---- */

/* Whether the line's key stood in a line before: then it would be twice in the object. */
static bool is_repeated(const struct vst_buf *text, const uint8_t *line, size_t key_len)
{
	struct vst_reader in = vst_reader_of(text->data, text->len);
	const uint8_t *other;
	size_t len;
	while (vst_reader_line(&in, &other, &len) && other != line)
		if (len > key_len && memcmp(other, line, key_len) == 0 && other[key_len] == '=')
			return true;
	return false;
}

static void write_values(struct vst_buf *text, struct vst_json *json)
{
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		vst_buf_byte(text, '\n');
	struct vst_reader in = vst_reader_of(text->data, text->len);
	const uint8_t *line;
	size_t len;
	vst_json_key(json, "values");
	vst_json_array(json);
	while (vst_reader_line(&in, &line, &len)) {
		const uint8_t *equals = len > 0 ? memchr(line, '=', len) : NULL;
		if (!equals || line[0] == '#')
			continue;
		size_t key_len = (size_t)(equals - line);
		vst_json_object(json);
		vst_live_text(json, "key", line, key_len);
		vst_live_text(json, "value", equals + 1, len - key_len - 1);
		if (is_repeated(text, line, key_len))
			vst_live_put_bool(json, "repeated", true);
		vst_json_end(json);
	}
	vst_json_end(json);
}

static int take_state(struct vst_live *live, const char *path, const char *name, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	char whole[512];
	int error;
	snprintf(whole, sizeof whole, "%s/%s", path, name);
	int rc = vst_live_read_file(live->context->root_fd, whole, STATE_MAX, &text, &error, err);
	if (rc == 0 && error != ENOENT) {
		struct vst_json json = vst_live_begin(live);
		vst_live_string(&json, "from", path);
		vst_live_text(&json, "name", name, strlen(name));
		if (error != 0)
			vst_live_put_errno(&json, "error", error);
		write_values(&text, &json);
		rc = vst_buf_check(&text, err);
		if (rc == 0)
			rc = vst_live_end(live, &json, err);
	}
	vst_buf_free(&text);
	return rc;
}

static int take_states(struct vst_live *live, const char *path, struct vst_err *err)
{
	struct vst_listing listing = {0};
	int error = 0, rc = 0, fd = openat(live->context->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vst_live_trouble(live, 0, errno, path, err);
	rc = vst_listing_read(&listing, fd, &error, err);
	close(fd);
	if (rc == 0 && error != 0)
		rc = vst_live_trouble(live, 0, error, path, err);
	/* NAME.ref is a FIFO that a session's processes hold open. */
	for (size_t i = 0; rc == 0 && i < listing.count; i++)
		if (vst_listing_type(&listing, i) == VST_ITEM_FILE)
			rc = take_state(live, path, vst_listing_name(&listing, i), err);
	vst_listing_free(&listing);
	return rc;
}

/* ---- processes ---- */

static int read_id(struct vst_live *live, uint64_t pid, const char *file, struct vst_buf *text, uint64_t *ret,
        int *ret_error, struct vst_err *err)
{
	char path[64];
	snprintf(path, sizeof path, "proc/%llu/%s", (unsigned long long)pid, file);
	int rc = vst_live_read(live->context->root_fd, path, 64, text, ret_error, err);
	if (rc == 0 && *ret_error == 0 &&
	        !vst_live_number((const char *)text->data, vst_live_trim(text), 10, ret))
		*ret_error = EBADMSG;
	return rc;
}

static int take_process(
        struct vst_live *live, uint64_t pid, struct vst_buf *text, uint64_t *denied, struct vst_err *err)
{
	uint64_t user = NOBODY, session = NOBODY;
	int error, session_error;
	int rc = read_id(live, pid, "loginuid", text, &user, &error, err);
	if (rc == 0 && error != 0 && error != ENOENT && error != ESRCH)
		++*denied;
	if (rc != 0 || error != 0 || user == NOBODY)
		return rc;
	rc = read_id(live, pid, "sessionid", text, &session, &session_error, err);
	struct vst_json json = vst_live_begin(live);
	vst_live_string(&json, "from", "loginuid");
	vst_live_put_uint(&json, "pid", pid);
	vst_live_put_uint(&json, "loginuid", user);
	if (session_error == 0 && session != NOBODY)
		vst_live_put_uint(&json, "sessionid", session);
	return rc != 0 ? rc : vst_live_end(live, &json, err);
}

static int take_processes(struct vst_live *live, struct vst_err *err)
{
	struct vst_listing pids = {0};
	struct vst_buf text = VST_BUF_INIT;
	uint64_t pid, denied = 0;
	int error = 0, rc = 0,
	    fd = openat(live->context->root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vst_live_trouble(live, 0, errno, "/proc", err);
	rc = vst_listing_read(&pids, fd, &error, err);
	close(fd);
	for (size_t i = 0; rc == 0 && i < pids.count; i++) {
		const char *name = vst_listing_name(&pids, i);
		if (vst_live_number(name, strlen(name), 10, &pid))
			rc = take_process(live, pid, &text, &denied, err);
		if (rc == 0)
			rc = vst_limits_check_cancel(live->context, err);
	}
	if (rc == 0 && denied > 0)
		rc = vst_live_trouble(live, 0, EACCES, "loginuid of some processes", err);
	vst_listing_free(&pids);
	vst_buf_free(&text);
	return rc;
}

int vst_live_sessions(struct vst_live *live, struct vst_err *err)
{
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content) {
		rc = take_utmp(live, err);
		if (rc == 0)
			rc = take_states(live, "run/systemd/sessions", err);
		if (rc == 0)
			rc = take_states(live, "run/systemd/users", err);
		if (rc == 0)
			rc = take_processes(live, err);
	}
	return rc != 0 ? rc : vst_live_close(live, 0, NULL, err);
}
