#include "collect/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/command_child.h"
#include "collect/limits.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/io.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define BLOCK (64 * 1024)
#define TICK 50       /* ms between looks at limits and at the child */
#define TICK_SILENT 2 /* the same when it has closed its outputs: it is about to end */
#define GRACE 200     /* ms without a word after which nothing more is waited for */

struct program {
	char path[PATH_MAX];
	int fd;
	uint64_t size;
	uint8_t sha256[VST_HASH_LEN];
	bool is_script, is_read;
	char interpreter[256];
	struct stat before;
};

struct run {
	const struct vst_command *command;
	struct vst_stream *out;
	struct program program;
	struct vst_child child;
	struct vst_buf errors; /* standard error so far */
	const char *killed;    /* the rule by which it was ended */
	uint64_t milliseconds, stdout_max, stderr_max;
	uint64_t said; /* bytes of standard output */
	int64_t started, ended;
	uint8_t *block;
	struct vst_err *err;
};

/* ---- what is said of it ---- */

static void put_path(const struct vst_command *command, const char *stream, struct vst_buf *out)
{
	vst_buf_text(out, "/command/");
	vst_stream_component(out, command->artifact, strlen(command->artifact));
	vst_buf_printf(out, "/%zu%s%s", command->source, stream ? "/" : "", stream ? stream : "");
}

static void put_end(const struct run *run, struct vst_json *json)
{
	if (run->child.known && WIFEXITED(run->child.status)) {
		vst_json_key(json, "exit_status");
		vst_json_int(json, WEXITSTATUS(run->child.status));
	} else if (run->child.known && WIFSIGNALED(run->child.status)) {
		vst_json_key(json, "signal");
		vst_json_int(json, WTERMSIG(run->child.status));
	}
	if (run->killed) {
		vst_json_key(json, "killed");
		vst_json_string(json, run->killed);
	}
}

static void put_program(const struct program *program, struct vst_json *json)
{
	vst_json_key(json, "program");
	vst_json_text(json, program->path, strlen(program->path));
	if (!program->is_read)
		return;
	vst_json_key(json, "program_size");
	vst_json_uint(json, program->size);
	vst_json_key(json, "program_sha256");
	vst_json_hex(json, program->sha256, VST_HASH_LEN);
	if (program->is_script) {
		vst_json_key(json, "interpreter");
		vst_json_text(json, program->interpreter, strlen(program->interpreter));
	}
}

/* `run` NULL: it did not come to that. */
static void put_details(const struct vst_command *command, const struct run *run, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "command");
	vst_json_text(&json, command->program, strnlen(command->program, PATH_MAX));
	vst_json_key(&json, "arguments");
	vst_json_array(&json);
	size_t room = VST_COMMAND_ARGUMENTS_MAX;
	for (size_t i = 0; i < command->count; i++) {
		size_t len = strnlen(command->arguments[i], room);
		vst_json_text(&json, command->arguments[i], len);
		room -= len;
	}
	vst_json_end(&json);
	if (run && run->program.path[0])
		put_program(&run->program, &json);
	if (run && run->started) {
		vst_json_key(&json, "started");
		vst_json_time(&json, run->started);
		vst_json_key(&json, "ended");
		vst_json_time(&json, run->ended);
		put_end(run, &json);
	}
	vst_json_end(&json);
}

/* An item without content: why it did not run. */
static int note(const struct vst_command *command, const struct run *run, struct vst_stream *out,
        enum vst_item_status status, int error, const char *rule, struct vst_err *err)
{
	struct vst_buf path = VST_BUF_INIT, details = VST_BUF_INIT;
	put_path(command, NULL, &path);
	put_details(command, run, &details);
	int rc = vst_buf_check(&path, err);
	if (rc == 0) {
		const struct vst_note n = {
		        .path = vst_buf_cstr(&path),
		        .type = VST_ITEM_STREAM,
		        .status = status,
		        .rule = rule,
		        .error = error,
		        .details = &details,
		};
		rc = vst_stream_note(out, &n, err);
	}
	vst_buf_free(&path);
	vst_buf_free(&details);
	return rc;
}

static int note_failure(struct run *run, int error, const char *what)
{
	if (error == ENOENT || error == ENOTDIR)
		return note(run->command, run, run->out, VST_ITEM_ABSENT, 0, NULL, run->err);
	return note(run->command, run, run->out, vst_stream_status_of(error), error, what, run->err);
}

int vst_command_refuse(
        const struct vst_command *command, const char *rule, struct vst_stream *out, struct vst_err *err)
{
	return note(command, NULL, out, VST_ITEM_EXCLUDED, 0, rule, err);
}

/* ---- the program ---- */

/* The file behind links, /etc/alternatives say, as far as the kernel tells. */
static void find_file(struct program *program)
{
	char link[64], target[PATH_MAX];
	snprintf(link, sizeof link, "/proc/self/fd/%d", program->fd);
	ssize_t len = readlink(link, target, sizeof target - 1);
	if (len > 0 && target[0] == '/')
		snprintf(program->path, sizeof program->path, "%.*s", (int)len, target);
}

/* Opens it for reading: what is executed later is what is read now. Returns an errno, and which call gave it.
 */
static int open_program(struct program *program, const char *path, const char **ret_what)
{
	*ret_what = "open the program";
	if ((size_t)snprintf(program->path, sizeof program->path, "%s", path) >= sizeof program->path)
		return ENAMETOOLONG;
	program->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (program->fd < 0)
		return errno;
	if (program->fd < 3) { /* the child gives these a meaning of their own */
		int fd = fcntl(program->fd, F_DUPFD_CLOEXEC, 3), error = errno;
		close(program->fd);
		program->fd = fd;
		if (fd < 0)
			return error;
	}
	if (fstat(program->fd, &program->before) != 0)
		return errno;
	find_file(program);
	*ret_what = "the program is no regular file";
	return S_ISREG(program->before.st_mode) ? 0 : ENOEXEC;
}

static int find_program(struct program *program, const char *name, const char **ret_what)
{
	static const char *const places[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	int error = ENOENT;
	if (name[0] == '/')
		return open_program(program, name, ret_what);
	*ret_what = "neither an absolute path nor a name";
	if (strchr(name, '/') || strlen(name) > NAME_MAX)
		return EINVAL;
	for (size_t i = 0; i < sizeof places / sizeof *places && error == ENOENT; i++) {
		char path[NAME_MAX + 32];
		snprintf(path, sizeof path, "%s/%s", places[i], name);
		error = open_program(program, path, ret_what);
	}
	if (error == ENOENT)
		snprintf(program->path, sizeof program->path, "%s", name);
	return error;
}

/* The rest of a script's first line. */
static void look_at_start(struct program *program, const uint8_t *data, size_t len)
{
	if (len < 2 || data[0] != '#' || data[1] != '!')
		return;
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = (size_t)((lf ? lf : data + len) - data) - 2;
	program->is_script = true;
	snprintf(program->interpreter, sizeof program->interpreter, "%.*s", n > 255 ? 255 : (int)n,
	        (const char *)data + 2);
}

static int read_program(struct run *run, int *ret_error, const char **ret_what)
{
	struct program *program = &run->program;
	struct vst_err why = VST_ERR_INIT;
	struct vst_hash *hash = NULL;
	size_t len = 0;
	int rc = vst_hash_new(&hash, VST_HASH_SHA256, run->err);
	*ret_what = "read the program";
	while (rc == 0 && !*ret_error) {
		if (vst_io_pread(program->fd, program->size, run->block, BLOCK, &len, &why) != 0)
			*ret_error = why.sys ? why.sys : EIO;
		if (*ret_error || len == 0)
			break;
		if (program->size == 0)
			look_at_start(program, run->block, len);
		vst_hash_update(hash, run->block, len);
		program->size += len;
		if (program->size > VST_COMMAND_PROGRAM_MAX)
			*ret_error = EFBIG;
		rc = vst_limits_check_cancel(run->out->context, run->err);
	}
	if (rc == 0 && !*ret_error) {
		memcpy(program->sha256, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
		program->is_read = true;
	}
	vst_hash_free(hash);
	return rc;
}

static bool has_changed(const struct program *program)
{
	struct stat now;
	return fstat(program->fd, &now) != 0 || now.st_size != program->before.st_size ||
	       now.st_mtim.tv_sec != program->before.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != program->before.st_mtim.tv_nsec ||
	       now.st_ctim.tv_sec != program->before.st_ctim.tv_sec ||
	       now.st_ctim.tv_nsec != program->before.st_ctim.tv_nsec;
}

/* ---- while it runs ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What there is of one of its streams. `*fd` is closed at its end. */
static int take(struct run *run, int *fd)
{
	ssize_t n = read(*fd, run->block, BLOCK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	size_t len = (size_t)n;
	bool is_out = fd == &run->child.out_fd;
	uint64_t room = is_out ? run->stdout_max - run->said : run->stderr_max - run->errors.len;
	if (len > room) {
		len = (size_t)room;
		run->killed = VST_RULE_COMMAND_OUTPUT;
	}
	if (!is_out) {
		vst_buf_bytes(&run->errors, run->block, len);
		return vst_buf_check(&run->errors, run->err);
	}
	run->said += len;
	int rc = vst_stream_write(run->out, run->block, len, run->err);
	if (run->out->cut && !run->killed)
		run->killed = run->out->cut;
	return rc;
}

static int listen_once(struct run *run, int milliseconds)
{
	struct pollfd fds[] = {
	        {.fd = run->child.out_fd, .events = POLLIN}, {.fd = run->child.err_fd, .events = POLLIN}};
	int rc = 0;
	if (poll(fds, 2, milliseconds) <= 0)
		return 0;
	if (fds[0].revents)
		rc = take(run, &run->child.out_fd);
	if (rc == 0 && fds[1].revents && !run->killed)
		rc = take(run, &run->child.err_fd);
	return rc;
}

static bool is_silent(const struct run *run)
{
	return run->child.out_fd < 0 && run->child.err_fd < 0;
}

/* What stands in the pipes of a child that has ended, and what a process that got away from its group still
 * says at once. */
static int drain(struct run *run, int64_t until)
{
	int64_t last = now_ms();
	int rc = 0;
	while (rc == 0 && !run->killed && !is_silent(run) && now_ms() < until && now_ms() - last < GRACE) {
		uint64_t before = run->said + run->errors.len;
		rc = listen_once(run, TICK);
		if (run->said + run->errors.len != before)
			last = now_ms();
	}
	return rc;
}

static int watch(struct run *run)
{
	int64_t until = now_ms() + (int64_t)run->milliseconds;
	int rc = 0;
	while (rc == 0 && !run->killed) {
		rc = listen_once(run, is_silent(run) ? TICK_SILENT : TICK);
		if (rc == 0 && vst_child_ended(&run->child))
			return drain(run, until);
		if (now_ms() >= until)
			run->killed = VST_RULE_COMMAND_TIME;
		else if (vst_limits_expired(run->out->context))
			run->killed = VST_RULE_SOURCE_TIME;
		if (rc == 0)
			rc = vst_limits_check_cancel(run->out->context, run->err);
	}
	return rc;
}

/* ---- a run ---- */

static int open_stream(struct run *run, const char *name)
{
	struct vst_buf path = VST_BUF_INIT;
	put_path(run->command, name, &path);
	int rc = vst_buf_check(&path, run->err);
	if (rc == 0)
		rc = vst_stream_open(run->out, vst_buf_cstr(&path), run->err);
	vst_buf_free(&path);
	return rc;
}

/* What it was ended for cuts both of its streams: nobody knows what would have come. */
static int close_stream(struct run *run)
{
	struct vst_buf details = VST_BUF_INIT;
	put_details(run->command, run, &details);
	if (run->killed && !run->out->cut)
		run->out->cut = run->killed;
	int rc = vst_stream_close(run->out, &details, run->err);
	vst_buf_free(&details);
	return rc;
}

static int say_errors(struct run *run)
{
	int rc = open_stream(run, "stderr");
	if (rc == 0 && run->errors.len > 0)
		rc = vst_stream_write(run->out, run->errors.data, run->errors.len, run->err);
	return rc == 0 ? close_stream(run) : rc;
}

static char **make_arguments(const struct vst_command *command)
{
	char **argv = vst_calloc(command->count + 2, sizeof *argv);
	if (!argv)
		return NULL;
	argv[0] = command->program; /* a program of many names asks for its own */
	for (size_t i = 0; i < command->count; i++)
		argv[i + 1] = command->arguments[i];
	return argv;
}

static int execute(struct run *run)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const envp[] = {path, locale, NULL};
	char **argv = make_arguments(run->command);
	if (!argv)
		return vst_err_nomem(run->err);
	run->started = vst_time_now();
	int error = vst_child_start(&run->child, run->program.fd, run->program.is_script, argv, envp);
	free(argv);
	if (error) {
		run->started = 0;
		return note_failure(run, error == ENOENT ? ENOEXEC : error, "execute");
	}
	int rc = open_stream(run, "stdout");
	if (rc == 0)
		rc = watch(run);
	vst_child_end(&run->child);
	run->ended = vst_time_now();
	if (rc == 0)
		rc = close_stream(run);
	return rc == 0 ? say_errors(run) : rc;
}

/* Looks at the program and runs it, or tells why not. */
static int prepare_and_execute(struct run *run)
{
	const char *what = NULL;
	int error = find_program(&run->program, run->command->program, &what);
	if (error)
		return note_failure(run, error, what);
	int rc = read_program(run, &error, &what);
	if (rc != 0)
		return rc;
	if (error)
		return note_failure(run, error, what);
	if (has_changed(&run->program))
		return note(run->command, run, run->out, VST_ITEM_ERROR, 0,
		        "the program changed while it was read", run->err);
	return execute(run);
}

static size_t arguments_len(const struct vst_command *command)
{
	size_t len = 0;
	for (size_t i = 0; i < command->count; i++)
		len += strlen(command->arguments[i]) + 1;
	return len;
}

/* A dry run: the items that it would give. */
static int pretend(struct run *run)
{
	int rc = open_stream(run, "stdout");
	if (rc == 0)
		rc = close_stream(run);
	return rc == 0 ? say_errors(run) : rc;
}

int vst_command_run(const struct vst_command *command, struct vst_stream *out, struct vst_err *err)
{
	struct run run = {
	        .command = command,
	        .out = out,
	        .program = {.fd = -1},
	        .child = {.out_fd = -1, .err_fd = -1},
	        .milliseconds = command->milliseconds ? command->milliseconds : VST_COMMAND_SECONDS * 1000,
	        .stdout_max = command->stdout_max ? command->stdout_max : VST_COMMAND_STDOUT_MAX,
	        .stderr_max = command->stderr_max ? command->stderr_max : VST_COMMAND_STDERR_MAX,
	        .err = err,
	};
	int rc = vst_limits_check_cancel(out->context, err);
	const char *full = vst_limits_full(out->context);
	if (rc == 0 && !(run.block = vst_alloc(BLOCK)))
		rc = vst_err_nomem(err);
	if (rc != 0)
		return rc;
	if (full)
		rc = vst_command_refuse(command, full, out, err);
	else if (arguments_len(command) > VST_COMMAND_ARGUMENTS_MAX)
		rc = note(command, NULL, out, VST_ITEM_ERROR, E2BIG, "execute", err);
	else if (!out->context->content)
		rc = pretend(&run);
	else
		rc = prepare_and_execute(&run);
	vst_child_end(&run.child);
	if (run.program.fd >= 0)
		close(run.program.fd);
	vst_buf_free(&run.errors);
	free(run.block);
	return rc;
}
