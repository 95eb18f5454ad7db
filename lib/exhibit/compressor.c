#include "exhibit/compressor.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "vestige/err.h"
#include "vestige/mem.h"

/*
 * Efforts, measured on frames of 4 MiB by the time of the thread, against level 3. Short matches are what costs time in logs
 * and what text of all sorts lives on, so each gets a setting of its own; the tables are small enough for the caches.
 *
 *     access logs, sessions   REDUNDANT 0.73 of the time, 0.95 of the size     level 1: 0.77, 0.95
 *     access logs, random     REDUNDANT 0.54 of the time, 0.99 of the size     level 1: 0.57, 0.99
 *     syslog                  REDUNDANT 0.62 of the time, 0.98 of the size     level 1: 0.59, 0.98
 *     small files             DENSE     0.90 of the time, 1.010 of the size    level 1: 0.92, 1.060
 *     machine code            DENSE     0.74 of the time, 1.053 of the size    level 1: 0.61, 1.127
 *     random bytes            PASS      0.62 of the time, the same size
 */
enum effort { REDUNDANT, DENSE, PASS };

static const struct {
	int level, strategy, hash_log, chain_log, min_match;
} efforts[] = {
        [REDUNDANT] = {1, ZSTD_fast, 14, 0, 7},
        [DENSE] = {3, ZSTD_dfast, 15, 12, 5},
        [PASS] = {-50, ZSTD_fast, 0, 0, 0},
};
#define WINDOW_LOG 22 /* a whole frame */

/*
 * Samples, one from each part of the frame and compressed each on its own, tell which. Where in its part a sample lies is
 * irregular: databases and journals repeat themselves in powers of two, and samples in step with them would see one kind
 * of page only.
 */
#define SAMPLE_LEN ((size_t)4 * 1024)
#define SAMPLES 8
#define PASS_PERCENT 98      /* left of every sample: nothing to gain */
#define REDUNDANT_PERCENT 25 /* left of all of them together, or less */

struct vst_compressor {
	ZSTD_CCtx *context, *probe;
	uint8_t *sample; /* compressed, and thrown away */
	size_t sample_cap;
};

static int zstd_failed(size_t result, const char *what, struct vst_err *err)
{
	if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		return vst_err_nomem(err);
	return vst_err_set(err, VST_ELIBRARY, "zstd: %s: %s", what, ZSTD_getErrorName(result));
}

int vst_compressor_new(struct vst_compressor **ret, struct vst_err *err)
{
	struct vst_compressor *compressor = vst_calloc(1, sizeof *compressor);
	if (!compressor)
		return vst_err_nomem(err);
	compressor->sample_cap = ZSTD_compressBound(SAMPLE_LEN);
	compressor->sample = vst_alloc(compressor->sample_cap);
	compressor->context = ZSTD_createCCtx();
	compressor->probe = ZSTD_createCCtx();
	if (!compressor->sample || !compressor->context || !compressor->probe) {
		vst_compressor_free(compressor);
		return vst_err_nomem(err);
	}
	*ret = compressor;
	return 0;
}

void vst_compressor_free(struct vst_compressor *compressor)
{
	if (!compressor)
		return;
	ZSTD_freeCCtx(compressor->context);
	ZSTD_freeCCtx(compressor->probe);
	free(compressor->sample);
	free(compressor);
}

size_t vst_compressor_bound(size_t len)
{
	return ZSTD_compressBound(len);
}

/* A sample that cannot be compressed for some reason says nothing: the frame itself will tell. */
static enum effort choose_effort(struct vst_compressor *compressor, const uint8_t *data, size_t len)
{
	size_t step = len / SAMPLES, left = 0;
	uint32_t dice = 0x9e3779b9;
	bool gain = false;
	if (step < 2 * SAMPLE_LEN)
		return DENSE;
	for (size_t i = 0; i < SAMPLES; i++) {
		dice = dice * 1664525 + 1013904223; /* any fixed sequence would do: frames stay reproducible */
		size_t got = ZSTD_compressCCtx(compressor->probe, compressor->sample, compressor->sample_cap,
		        data + i * step + (dice >> 8) % (step - SAMPLE_LEN), SAMPLE_LEN, 1);
		if (ZSTD_isError(got))
			return DENSE;
		gain |= got * 100 < SAMPLE_LEN * PASS_PERCENT;
		left += got;
	}
	if (!gain)
		return PASS;
	return left * 100 <= SAMPLES * SAMPLE_LEN * REDUNDANT_PERCENT ? REDUNDANT : DENSE;
}

static int set_effort(ZSTD_CCtx *context, enum effort effort, struct vst_err *err)
{
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} settings[] = {
	        {ZSTD_c_compressionLevel, efforts[effort].level},
	        {ZSTD_c_checksumFlag, 1},
	        {ZSTD_c_windowLog, WINDOW_LOG},
	        {ZSTD_c_strategy, efforts[effort].strategy},
	        {ZSTD_c_hashLog, efforts[effort].hash_log},
	        {ZSTD_c_chainLog, efforts[effort].chain_log},
	        {ZSTD_c_minMatch, efforts[effort].min_match},
	};
	size_t result = ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
	for (size_t i = 0; i < sizeof settings / sizeof *settings && !ZSTD_isError(result); i++)
		result = ZSTD_CCtx_setParameter(context, settings[i].parameter, settings[i].value);
	return ZSTD_isError(result) ? zstd_failed(result, "set up", err) : 0;
}

int vst_compressor_frame(struct vst_compressor *compressor, const void *data, size_t len, void *ret,
        size_t cap, size_t *ret_len, struct vst_err *err)
{
	int rc = set_effort(compressor->context, choose_effort(compressor, data, len), err);
	size_t result;
	if (rc != 0)
		return rc;
	result = ZSTD_compress2(compressor->context, ret, cap, data, len);
	if (ZSTD_isError(result))
		return zstd_failed(result, "compress", err);
	*ret_len = result;
	return 0;
}
