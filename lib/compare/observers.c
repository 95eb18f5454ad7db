#include "compare/observer.h"

const struct vst_observer *const vst_observers[] = {
        NULL,
};
