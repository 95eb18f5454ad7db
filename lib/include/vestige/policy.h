/*
 * Policies: what a snapshot is asked to take. YAML, read by schema; an error names line and key.
 *
 *     policy: linux-logs                  required: letters, digits, '-', '_', '.'; a letter or digit first
 *     about: One sentence for people.
 *     regimes: [gdpr]                     words (a-z, 0-9, '-', '_'): legal regimes, for reports
 *     hashes: [sha256]                    sha256 always; sha1, md5 for old hash sets
 *     limits:
 *       item: 8GiB                        sizes: bytes, or with KiB, MiB, GiB, TiB
 *       exhibit: 200GiB
 *       source: 50GiB                     of each source
 *       source_time: 10min                for each source: whole numbers with s, min, h, d
 *       read_rate: 200MiB/s
 *       cpu: 50%                          of one processor's time, as systemd counts it; 150% is one and a half
 *       io: idle                          or normal: the priority of reads and writes
 *     full_every: 30                      of incremental snapshots: every 30th is full; or 30d: the first of each 30 days
 *     sources:                            in order of acquisition
 *       - name: logs                      required, unique: as above without '.'; not "exhibit", not "long"
 *         files:                          exactly one of: files, live, journal, sqlite, postgres, artifacts
 *           paths: [/var/log/mysql]       required: absolute patterns (pattern.h)
 *           exclude: ["*.iso"]            patterns; a relative one matches a path's last components
 *           append_only: true             files only grow: a baseline compares their old bytes
 *           one_file_system: true         do not cross mount points below a path's literal prefix
 *           packages: true                compare with the package database; not with content: metadata
 *         live: [processes, …]            kinds of live state (enum vst_live_kind), or [all]
 *         journal:
 *           directories: [DIR, …]         else /run/log/journal and /var/log/journal
 *           since: 30d                    before the acquisition; of the export alone
 *           units: [ssh.service]          export these units' entries alone
 *           boots: 3                      export the last boots alone
 *           raw: true                     the files as they are (default)
 *           export: true                  journal export format (default)
 *         sqlite:
 *           database: /srv/customers.db   required: a path without wildcards
 *           tables: [customers]           or query: SELECT …; neither: the whole database as a file
 *           raw: true                     also the file itself, its -wal, -journal and -shm as they are
 *         postgres:
 *           service: vault                or uri: postgresql://… without a password
 *           schemas: [public]             all tables of these; neither this nor the next two: all but the system's
 *           tables: [cards, sales.orders]
 *           query: SELECT …
 *         artifacts: [LinuxAuthLogs]      ForensicArtifacts definitions
 *         definitions: DIR                artifacts: where they are
 *         commands: allow                 artifacts: or refuse (default)
 *         content: full                   or digest (keyed), or metadata; not for live and journal
 *         subject: customer_id            sqlite, postgres: the column that names one data subject
 *         columns: {email: email}         sqlite, postgres: column to category of personal data
 *
 * One UTF-8 document; no aliases, anchors or tags, no duplicate and no unknown keys, no value that is empty
 * or of another type.
 *
 * A new kind of source is added in policy_check.c, in policy.c's schema, here, and as a collector.
 */
#ifndef VESTIGE_POLICY_H
#define VESTIGE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_POLICY_MAX (1024 * 1024)      /* bytes of a policy file */
#define VST_POLICY_NAME_MAX 64            /* bytes of a policy's, source's or regime's name */
#define VST_POLICY_ABOUT_MAX 1024         /* bytes */
#define VST_POLICY_SOURCES_MAX 256        /* and regimes */
#define VST_POLICY_ALTERNATIVES_MAX 16384 /* of all patterns together, braces multiplied out */

struct vst_err;

enum vst_source_kind {
	VST_SOURCE_FILES = 1,
	VST_SOURCE_LIVE,
	VST_SOURCE_JOURNAL,
	VST_SOURCE_SQLITE,
	VST_SOURCE_POSTGRES,
	VST_SOURCE_ARTIFACTS,
};
#define VST_SOURCE_KINDS (VST_SOURCE_ARTIFACTS + 1)
/* As the policy's key: "files". */
const char *vst_source_kind_name(enum vst_source_kind kind);

/* What of the content is taken. */
enum vst_policy_content { VST_CONTENT_FULL, VST_CONTENT_DIGEST, VST_CONTENT_METADATA };
const char *vst_policy_content_name(enum vst_policy_content content);

struct vst_policy_files {
	char **paths;
	size_t path_count;
	char **exclude;
	size_t exclude_count;
	bool append_only;
	bool one_file_system;
	bool packages;
};

/* Kinds of live state; a set. The names are the policy's words: "processes". */
enum vst_live_kind {
	VST_LIVE_PROCESSES = 1 << 0,     /* processes, threads' ids, open files, maps; hidden ones */
	VST_LIVE_SOCKETS = 1 << 1,       /* of every family in every network namespace */
	VST_LIVE_MODULES = 1 << 2,       /* kernel modules, by both lists */
	VST_LIVE_MOUNTS = 1 << 3,        /* of every mount namespace */
	VST_LIVE_SESSIONS = 1 << 4,      /* who is logged in */
	VST_LIVE_NETWORK = 1 << 5,       /* interfaces, addresses, routes, neighbours */
	VST_LIVE_PACKET_FILTER = 1 << 6, /* nftables and the legacy tables */
	VST_LIVE_BPF = 1 << 7,           /* programs, maps, links */
	VST_LIVE_KERNEL = 1 << 8,        /* version, command line, taint, sysctl, binfmt, preload */
	VST_LIVE_DELETED_FILES = 1 << 9, /* content of files that have no name any more but are open, mapped or run */
	VST_LIVE_SELF = 1 << 10,         /* our own process: what is mapped into it, each object's digest */
	VST_LIVE_ALL = (1 << 11) - 1,
};
/* The names by bit, for those who list them: NULL past the last. */
const char *vst_live_kind_name(unsigned bit);

struct vst_policy_journal {
	char **directories;
	size_t directory_count;
	char **units;
	size_t unit_count;
	uint64_t since; /* seconds before the acquisition; 0: all */
	uint64_t boots; /* 0: all */
	bool raw, export;
};

struct vst_policy_sqlite {
	char *database;
	char **tables;
	size_t table_count;
	char *query; /* NULL: none */
	bool raw;
};

struct vst_policy_postgres {
	char *service, *uri; /* one of them */
	char **schemas;
	size_t schema_count;
	char **tables; /* as written: name, or schema.name */
	size_t table_count;
	char *query; /* NULL: none */
};

struct vst_artifact_set; /* artifacts.h */

struct vst_policy_artifacts {
	char **names;
	size_t name_count;
	char *definitions; /* directory; NULL: where they usually are */
	bool commands;     /* COMMAND sources may run */
	/* Not from the policy: what was loaded before the acquisition, borrowed; NULL if nothing was. */
	const struct vst_artifact_set *set;
};

struct vst_policy_column {
	char *column, *category;
};

struct vst_policy_source {
	char *name;
	enum vst_source_kind kind;
	enum vst_policy_content content;
	struct vst_policy_files files; /* that of the kind is filled */
	unsigned live;                 /* set of enum vst_live_kind */
	struct vst_policy_journal journal;
	struct vst_policy_sqlite sqlite;
	struct vst_policy_postgres postgres;
	struct vst_policy_artifacts artifacts;
	char *subject; /* NULL: none */
	struct vst_policy_column *columns;
	size_t column_count;
};

struct vst_policy_limits {
	uint64_t item, exhibit, source; /* bytes of content; UINT64_MAX: none */
	uint64_t source_time;           /* seconds; 0: none */
	uint64_t read_rate;             /* bytes a second; 0: none */
	unsigned cpu;                   /* percent of one processor; 0: none */
	bool io_idle;
};

/* When a series begins a generation anew: one of both; both 0: it is not said. */
struct vst_policy_every {
	uint64_t count;   /* every so many snapshots is full */
	uint64_t seconds; /* or: the first that is so much younger than the last full one */
};
#define VST_FULL_EVERY 30 /* snapshots, where nothing is said */
/* "30", or a duration: "30d". False: neither. */
bool vst_policy_every_parse(const char *text, struct vst_policy_every *ret);

struct vst_policy {
	char *name;
	char *about; /* NULL if none */
	char **regimes;
	size_t regime_count;
	unsigned hashes; /* set of enum vst_hash_set's bits: sha256 = 1, sha1 = 2, md5 = 4 */
	struct vst_policy_limits limits;
	struct vst_policy_every full_every;
	struct vst_policy_source *sources;
	size_t source_count;
};

/* `name` is used in errors ("policy.yaml:7: sources[0].files: unknown key 'path'"), with the nearest
   known key or a hint where one helps. VST_EFORMAT, VST_ELIMIT for a text longer than VST_POLICY_MAX. */
int vst_policy_parse(
        const void *text, size_t len, const char *name, struct vst_policy **ret, struct vst_err *err);
void vst_policy_free(struct vst_policy *policy);

#endif
