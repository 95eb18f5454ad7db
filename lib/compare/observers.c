#include "compare/observer.h"

extern const struct vst_observer vst_observe_audit;

const struct vst_observer *const vst_observers[] = {
        &vst_observe_audit,
        NULL,
};
