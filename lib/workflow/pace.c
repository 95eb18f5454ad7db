#include "workflow/pace.h"

#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vestige/isolated.h"
#include "vestige/timefmt.h"

#define WINDOW (VST_NS_PER_S)           /* what was not used in time is not saved beyond this */
#define SLEEP_MAX (VST_NS_PER_S / 4)    /* so that an end that is asked for is heard */
#define LOOK_EVERY (VST_NS_PER_S / 100) /* at processor time: a system call */

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	if (clock_gettime(clock, &now) != 0)
		return 0;
	return (int64_t)now.tv_sec * VST_NS_PER_S + now.tv_nsec;
}

static uint64_t cpu_used(const struct pace *pace)
{
	uint64_t own = (uint64_t)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	return own + (pace->isolated ? vst_isolated_cpu(pace->isolated) : 0);
}

void pace_start(struct pace *pace, const struct vst_policy_limits *limits)
{
	*pace = (struct pace){.read_rate = limits->read_rate, .cpu = limits->cpu};
	pace->rate_from = pace->cpu_from = pace->checked = clock_ns(CLOCK_MONOTONIC);
	/* `used` stays 0: what it took to come here counts too. Where a scheduler does not know priorities,
	 * or we may not set them, it stays as it was: nothing depends on it. */
	if (limits->io_idle)
		syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static void sleep_ns(int64_t ns)
{
	if (ns <= 0)
		return;
	if (ns > SLEEP_MAX)
		ns = SLEEP_MAX;
	const struct timespec wait = {ns / VST_NS_PER_S, ns % VST_NS_PER_S};
	nanosleep(&wait, NULL);
}

/* How long `used` of a budget that grows by `per_second` each second takes, in ns. */
static int64_t span_of(uint64_t used, double per_second)
{
	double ns = (double)used / per_second * (double)VST_NS_PER_S;
	return ns > 1e18 ? (int64_t)1e18 : (int64_t)ns;
}

static void keep_rate(struct pace *pace, uint64_t bytes)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	pace->bytes += bytes;
	int64_t due = pace->rate_from + span_of(pace->bytes, (double)pace->read_rate);
	if (due < now - WINDOW) { /* slower than allowed for long: only one window of that is kept */
		pace->rate_from = now - WINDOW;
		pace->bytes = 0;
	}
	sleep_ns(due - now);
}

static void keep_share(struct pace *pace)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	if (now - pace->checked < LOOK_EVERY)
		return;
	pace->checked = now;
	uint64_t used = cpu_used(pace), since = used > pace->used ? used - pace->used : 0;
	int64_t due = pace->cpu_from + (int64_t)(since * 100 / pace->cpu);
	if (due < now - WINDOW) {
		pace->cpu_from = now - WINDOW;
		pace->used = used;
	}
	sleep_ns(due - now);
}

void pace_keep(struct pace *pace, uint64_t bytes)
{
	if (pace->read_rate && bytes > 0)
		keep_rate(pace, bytes);
	if (pace->cpu)
		keep_share(pace);
}
