#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "vestige/buf.h"
#include "vestige/checkpoint.h"
#include "vestige/err.h"
#include "vestige/signer.h"

#define ORIGIN "vestige/9f3c61d2"
#define ROOT "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="
#define TEXT ORIGIN "\n13\n" ROOT "\n"

static struct vst_signer *log_signer, *other;
static struct vst_note_key log_key, other_key;

static struct vst_checkpoint sample(void)
{
	struct vst_checkpoint checkpoint = {.origin = ORIGIN, .size = 13};

	memset(checkpoint.root, 0xaa, VST_HASH_LEN);
	return checkpoint;
}

static int make_keys(void **state)
{
	uint8_t seed[VST_ED25519_SEED_LEN] = {1};

	(void)state;
	if (vst_signer_from_seed(seed, &log_signer, NULL) != 0)
		return -1;
	seed[0] = 2;
	if (vst_signer_from_seed(seed, &other, NULL) != 0)
		return -1;
	if (vst_note_key_make(ORIGIN, vst_signer_public(log_signer)->key, &log_key, NULL) != 0)
		return -1;
	return vst_note_key_make("alice", vst_signer_public(other)->key, &other_key, NULL);
}

static int free_keys(void **state)
{
	(void)state;
	vst_signer_free(log_signer);
	vst_signer_free(other);
	return 0;
}

static void checkpoint_text_is_three_lines(void **state)
{
	struct vst_checkpoint checkpoint = sample(), again;
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	vst_checkpoint_text(&checkpoint, &text);
	assert_string_equal(vst_buf_cstr(&text), TEXT);
	assert_int_equal(vst_checkpoint_parse(text.data, text.len, &again, NULL), 0);
	assert_string_equal(again.origin, ORIGIN);
	assert_int_equal(again.size, 13);
	assert_memory_equal(again.root, checkpoint.root, VST_HASH_LEN);
	vst_buf_free(&text);
}

static void checkpoint_refuses_other_texts(void **state)
{
	static const char *const texts[] = {
	        "",
	        "\n",
	        "\n13\n" ROOT "\n",
	        ORIGIN,
	        ORIGIN "\n",
	        ORIGIN "\n13\n",
	        ORIGIN "\n13\n" ROOT,
	        ORIGIN "\n13\n" ROOT "\nmore\n",
	        ORIGIN "\n13\n" ROOT "\n\n",
	        ORIGIN "\n013\n" ROOT "\n",
	        ORIGIN "\n+13\n" ROOT "\n",
	        ORIGIN "\n13 \n" ROOT "\n",
	        ORIGIN "\n-1\n" ROOT "\n",
	        ORIGIN "\n\n" ROOT "\n",
	        ORIGIN "\n18446744073709551616\n" ROOT "\n",
	        ORIGIN "\n13\nqqqq\n",
	        ORIGIN "\n13\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\n",
	        ORIGIN "\n13\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq=\n", /* stray bits */
	        ORIGIN "\n13\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo\n",
	        ORIGIN "\r\n13\n" ROOT "\n",
	        "a\x1b[2J\n13\n" ROOT "\n",
	        "\xff\n13\n" ROOT "\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct vst_checkpoint checkpoint = {.size = 77};

		if (vst_checkpoint_parse(texts[i], strlen(texts[i]), &checkpoint, NULL) != VST_EFORMAT)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(checkpoint.size, 77);
	}
	assert_int_equal(
	        vst_checkpoint_parse("a\0b\n1\n" ROOT "\n", 4 + 2 + 45, &(struct vst_checkpoint){0}, NULL),
	        VST_EFORMAT);
}

static void checkpoint_takes_the_largest_size(void **state)
{
	struct vst_checkpoint checkpoint;
	static const char text[] = ORIGIN "\n18446744073709551615\n" ROOT "\n";

	(void)state;
	assert_int_equal(vst_checkpoint_parse(text, strlen(text), &checkpoint, NULL), 0);
	assert_true(checkpoint.size == UINT64_MAX);
}

static void checkpoint_refuses_an_origin_that_is_too_long(void **state)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_checkpoint checkpoint;

	(void)state;
	for (int i = 0; i < VST_NOTE_NAME_MAX + 1; i++)
		vst_buf_byte(&text, 'a');
	vst_buf_text(&text, "\n13\n" ROOT "\n");
	assert_int_equal(vst_checkpoint_parse(text.data, text.len, &checkpoint, NULL), VST_EFORMAT);
	assert_int_equal(vst_checkpoint_parse(text.data + 1, text.len - 1, &checkpoint, NULL), 0);
	vst_buf_free(&text);
}

static void checkpoint_opens_what_it_signed(void **state)
{
	struct vst_checkpoint checkpoint = sample(), again;
	struct vst_buf note = VST_BUF_INIT;

	(void)state;
	assert_int_equal(vst_checkpoint_sign(&checkpoint, log_signer, "alice", other, &note, NULL), 0);
	assert_memory_equal(
	        note.data, TEXT "\n\xe2\x80\x94 " ORIGIN " ", strlen(TEXT) + 1 + 4 + strlen(ORIGIN) + 1);
	assert_int_equal(vst_checkpoint_open(note.data, note.len, &log_key, &other_key, &again, NULL), 0);
	assert_int_equal(again.size, 13);
	assert_int_equal(vst_checkpoint_open(note.data, note.len, &log_key, NULL, &again, NULL), 0);
	vst_buf_free(&note);
}

static void checkpoint_open_wants_the_signatures(void **state)
{
	struct vst_checkpoint checkpoint = sample(), again;
	struct vst_buf note = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	assert_int_equal(vst_checkpoint_sign(&checkpoint, log_signer, NULL, NULL, &note, NULL), 0);
	assert_int_equal(vst_checkpoint_open(note.data, note.len, &log_key, NULL, &again, NULL), 0);
	assert_int_equal(
	        vst_checkpoint_open(note.data, note.len, &log_key, &other_key, &again, &err), VST_EAUTH);
	assert_string_equal(err.text, "checkpoint: not signed by alice");
	assert_int_equal(vst_checkpoint_open(note.data, note.len, &other_key, NULL, &again, NULL), VST_EAUTH);
	vst_buf_free(&note);
}

static void checkpoint_open_refuses_another_log(void **state)
{
	struct vst_checkpoint checkpoint = sample(), again;
	struct vst_buf text = VST_BUF_INIT, note = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	strcpy(checkpoint.origin, "vestige/00000000");
	vst_checkpoint_text(&checkpoint, &text);
	assert_int_equal(vst_note_begin(text.data, text.len, &note, NULL), 0);
	assert_int_equal(vst_note_add_signature(log_signer, ORIGIN, &note, NULL), 0);
	assert_int_equal(vst_checkpoint_open(note.data, note.len, &log_key, NULL, &again, &err), VST_EAUTH);
	assert_string_equal(err.text, "checkpoint: of another log");
	vst_buf_free(&text);
	vst_buf_free(&note);
}

static void checkpoint_open_refuses_every_flipped_byte(void **state)
{
	struct vst_checkpoint checkpoint = sample(), again;
	struct vst_buf note = VST_BUF_INIT;

	(void)state;
	assert_int_equal(vst_checkpoint_sign(&checkpoint, log_signer, "alice", other, &note, NULL), 0);
	for (size_t i = 0; i < note.len; i++) {
		int rc;

		note.data[i] ^= 1;
		rc = vst_checkpoint_open(note.data, note.len, &log_key, &other_key, &again, NULL);
		assert_true(rc == VST_EAUTH || rc == VST_EFORMAT);
		note.data[i] ^= 1;
	}
	for (size_t len = 0; len < note.len; len++) {
		int rc = vst_checkpoint_open(note.data, len, &log_key, &other_key, &again, NULL);

		assert_true(rc == VST_EAUTH || rc == VST_EFORMAT);
	}
	vst_buf_free(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(checkpoint_text_is_three_lines),
	        cmocka_unit_test(checkpoint_refuses_other_texts),
	        cmocka_unit_test(checkpoint_takes_the_largest_size),
	        cmocka_unit_test(checkpoint_refuses_an_origin_that_is_too_long),
	        cmocka_unit_test(checkpoint_opens_what_it_signed),
	        cmocka_unit_test(checkpoint_open_wants_the_signatures),
	        cmocka_unit_test(checkpoint_open_refuses_another_log),
	        cmocka_unit_test(checkpoint_open_refuses_every_flipped_byte),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
