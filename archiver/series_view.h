/*
 * A series of snapshots at a glance: one line an exhibit, in columns that `list` and `log --graph` share and
 * that fit 100 columns.
 *
 *     exhibit sealed             in      stored  content  items  changes        findings
 *     EX0001  2026-11-22T03:40Z  full    311 MiB 2.4 GiB  13,022
 *     EX0002  2026-11-23T03:40Z  EX0001  3.1 MiB 2.4 GiB  13,025 +5 -2 ~31      1 high 2 med
 */
#ifndef ARCHIVER_SERIES_VIEW_H
#define ARCHIVER_SERIES_VIEW_H

#include "cli.h"
#include "vestige/custody.h"
#include "vestige/series_holes.h"

/* Whether the case has any exhibit that states its place in a series. */
bool series_view_is_series(const struct vst_custody *custody);

/* The heading, on a terminal only: whatever reads a pipe wants exhibits. `graph`: for the lines of a
 * graph. */
void series_view_heading(const struct cli *cli, bool graph);

/* One exhibit. `graph`: what is drawn before it, in place of the column that names its generation; NULL:
   none. `gone`: it is no longer kept, and is shown dimmed. */
void series_view_line(
        const struct cli *cli, const struct vst_custody_exhibit *exhibit, const char *graph, bool gone);

/* What was not had, in one cell: "3 denied, 1 error"; nothing if all was. */
void series_view_lacking(const struct vst_seal *seal, struct vst_buf *out);

/* {"type":"exhibit",…} */
void series_view_json(const struct vst_custody_exhibit *exhibit);
/* {"type":"hole",…} */
void series_view_json_hole(const struct vst_series_hole *hole);

/* Draws the generations of the case, and its holes. */
void series_view_graph(const struct cli *cli, const struct vst_custody *custody,
        const struct vst_series_hole *holes, size_t hole_count);

#endif
