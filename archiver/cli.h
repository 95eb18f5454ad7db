/*
 * What all verbs of the program share: options, results, errors, exit status.
 *
 * Each verb is one file, cmd_<verb>.c: parse, call one library function, print. To add one: its file, its
 * struct cli_verb in verbs.h, its line in main.c's table, its page in man/.
 *
 * Results go to stdout, all else to stderr. With --json results are JSON Lines, each with a `type`. Bytes
 * from the evidence reach a terminal through vst_text_show() only.
 */
#ifndef ARCHIVER_CLI_H
#define ARCHIVER_CLI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/manifest.h"

/* Exit status, as the manual page lists it. */
enum cli_exit {
	CLI_GOOD = 0,
	CLI_DIFFERENT = 1,  /* checked and found different, tampered, incomplete */
	CLI_CANNOT = 2,     /* could not do or check it */
	CLI_INCOMPLETE = 3, /* sealed, but an item was denied, failed or cut by a limit */
	CLI_NO_CASE = 10,
	CLI_LOCKED = 11,
	CLI_WRONG_KEY = 12,
	CLI_USAGE = 64,
	CLI_SIGNAL = 128, /* and the number of the signal */
};

struct cli {
	const char *dir; /* -C, else VESTIGE_CASE, else NULL: search upwards */
	bool json, quiet, verbose, color;
	const struct cli_verb *verb;
};

struct cli_verb {
	const char *name;
	const char *summary; /* for `vestige --help`, at most 56 columns */
	const char *help;    /* usage, options, example; 80 columns */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* ---- options ---- */

struct cli_list {
	const char **values; /* freed by cli_list_free(); the strings are argv's */
	size_t count;
};
void cli_list_free(struct cli_list *list);

struct cli_option {
	const char *name; /* long name without dashes */
	char letter;      /* 0: none */
	enum { CLI_FLAG, CLI_VALUE, CLI_LIST } kind;
	void *to; /* bool *, const char **, struct cli_list * */
};

/*
 * Takes the verb's options, and the global ones, out of argv (argv[0] is the verb). *ret_args points at the
 * positional arguments, between `min` and `max` of them. Returns -1 to go on, else the exit status to end
 * with (--help was printed, or the usage was wrong).
 */
int cli_parse(struct cli *cli, const struct cli_option *options, size_t option_count, int argc, char **argv,
        size_t min, size_t max, char ***ret_args, size_t *ret_count);

/* ---- results ---- */

/* A line on stdout; a failed write ends the program with a message, because a result that nobody got is no
 * result. */
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same bytes made safe for a terminal; borrowed until the next call but seven. */
const char *cli_show(const void *text, size_t len);
const char *cli_show_text(const char *text);
/* "(metadata)" or "(digest)" for what the policy asked no content of; else empty. */
const char *cli_content_note(enum vst_item_content content);
/* One JSON line: begin gives an open object with its type; end closes and prints it. */
struct vst_json cli_json_begin(struct vst_buf *buf, const char *type);
void cli_json_end(struct vst_json *json);
/* ANSI attributes, empty unless colour is on. */
enum cli_style { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW };
const char *cli_style(const struct cli *cli, enum cli_style style);
/* Flushes stdout. Returns `status`, or CLI_CANNOT if the output could not be written. */
int cli_finish(int status);

/* ---- errors and messages ---- */

/* `vestige: text`, then `hint: …`, on stderr. Returns the exit status for the error. */
int cli_fail(const struct vst_err *err);
int cli_exit_of(int code);
/* A message for people on stderr; nothing with --quiet. */
void cli_say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A warning is printed even with --quiet. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `vestige VERB: text` and a pointer to --help. Returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- signals ---- */

/* From here on SIGINT, SIGTERM and SIGHUP set a flag that long work looks at; a second one ends the program
 * at once. */
const atomic_bool *cli_catch_signals(void);
int cli_signal(void); /* the signal that came, 0 if none */

#endif
