/*
 * Yardstick of tools/bench: SHA-256 of files by libgcrypt on one core, each opened, read with read(2) in
 * blocks of 256 KiB and hashed alone. Paths come on standard input, each ended by a NUL byte. Prints how many
 * files and bytes there were; a file that cannot be read ends it, for the ratio would be of other bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gcrypt.h>

#define BLOCK (256 * 1024)

static uint8_t block[BLOCK];

static void die(const char *what)
{
	fprintf(stderr, "bench-sha256: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t hash_file(gcry_md_hd_t md, const char *path)
{
	uint64_t total = 0;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		die(path);
	gcry_md_reset(md);
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0)
			die(path);
		if (n == 0)
			break;
		gcry_md_write(md, block, (size_t)n);
		total += (uint64_t)n;
	}
	gcry_md_read(md, GCRY_MD_SHA256);
	close(fd);
	return total;
}

int main(void)
{
	uint64_t files = 0, bytes = 0;
	char *path = NULL;
	size_t size = 0;
	gcry_md_hd_t md;

	if (!gcry_check_version(NULL))
		return 1;
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	if (gcry_md_open(&md, GCRY_MD_SHA256, 0) != 0)
		return 1;
	while (getdelim(&path, &size, '\0', stdin) > 0) {
		bytes += hash_file(md, path);
		files++;
	}
	gcry_md_close(md);
	free(path);
	printf("%" PRIu64 " files, %" PRIu64 " bytes\n", files, bytes);
	return ferror(stdin) ? 1 : 0;
}
