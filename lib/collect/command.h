/*
 * Running a program of the host for what it says, where nothing else says it: for COMMAND sources of artifact
 * definitions alone, and only on the live host.
 *
 * What runs is known: the program is opened once, read for its digest through that descriptor, and executed
 * by it. It gets no shell, an environment of PATH and LC_ALL=C, "/" as its directory, /dev/null as its input,
 * none of our descriptors, a session of its own (so no terminal), and is killed with its whole process group
 * at the end of its time, when it says too much, when its first process has ended; when we die, that first process does. An honest
 * host is assumed only for what it says: that is why definitions ask before they run anything.
 *
 * Items: /command/<artifact>/<number of its source>/stdout and …/stderr, streams;
 * /command/<artifact>/<number> without content if it did not run: absent, excluded, denied or error.
 * `details` of each of them:
 *
 *     command, arguments      as the definition has them
 *     program                 the file that was opened, behind links
 *     program_size, program_sha256
 *     interpreter             a script's: the rest of its first line behind #!
 *     started, ended          times
 *     exit_status or signal   how it ended; `killed`: by which rule we ended it
 *
 * Its words are untrusted bytes like all others.
 */
#ifndef COLLECT_COMMAND_H
#define COLLECT_COMMAND_H

#include "collect/stream.h"

#define VST_COMMAND_SECONDS 60
#define VST_COMMAND_STDOUT_MAX (64 * 1024 * 1024) /* bytes */
#define VST_COMMAND_STDERR_MAX (1024 * 1024)      /* held in memory until standard output is done */
#define VST_COMMAND_PROGRAM_MAX (1024 * 1024 * 1024)
#define VST_COMMAND_ARGUMENTS_MAX (64 * 1024) /* bytes of all of them */

#define VST_RULE_COMMANDS_REFUSED "commands are not allowed by the policy"
#define VST_RULE_COMMANDS_IMAGE "commands do not run on an image"
#define VST_RULE_COMMAND_TIME "the command's time limit"
#define VST_RULE_COMMAND_OUTPUT "the command's output limit"

struct vst_command {
	const char *artifact;
	size_t source;
	char *program; /* absolute, or a name in /usr/sbin, /usr/bin, /sbin or /bin */
	char *const *arguments;
	size_t count;
	uint64_t milliseconds, stdout_max, stderr_max; /* 0: those above */
};

/* Fails as collectors do. */
int vst_command_run(const struct vst_command *command, struct vst_stream *out, struct vst_err *err);
/* It does not run, by this rule. */
int vst_command_refuse(
        const struct vst_command *command, const char *rule, struct vst_stream *out, struct vst_err *err);

#endif
