#include "vestige/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/plain.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/signers.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* What a type adds to the common fields. A new type is one line of the table and its functions above it. */
struct event_kind {
	enum vst_event_type type;
	const char *name;
	bool by_collector; /* a collector may sign it, and it then has next_key */
	const char *(*fault)(const struct vst_event *event);
	void (*write)(const struct vst_event *event, struct vst_json *json);
	int (*read)(struct vst_json_take *take,
	        struct vst_event *event); /* non-zero: failed otherwise than the take */
	void (*release)(struct vst_event *event);
};

/* ---- pieces ---- */

static void write_file(struct vst_json *json, const uint8_t digest[VST_HASH_LEN], uint64_t bytes)
{
	vst_json_key(json, "file");
	vst_json_object(json);
	vst_json_key(json, "sha256");
	vst_json_hex(json, digest, VST_HASH_LEN);
	vst_json_key(json, "bytes");
	vst_json_uint(json, bytes);
	vst_json_end(json);
}

static void read_file(struct vst_json_take *take, uint8_t ret_digest[VST_HASH_LEN], uint64_t *ret_bytes)
{
	json_t *value = vst_json_take_value(take, "file", JSON_OBJECT);
	struct vst_json_take file;

	if (!value)
		return;
	file = vst_json_take_of(value, take->err);
	vst_json_take_hex(&file, "sha256", ret_digest, VST_HASH_LEN);
	*ret_bytes = vst_json_take_uint(&file, "bytes");
	if (vst_json_take_end(&file) != 0)
		take->failed = true;
}

static int read_text(struct vst_json_take *take, const char *key, char **ret)
{
	const char *text = vst_json_take_string(take, key);

	if (take->failed)
		return 0;
	*ret = vst_strdup(text);
	return *ret ? 0 : vst_err_nomem(take->err);
}

static const char *exhibit_fault(uint64_t exhibit)
{
	return exhibit == 0 || exhibit > VST_EXHIBIT_MAX ? "no such exhibit number" : NULL;
}

/* ---- genesis ---- */

static const char *genesis_fault(const struct vst_event *event)
{
	return vst_plain_text(event->genesis.program, VST_EVENT_TEXT_MAX) ? NULL : "program is no plain text";
}

static void genesis_write(const struct vst_event *event, struct vst_json *json)
{
	vst_json_key(json, "program");
	vst_json_string(json, event->genesis.program);
}

static int genesis_read(struct vst_json_take *take, struct vst_event *event)
{
	return read_text(take, "program", &event->genesis.program);
}

static void genesis_release(struct vst_event *event)
{
	free(event->genesis.program);
}

/* ---- acquire ---- */

static const char *acquire_fault(const struct vst_event *event)
{
	if (!event->seal)
		return "acquire without a seal";
	return vst_seal_check(event->seal, NULL) != 0 ? "the seal cannot be written" : NULL;
}

static void acquire_write(const struct vst_event *event, struct vst_json *json)
{
	vst_json_key(json, "seal");
	vst_seal_write(event->seal, json);
}

static int acquire_read(struct vst_json_take *take, struct vst_event *event)
{
	json_t *value = vst_json_take_value(take, "seal", JSON_OBJECT);

	return value ? vst_seal_read(value, &event->seal, take->err) : 0;
}

static void acquire_release(struct vst_event *event)
{
	vst_seal_free(event->seal);
}

/* ---- recover ---- */

static const char *recover_fault(const struct vst_event *event)
{
	if (event->recover.file_bytes > VST_PLAIN_UINT_MAX)
		return "a size is out of range";
	return exhibit_fault(event->recover.exhibit);
}

static void recover_write(const struct vst_event *event, struct vst_json *json)
{
	vst_json_key(json, "exhibit");
	vst_json_uint(json, event->recover.exhibit);
	write_file(json, event->recover.file_sha256, event->recover.file_bytes);
}

static int recover_read(struct vst_json_take *take, struct vst_event *event)
{
	event->recover.exhibit = vst_json_take_uint(take, "exhibit");
	read_file(take, event->recover.file_sha256, &event->recover.file_bytes);
	return 0;
}

/* ---- extract ---- */

static const char *extract_fault(const struct vst_event *event)
{
	static const char *const verbs[] = {"ls", "cat", "extract", "verify", "diff"};
	const char *verb = event->extract.verb;
	bool known = false;

	for (size_t i = 0; verb && i < sizeof verbs / sizeof *verbs; i++)
		known = known || strcmp(verb, verbs[i]) == 0;
	if (!known)
		return "verb is none of ls, cat, extract, verify";
	if (event->extract.items > VST_PLAIN_UINT_MAX)
		return "a count is out of range";
	return exhibit_fault(event->extract.exhibit);
}

static void extract_write(const struct vst_event *event, struct vst_json *json)
{
	vst_json_key(json, "exhibit");
	vst_json_uint(json, event->extract.exhibit);
	vst_json_key(json, "verb");
	vst_json_string(json, event->extract.verb);
	vst_json_key(json, "items");
	vst_json_uint(json, event->extract.items);
	vst_json_key(json, "selection_sha256");
	vst_json_hex(json, event->extract.selection_sha256, VST_HASH_LEN);
}

static int extract_read(struct vst_json_take *take, struct vst_event *event)
{
	int rc;

	event->extract.exhibit = vst_json_take_uint(take, "exhibit");
	if ((rc = read_text(take, "verb", &event->extract.verb)) != 0)
		return rc;
	event->extract.items = vst_json_take_uint(take, "items");
	vst_json_take_hex(take, "selection_sha256", event->extract.selection_sha256, VST_HASH_LEN);
	return 0;
}

static void extract_release(struct vst_event *event)
{
	free(event->extract.verb);
}

/* ---- dispose ---- */

static const char *const causes[] = {
        [VST_DISPOSE_RETENTION] = "retention", [VST_DISPOSE_REQUEST] = "request"};
#define CAUSE_COUNT (sizeof causes / sizeof *causes)

const char *vst_dispose_cause_name(enum vst_dispose_cause cause)
{
	return (size_t)cause < CAUSE_COUNT && causes[cause] ? causes[cause] : "unknown";
}

static const char *dispose_fault(const struct vst_event *event)
{
	size_t count = event->dispose.exhibit_count;
	const struct vst_event_disposed *exhibits = event->dispose.exhibits;

	if (event->dispose.cause != VST_DISPOSE_RETENTION && event->dispose.cause != VST_DISPOSE_REQUEST)
		return "cause is neither retention nor request";
	if (count == 0 || count > VST_EVENT_DISPOSED_MAX)
		return "no exhibits, or too many";
	for (size_t i = 0; i < count; i++) {
		if (exhibit_fault(exhibits[i].exhibit))
			return "no such exhibit number";
		if (i > 0 && exhibits[i].exhibit <= exhibits[i - 1].exhibit)
			return "the exhibits are not in order";
	}
	return exhibits[0].exhibit != event->dispose.generation ? "a generation is named by its first exhibit"
	                                                        : NULL;
}

static void dispose_write(const struct vst_event *event, struct vst_json *json)
{
	vst_json_key(json, "generation");
	vst_json_uint(json, event->dispose.generation);
	vst_json_key(json, "exhibits");
	vst_json_array(json);
	for (size_t i = 0; i < event->dispose.exhibit_count; i++) {
		const struct vst_event_disposed *disposed = &event->dispose.exhibits[i];

		vst_json_object(json);
		vst_json_key(json, "exhibit");
		vst_json_uint(json, disposed->exhibit);
		vst_json_key(json, "seal_sha256");
		if (disposed->is_sealed)
			vst_json_hex(json, disposed->seal_sha256, VST_HASH_LEN);
		else
			vst_json_null(json);
		vst_json_end(json);
	}
	vst_json_end(json);
	vst_json_key(json, "cause");
	vst_json_string(json, vst_dispose_cause_name(event->dispose.cause));
}

static void read_disposed(struct vst_json_take *take, json_t *object, struct vst_event_disposed *ret)
{
	struct vst_json_take disposed;
	json_t *digest;

	if (!json_is_object(object)) {
		vst_json_take_fail(take, "exhibits: not an object");
		return;
	}
	disposed = vst_json_take_of(object, take->err);
	ret->exhibit = vst_json_take_uint(&disposed, "exhibit");
	digest = vst_json_take_any(&disposed, "seal_sha256");
	ret->is_sealed = digest && !json_is_null(digest);
	if (ret->is_sealed && (!json_is_string(digest) ||
	                              !vst_hex_decode(json_string_value(digest), json_string_length(digest),
	                                      ret->seal_sha256, VST_HASH_LEN)))
		vst_json_take_fail(&disposed, "seal_sha256: neither null nor a digest");
	if (vst_json_take_end(&disposed) != 0)
		take->failed = true;
}

static void read_cause(struct vst_json_take *take, enum vst_dispose_cause *ret)
{
	const char *cause = vst_json_take_string(take, "cause");

	for (size_t i = 0; i < CAUSE_COUNT; i++)
		if (causes[i] && strcmp(causes[i], cause) == 0)
			*ret = (enum vst_dispose_cause)i;
}

static int dispose_read(struct vst_json_take *take, struct vst_event *event)
{
	json_t *array;
	size_t count;

	event->dispose.generation = vst_json_take_uint(take, "generation");
	array = vst_json_take_value(take, "exhibits", JSON_ARRAY);
	count = array ? json_array_size(array) : 0;
	if (count == 0 || count > VST_EVENT_DISPOSED_MAX) {
		vst_json_take_fail(take, "exhibits: none, or too many");
		return 0;
	}
	event->dispose.exhibits = vst_calloc(count, sizeof *event->dispose.exhibits);
	if (!event->dispose.exhibits)
		return vst_err_nomem(take->err);
	event->dispose.exhibit_count = count;
	for (size_t i = 0; i < count && !take->failed; i++)
		read_disposed(take, json_array_get(array, i), &event->dispose.exhibits[i]);
	read_cause(take, &event->dispose.cause);
	return 0;
}

static void dispose_release(struct vst_event *event)
{
	free(event->dispose.exhibits);
}

/* ---- the table ---- */

static const struct event_kind kinds[] = {
        {VST_EVENT_GENESIS, "genesis", true, genesis_fault, genesis_write, genesis_read, genesis_release},
        {VST_EVENT_ACQUIRE, "acquire", true, acquire_fault, acquire_write, acquire_read, acquire_release},
        {VST_EVENT_RECOVER, "recover", true, recover_fault, recover_write, recover_read, NULL},
        {VST_EVENT_EXTRACT, "extract", false, extract_fault, extract_write, extract_read, extract_release},
        {VST_EVENT_KEY, "key", false, NULL, NULL, NULL, NULL},
        {VST_EVENT_DISPOSE, "dispose", true, dispose_fault, dispose_write, dispose_read, dispose_release},
};

static const struct event_kind *kind_of(enum vst_event_type type)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static const struct event_kind *kind_named(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *vst_event_type_name(enum vst_event_type type)
{
	const struct event_kind *kind = kind_of(type);

	return kind ? kind->name : "unknown";
}

bool vst_event_by_collector(enum vst_event_type type)
{
	const struct event_kind *kind = kind_of(type);

	return kind && kind->by_collector;
}

/* ---- what an event may hold ---- */

/* The characters that git silently takes away at both ends of a name. */
static bool is_trimmed_by_git(char c)
{
	return (unsigned char)c <= ' ' || strchr(".,:;<>\"\\'", c) != NULL;
}

bool vst_event_actor_valid(const char *actor)
{
	size_t len = actor ? strlen(actor) : 0;

	if (!vst_plain_text(actor, VST_PRINCIPAL_MAX) || strpbrk(actor, " <>+\"'\\#*?!,"))
		return false;
	return !is_trimmed_by_git(actor[0]) && !is_trimmed_by_git(actor[len - 1]);
}

/* 0, VST_EFORMAT, or VST_ENOMEM: want of memory says nothing about the key. */
static int check_next_key(const char *text, struct vst_err *err)
{
	struct vst_buf canonical = VST_BUF_INIT;
	struct vst_ssh_public key;
	int rc = vst_ssh_public_parse(text, strlen(text), &key, NULL, NULL, err);

	if (rc == VST_ENOMEM)
		return rc;
	if (rc == 0) {
		vst_ssh_public_text(&key, &canonical);
		rc = vst_buf_check(&canonical, err);
	}
	if (rc != VST_ENOMEM &&
	        (rc != 0 || key.type != VST_SSH_ED25519 || strcmp(vst_buf_cstr(&canonical), text) != 0))
		rc = vst_err_set(err, VST_EFORMAT, "next_key is not the text of an ssh-ed25519 key");
	vst_buf_free(&canonical);
	return rc;
}

static const char *event_fault(const struct vst_event *event)
{
	const struct event_kind *kind = kind_of(event->type);

	if (!kind)
		return "unknown type";
	if (event->number > VST_EVENT_NUMBER_MAX)
		return "the number is too large";
	if ((event->number == 0) != (event->type == VST_EVENT_GENESIS))
		return "genesis is event 0, and no other event is";
	if (event->time < 0)
		return "the time is missing or before 1970"; /* a commit cannot carry it */
	if (!vst_event_actor_valid(event->actor))
		return "the actor is not a principal that a commit and a note can carry";
	if (event->next_key && !kind->by_collector)
		return "next_key in an event that no collector signs";
	return kind->fault ? kind->fault(event) : NULL;
}

/* What is wrong with an event has the code `code`: it was given to us, or read. */
static int check_event(const struct vst_event *event, int code, struct vst_err *err)
{
	const char *fault = event_fault(event);
	int rc;

	if (fault)
		return vst_err_set(err, code, "%s", fault);
	if (!event->next_key || (rc = check_next_key(event->next_key, err)) == 0)
		return 0;
	if (rc != VST_ENOMEM && err)
		err->code = code;
	return rc == VST_ENOMEM ? rc : code;
}

/* ---- encoding ---- */

static void write_event(const struct vst_event *event, const struct event_kind *kind, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);

	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, "event");
	vst_json_uint(&json, event->number);
	vst_json_key(&json, "type");
	vst_json_string(&json, kind->name);
	vst_json_key(&json, "time");
	vst_json_time(&json, event->time);
	vst_json_key(&json, "previous");
	if (event->number == 0)
		vst_json_null(&json);
	else
		vst_json_hex(&json, event->previous, VST_HASH_LEN);
	vst_json_key(&json, "actor");
	vst_json_string(&json, event->actor);
	vst_json_key(&json, "case_sha256");
	vst_json_hex(&json, event->case_sha256, VST_HASH_LEN);
	vst_json_key(&json, "recipients_sha256");
	vst_json_hex(&json, event->recipients_sha256, VST_HASH_LEN);
	vst_json_key(&json, "allowed_signers_sha256");
	vst_json_hex(&json, event->signers_sha256, VST_HASH_LEN);
	if (event->next_key) {
		vst_json_key(&json, "next_key");
		vst_json_string(&json, event->next_key);
	}
	if (kind->write)
		kind->write(event, &json);
	vst_json_end(&json);
	vst_buf_byte(out, '\n');
}

int vst_event_encode(const struct vst_event *event, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	int rc;

	if ((rc = check_event(event, VST_EUSAGE, err)) != 0) {
		vst_err_prepend(err, "event");
		return rc;
	}
	write_event(event, kind_of(event->type), &bytes);
	if ((rc = vst_buf_check(&bytes, err)) != 0)
		goto out;
	if (bytes.len > VST_EVENT_MAX) {
		rc = vst_err_set(err, VST_ELIMIT, "event: longer than %d bytes", VST_EVENT_MAX);
		goto out;
	}
	vst_buf_bytes(out, bytes.data, bytes.len);
	rc = vst_buf_check(out, err);
out:
	vst_buf_free(&bytes);
	return rc;
}

/* ---- parsing ---- */

static void read_previous(struct vst_json_take *take, struct vst_event *event)
{
	json_t *value = vst_json_take_any(take, "previous");

	if (!value)
		return;
	if (event->number == 0) {
		if (!json_is_null(value))
			vst_json_take_fail(take, "previous: event 0 has none");
	} else if (!json_is_string(value) ||
	           !vst_hex_decode(json_string_value(value), json_string_length(value), event->previous,
	                   VST_HASH_LEN)) {
		vst_json_take_fail(take, "previous: not a digest");
	}
}

/* The keys behind `format`. */
static int read_fields(struct vst_json_take *take, struct vst_event *event)
{
	const struct event_kind *kind;
	const char *type;
	int rc;

	event->number = vst_json_take_uint(take, "event");
	type = vst_json_take_string(take, "type");
	if (take->failed)
		return vst_json_take_end(take);
	kind = kind_named(type);
	if (!kind)
		return vst_err_set(take->err, VST_EVERSION, "type '%.40s' is not known", type);
	event->type = kind->type;
	event->time = vst_json_take_time(take, "time");
	read_previous(take, event);
	if ((rc = read_text(take, "actor", &event->actor)) != 0)
		return rc;
	vst_json_take_hex(take, "case_sha256", event->case_sha256, VST_HASH_LEN);
	vst_json_take_hex(take, "recipients_sha256", event->recipients_sha256, VST_HASH_LEN);
	vst_json_take_hex(take, "allowed_signers_sha256", event->signers_sha256, VST_HASH_LEN);
	if (vst_json_take_is(take, "next_key") && (rc = read_text(take, "next_key", &event->next_key)) != 0)
		return rc;
	if (kind->read && !take->failed && (rc = kind->read(take, event)) != 0)
		return rc;
	return vst_json_take_end(take);
}

static int read_event(json_t *object, struct vst_event *event, struct vst_err *err)
{
	struct vst_json_take take = vst_json_take_of(object, err);
	uint64_t format = vst_json_take_uint(&take, "format");
	int rc;

	if (!take.failed && format != 1)
		return vst_err_set(err, VST_EVERSION, "format %llu is not known", (unsigned long long)format);
	if ((rc = read_fields(&take, event)) != 0)
		return rc;
	return check_event(event, VST_EFORMAT, err);
}

/* One event has one spelling: any other JSON with the same meaning would have another digest. */
static int check_spelling(const struct vst_event *event, const void *bytes, size_t len, struct vst_err *err)
{
	struct vst_buf again = VST_BUF_INIT;
	int rc;

	write_event(event, kind_of(event->type), &again);
	if ((rc = vst_buf_check(&again, err)) != 0)
		goto out;
	if (again.len != len || memcmp(again.data, bytes, len) != 0)
		rc = vst_err_set(err, VST_EFORMAT, "not written as this format is written");
out:
	vst_buf_free(&again);
	return rc;
}

int vst_event_parse(const void *bytes, size_t len, struct vst_event **ret, struct vst_err *err)
{
	struct vst_err scratch = VST_ERR_INIT;
	struct vst_event *event = NULL;
	json_t *object = NULL;
	int rc;

	if (!err)
		err = &scratch;
	vst_err_clear(err); /* the takes read an earlier failure as one of this document */
	if (len > VST_EVENT_MAX)
		return vst_err_set(err, VST_ELIMIT, "event: longer than %d bytes", VST_EVENT_MAX);
	if (len == 0 || ((const uint8_t *)bytes)[len - 1] != '\n')
		return vst_err_set(err, VST_EFORMAT, "event: no line feed at the end");
	event = vst_calloc(1, sizeof *event);
	if (!event)
		return vst_err_nomem(err);
	if ((rc = vst_json_parse(bytes, len - 1, &object, err)) != 0 ||
	        (rc = read_event(object, event, err)) != 0 ||
	        (rc = check_spelling(event, bytes, len, err)) != 0) {
		vst_err_prepend(err, "event");
		goto out;
	}
	*ret = event;
	event = NULL;
out:
	json_decref(object);
	vst_event_free(event);
	return rc;
}

void vst_event_free(struct vst_event *event)
{
	const struct event_kind *kind = event ? kind_of(event->type) : NULL;

	if (!event)
		return;
	if (kind && kind->release)
		kind->release(event);
	free(event->actor);
	free(event->next_key);
	free(event);
}

void vst_event_path(uint64_t number, char ret_path[40])
{
	unsigned long long n = (unsigned long long)number;

	snprintf(ret_path, 40, "events/%04llu/%02llu/%08llu.json", n / 10000 % 10000, n / 100 % 100,
	        n % 100000000);
}
