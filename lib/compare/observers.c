#include "compare/observer.h"

extern const struct vst_observer vst_observe_accounts;
extern const struct vst_observer vst_observe_audit;
extern const struct vst_observer vst_observe_authorized_keys;
extern const struct vst_observer vst_observe_cadence;
extern const struct vst_observer vst_observe_journal;
extern const struct vst_observer vst_observe_live_findings;
extern const struct vst_observer vst_observe_logins;

const struct vst_observer *const vst_observers[] = {
        &vst_observe_accounts,
        &vst_observe_audit,
        &vst_observe_authorized_keys,
        &vst_observe_cadence,
        &vst_observe_journal,
        &vst_observe_live_findings,
        &vst_observe_logins,
        NULL,
};
