#include "collect/live.h"
int vst_live_self(struct vst_live *live, struct vst_err *err) { (void)live; (void)err; return 0; }
