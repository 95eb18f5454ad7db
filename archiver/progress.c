#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "vestige/text.h"

#define BAR_CELLS 19
#define REDRAW_SECONDS 0.1
#define RATE_AFTER_SECONDS 0.5 /* before that a rate says nothing */

static struct {
	bool on, drawn;
	double started, last;
} state;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_start(bool wanted)
{
	state.started = now();
	state.on = wanted && isatty(STDERR_FILENO);
}

bool progress_is_on(void)
{
	return state.on;
}

double progress_seconds(void)
{
	return now() - state.started;
}

void progress_duration(double seconds, char ret_text[24])
{
	unsigned long whole = seconds < 0 ? 0 : (unsigned long)(seconds + 0.5);
	if (whole >= 3600)
		snprintf(ret_text, 24, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
	else
		snprintf(ret_text, 24, "%lu:%02lu", whole / 60, whole % 60);
}

static void draw_bar(struct vst_buf *line, double part)
{
	int full = (int)(part * BAR_CELLS);
	for (int i = 0; i < BAR_CELLS; i++)
		vst_buf_text(line, i < full ? "█" : "░");
}

static void compose(struct vst_buf *line, const struct progress *progress, double seconds)
{
	char done[16], total[16], count[32], rate[16], left[24];
	vst_text_size(progress->done, done);
	vst_text_size(progress->total, total);
	vst_text_count(progress->items, count);
	vst_buf_printf(line, "%-10.40s ", cli_show_text(progress->label));
	if (progress->total > 0) {
		double part = progress->done >= progress->total
		                      ? 1
		                      : (double)progress->done / (double)progress->total;
		vst_buf_printf(line, "%s of %s  ", done, total);
		draw_bar(line, part);
	} else {
		vst_buf_text(line, done);
	}
	if (progress->items > 0)
		vst_buf_printf(line, "  %s items", count);
	if (seconds < RATE_AFTER_SECONDS)
		return;
	double per_second = (double)progress->done / seconds;
	vst_text_size((uint64_t)per_second, rate);
	vst_buf_printf(line, "  %s/s", rate);
	if (progress->total > progress->done && per_second > 0) {
		progress_duration((double)(progress->total - progress->done) / per_second, left);
		vst_buf_printf(line, "  %s left", left);
	}
}

/* Cuts to the terminal's width, counting each UTF-8 sequence as one column: labels are the only foreign text
 * and are short. */
static size_t cut_to_columns(const struct vst_buf *line, unsigned columns)
{
	unsigned used = 0;
	for (size_t i = 0; i < line->len; i++)
		if ((line->data[i] & 0xc0) != 0x80 && used++ == columns)
			return i;
	return line->len;
}

void progress_update(const struct progress *progress)
{
	struct winsize size;
	struct vst_buf line = VST_BUF_INIT;
	double t = state.on ? now() : 0;
	if (!state.on || t - state.last < REDRAW_SECONDS)
		return;
	state.last = t;
	unsigned columns =
	        ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
	compose(&line, progress, t - state.started);
	if (!line.failed) {
		fputs("\r\033[K", stderr);
		fwrite(line.data, 1, cut_to_columns(&line, columns), stderr);
		fflush(stderr);
		state.drawn = true;
	}
	vst_buf_free(&line);
}

void progress_clear(void)
{
	if (!state.drawn)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	state.drawn = false;
}
