/*
 * Each allocation of an observer fails once, in turn: it says so, or does without. A plan of faults is read
 * once a process, so each turn is a child of its own.
 */
#include "watching.h"

#ifndef VESTIGE_FAULTS

static void observe_faults_need_a_build_with_faults(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(observe_faults_need_a_build_with_faults)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <sys/wait.h>
#include <unistd.h>

enum { DONE = 0, WRONG = 10, NO_MEMORY = 12 };

extern const struct vst_observer vst_observe_audit, vst_observe_cadence, vst_observe_journal,
        vst_observe_live_findings;

struct sample {
	const struct vst_observer *observer;
	const char *path, *details;
	enum vst_item_type type;
	const char *before, *after;
};

#define ID "11111111111111111111111111111111"
#define DETAILS                                                                                              \
	"{\"file_count\":1,\"files\":[{\"path\":\"/a/b@1.journal\",\"file_id\":\"" ID                        \
	"\",\"seqnum_id\":\"" ID "\",\"state\":\"archived\",\"head_seqnum\":1,\"tail_seqnum\":9,"            \
	                         "\"entries\":4,\"error\":\"x\"}],\"seqnums\":[{"                            \
	"\"seqnum_id\":\"" ID "\",\"first\":1,\"last\":9,\"gap_count\":1,\"gaps\":[[3,4]]}]}"

static const struct sample samples[] = {
        {&vst_observe_audit, "/var/log/audit/audit.log", NULL, VST_ITEM_FILE,
                "type=A msg=audit(1700000001.000:1): \ntype=A msg=audit(1700000009.000:400): \n",
                "type=A msg=audit(1700000001.000:1): \ntype=A msg=audit(1700000005.000:200): \n"
                "type=A msg=audit(1700000009.000:300): \ntype=DAEMON_ABORT msg=audit(1700000010.000:9): \n"},
        {&vst_observe_cadence, "/var/log/x.log", NULL, VST_ITEM_FILE,
                "1700000000 a\n1700008000 b\n1700000000 c\n",
                "1700000000 a\n1700009000 b\n1700000000 c\n1700000001 d\n"},
        {&vst_observe_journal, "/journal/export", DETAILS, VST_ITEM_STREAM, "x", "y"},
        {&vst_observe_live_findings, "/findings.jsonl", NULL, VST_ITEM_STREAM, "",
                "{\"finding\":\"a\",\"severity\":\"low\",\"text\":\"t\",\"details\":{\"a\":1}}\n"},
        {&vst_observe_live_findings, "/modules.jsonl", NULL, VST_ITEM_STREAM, "{\"name\":\"a\"}\n",
                "{\"name\":\"b\"}\n"},
};

static int observe(const struct sample *sample, const struct vst_item *item, const char *text,
        struct vst_buf *ret, struct vst_err *err)
{
	void *state = NULL;
	int rc = sample->observer->open(&state, item, err);
	if (rc == 0)
		rc = sample->observer->data(state, 0, text, strlen(text), err);
	if (rc == 0)
		rc = sample->observer->close(state, ret, err);
	sample->observer->free(state);
	return rc;
}

static int take(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	(void)ctx, (void)finding, (void)err;
	return 0;
}

static int run(const struct sample *sample)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf facts[2] = {VST_BUF_INIT, VST_BUF_INIT};
	struct vst_item item;
	const struct vst_finding_sink sink = {take, NULL};
	vst_item_init(&item);
	item.source = "s";
	item.path = sample->path;
	item.type = sample->type;
	item.details = sample->details;
	item.details_len = sample->details ? strlen(sample->details) : 0;
	int rc = observe(sample, &item, sample->before, &facts[0], &err);
	if (rc == 0)
		rc = observe(sample, &item, sample->after, &facts[1], &err);
	struct vst_observed observed[2];
	struct vst_observed_set sets[2];
	for (int i = 0; i < 2; i++) {
		observed[i] = (struct vst_observed){
		        .place = {1, 1}, .item = &item, .facts = (char *)facts[i].data, .len = facts[i].len};
		sets[i] = (struct vst_observed_set){
		        .items = &observed[i], .count = 1, .boot_time = VST_TIME_NONE};
	}
	if (rc == 0)
		rc = sample->observer->judge(&sets[0], &sets[1], &sink, &err);
	vst_buf_free(&facts[0]);
	vst_buf_free(&facts[1]);
	return rc == 0 ? DONE : rc == VST_ENOMEM && err.code == VST_ENOMEM ? NO_MEMORY : WRONG;
}

static int in_child(const struct sample *sample, unsigned n)
{
	char plan[40];
	int status;
	snprintf(plan, sizeof plan, "malloc:%u:ENOMEM", n);
	pid_t pid = fork();
	if (pid == 0) {
		setenv("VESTIGE_FAULT", plan, 1);
		exit(run(sample));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void observers_say_when_there_is_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		unsigned n = 1;
		int code;
		while ((code = in_child(&samples[i], n)) == NO_MEMORY && n < 1000)
			n++;
		assert_int_equal(code, DONE);
		assert_true(n > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(observers_say_when_there_is_no_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
