/*
 * Whether the series of snapshots has holes. They are no fault of the case: what it has is good. But somebody
 * should know why nobody looked at the host then.
 */
#include <stdlib.h>

#include "vestige/err.h"
#include "vestige/series_holes.h"
#include "vestige/timefmt.h"
#include "workflow/verify_internal.h"

#define TOLD_MAX 10 /* the newest ones; a host that sleeps at weekends has many */

static void say_hole(struct verification *v, const struct vst_series_hole *hole)
{
	char text[VST_SERIES_HOLE_TEXT], from[VST_TIME_TEXT], to[VST_TIME_TEXT];

	vst_series_hole_text(hole, text);
	if (hole->kind == VST_HOLE_NUMBERS) {
		verify_say(v, VST_NOTE, "series", NULL, "%s; no file of it is there", text);
		return;
	}
	vst_time_format(hole->from / VST_NS_PER_S * VST_NS_PER_S, from);
	vst_time_format(hole->to / VST_NS_PER_S * VST_NS_PER_S, to);
	verify_say(v, VST_NOTE, "series",
	        hole->kind == VST_HOLE_LATE
	                ? "if the series was to go on: systemctl list-timers, journalctl -u UNIT"
	                : NULL,
	        "%s, from %s to %s", text, from, to);
}

int verify_series(struct verification *v, struct vst_err *err)
{
	struct vst_series_hole *holes = NULL;
	size_t count = 0, from;
	int rc = vst_case_holes(&v->c, false, vst_time_now(), &holes, &count, err);

	if (rc != 0)
		return rc;
	from = count > TOLD_MAX ? count - TOLD_MAX : 0;
	if (from > 0)
		verify_say(v, VST_NOTE, "series", NULL, "%zu earlier holes: vestige log shows them", from);
	for (size_t i = from; i < count && v->stopped == 0; i++)
		say_hole(v, &holes[i]);
	free(holes);
	return v->stopped;
}
