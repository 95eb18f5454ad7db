/*
 * Forced failures for tests. In a build without VESTIGE_FAULTS all of this compiles to nothing.
 *
 * VESTIGE_FAULT holds `KIND:N:WHAT`: at the Nth occasion of KIND (from 1) WHAT happens.
 *
 *     KIND  malloc, read, write, fsync, rename, or a named point of a workflow (`step=NAME:N:…`)
 *     WHAT  an errno name (ENOSPC, EIO, EINTR, …), `short` (half of a read or write), or `kill` (SIGKILL)
 *
 * With `N` of the form `N+` it happens at the Nth occasion and every later one. When VESTIGE_FAULT_COUNT
 * names a file, the number of occasions is written there at exit (`malloc 123`, `step=NAME 1`, one a line),
 * so that a loop knows where to end. A VESTIGE_FAULT that is not understood aborts, as does EINTR with `N+`,
 * which would be retried for ever.
 */
#ifndef VESTIGE_FAULT_H
#define VESTIGE_FAULT_H

#include <stddef.h>

enum vst_fault {
	VST_FAULT_MALLOC,
	VST_FAULT_READ,
	VST_FAULT_WRITE,
	VST_FAULT_FSYNC,
	VST_FAULT_RENAME,
	VST_FAULT_STEP
};

#ifdef VESTIGE_FAULTS
/* 0: go on. A positive errno: fail with it. -1: do only half of what was asked. Does not return for `kill`.
 */
int vst_fault(enum vst_fault kind, const char *step);
/* A named point at which a test may kill the program. */
#define VST_STEP(name) ((void)vst_fault(VST_FAULT_STEP, name))
#else
#define vst_fault(kind, step) (0)
#define VST_STEP(name) ((void)0)
#endif

#endif
