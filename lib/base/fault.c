#include "vestige/fault.h"

#ifdef VESTIGE_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KINDS 6
#define STEPS_MAX 128
#define NAME_MAX_LEN 64
#define ERRNO_MAX 133
#define WHAT_SHORT (-1)
#define WHAT_KILL (-2)

static const char *const kind_names[KINDS] = {"malloc", "read", "write", "fsync", "rename", "step"};

/* What VESTIGE_FAULT asks for; written once, before anyone reads it. */
static struct {
	bool active;
	enum vst_fault kind;
	char step[NAME_MAX_LEN];
	unsigned long long nth;
	bool onwards;
	int what; /* errno, or one of WHAT_ */
} plan;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_ullong counts[KINDS];

/* Steps are counted by name, as a kill is aimed at one of them. */
static pthread_mutex_t steps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char name[NAME_MAX_LEN];
	unsigned long long count;
} steps[STEPS_MAX];
static size_t step_count;

/* A plan with a slip in it must not pass for a run in which nothing failed. */
static _Noreturn void bad_plan(const char *text)
{
	dprintf(STDERR_FILENO, "VESTIGE_FAULT: cannot be understood: %s\n", text);
	abort();
}

static void write_counts(void)
{
	const char *path = getenv("VESTIGE_FAULT_COUNT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	for (int i = 0; i < KINDS; i++)
		dprintf(fd, "%s %llu\n", kind_names[i], (unsigned long long)atomic_load(&counts[i]));
	pthread_mutex_lock(&steps_lock);
	for (size_t i = 0; i < step_count; i++)
		dprintf(fd, "step=%s %llu\n", steps[i].name, steps[i].count);
	pthread_mutex_unlock(&steps_lock);
	close(fd);
}

static int parse_what(const char *text)
{
	if (strcmp(text, "short") == 0)
		return WHAT_SHORT;
	if (strcmp(text, "kill") == 0)
		return WHAT_KILL;
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *name = strerrorname_np(i);
		if (name && strcmp(text, name) == 0)
			return i;
	}
	return 0;
}

static bool parse_kind(const char *text, size_t len)
{
	for (int i = 0; i < KINDS; i++) {
		size_t name_len = strlen(kind_names[i]);
		if (len < name_len || memcmp(text, kind_names[i], name_len) != 0)
			continue;
		plan.kind = (enum vst_fault)i;
		if (len == name_len)
			return i != VST_FAULT_STEP;
		size_t step_len = len - name_len - 1;
		if (i != VST_FAULT_STEP || text[name_len] != '=' || !step_len || step_len >= NAME_MAX_LEN)
			return false;
		memcpy(plan.step, text + name_len + 1, step_len);
		return true;
	}
	return false;
}

static void parse_plan(void)
{
	if (getenv("VESTIGE_FAULT_COUNT"))
		atexit(write_counts);
	const char *text = getenv("VESTIGE_FAULT");
	if (!text || !*text)
		return;

	const char *colon = strchr(text, ':');
	if (!colon || !parse_kind(text, (size_t)(colon - text)) || colon[1] < '1' || colon[1] > '9')
		bad_plan(text);
	char *end;
	errno = 0;
	plan.nth = strtoull(colon + 1, &end, 10);
	if (errno)
		bad_plan(text);
	if (*end == '+') {
		plan.onwards = true;
		end++;
	}
	if (*end != ':' || (plan.what = parse_what(end + 1)) == 0)
		bad_plan(text);
	if (plan.what == WHAT_SHORT && plan.kind != VST_FAULT_READ && plan.kind != VST_FAULT_WRITE)
		bad_plan(text);
	/* Retried for ever. */
	if (plan.what == EINTR && plan.onwards)
		bad_plan(text);
	plan.active = true;
}

static unsigned long long count_step(const char *name)
{
	unsigned long long count = 0;
	pthread_mutex_lock(&steps_lock);
	size_t i = 0;
	while (i < step_count && strcmp(steps[i].name, name) != 0)
		i++;
	if (i == step_count) {
		if (i == STEPS_MAX || strlen(name) >= NAME_MAX_LEN)
			abort();
		strcpy(steps[i].name, name);
		step_count++;
	}
	count = ++steps[i].count;
	pthread_mutex_unlock(&steps_lock);
	return count;
}

int vst_fault(enum vst_fault kind, const char *step)
{
	pthread_once(&once, parse_plan);
	unsigned long long count = atomic_fetch_add(&counts[kind], 1) + 1;
	if (kind == VST_FAULT_STEP)
		count = count_step(step);

	if (!plan.active || plan.kind != kind || (kind == VST_FAULT_STEP && strcmp(plan.step, step) != 0))
		return 0;
	if (count < plan.nth || (count > plan.nth && !plan.onwards))
		return 0;
	if (plan.what == WHAT_KILL) {
		raise(SIGKILL);
		for (;;)
			pause();
	}
	return plan.what;
}

#endif
