/*
 * Parts of libgit2 and libarchive that we do not use and that would bring others with them: transports (TLS,
 * SSH, HTTP, Kerberos, the resolver) and the writers of formats other than tar (XML, further compressors).
 * These names are internal to the libraries, so no header of theirs declares them; the signatures are those
 * of libgit2 1.5 and libarchive 3.6, and a link with others fails on names that are then missing or double.
 */
#include "refused.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- libgit2: no trail is ever fetched or pushed by this program ---- */

struct git_transport;
struct git_remote;
struct http_parser_url;

int git_transport_new(struct git_transport **ret, struct git_remote *owner, const char *url);
int git_transport_ssh_global_init(void);
int git_mbedtls_stream_global_init(void);
int git_mbedtls__set_cert_location(const char *file, const char *path);
int http_parser_parse_url(const char *text, size_t len, int is_connect, struct http_parser_url *ret);
int git_error_set_str(int category, const char *text);

/* Settings that git_libgit2_opts() may change; the code that would heed them is not here. */
extern bool git_http__expect_continue, git_smart__ofs_delta_enabled;
bool git_http__expect_continue, git_smart__ofs_delta_enabled;

#define GIT_ERROR_NET 12

static int no_network(void)
{
	git_error_set_str(GIT_ERROR_NET, "this program has no transports");
	return -1;
}

int git_transport_new(struct git_transport **ret, struct git_remote *owner, const char *url)
{
	(void)ret, (void)owner, (void)url;
	return no_network();
}
REFUSED(git_transport_new);

/* The library's start calls these two. Its own build without SSH and TLS has nothing to start either. */
int git_transport_ssh_global_init(void)
{
	return 0;
}
REFUSED(git_transport_ssh_global_init);

int git_mbedtls_stream_global_init(void)
{
	return 0; /* the library's own reads the host's certificates */
}
REFUSED(git_mbedtls_stream_global_init);

int git_mbedtls__set_cert_location(const char *file, const char *path)
{
	(void)file, (void)path;
	return no_network();
}
REFUSED(git_mbedtls__set_cert_location);

int http_parser_parse_url(const char *text, size_t len, int is_connect, struct http_parser_url *ret)
{
	(void)text, (void)len, (void)is_connect, (void)ret;
	return 1; /* not a URL */
}
REFUSED(http_parser_parse_url);

/* ---- libarchive: what its pax writer calls for a kind of file that tar cannot hold ---- */

struct archive;
struct archive_entry;

void __archive_write_entry_filetype_unsupported(
        struct archive *archive, struct archive_entry *entry, const char *format);
void archive_set_error(struct archive *archive, int number, const char *format, ...);

/* The library's own lies in one object with the table of all formats. The caller fails, and this says why. */
void __archive_write_entry_filetype_unsupported(
        struct archive *archive, struct archive_entry *entry, const char *format)
{
	(void)entry;
	archive_set_error(archive, EINVAL, "%s: this kind of file cannot be archived", format);
}
REFUSED(__archive_write_entry_filetype_unsupported);
