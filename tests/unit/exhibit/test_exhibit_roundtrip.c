/* A real tree through our writer and back out: what is extracted must be what rsync holds for the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_extract.h"
#include "vestige/exhibit_writer.h"
#include "vestige/timefmt.h"

#define XATTRS 16

static const char make_tree[] =
        "set -e; mkdir -p src/d/sub src/empty src/ro; cd src\n"
        "echo content >d/file; : >d/empty; printf '%0200000d' 7 >d/numbers; head -c 9000000 /dev/urandom "
        ">d/large\n"
        "ln d/file d/sub/hard; ln d/file hard; ln -s ../nowhere d/link; ln -s d/file hard-target; ln "
        "hard-target "
        "d/hardlink-to-link\n"
        "truncate -s 3000000 sparse; printf data | dd of=sparse bs=1 seek=1000000 conv=notrunc status=none\n"
        "truncate -s 5000000 hole\n"
        "printf x >\"$(printf 'e\\314\\201 \\377\\n-name')\"; printf y >\"$(printf 'caf\\303\\251')\"\n"
        "printf z >\"$(printf 'cafe\\314\\201')\"; printf w >./-rf\n"
        "mkfifo fifo; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'\n"
        "setfattr -n user.plain -v value d/file; setfattr -n 'user.odd=name %' -v 0x00ff0a d/numbers\n"
        "setfacl -m u:4321:r,g:5432:rwx d/numbers; setfacl -d -m u:4321:rx d/sub\n"
        "touch -d '1969-12-31T23:59:58.5Z' d/empty; touch -d '2031-01-02T03:04:05.000000006Z' sparse\n"
        "chmod 4755 d/large; chmod 2750 empty; chmod 1777 d/sub; chmod 0 hole; echo in >ro/in; chmod 500 ro\n"
        "if [ $(id -u) = 0 ]; then chown 1234:5678 d/large hard-target -h; chmod 4755 d/large; mknod null c "
        "1 3; "
        "mknod disk b 8 17; chown 77 empty; chmod 2750 empty; setfattr -n trusted.t -v 1 d/sub; cp /bin/true "
        "capable; "
        "setcap cap_net_raw+ep capable 2>/dev/null || :; chattr +i d/numbers +a -- -rf 2>/dev/null || :; fi\n"
        "touch -h -d '2001-02-03T04:05:06.789Z' d/link; touch -d '2002-02-03T04:05:06.789Z' d d/sub ro empty "
        ".\n";

struct trip {
	char path[64];
	struct vst_age_identities identities;
	struct vst_age_recipients recipients;
	struct vst_exhibit_writer *writer;
	struct vst_buf file;
	struct vst_exhibit_summary summary;
	struct {
		dev_t dev;
		ino_t ino;
		char path[256];
	} seen[64];
	size_t seen_count;
	unsigned failed;
};

static void must(int rc, const struct vst_err *err)
{
	if (rc != 0)
		fail_msg("%d: %s", rc, err->text);
}

static int shell(const struct trip *trip, const char *command)
{
	char *text = NULL;
	int rc;

	assert_true(asprintf(&text, "cd %s && %s", trip->path, command) > 0);
	rc = system(text);
	free(text);
	return rc;
}

/* ---- a collector that is good enough for a test ---- */

struct described {
	struct vst_item item;
	struct vst_item_xattr xattrs[XATTRS];
	char names[4096], values[XATTRS][4096], target[4096], flags[8], acl[1024], default_acl[1024];
	struct vst_item_extent extents[64];
};

static int64_t ns(const struct timespec *spec)
{
	int64_t value = VST_TIME_NONE;

	assert_true(vst_time_from_spec(spec, &value));
	return value;
}

static void acl_text(const uint8_t *value, ssize_t len, char *out)
{
	static const char *const names[33] = {
	        [1] = "user", [2] = "user", [4] = "group", [8] = "group", [16] = "mask", [32] = "other"};

	for (ssize_t at = 4; at + 8 <= len; at += 8) {
		unsigned tag = value[at], bits = value[at + 2];
		uint32_t id;
		char number[16] = "";

		memcpy(&id, value + at + 4, 4);
		if (tag == 2 || tag == 8)
			snprintf(number, sizeof number, "%u", id);
		out += sprintf(out, "%s%s:%s:%c%c%c", at > 4 ? "," : "", names[tag], number,
		        bits & 4 ? 'r' : '-', bits & 2 ? 'w' : '-', bits & 1 ? 'x' : '-');
	}
}

static int by_name(const void *a, const void *b)
{
	const struct vst_item_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void describe_xattrs(struct described *d, const char *path)
{
	ssize_t len = llistxattr(path, d->names, sizeof d->names);
	size_t count = 0;

	for (char *name = d->names; len > 0 && name < d->names + len; name += strlen(name) + 1) {
		ssize_t got = lgetxattr(path, name, d->values[count], sizeof d->values[count]);

		assert_true(got >= 0 && count < XATTRS);
		if (strcmp(name, "system.posix_acl_access") == 0) {
			acl_text((uint8_t *)d->values[count], got, d->acl);
			d->item.acl = d->acl;
		} else if (strcmp(name, "system.posix_acl_default") == 0) {
			acl_text((uint8_t *)d->values[count], got, d->default_acl);
			d->item.default_acl = d->default_acl;
		} else {
			d->xattrs[count] = (struct vst_item_xattr){name, d->values[count], (size_t)got};
			count++;
		}
	}
	qsort(d->xattrs, count, sizeof *d->xattrs, by_name);
	d->item.xattrs = d->xattrs;
	d->item.xattr_count = count;
}

static void describe_file(struct described *d, const char *path, const struct stat *st)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOATIME), flags = 0;
	off_t at = 0, data;

	assert_true(fd >= 0);
	d->item.size = (uint64_t)st->st_size;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) {
		snprintf(d->flags, sizeof d->flags, "%s%s", flags & FS_IMMUTABLE_FL ? "i" : "",
		        flags & FS_APPEND_FL ? "a" : "");
		d->item.flags = d->flags;
	}
	d->item.is_sparse = st->st_blocks * 512 < st->st_size;
	d->item.extents = d->extents;
	while (d->item.is_sparse && at < st->st_size && (data = lseek(fd, at, SEEK_DATA)) >= 0) {
		at = lseek(fd, data, SEEK_HOLE);
		d->extents[d->item.extent_count++] =
		        (struct vst_item_extent){(uint64_t)data, (uint64_t)(at - data)};
	}
	close(fd);
}

static void describe(struct described *d, const FTSENT *at, const char *path)
{
	static const enum vst_item_type types[16] = {[S_IFREG >> 12] = VST_ITEM_FILE,
	        [S_IFDIR >> 12] = VST_ITEM_DIRECTORY,
	        [S_IFLNK >> 12] = VST_ITEM_SYMLINK,
	        [S_IFIFO >> 12] = VST_ITEM_FIFO,
	        [S_IFSOCK >> 12] = VST_ITEM_SOCKET,
	        [S_IFCHR >> 12] = VST_ITEM_CHAR_DEVICE,
	        [S_IFBLK >> 12] = VST_ITEM_BLOCK_DEVICE};
	const struct stat *st = at->fts_statp;
	struct vst_item *item = &d->item;

	vst_item_init(item);
	item->path = path;
	item->type = types[(st->st_mode & S_IFMT) >> 12];
	item->has_stat = true;
	item->mode = st->st_mode & 07777;
	item->uid = st->st_uid;
	item->gid = st->st_gid;
	item->mtime = ns(&st->st_mtim);
	item->atime = ns(&st->st_atim);
	item->ctime = ns(&st->st_ctim);
	item->ino = st->st_ino;
	item->nlink = st->st_nlink;
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE) {
		item->rdev_major = major(st->st_rdev);
		item->rdev_minor = minor(st->st_rdev);
	}
	describe_xattrs(d, at->fts_accpath);
	if (item->type == VST_ITEM_SYMLINK) {
		assert_true(readlink(at->fts_accpath, d->target, sizeof d->target - 1) > 0);
		item->target = d->target;
		item->size = strlen(d->target);
	}
}

static const char *seen_before(struct trip *trip, const struct stat *st, const char *path)
{
	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return NULL;
	for (size_t i = 0; i < trip->seen_count; i++)
		if (trip->seen[i].dev == st->st_dev && trip->seen[i].ino == st->st_ino)
			return trip->seen[i].path;
	trip->seen[trip->seen_count].dev = st->st_dev;
	trip->seen[trip->seen_count].ino = st->st_ino;
	snprintf(trip->seen[trip->seen_count++].path, 256, "%s", path);
	return NULL;
}

static void put_file(struct trip *trip, struct described *d, const char *path)
{
	struct vst_item_extent all = {0, d->item.size};
	const struct vst_item_extent *extents = d->item.is_sparse ? d->extents : &all;
	size_t count = d->item.is_sparse ? d->item.extent_count : 1;
	struct vst_err err = VST_ERR_INIT;
	int fd = open(path, O_RDONLY | O_NOATIME);

	must(vst_exhibit_writer_begin(trip->writer, &d->item, &err), &err);
	for (size_t i = 0; i < count; i++) {
		uint8_t *data = malloc(extents[i].len + 1);

		assert_int_equal(pread(fd, data, extents[i].len, (off_t)extents[i].offset), extents[i].len);
		must(vst_exhibit_writer_data(trip->writer, data, extents[i].len, &err), &err);
		free(data);
	}
	close(fd);
	must(vst_exhibit_writer_end(trip->writer, &d->item, NULL, &err), &err);
}

static void collect(struct trip *trip)
{
	char root[128], *roots[] = {root, NULL};
	struct vst_err err = VST_ERR_INIT;
	FTS *fts;

	snprintf(root, sizeof root, "%s/src", trip->path);
	assert_non_null(fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL));
	for (FTSENT *at; (at = fts_read(fts)) != NULL;) {
		struct described *d;
		const char *path = at->fts_path + strlen(root), *link;

		if (at->fts_info == FTS_DP)
			continue;
		d = calloc(1, sizeof *d);
		path = *path ? path : "/";
		describe(d, at, path);
		link = seen_before(trip, at->fts_statp, path);
		if (link) {
			d->item.is_hardlink = true;
			if (d->item.type == VST_ITEM_FILE)
				d->item.size = 0;
			must(vst_exhibit_writer_item(trip->writer, &d->item, NULL, link, NULL, &err), &err);
		} else if (d->item.type == VST_ITEM_FILE) {
			describe_file(d, at->fts_accpath, at->fts_statp);
			put_file(trip, d, at->fts_accpath);
		} else {
			must(vst_exhibit_writer_item(trip->writer, &d->item, NULL, NULL, NULL, &err), &err);
		}
		free(d);
	}
	fts_close(fts);
}

/* ---- the trip ---- */

static int setup(void **state)
{
	struct trip *trip = calloc(1, sizeof *trip);
	struct vst_exhibit_writer_options options = {
	        .recipients = &trip->recipients, .out = vst_output_buf(&trip->file), .workers = 2};
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;

	strcpy(trip->path, "/tmp/vestige-roundtrip-XXXXXX");
	assert_non_null(mkdtemp(trip->path));
	must(vst_age_identity_generate(&identity, &err), &err);
	must(vst_age_identity_recipient(identity, &recipient, &err), &err);
	must(vst_age_identities_add(&trip->identities, identity, &err), &err);
	must(vst_age_recipients_add(&trip->recipients, recipient, &err), &err);
	if (shell(trip, make_tree) != 0)
		return -1;
	must(vst_exhibit_writer_new(&options, &trip->writer, &err), &err);
	must(vst_exhibit_writer_record(trip->writer, "exhibit.json", "{}", 2, &err), &err);
	must(vst_exhibit_writer_source(trip->writer, "src", &err), &err);
	collect(trip);
	must(vst_exhibit_writer_finish(trip->writer, &trip->summary, &err), &err);
	*state = trip;
	return 0;
}

static int teardown(void **state)
{
	struct trip *trip = *state;

	(void)shell(trip, "chattr -R -ia . 2>/dev/null; chmod -R u+rwx . 2>/dev/null; rm -rf \"$PWD\"");
	vst_exhibit_writer_free(trip->writer);
	vst_age_identities_free(&trip->identities);
	vst_age_recipients_free(&trip->recipients);
	vst_buf_free(&trip->file);
	free(trip);
	return 0;
}

static struct vst_exhibit *open_exhibit(struct trip *trip, struct vst_input *input)
{
	struct vst_exhibit_expectation expect = {.items = trip->summary.items};
	struct vst_exhibit *exhibit = NULL;
	struct vst_err err = VST_ERR_INIT;

	memcpy(expect.root, trip->summary.root, VST_HASH_LEN);
	*input = vst_input_memory(trip->file.data, trip->file.len);
	must(vst_exhibit_open(&exhibit, input, &trip->identities, &expect, &err), &err);
	return exhibit;
}

static int done(void *ctx, const struct vst_item *item, enum vst_extract_outcome outcome, const char *problem,
        struct vst_err *err)
{
	struct trip *trip = ctx;

	(void)err;
	if (outcome == VST_EXTRACT_FAILED) {
		print_message("%s: %s\n", item->path, problem);
		trip->failed++;
	}
	return 0;
}

static void extract_to(struct trip *trip, const char *name, bool preserve)
{
	struct vst_exhibit_extract_options options = {.preserve = preserve, .done = done, .ctx = trip};
	struct vst_input input;
	struct vst_exhibit *exhibit = open_exhibit(trip, &input);
	struct vst_err err = VST_ERR_INIT;
	char path[128];

	snprintf(path, sizeof path, "%s/%s", trip->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
	options.out_dirfd = open(path, O_RDONLY | O_DIRECTORY);
	must(vst_exhibit_extract(exhibit, &options, &err), &err);
	close(options.out_dirfd);
	vst_exhibit_free(exhibit);
}

static void roundtrip_preserves_a_tree_as_rsync_sees_it(void **state)
{
	struct trip *trip = *state;

	if (geteuid() != 0 || system("command -v rsync >/dev/null") != 0)
		skip();
	extract_to(trip, "all", true);
	assert_int_equal(trip->failed, 0);
	assert_int_equal(shell(trip, "rsync -aHAXn --checksum --delete --itemize-changes src/ all/items/src/ "
	                             ">changes && ! grep . changes"),
	        0);
	assert_int_equal(shell(trip, "test $(du all/items/src/hole | cut -f1) -le 4"), 0);
	assert_int_equal(
	        shell(trip, "cmp src/sparse all/items/src/sparse && test $(du all/items/src/sparse | "
	                    "cut -f1) -lt 100"),
	        0);
}

static void roundtrip_gives_plain_contents_to_anyone(void **state)
{
	struct trip *trip = *state;

	trip->failed = 0;
	extract_to(trip, "plain", false);
	assert_int_equal(trip->failed, 0);
	assert_int_equal(
	        shell(trip, "rsync -rlHtn --no-specials --no-devices --checksum --itemize-changes src/ "
	                    "plain/items/src/ >changes && ! grep -v ^skipping changes"),
	        0);
	assert_int_equal(shell(trip, "! find plain -perm /7000 -o -type p -o -type c -o -type b -o -type s | "
	                             "grep ."),
	        0);
}

static int each(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct vst_exhibit_entry found = {0};
	int rc = vst_exhibit_find(ctx, entry->item->source, entry->item->path, &found, err);

	if (rc == 0)
		assert_int_equal(found.item->seq, entry->item->seq);
	vst_exhibit_entry_free(&found);
	return rc;
}

static void roundtrip_finds_everything_that_it_lists(void **state)
{
	struct trip *trip = *state;
	struct vst_input input;
	struct vst_exhibit *exhibit = open_exhibit(trip, &input);
	struct vst_err err = VST_ERR_INIT;

	must(vst_exhibit_list(exhibit, each, exhibit, &err), &err);
	vst_exhibit_free(exhibit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(roundtrip_preserves_a_tree_as_rsync_sees_it),
	        cmocka_unit_test(roundtrip_gives_plain_contents_to_anyone),
	        cmocka_unit_test(roundtrip_finds_everything_that_it_lists),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
