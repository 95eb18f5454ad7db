/*
 * What exhibit.json says about the evidence's host, the clocks and this program. Under --root the host is
 * described from the image's own files; nothing of the analyst's host stands in for it.
 */
#ifndef WORKFLOW_HOST_INFO_H
#define WORKFLOW_HOST_INFO_H

#include <stdbool.h>

#include "vestige/exhibit_info.h"

/* CLOCK_REALTIME, CLOCK_BOOTTIME, boot id and NTP state of the machine that this runs on. */
void host_clocks(struct vst_clocks *ret);

/* Fills host_name … machine_id and the zone. What cannot be had stays NULL. VST_ENOMEM. */
int host_describe(int root_fd, bool live, struct vst_exhibit_info *info, struct vst_err *err);

/* Fills program_sha256 and the mapped objects, from /proc/self. What cannot be read is listed without a
 * digest. */
int host_describe_program(struct vst_exhibit_info *info, struct vst_err *err);

#endif
