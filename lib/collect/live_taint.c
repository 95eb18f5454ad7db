#include "collect/live_taint.h"

#include <stddef.h>

static const struct vst_taint taints[VST_TAINTS] = {
        {'P', "proprietary_module", NULL, NULL},
        {'F', "forced_module", "medium",
                "a kernel module was loaded by force, against its version or checks"},
        {'S', "out_of_specification", NULL, NULL},
        {'R', "forced_unload", "medium", "a kernel module was removed by force"},
        {'M', "machine_check", NULL, NULL},
        {'B', "bad_page", NULL, NULL},
        {'U', "user", NULL, NULL},
        {'D', "died", NULL, NULL},
        {'A', "acpi_table_overridden", NULL, NULL},
        {'W', "warning", NULL, NULL},
        {'C', "staging_driver", NULL, NULL},
        {'I', "firmware_workaround", NULL, NULL},
        {'O', "out_of_tree_module", "low",
                "a kernel module that is not of the kernel's own source was loaded"},
        {'E', "unsigned_module", "medium", "a kernel module without a valid signature was loaded"},
        {'L', "soft_lockup", NULL, NULL},
        {'K', "live_patched", NULL, NULL},
        {'X', "distribution", NULL, NULL},
        {'T', "randstruct", NULL, NULL},
        {'N', "test", NULL, NULL},
        {'J', "fwctl", NULL, NULL},
};

const struct vst_taint *vst_taint_of(unsigned bit)
{
	return bit < VST_TAINTS ? &taints[bit] : NULL;
}
