#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collect/journal_hash.h"

/* The vectors that lookup3.c gives for hashlittle2(). */
static void journal_hash_is_lookup3(void **state)
{
	(void)state;
	assert_int_equal(vst_journal_hash("", 0), UINT64_C(0xdeadbeefdeadbeef));
	assert_int_equal(
	        vst_journal_hash("Four score and seven years ago", 30), UINT64_C(0x17770551ce7226e6));
}

/* An entry that systemd-journal-remote 252 wrote, by its cursor. */
static void journal_fields_are_those_of_a_real_entry(void **state)
{
	static const char *const fields[] = {"_BOOT_ID=0000000000000000000000000000b001",
	        "_SYSTEMD_UNIT=ssh.service", "_PID=100", "PRIORITY=6", "MESSAGE=message 0"};
	struct vst_journal_fields all = {0}, less = {0};
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		vst_journal_fields_add(&all, fields[i], strlen(fields[i]));
		if (i != 2)
			vst_journal_fields_add(&less, fields[i], strlen(fields[i]));
	}
	const uint64_t written = UINT64_C(0x870b0a5f4fac7f31);
	assert_true(vst_journal_fields_are(&all, written));
	assert_false(vst_journal_fields_are(&less, written));
	/* Fields given twice. */
	assert_true(vst_journal_fields_are(&all, written ^ all.hashes[1]));
	assert_true(vst_journal_fields_are(&all, written ^ all.hashes[1] ^ all.hashes[4]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(journal_hash_is_lookup3),
	        cmocka_unit_test(journal_fields_are_those_of_a_real_entry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
