#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "vestige/text.h"

/* ---- results ---- */

static void output_failed(void)
{
	int sys = errno;
	if (sys == EPIPE)
		_exit(CLI_SIGNAL + SIGPIPE); /* `vestige log | head` is no error worth words */
	fprintf(stderr, "vestige: standard output: %s\n", strerror(sys));
	_exit(CLI_CANNOT);
}

void cli_print(const char *format, ...)
{
	va_list args;
	progress_clear();
	va_start(args, format);
	int written = vfprintf(stdout, format, args);
	va_end(args);
	if (written < 0)
		output_failed();
}

int cli_finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		output_failed();
	return status;
}

const char *cli_show(const void *text, size_t len)
{
	static struct vst_buf ring[8];
	static unsigned next;
	struct vst_buf *buf = &ring[next++ % 8];
	vst_buf_clear(buf);
	vst_text_show(buf, text, len);
	return vst_buf_cstr(buf);
}

const char *cli_show_text(const char *text)
{
	return text ? cli_show(text, strlen(text)) : "";
}

struct vst_json cli_json_begin(struct vst_buf *buf, const char *type)
{
	vst_buf_clear(buf);
	struct vst_json json = vst_json_begin(buf);
	vst_json_object(&json);
	vst_json_key(&json, "type");
	vst_json_string(&json, type);
	return json;
}

void cli_json_end(struct vst_json *json)
{
	struct vst_buf *buf = json->out;
	vst_json_end(json);
	vst_buf_byte(buf, '\n');
	if (vst_buf_check(buf, NULL) != 0) {
		fprintf(stderr, "vestige: no memory for a result\n");
		_exit(CLI_CANNOT);
	}
	progress_clear();
	if (fwrite(buf->data, 1, buf->len, stdout) != buf->len)
		output_failed();
	vst_buf_free(buf);
}

const char *cli_content_note(enum vst_item_content content)
{
	switch (content) {
	case VST_ITEM_CONTENT_DIGEST:
		return "(digest)";
	case VST_ITEM_CONTENT_METADATA:
		return "(metadata)";
	default:
		return "";
	}
}

const char *cli_style(const struct cli *cli, enum cli_style style)
{
	static const char *const codes[] = {
	        "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m"};
	return cli->color ? codes[style] : "";
}

/* ---- errors and messages ---- */

int cli_exit_of(int code)
{
	switch (code) {
	case 0:
		return CLI_GOOD;
	case VST_ETAMPERED:
	case VST_EAUTH:
		return CLI_DIFFERENT;
	case VST_ENOCASE:
		return CLI_NO_CASE;
	case VST_ELOCKED:
		return CLI_LOCKED;
	case VST_EKEY:
		return CLI_WRONG_KEY;
	case VST_EUSAGE:
		return CLI_USAGE;
	case VST_ECANCELLED:
		return cli_signal() ? CLI_SIGNAL + cli_signal() : CLI_CANNOT;
	default:
		return CLI_CANNOT;
	}
}

int cli_fail(const struct vst_err *err)
{
	progress_clear();
	fflush(stdout);
	fprintf(stderr, "vestige: %s\n",
	        cli_show_text(err->text[0] ? err->text : "failed for a reason that was not given"));
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", cli_show_text(err->hint));
	/* A failure that forgot its code is a failure all the same, and never status 0. */
	return cli_exit_of(err->code ? err->code : VST_ECANCELLED);
}

__attribute__((format(printf, 2, 0)))
static void say(const char *prefix, const char *format, va_list args)
{
	progress_clear();
	fputs(prefix, stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void cli_say(const struct cli *cli, const char *format, ...)
{
	va_list args;
	if (cli->quiet)
		return;
	va_start(args, format);
	say("", format, args);
	va_end(args);
}

void cli_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("warning: ", format, args);
	va_end(args);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "vestige %s: ", cli->verb->name);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nhint: vestige %s --help\n", cli->verb->name);
	return CLI_USAGE;
}

/* ---- signals ---- */

static atomic_bool cancelled;
static volatile sig_atomic_t signal_number;

static void on_signal(int number)
{
	if (signal_number)
		_exit(CLI_SIGNAL + number);
	signal_number = number;
	atomic_store(&cancelled, true);
}

const atomic_bool *cli_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	return &cancelled;
}

int cli_signal(void)
{
	return signal_number;
}
