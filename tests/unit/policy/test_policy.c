#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_values.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/policy.h"

#define HEAD "policy: p\n"
#define SOURCES "sources: [{name: s, files: {paths: [/a]}}]\n" /* one line */

static struct vst_policy *parsed(const char *text)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_policy *policy = NULL;
	if (vst_policy_parse(text, strlen(text), "p.yaml", &policy, &err) != 0)
		fail_msg("%s", err.text);
	return policy;
}

static void accepted(const char *text)
{
	vst_policy_free(parsed(text));
}

static void rejected_bytes(const char *text, size_t len, const char *whole)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_policy *policy = NULL;
	assert_int_equal(vst_policy_parse(text, len, "p.yaml", &policy, &err), VST_EFORMAT);
	assert_null(policy);
	assert_string_equal(err.text, whole);
}

static void rejected(const char *text, const char *whole)
{
	rejected_bytes(text, strlen(text), whole);
}

static void hinted(const char *text, const char *hint)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_policy *policy = NULL;
	assert_int_equal(vst_policy_parse(text, strlen(text), "p.yaml", &policy, &err), VST_EFORMAT);
	if (!strstr(err.hint, hint))
		fail_msg("'%s' with '%s' says nothing of '%s'", err.text, err.hint, hint);
}

/* ---- what is taken ---- */

static void policy_fills_everything(void **state)
{
	(void)state;
	struct vst_policy *policy = parsed("# a comment\n"
	                                   "policy: web-1.x\n"
	                                   "about: What a web server has.\n"
	                                   "regimes: [gdpr, nis2]\n"
	                                   "hashes: [sha1, md5]\n"
	                                   "limits: {item: 8GiB, exhibit: 1000}\n"
	                                   "sources:\n"
	                                   "  - name: logs\n"
	                                   "    files:\n"
	                                   "      paths: [/var/log, '/srv/*/log']\n"
	                                   "      exclude: [\"*.iso\", /var/log/x]\n"
	                                   "      append_only: true\n"
	                                   "      one_file_system: true\n"
	                                   "      packages: true\n"
	                                   "  - files: {paths: [/etc], append_only: false}\n"
	                                   "    name: etc_2\n");
	assert_string_equal(policy->name, "web-1.x");
	assert_string_equal(policy->about, "What a web server has.");
	assert_int_equal(policy->regime_count, 2);
	assert_string_equal(policy->regimes[1], "nis2");
	assert_int_equal(policy->hashes, VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5);
	assert_true(policy->limits.item == UINT64_C(8) << 30);
	assert_true(policy->limits.exhibit == 1000);
	assert_int_equal(policy->source_count, 2);
	const struct vst_policy_source *logs = &policy->sources[0], *etc = &policy->sources[1];
	assert_string_equal(logs->name, "logs");
	assert_int_equal(logs->kind, VST_SOURCE_FILES);
	assert_int_equal(logs->files.path_count, 2);
	assert_string_equal(logs->files.paths[1], "/srv/*/log");
	assert_int_equal(logs->files.exclude_count, 2);
	assert_string_equal(logs->files.exclude[0], "*.iso");
	assert_true(logs->files.append_only);
	assert_true(logs->files.one_file_system);
	assert_true(logs->files.packages);
	assert_string_equal(etc->name, "etc_2");
	assert_int_equal(etc->files.path_count, 1);
	assert_null(etc->files.exclude);
	assert_false(etc->files.append_only);
	assert_false(etc->files.one_file_system);
	assert_false(etc->files.packages);
	vst_policy_free(policy);
	vst_policy_free(NULL);
}

static void policy_has_defaults(void **state)
{
	(void)state;
	struct vst_policy *policy = parsed(HEAD SOURCES);
	assert_null(policy->about);
	assert_int_equal(policy->regime_count, 0);
	assert_int_equal(policy->hashes, VST_HASH_SHA256);
	assert_true(policy->limits.item == UINT64_MAX);
	assert_true(policy->limits.exhibit == UINT64_MAX);
	vst_policy_free(policy);
}

static void policy_takes_what_yaml_offers(void **state)
{
	(void)state;
	accepted("---\n" HEAD SOURCES "...\n");
	accepted("%YAML 1.1\n---\n" HEAD SOURCES);
	accepted("\xef\xbb\xbf" HEAD SOURCES);
	accepted("{\"policy\": \"p\", \"sources\": [{\"name\": \"s\", \"files\": {\"paths\": [\"/a\"]}}]}");
	accepted("policy: p\r\nregimes: []\r\nhashes: []\r\nlimits: {}\r\n" SOURCES);
	accepted("policy: 123\nabout: 'null'\n" SOURCES);
	struct vst_policy *policy = parsed(HEAD "about: >\n  one\n  line\n" SOURCES);
	assert_string_equal(policy->about, "one line\n");
	vst_policy_free(policy);
}

/* ---- YAML that is not taken ---- */

static void policy_rejects_nothing(void **state)
{
	(void)state;
	rejected("", "p.yaml: empty");
	rejected("# nothing\n", "p.yaml: empty");
	rejected("---\n", "p.yaml:2: must be a mapping (key: value), not text");
}

static void policy_rejects_what_is_not_yaml(void **state)
{
	(void)state;
	rejected("policy: p\nsources: [\n",
	        "p.yaml:3: not YAML: did not find expected node content, while parsing a flow node");
	rejected("policy: p\n\tsources: x\n",
	        "p.yaml:2: not YAML: found a tab character that violates indentation, "
	        "while scanning a plain scalar");
	rejected("policy: p\n- x\n",
	        "p.yaml:2: not YAML: did not find expected key, while parsing a block mapping");
	rejected("policy: p\nabout: \"\xff\"\n" SOURCES,
	        "p.yaml:2: not a text in UTF-8: invalid leading UTF-8 octet");
	rejected("policy: p\nabout: \"\x01\"\n" SOURCES,
	        "p.yaml:2: not a text in UTF-8: control characters are not allowed");
	rejected_bytes("\xff\xfep\0o\0", 6, "p.yaml:1: not a text in UTF-8: invalid leading UTF-8 octet");
}

static void policy_rejects_a_second_document(void **state)
{
	(void)state;
	rejected(HEAD SOURCES "---\n" HEAD SOURCES, "p.yaml:3: a second document");
	rejected(HEAD SOURCES "...\n---\n", "p.yaml:4: a second document");
}

static void policy_rejects_aliases_anchors_tags(void **state)
{
	(void)state;
	rejected("policy: &a p\n" SOURCES, "p.yaml:1: an anchor, 'a', is not taken in policies");
	rejected("policy: p\nabout: *a\n", "p.yaml:2: an alias, 'a', is not taken in policies");
	rejected("policy: !!str p\n" SOURCES,
	        "p.yaml:1: a tag, 'tag:yaml.org,2002:str', is not taken in policies");
	rejected("policy: ! p\n" SOURCES, "p.yaml:1: a tag, '!', is not taken in policies");
	rejected("&a policy: p\n" SOURCES, "p.yaml:1: an anchor, 'a', is not taken in policies");
	rejected(HEAD "sources: &a [1]\n", "p.yaml:2: an anchor, 'a', is not taken in policies");
	rejected(HEAD "sources: !x [1]\n", "p.yaml:2: a tag, '!x', is not taken in policies");
	rejected(
	        HEAD "sources: [&a {x: y}]\n", "p.yaml:2: sources: an anchor, 'a', is not taken in policies");
	rejected(HEAD "sources:\n  - name: s\n    files:\n      paths:\n        - *logs\n",
	        "p.yaml:6: sources[0].files.paths: an alias, 'logs', is not taken in policies");
	rejected("%TAG !e! tag:example.com,2000:\n---\n" HEAD SOURCES, "p.yaml:1: a %TAG directive");
}

static void policy_rejects_zero_bytes_and_depth(void **state)
{
	(void)state;
	rejected("policy: \"p\\0q\"\n" SOURCES, "p.yaml:1: text with a zero byte");
	rejected(HEAD "about: [[[[[[[[1]]]]]]]]\n",
	        "p.yaml:2: about[0][0][0][0][0][0]: more than 8 levels deep");
	char deep[20000];
	memset(deep, '[', sizeof deep);
	struct vst_policy *policy = NULL;
	assert_int_equal(vst_policy_parse(deep, sizeof deep, "p.yaml", &policy, NULL), VST_EFORMAT);
}

static void policy_rejects_keys_that_are_no_text(void **state)
{
	(void)state;
	rejected("[policy]: p\n", "p.yaml:1: a key must be text, not a list or a mapping");
	rejected("? {a: b}\n: p\n", "p.yaml:1: a key must be text, not a list or a mapping");
}

/* ---- keys ---- */

static void policy_rejects_unknown_keys(void **state)
{
	(void)state;
	rejected("polic: p\n" SOURCES, "p.yaml:1: unknown key 'polic' (did you mean 'policy'?)");
	rejected(HEAD SOURCES "<<: x\n",
	        "p.yaml:3: unknown key '<<' (known: policy, about, regimes, hashes, limits, full_every, sources)");
	rejected(HEAD "limits: {items: 1}\n" SOURCES,
	        "p.yaml:2: limits: unknown key 'items' (did you mean 'item'?)");
	rejected(HEAD "sources:\n  - name: s\n    file: {}\n",
	        "p.yaml:4: sources[0]: unknown key 'file' (did you mean 'files'?)");
	rejected(HEAD "sources:\n  - name: s\n    files:\n      path: [/a]\n",
	        "p.yaml:5: sources[0].files: unknown key 'path' (did you mean 'paths'?)");
	rejected(HEAD
	        "sources:\n  - name: s\n    files: {paths: [/a]}\n  - name: t\n    files: {Paths: [/a]}\n",
	        "p.yaml:6: sources[1].files: unknown key 'Paths' (did you mean 'paths'?)");
	rejected("? \"a b\\n\"\n: 1\n",
	        "p.yaml:1: unknown key 'a b\n' (known: policy, about, regimes, hashes, limits, full_every, sources)");
}

static void policy_rejects_keys_twice(void **state)
{
	(void)state;
	rejected(HEAD HEAD SOURCES, "p.yaml:2: key 'policy' is here twice");
	rejected(HEAD SOURCES "\n" SOURCES, "p.yaml:4: key 'sources' is here twice");
	rejected(
	        HEAD "limits:\n  item: 1\n  item: 1\n" SOURCES, "p.yaml:4: limits: key 'item' is here twice");
	rejected(HEAD "sources: [{name: s, name: s, files: {paths: [/a]}}]\n",
	        "p.yaml:2: sources[0]: key 'name' is here twice");
	rejected(HEAD "sources: [{name: s, files: {paths: [/a], paths: [/b]}}]\n",
	        "p.yaml:2: sources[0].files: key 'paths' is here twice");
}

static void policy_rejects_missing_keys(void **state)
{
	(void)state;
	rejected("\n" SOURCES, "p.yaml:2: key 'policy' is missing");
	rejected(HEAD, "p.yaml:1: key 'sources' is missing");
	rejected(HEAD "sources:\n  - files: {paths: [/a]}\n", "p.yaml:3: sources[0]: key 'name' is missing");
	rejected(HEAD "sources:\n  - name: s\n", "p.yaml:3: sources[0]: says not what to take");
	rejected(HEAD "sources:\n  - name: s\n    files: {}\n",
	        "p.yaml:4: sources[0].files: key 'paths' is missing");
	rejected("{}\n", "p.yaml:1: key 'policy' is missing");
}

/* ---- types: every key with every wrong one ---- */

static void policy_rejects_wrong_types(void **state)
{
	(void)state;
	static const struct {
		const char *before, *after, *path, *wanted;
		enum { TEXT, LIST, MAP } right;
	} keys[] = {
	        {"policy: ", "", "policy", "text", TEXT},
	        {"about: ", "", "about", "text", TEXT},
	        {"regimes: ", "", "regimes", "a list", LIST},
	        {"regimes: [x, ", "]", "regimes[1]", "text", TEXT},
	        {"hashes: ", "", "hashes", "a list", LIST},
	        {"hashes: [", "]", "hashes[0]", "text", TEXT},
	        {"limits: ", "", "limits", "a mapping (key: value)", MAP},
	        {"limits: {item: ", "}", "limits.item", "text", TEXT},
	        {"limits: {exhibit: ", "}", "limits.exhibit", "text", TEXT},
	        {"sources: ", "", "sources", "a list", LIST},
	        {"sources: [", "]", "sources[0]", "a mapping (key: value)", MAP},
	        {"sources: [{name: ", "}]", "sources[0].name", "text", TEXT},
	        {"sources: [{files: ", "}]", "sources[0].files", "a mapping (key: value)", MAP},
	        {"sources: [{files: {paths: ", "}}]", "sources[0].files.paths", "a list", LIST},
	        {"sources: [{files: {paths: [", "]}}]", "sources[0].files.paths[0]", "text", TEXT},
	        {"sources: [{files: {exclude: ", "}}]", "sources[0].files.exclude", "a list", LIST},
	        {"sources: [{files: {exclude: [", "]}}]", "sources[0].files.exclude[0]", "text", TEXT},
	        {"sources: [{files: {append_only: ", "}}]", "sources[0].files.append_only", "true or false",
	                TEXT},
	        {"sources: [{files: {one_file_system: ", "}}]", "sources[0].files.one_file_system",
	                "true or false", TEXT},
	        {"sources: [{files: {packages: ", "}}]", "sources[0].files.packages", "true or false", TEXT},
	};
	static const char *const values[] = {"x", "[/a]", "{a: b}"};
	static const char *const names[] = {"text", "a list", "a mapping"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		for (int type = TEXT; type <= MAP; type++) {
			struct vst_buf text = VST_BUF_INIT, whole = VST_BUF_INIT;
			if (type == (int)keys[i].right)
				continue;
			vst_buf_printf(&text, "\n%s%s%s\n", keys[i].before, values[type], keys[i].after);
			vst_buf_printf(&whole, "p.yaml:2: %s: must be %s, not %s", keys[i].path,
			        keys[i].wanted, names[type]);
			rejected(vst_buf_cstr(&text), vst_buf_cstr(&whole));
			vst_buf_free(&text);
			vst_buf_free(&whole);
		}
	}
	rejected("- a\n", "p.yaml:1: must be a mapping (key: value), not a list");
	rejected("a\n", "p.yaml:1: must be a mapping (key: value), not text");
}

static void policy_rejects_empty_values(void **state)
{
	(void)state;
	rejected("policy:\n" SOURCES, "p.yaml:1: policy: empty");
	rejected("policy: ''\n" SOURCES, "p.yaml:1: policy: empty");
	rejected("policy: ~\n" SOURCES, "p.yaml:1: policy: empty");
	rejected(HEAD "about: null\n" SOURCES, "p.yaml:2: about: empty");
	rejected(HEAD "sources:\n  - name: s\n    files:\n      paths:\n        -\n        - /a\n",
	        "p.yaml:6: sources[0].files.paths[0]: empty");
	rejected(HEAD "sources: []\n", "p.yaml:2: sources: an empty list");
	rejected(HEAD "sources: [{name: s, files: {paths: []}}]\n",
	        "p.yaml:2: sources[0].files.paths: an empty list");
	rejected(HEAD "limits:\n" SOURCES, "p.yaml:2: limits: must be a mapping (key: value), not text");
}

/* ---- values ---- */

static void policy_rejects_bad_names(void **state)
{
	(void)state;
	rejected("policy: a b\n" SOURCES,
	        "p.yaml:1: policy: 'a b' is not a name (a letter or digit, then letters, "
	        "digits, '-', '_', '.'; at most 64)");
	rejected("policy: ../a\n" SOURCES,
	        "p.yaml:1: policy: '../a' is not a name (a letter or digit, then letters, "
	        "digits, '-', '_', '.'; at most 64)");
	rejected(HEAD "sources: [{name: a.b}]\n",
	        "p.yaml:2: sources[0].name: 'a.b' is not a name (a letter or digit, "
	        "then letters, digits, '-', '_'; at most 64)");
	rejected(HEAD "sources: [{name: exhibit}]\n",
	        "p.yaml:2: sources[0].name: 'exhibit' is a name that exhibits use themselves");
	rejected(HEAD "sources: [{name: long}]\n",
	        "p.yaml:2: sources[0].name: 'long' is a name that exhibits use themselves");
	rejected(HEAD "sources:\n- {name: s, files: {paths: [/a]}}\n- {name: s, files: {paths: [/b]}}\n",
	        "p.yaml:4: sources[1].name: 's' is the name of the source in line 3 already");
	char text[256] = "policy: ";
	memset(text + 8, 'a', 65);
	strcpy(text + 8 + 65, "\n" SOURCES);
	struct vst_policy *policy = NULL;
	assert_int_equal(vst_policy_parse(text, strlen(text), "p", &policy, NULL), VST_EFORMAT);
	memmove(text + 8, text + 9, strlen(text + 8));
	accepted(text);
}

static void policy_rejects_bad_lists(void **state)
{
	(void)state;
	rejected(HEAD "regimes: [gdpr,\n  gdpr]\n" SOURCES,
	        "p.yaml:3: regimes[1]: 'gdpr' is in the list already");
	rejected(HEAD "regimes: [GDPR]\n" SOURCES,
	        "p.yaml:2: regimes[0]: 'GDPR' is not a word (a-z, 0-9, '-', '_'; at most 64)");
	rejected(HEAD "hashes: [sha-256]\n" SOURCES,
	        "p.yaml:2: hashes[0]: unknown hash 'sha-256' (did you mean 'sha256'?)");
	rejected(HEAD "hashes: [sha256, crc]\n" SOURCES,
	        "p.yaml:2: hashes[1]: unknown hash 'crc' (known: sha256, sha1, md5)");
	rejected(HEAD "hashes: [md5, md5]\n" SOURCES, "p.yaml:2: hashes[1]: 'md5' is in the list already");
}

static void policy_rejects_bad_flags(void **state)
{
	(void)state;
	rejected(HEAD "sources: [{name: s, files: {append_only: yes}}]\n",
	        "p.yaml:2: sources[0].files.append_only: must be true or false, not yes");
	rejected(HEAD "sources: [{name: s, files: {append_only: 'true'}}]\n",
	        "p.yaml:2: sources[0].files.append_only: must be true or false, not the text 'true'");
	rejected(HEAD "sources: [{name: s, files: {append_only: }}]\n",
	        "p.yaml:2: sources[0].files.append_only: must be true or false, not ");
}

static void policy_reads_sizes(void **state)
{
	(void)state;
	uint64_t size = 0;
	assert_true(policy_parse_size("1", "", &size) && size == 1);
	assert_true(policy_parse_size("7KiB", "", &size) && size == 7 << 10);
	assert_true(policy_parse_size("3 MiB", "", &size) && size == 3 << 20);
	assert_true(policy_parse_size("8388607TiB", "", &size) && size == UINT64_C(8388607) << 40);
	assert_true(policy_parse_size("9223372036854775807", "", &size) && size == INT64_MAX);
	size = 5;
	static const char *const bad[] = {"", "0", "0GiB", "-1", "+1", "1.5GiB", "GiB", "8GB", "8G", "8gib",
	        "8  GiB", "8 ", " 8", "8GiB ", "0x10", "9223372036854775808", "8388608TiB",
	        "18446744073709551616", "18446744073709551617KiB", "99999999999999999999999999"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (policy_parse_size(bad[i], "", &size))
			fail_msg("'%s' was read", bad[i]);
	assert_true(size == 5);
	rejected(HEAD "limits: {item: 8GB}\n" SOURCES,
	        "p.yaml:2: limits.item: '8GB' is not a size (from 1 byte to 8388607TiB)");
	hinted(HEAD "limits: {item: 8GB}\n" SOURCES, "8GiB");
}

/* ---- kinds of sources ---- */

#define SOURCE(text) HEAD "sources: [{name: s, " text "}]\n"

static void policy_fills_every_kind(void **state)
{
	(void)state;
	struct vst_policy *policy = parsed(HEAD
	        "limits: {source: 5MiB, source_time: 10min, read_rate: 200MiB/s, cpu: 50%, io: idle}\n"
	        "sources:\n"
	        "  - {name: a, live: [processes, self]}\n"
	        "  - {name: b, live: [all]}\n"
	        "  - {name: c, journal: {since: 30d, units: [ssh.service], boots: 3, raw: false, directories: [/j]}}\n"
	        "  - name: d\n"
	        "    sqlite: {database: /srv/a.db, tables: [t, u], raw: true}\n"
	        "    subject: id\n"
	        "    columns: {mail: email, 'the name': name}\n"
	        "  - {name: e, postgres: {uri: 'postgresql://app@db/shop', query: 'select 1'}, content: digest}\n"
	        "  - {name: f, artifacts: [A, B], definitions: /d, commands: allow}\n"
	        "  - {name: g, files: {paths: [/]}, content: metadata}\n");
	const struct vst_policy_source *source = policy->sources;
	assert_true(policy->limits.source == 5 << 20 && policy->limits.source_time == 600);
	assert_true(policy->limits.read_rate == 200 << 20 && policy->limits.cpu == 50 && policy->limits.io_idle);
	assert_int_equal(source[0].live, VST_LIVE_PROCESSES | VST_LIVE_SELF);
	assert_int_equal(source[1].live, VST_LIVE_ALL);
	assert_int_equal(source[2].kind, VST_SOURCE_JOURNAL);
	assert_true(source[2].journal.since == 30 * 86400 && source[2].journal.boots == 3);
	assert_false(source[2].journal.raw);
	assert_true(source[2].journal.export);
	assert_string_equal(source[3].sqlite.tables[1], "u");
	assert_true(source[3].sqlite.raw);
	assert_string_equal(source[3].columns[1].column, "the name");
	assert_string_equal(source[3].columns[0].category, "email");
	assert_string_equal(source[4].postgres.query, "select 1");
	assert_int_equal(source[4].content, VST_CONTENT_DIGEST);
	assert_true(source[5].artifacts.commands && source[5].artifacts.name_count == 2);
	assert_int_equal(source[6].content, VST_CONTENT_METADATA);
	vst_policy_free(policy);
}

static void policy_rejects_bad_kinds(void **state)
{
	(void)state;
	rejected(HEAD "sources: [{name: s}]\n", "p.yaml:2: sources[0]: says not what to take");
	rejected(SOURCE("files: {paths: [/a]}, live: [all]"),
	        "p.yaml:2: sources[0]: 'files' and 'live' in one source: make it two");
	rejected(SOURCE("live: [sockets, socks]"),
	        "p.yaml:2: sources[0].live[1]: unknown kind of live state 'socks' (did you mean 'sockets'?)");
	rejected(SOURCE("live: [all], content: digest"),
	        "p.yaml:2: sources[0]: 'content' means nothing for a source of live");
	rejected(SOURCE("journal: {raw: false, export: false}"),
	        "p.yaml:2: sources[0].journal: neither raw nor export: nothing would be taken");
	rejected(SOURCE("journal: {since: 30}"), "p.yaml:2: sources[0].journal.since: '30' is not a time");
	rejected(SOURCE("sqlite: {database: a.db}"),
	        "p.yaml:2: sources[0].sqlite.database: 'a.db' is not an absolute path without '.', '..' and '//'");
	rejected(SOURCE("sqlite: {database: /a/../b}"),
	        "p.yaml:2: sources[0].sqlite.database: '/a/../b' is not an absolute path without '.', '..' and '//'");
	rejected(SOURCE("sqlite: {database: /a, tables: [t], query: q}"),
	        "p.yaml:2: sources[0].sqlite: tables and query: one of them");
	rejected(SOURCE("postgres: {tables: [t]}"),
	        "p.yaml:2: sources[0].postgres: needs a service or a uri, and one of them");
	rejected(SOURCE("sqlite: {database: /a}, columns: {a: email, a: name}"),
	        "p.yaml:2: sources[0].columns: key 'a' is here twice");
	rejected(HEAD "limits: {cpu: 50}\n" SOURCES, "p.yaml:2: limits.cpu: '50' is not a share");
	rejected(HEAD "limits: {read_rate: 5MiB}\n" SOURCES, "p.yaml:2: limits.read_rate: '5MiB' is not a rate");
}

/* A policy is sealed into each exhibit and lies on hosts: no place for secrets, and an error must not repeat one. */
static void policy_rejects_passwords(void **state)
{
	(void)state;
	rejected(SOURCE("postgres: {uri: 'postgresql://app:s3cret@db/shop'}"),
	        "p.yaml:2: sources[0].postgres.uri: holds a password");
	rejected(SOURCE("postgres: {uri: 'postgresql://db/shop?PassWord=s3cret'}"),
	        "p.yaml:2: sources[0].postgres.uri: holds a password");
	accepted(SOURCE("postgres: {uri: 'postgresql://app@[::1]:5432/shop?sslmode=verify-full'}"));
}

static void policy_rejects_bad_patterns(void **state)
{
	(void)state;
	rejected(HEAD "sources: [{name: s, files: {paths: [/a,\n  \"/b/[c\"]}}]\n",
	        "p.yaml:3: sources[0].files.paths[1]: pattern '/b/[c': a '[' without its ']'");
	rejected(HEAD "sources: [{name: s, files: {paths: [var/log]}}]\n",
	        "p.yaml:2: sources[0].files.paths[0]: 'var/log' must start with '/'");
	hinted(HEAD "sources: [{name: s, files: {paths: [var/log]}}]\n", "'/**/var/log'");
	rejected(HEAD "sources: [{name: s, files: {paths: [/a], exclude: [a**]}}]\n",
	        "p.yaml:2: sources[0].files.exclude[0]: pattern 'a**': '**' is a component of its own, not "
	        "part of a "
	        "name");
	accepted(HEAD "sources: [{name: s, files: {paths: ['{/a,/b}'], exclude: [x, y/z, /a/x]}}]\n");
}

/* Patterns that were not put into quotes are what YAML says; people are told. */
static void policy_tells_of_missing_quotes(void **state)
{
	(void)state;
	hinted(HEAD "sources:\n - name: s\n   files:\n    paths: [/a]\n    exclude:\n    - *.iso\n",
	        "quotes");
	hinted(HEAD "sources:\n - name: s\n   files:\n    paths: [/a]\n    exclude:\n    - *iso\n", "quotes");
	hinted(HEAD "sources:\n - name: s\n   files:\n    paths: [/a]\n    exclude:\n    - [ab]*\n",
	        "quotes");
	hinted(HEAD "sources:\n - name: s\n   files:\n    paths: [/a]\n    exclude:\n    - [ab]\n", "quotes");
	hinted(HEAD "sources:\n - name: s\n   files:\n    paths: [/a/{b,c}]\n", "quotes");
	hinted(HEAD "sources:\n - name: s\n   files:\n    paths:\n    - {/a,/b}\n", "quotes");
}

static void policy_bounds_its_size(void **state)
{
	(void)state;
	struct vst_policy *policy = NULL;
	struct vst_err err = VST_ERR_INIT;
	char *text = malloc(VST_POLICY_MAX + 1);
	assert_non_null(text);
	memset(text, '\n', VST_POLICY_MAX + 1);
	memcpy(text, HEAD SOURCES, strlen(HEAD SOURCES));
	assert_int_equal(vst_policy_parse(text, VST_POLICY_MAX, "p", &policy, &err), 0);
	vst_policy_free(policy);
	policy = NULL;
	assert_int_equal(vst_policy_parse(text, VST_POLICY_MAX + 1, "p", &policy, &err), VST_ELIMIT);
	assert_null(policy);
	free(text);
}

static void policy_bounds_what_it_asks_for(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	vst_buf_text(&text, HEAD "sources:\n");
	for (int i = 0; i < 256; i++)
		vst_buf_printf(&text, "- {name: s%d, files: {paths: [/a]}}\n", i);
	accepted(vst_buf_cstr(&text));
	vst_buf_text(&text, "- {name: t, files: {paths: [/a]}}\n");
	rejected(vst_buf_cstr(&text), "p.yaml:259: sources[256]: more than 256 sources");

	vst_buf_clear(&text);
	vst_buf_text(&text, HEAD "sources:\n- name: s\n  files:\n    paths:\n");
	for (int i = 0; i < 16; i++)
		vst_buf_text(&text, "    - \"/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\"\n");
	accepted(vst_buf_cstr(&text));
	vst_buf_text(&text, "    - /c\n");
	rejected(vst_buf_cstr(&text), "p.yaml:22: sources[0].files.paths[16]: all patterns together have "
	                              "more than 16384 alternatives");

	vst_buf_clear(&text);
	vst_buf_text(&text, HEAD "regimes:\n");
	for (int i = 0; i < 70000; i++)
		vst_buf_text(&text, "- a\n");
	rejected(vst_buf_cstr(&text), "p.yaml:65536: regimes: more than 65536 values");
	vst_buf_free(&text);
}

static void policy_shipped_ones_are_good(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_policy *policy = NULL;
	char text[16384];
	FILE *file = fopen(VST_TEST_DATA "/../../policies/linux-logs.yaml", "r");
	assert_non_null(file);
	size_t len = fread(text, 1, sizeof text, file);
	fclose(file);
	if (vst_policy_parse(text, len, "linux-logs.yaml", &policy, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(policy->name, "linux-logs");
	assert_int_equal(policy->source_count, 5);
	vst_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(policy_fills_everything),
	        cmocka_unit_test(policy_has_defaults),
	        cmocka_unit_test(policy_takes_what_yaml_offers),
	        cmocka_unit_test(policy_rejects_nothing),
	        cmocka_unit_test(policy_rejects_what_is_not_yaml),
	        cmocka_unit_test(policy_rejects_a_second_document),
	        cmocka_unit_test(policy_rejects_aliases_anchors_tags),
	        cmocka_unit_test(policy_rejects_zero_bytes_and_depth),
	        cmocka_unit_test(policy_rejects_keys_that_are_no_text),
	        cmocka_unit_test(policy_rejects_unknown_keys),
	        cmocka_unit_test(policy_rejects_keys_twice),
	        cmocka_unit_test(policy_rejects_missing_keys),
	        cmocka_unit_test(policy_rejects_wrong_types),
	        cmocka_unit_test(policy_rejects_empty_values),
	        cmocka_unit_test(policy_rejects_bad_names),
	        cmocka_unit_test(policy_rejects_bad_lists),
	        cmocka_unit_test(policy_rejects_bad_flags),
	        cmocka_unit_test(policy_reads_sizes),
	        cmocka_unit_test(policy_fills_every_kind),
	        cmocka_unit_test(policy_rejects_bad_kinds),
	        cmocka_unit_test(policy_rejects_passwords),
	        cmocka_unit_test(policy_rejects_bad_patterns),
	        cmocka_unit_test(policy_tells_of_missing_quotes),
	        cmocka_unit_test(policy_bounds_its_size),
	        cmocka_unit_test(policy_bounds_what_it_asks_for),
	        cmocka_unit_test(policy_shipped_ones_are_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
