/*
 * case.json: what a case is called, and the key of its log. Its digest stands in every event.
 *
 * Format 1, one JSON object without white space, LF at the end, keys in this order: format, id, title, number
 * (null if none), created, log {origin, key}, regimes. The key is written as a signed note's verifier key,
 * `origin+hex8+base64`, so that stock tools for transparency logs take it as it stands.
 */
#ifndef VESTIGE_CASE_FILE_H
#define VESTIGE_CASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/note.h"

#define VST_CASE_FILE_MAX (64 * 1024)
#define VST_CASE_ID_DIGITS 32
#define VST_CASE_ORIGIN_TEXT 17 /* `vestige/`, 8 digits, NUL */
#define VST_CASE_TITLE_MAX 1000 /* bytes */
#define VST_CASE_NUMBER_MAX 255
#define VST_CASE_REGIMES_MAX 64
#define VST_CASE_REGIME_MAX 63

struct vst_err;

struct vst_case_file {
	char *id;     /* 16 random bytes in lower-case hexadecimal */
	char *title;  /* UTF-8, no control characters, not empty */
	char *number; /* the reference number of an authority or a firm; NULL if none */
	int64_t created;
	struct vst_note_key log_key; /* its name is the log's origin, `vestige/` and 8 digits of the id */
	char **regimes;              /* words: a-z, 0-9, '_', '-', each once */
	size_t regime_count;
};

/* The origin of the log of the case with this id: the name to make its log key with. VST_EUSAGE if it is no
 * id. */
int vst_case_file_origin(const char *id, char ret_origin[VST_CASE_ORIGIN_TEXT], struct vst_err *err);

/* Appends. VST_EUSAGE says which field cannot be written. */
int vst_case_file_encode(const struct vst_case_file *file, struct vst_buf *out, struct vst_err *err);
/* Strict: encodes back to the same bytes, else VST_EFORMAT. VST_EVERSION for another format, VST_ELIMIT. */
int vst_case_file_parse(const void *bytes, size_t len, struct vst_case_file **ret, struct vst_err *err);
void vst_case_file_free(struct vst_case_file *file);

#endif
