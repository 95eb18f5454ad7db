#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exhibit_kit.h"
#include "vestige/exhibit_salvage.h"

#define CHUNK 65536
#define SEALED (CHUNK + 16)
#define FRAME 65536
#define NOISE 300000

/* What a salvage gave: `state path type what` a line; and a line for each damage. */
struct gave {
	struct vst_buf items, damage;
	struct vst_salvage_result result;
	char dir[64];
	int dirfd;
};

static int on_damage(void *ctx, const struct vst_salvage_damage *damage, struct vst_err *err)
{
	struct gave *gave = ctx;

	(void)err;
	vst_buf_printf(&gave->damage, "%llu+%llu %s\n", (unsigned long long)damage->offset,
	        (unsigned long long)damage->len, damage->what);
	return 0;
}

static int on_item(void *ctx, const struct vst_item *item, enum vst_salvage_state state, const char *what,
        struct vst_err *err)
{
	struct gave *gave = ctx;

	(void)err;
	vst_buf_printf(&gave->items, "%s %s %s|%s\n", vst_salvage_state_name(state), item->path,
	        vst_item_type_name(item->type), what ? what : "");
	return 0;
}

static int salvage_rc(struct kit *kit, struct gave *gave, bool out)
{
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	struct vst_salvage_options options = {
	        .out_dirfd = -1, .damage = on_damage, .item = on_item, .ctx = gave};
	struct vst_err err = VST_ERR_INIT;

	memset(gave, 0, sizeof(*gave));
	gave->dirfd = -1;
	if (out) {
		strcpy(gave->dir, "/tmp/vestige-salvage-XXXXXX");
		assert_non_null(mkdtemp(gave->dir));
		gave->dirfd = options.out_dirfd = open(gave->dir, O_RDONLY | O_DIRECTORY);
	}
	return vst_exhibit_salvage(&in, &kit->identities, &options, &gave->result, &err);
}

static void salvage(struct kit *kit, struct gave *gave)
{
	assert_int_equal(salvage_rc(kit, gave, true), 0);
}

static void gave_free(struct gave *gave)
{
	char command[128];

	vst_buf_free(&gave->items);
	vst_buf_free(&gave->damage);
	if (gave->dirfd < 0)
		return;
	close(gave->dirfd);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", gave->dir);
	assert_int_equal(system(command), 0);
}

static void assert_gave(struct gave *gave, const char *what)
{
	if (strstr(vst_buf_cstr(&gave->items), what) == NULL)
		fail_msg("not given: %s\nbut:\n%s\ndamage:\n%s", what, vst_buf_cstr(&gave->items),
		        vst_buf_cstr(&gave->damage));
}

static void assert_not_gave(struct gave *gave, const char *what)
{
	if (strstr(vst_buf_cstr(&gave->items), what) != NULL)
		fail_msg("given: %s\nin:\n%s", what, vst_buf_cstr(&gave->items));
}

static void assert_file(struct gave *gave, const char *name, const void *data, size_t len)
{
	struct vst_buf is = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	if (vst_io_read_file(gave->dirfd, name, 64 * 1024 * 1024, &is, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(is.len, len);
	assert_memory_equal(is.data, data, len);
	vst_buf_free(&is);
}

static void assert_no_temporary_files(struct gave *gave)
{
	DIR *dir = opendir(gave->dir);

	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (strncmp(entry->d_name, ".salvage", 8) == 0)
			fail_msg("left behind: %s", entry->d_name);
	closedir(dir);
}

static uint8_t *noise(uint32_t seed, size_t len)
{
	uint8_t *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	return data;
}

/* /1 … /9: files of noise that does not compress, each over several frames and chunks. */
static struct kit *noise_kit(size_t frame, bool table)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	char path[8];

	for (uint32_t i = 1; i <= 9; i++) {
		uint8_t *data = noise(i, NOISE);

		(void)snprintf(path, sizeof(path), "/%u", i);
		kit_file(kit, path, data, NOISE);
		free(data);
	}
	kit_finish(kit);
	kit_unpack(kit);
	kit_pack(kit, frame, table);
	return kit;
}

/* The age chunk that holds the frame with byte `at` of the tar, or a later one. */
static size_t chunk_of(const struct kit *kit, size_t at, size_t frame)
{
	return kit->frames_at[at / frame] / CHUNK;
}

static void damage_chunk(struct kit *kit, size_t index)
{
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	uint64_t header = 0;

	assert_int_equal(vst_age_header_len(&in, &header, NULL), 0);
	kit->file.data[header + 16 + index * SEALED + 100] ^= 1;
}

/* ---- nothing wrong ---- */

static void salvage_gives_everything_of_a_good_file(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256 | VST_HASH_MD5);
	static const struct vst_item_extent extents[] = {{4096, 4096}, {20480, 100}};
	uint8_t *big = noise(3, 9 * 1024 * 1024), *logical = calloc(1, 1 << 20);
	struct vst_item item;
	struct gave gave;
	struct stat st;

	(void)state;
	kit_stat(&item, "/var/log", VST_ITEM_DIRECTORY);
	kit_item(kit, &item, NULL);
	kit_file(kit, "/var/log/big", big, 9 * 1024 * 1024);
	kit_stat(&item, "/var/log/lastlog", VST_ITEM_FILE);
	item.size = 1 << 20;
	item.is_sparse = true;
	item.extents = extents;
	item.extent_count = 2;
	kit_put(kit, &item, big, 4196);
	memcpy(logical + 4096, big, 4096);
	memcpy(logical + 20480, big + 4096, 100);
	kit_stat(&item, "/var/log/link", VST_ITEM_SYMLINK);
	item.target = "/etc/passwd";
	item.size = strlen(item.target);
	kit_item(kit, &item, NULL);
	kit_stat(&item, "/var/log/hard", VST_ITEM_FILE);
	kit_item(kit, &item, "/var/log/big");
	kit_stream(kit, "/proc/journal", big, 9 * 1024 * 1024);
	kit_stat(&item, "/etc/shadow", VST_ITEM_FILE);
	item.status = VST_ITEM_DENIED;
	item.error = 13;
	kit_item(kit, &item, NULL);
	kit_finish(kit);
	salvage(kit, &gave);
	assert_string_equal(vst_buf_cstr(&gave.damage), "");
	assert_int_equal(gave.result.whole, kit->expect.items);
	assert_int_equal(gave.result.partial + gave.result.unverified + gave.result.missing, 0);
	assert_file(&gave, "whole/items/logs/var/log/big", big, 9 * 1024 * 1024);
	assert_file(&gave, "whole/items/logs/var/log/lastlog", logical, 1 << 20);
	assert_file(&gave, "whole/items/logs/proc/journal/part-000001", big, 8 * 1024 * 1024);
	assert_file(&gave, "whole/items/logs/proc/journal/part-000002", big + 8 * 1024 * 1024, 1024 * 1024);
	assert_file(&gave, "whole/items/logs/var/log/link", "/etc/passwd", 11);
	assert_int_equal(fstatat(gave.dirfd, "whole/items/logs/var/log/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(fstatat(gave.dirfd, "whole/items/logs/var/log", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_gave(&gave, "whole /var/log/hard file|hard link to items/logs/var/log/big");
	assert_no_temporary_files(&gave);
	gave_free(&gave);
	free(big);
	free(logical);
	kit_free(kit);
}

static void salvage_finds_frames_without_the_table(void **state)
{
	struct kit *kit = noise_kit(FRAME, false);
	struct gave gave;

	(void)state;
	salvage(kit, &gave);
	assert_int_equal(gave.result.whole, kit->expect.items);
	gave_free(&gave);
	kit_free(kit);
}

/* ---- damage with the table ---- */

static void salvage_loses_only_what_a_damaged_chunk_holds(void **state)
{
	struct kit *kit = noise_kit(FRAME, true);
	struct kit_member member = kit_find(kit, "items/logs/5");
	uint8_t *data = noise(5, NOISE);
	struct gave gave;
	struct stat st;
	size_t from = 0, to = 0;
	char *text = NULL;

	(void)state;
	damage_chunk(kit, chunk_of(kit, member.body + NOISE / 2, FRAME));
	salvage(kit, &gave);
	assert_int_equal(gave.result.whole, kit->expect.items - 1);
	assert_int_equal(gave.result.partial, 1);
	assert_gave(&gave, "partial /5 file|bytes missing: ");
	text = strstr(vst_buf_cstr(&gave.items), "bytes missing: ");
	for (text = strchr(text, ':'); *text != '\n'; text = strpbrk(text, ",\n")) {
		assert_int_equal(sscanf(text + 1, "%zu to %zu", &from, &to), 2);
		assert_true(from > 0 && to >= from && to < NOISE && to - from < 2 * FRAME);
		memset(data + from, 0, to - from + 1);
		text++;
	}
	assert_int_equal(fstatat(gave.dirfd, "partial/items/logs/5", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_file(&gave, "partial/items/logs/5", data, NOISE);
	assert_non_null(strstr(vst_buf_cstr(&gave.damage), "does not authenticate"));
	assert_true(gave.result.damaged_bytes >= SEALED);
	assert_no_temporary_files(&gave);
	gave_free(&gave);
	free(data);
	kit_free(kit);
}

static void salvage_finds_the_rest_of_a_file_whose_header_is_lost(void **state)
{
	struct kit *kit = noise_kit(FRAME, true);
	struct kit_member member = kit_find(kit, "items/logs/5");
	struct gave gave;

	(void)state;
	/* the frame in which /5 begins, and with it the end of /4 */
	damage_chunk(
	        kit, (kit->frames_at[member.at / FRAME] + kit->frames_at[member.at / FRAME + 1]) / 2 / CHUNK);
	salvage(kit, &gave);
	assert_gave(&gave, "partial /4 file|bytes missing: ");
	assert_gave(&gave, "partial /5 file|its tar header is lost; bytes missing: 0 to ");
	assert_int_equal(gave.result.whole, kit->expect.items - 2);
	gave_free(&gave);
	kit_free(kit);
}

static void salvage_says_what_is_missing_altogether(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	uint8_t *data = noise(1, 3 * FRAME);
	struct kit_member small;
	struct gave gave;

	(void)state;
	kit_file(kit, "/big", data, 2 * FRAME + FRAME / 2);
	kit_text(kit, "/small", "gone");
	kit_file(kit, "/rest", data, 3 * FRAME);
	kit_finish(kit);
	kit_unpack(kit);
	kit_pack(kit, FRAME, true);
	small = kit_find(kit, "items/logs/small");
	damage_chunk(kit, chunk_of(kit, small.at, FRAME));
	damage_chunk(kit, chunk_of(kit, small.at, FRAME) + 1);
	salvage(kit, &gave);
	assert_gave(&gave, "partial /small file|nothing of it is left but its manifest line");
	assert_int_equal(gave.result.missing, 1);
	gave_free(&gave);
	free(data);
	kit_free(kit);
}

static void salvage_gives_items_of_a_lost_segment_as_unverified(void **state)
{
	struct kit *kit = noise_kit(FRAME, true);
	struct kit_member segment = kit_find(kit, "manifest/000001.jsonl");
	struct gave gave;
	uint8_t *data = noise(7, NOISE);

	(void)state;
	memset(kit->tar.data + segment.body, 'x', segment.size); /* lines that are none */
	kit_pack(kit, FRAME, true);
	salvage(kit, &gave);
	assert_gave(&gave, "unverified items/logs/7 file|its manifest line is lost");
	assert_file(&gave, "unverified/items/logs/7", data, NOISE);
	assert_int_equal(gave.result.whole, 0);
	assert_int_equal(gave.result.unverified, kit->expect.items);
	gave_free(&gave);
	free(data);
	kit_free(kit);
}

static void salvage_goes_on_after_any_one_chunk(void **state)
{
	struct kit *kit = noise_kit(FRAME, true);
	size_t chunks = kit->zst.len / CHUNK;

	(void)state;
	for (size_t i = 0; i < chunks; i++) {
		struct gave gave;

		damage_chunk(kit, i);
		salvage(kit, &gave);
		/* every item has a line, but the items whose segment is hit; none comes twice */
		if (gave.result.whole + gave.result.partial + gave.result.missing + gave.result.unverified +
		                (i + 3 > chunks) <
		        kit->expect.items)
			fail_msg("chunk %zu:\n%s", i, vst_buf_cstr(&gave.items));
		if (gave.result.whole + 4 < kit->expect.items && i + 2 < chunks)
			fail_msg("chunk %zu costs too much:\n%s", i, vst_buf_cstr(&gave.items));
		assert_no_temporary_files(&gave);
		gave_free(&gave);
		damage_chunk(kit, i);
	}
	kit_free(kit);
}

/* ---- cut ---- */

static void salvage_of_a_cut_file_gives_what_it_has(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	uint8_t *data = noise(9, 100000);
	struct gave gave;
	char path[32];
	size_t whole_len = 0;
	uint64_t whole = 0;

	(void)state;
	for (int i = 0; i < 4300; i++) {
		(void)snprintf(path, sizeof(path), "/dir/%04d", i);
		kit_text(kit, path, path);
	}
	kit_file(kit, "/last", data, 100000);
	kit_finish(kit);
	kit_unpack(kit);
	kit_pack(kit, FRAME, true);
	whole_len = kit->file.len;
	for (size_t part = 0; part <= 10; part++) {
		kit->file.len = whole_len * part / 10;
		if (salvage_rc(kit, &gave, false) != 0) {
			assert_int_equal(part, 0);
			gave_free(&gave);
			continue;
		}
		assert_true(gave.result.whole >= whole);
		whole = gave.result.whole;
		if (part < 10)
			assert_non_null(strstr(vst_buf_cstr(&gave.damage), "cut short"));
		assert_int_equal(gave.result.partial + gave.result.missing, 0);
		gave_free(&gave);
	}
	assert_int_equal(whole, kit->expect.items);
	/* the last segment and all behind it is gone: the first 4,096 are whole, the others are there */
	kit->file.len = whole_len;
	kit->tar.len = kit_find(kit, "items/logs/last").body + 50000;
	kit_pack(kit, FRAME, false);
	salvage(kit, &gave);
	assert_int_equal(gave.result.whole, 4096);
	assert_gave(&gave, "whole /dir/0001 file|");
	assert_gave(&gave, "unverified items/logs/dir/4299 file|its manifest line is lost");
	assert_gave(&gave, "unverified items/logs/last file|its manifest line is lost; bytes missing: ");
	assert_file(&gave, "unverified/items/logs/dir/4299", "/dir/4299", 9);
	assert_no_temporary_files(&gave);
	gave_free(&gave);
	free(data);
	kit_free(kit);
}

static void salvage_of_any_length_does_not_fail(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	size_t len = 0;

	(void)state;
	kit_text(kit, "/a", "a");
	kit_text(kit, "/b", "b");
	kit_finish(kit);
	kit_unpack(kit);
	kit_pack(kit, 1024, true);
	len = kit->file.len;
	for (kit->file.len = 0; kit->file.len < len; kit->file.len++) {
		struct gave gave;
		int rc = salvage_rc(kit, &gave, false);

		assert_true(rc == 0 || rc == VST_EFORMAT);
		assert_true(rc != 0 || gave.result.whole < kit->expect.items);
		gave_free(&gave);
	}
	kit_free(kit);
}

/* ---- damage without the table ---- */

static void salvage_looks_for_headers_when_the_table_is_lost(void **state)
{
	struct kit *kit = noise_kit(FRAME, false);
	struct kit_member member = kit_find(kit, "items/logs/5");
	struct gave gave;

	(void)state;
	damage_chunk(kit, chunk_of(kit, member.body + NOISE / 2, FRAME));
	salvage(kit, &gave);
	/* all but the damaged one, and it up to the damage */
	assert_int_equal(gave.result.whole, kit->expect.items - 1);
	assert_gave(&gave, "partial /5 file|bytes missing: ");
	gave_free(&gave);
	kit_free(kit);
}

static void salvage_of_a_lost_header_is_a_clear_error(void **state)
{
	struct kit *kit = noise_kit(FRAME, true);
	struct gave gave;

	(void)state;
	kit->file.data[3] ^= 1;
	assert_int_equal(salvage_rc(kit, &gave, false), VST_EFORMAT);
	gave_free(&gave);
	kit->file.data[3] ^= 1;
	kit->file.data[100] ^= 2; /* in the stanza: the key does not fit, or the MAC */
	assert_true(salvage_rc(kit, &gave, false) != 0);
	gave_free(&gave);
	kit_free(kit);
}

static void salvage_of_zeroed_ranges(void **state)
{
	struct kit *kit = noise_kit(FRAME, true);
	struct gave gave;

	(void)state;
	memset(kit->file.data + kit->file.len / 3, 0, 2 * SEALED);
	memset(kit->file.data + kit->file.len / 3 * 2, 0, 5000);
	salvage(kit, &gave);
	assert_true(gave.result.whole >= kit->expect.items - 6);
	assert_int_equal(gave.result.whole + gave.result.partial + gave.result.missing, kit->expect.items);
	assert_int_equal(gave.result.unverified, 0);
	gave_free(&gave);
	kit_free(kit);
}

/* ---- tars inside the evidence ---- */

/* A tar of the layout's names, as a file of evidence between two others; noise around its members so that it
 * spans frames. */
static struct kit *nested_kit(size_t frame, bool table)
{
	struct kit *inner = kit_new(VST_HASH_SHA256), *kit = NULL;
	uint8_t *data = noise(77, NOISE);

	kit_text(inner, "/false", "not an item of the outer exhibit");
	kit_file(inner, "/false2", data, NOISE);
	kit_text(inner, "/false3", "neither");
	kit_finish(inner);
	kit_unpack(inner);
	kit = kit_new(VST_HASH_SHA256);
	kit_file(kit, "/before", data, NOISE);
	kit_file(kit, "/nested.tar", inner->tar.data, inner->tar.len);
	kit_file(kit, "/behind", data, NOISE);
	kit_text(kit, "/end", "the end");
	kit_finish(kit);
	kit_unpack(kit);
	kit_pack(kit, frame, table);
	kit_free(inner);
	free(data);
	return kit;
}

static void nested(bool table)
{
	struct kit *kit = nested_kit(16384, table);
	struct kit_member member = kit_find(kit, "items/logs/nested.tar");
	struct gave gave;

	/* its header is lost */
	damage_chunk(kit, chunk_of(kit, member.at, 16384));
	salvage(kit, &gave);
	assert_not_gave(&gave, "false");
	assert_gave(&gave, "whole /behind file|");
	assert_gave(&gave, "whole /end file|");
	assert_gave(&gave, "partial /nested.tar file|");
	assert_int_equal(gave.result.unverified, 0);
	assert_no_temporary_files(&gave);
	gave_free(&gave);
	kit_free(kit);
}

static void salvage_is_not_led_astray_by_a_tar_in_the_evidence(void **state)
{
	(void)state;
	nested(true);
}

static void salvage_without_table_is_not_led_astray_by_a_tar_in_the_evidence(void **state)
{
	(void)state;
	nested(false);
}

/* ---- names ---- */

static void salvage_never_leaves_its_directory(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	struct kit_member member;
	struct gave gave;

	(void)state;
	kit_text(kit, "/aa/bb", "climbs");
	kit_text(kit, "/ok", "stays");
	kit_finish(kit);
	kit_unpack(kit);
	member = kit_find(kit, "items/logs/aa/bb");
	/* items/logs/aa/bb → ../../../aa/bbxx */
	memcpy(kit->tar.data + member.header, "../../../esc/bb\0", 16);
	kit_checksum(kit, member.header);
	kit_pack(kit, FRAME, true);
	salvage(kit, &gave);
	assert_gave(&gave,
	        "unverified ../../../esc/bb file|its manifest line is lost; cannot have its name here");
	assert_gave(&gave, "partial /aa/bb file|nothing of it is left but its manifest line");
	assert_gave(&gave, "whole /ok file|");
	assert_int_equal(access("/tmp/../esc", F_OK), -1);
	gave_free(&gave);
	kit_free(kit);
}

static void salvage_does_not_follow_links_that_are_there(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	struct vst_salvage_options options = {.damage = on_damage, .item = on_item};
	struct gave gave = {0};
	struct vst_input in;

	(void)state;
	kit_text(kit, "/ok", "stays");
	kit_finish(kit);
	in = vst_input_memory(kit->file.data, kit->file.len);
	strcpy(gave.dir, "/tmp/vestige-salvage-XXXXXX");
	assert_non_null(mkdtemp(gave.dir));
	gave.dirfd = options.out_dirfd = open(gave.dir, O_RDONLY | O_DIRECTORY);
	options.ctx = &gave;
	assert_int_equal(symlinkat("/tmp", gave.dirfd, "whole"), 0);
	assert_int_equal(vst_exhibit_salvage(&in, &kit->identities, &options, &gave.result, NULL), 0);
	assert_gave(&gave, "whole /ok file|cannot have its name here (something that is no directory is in "
	                   "the way), left as");
	assert_int_equal(access("/tmp/items", F_OK), -1);
	gave_free(&gave);
	kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(salvage_gives_everything_of_a_good_file),
	        cmocka_unit_test(salvage_finds_frames_without_the_table),
	        cmocka_unit_test(salvage_loses_only_what_a_damaged_chunk_holds),
	        cmocka_unit_test(salvage_finds_the_rest_of_a_file_whose_header_is_lost),
	        cmocka_unit_test(salvage_says_what_is_missing_altogether),
	        cmocka_unit_test(salvage_gives_items_of_a_lost_segment_as_unverified),
	        cmocka_unit_test(salvage_goes_on_after_any_one_chunk),
	        cmocka_unit_test(salvage_of_a_cut_file_gives_what_it_has),
	        cmocka_unit_test(salvage_of_any_length_does_not_fail),
	        cmocka_unit_test(salvage_looks_for_headers_when_the_table_is_lost),
	        cmocka_unit_test(salvage_of_a_lost_header_is_a_clear_error),
	        cmocka_unit_test(salvage_of_zeroed_ranges),
	        cmocka_unit_test(salvage_is_not_led_astray_by_a_tar_in_the_evidence),
	        cmocka_unit_test(salvage_without_table_is_not_led_astray_by_a_tar_in_the_evidence),
	        cmocka_unit_test(salvage_never_leaves_its_directory),
	        cmocka_unit_test(salvage_does_not_follow_links_that_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
