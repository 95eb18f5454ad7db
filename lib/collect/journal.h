/*
 * The collector of kind `journal` (vestige/policy.h), save for the raw files, which the files collector
 * takes.
 *
 * Items: `/journal/export`, a stream in the Journal Export Format, and in its details what the files say of
 * themselves (journal_facts.h);
 * `/journal/facts`, the same as a stream of its own where there is no export or where it does not fit into
 * details. Files and directories that cannot be read are items with a status, unless the source has them
 * already.
 */
#ifndef COLLECT_JOURNAL_H
#define COLLECT_JOURNAL_H

#include "vestige/collector.h"

#define VST_JOURNAL_EXPORT_PATH "/journal/export"
#define VST_JOURNAL_FACTS_PATH "/journal/facts"

/* Where the journal is: those of the policy, or systemd's own. Borrowed. */
size_t vst_journal_directories(const struct vst_policy_journal *journal, const char *const **ret);

int vst_collect_journal(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

#endif
