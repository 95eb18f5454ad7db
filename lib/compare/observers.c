#include "compare/observer.h"

extern const struct vst_observer vst_observe_audit;
extern const struct vst_observer vst_observe_cadence;
extern const struct vst_observer vst_observe_journal;
extern const struct vst_observer vst_observe_live_findings;

const struct vst_observer *const vst_observers[] = {
        &vst_observe_audit,
        &vst_observe_cadence,
        &vst_observe_journal,
        &vst_observe_live_findings,
        NULL,
};
