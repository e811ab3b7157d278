/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the fuel's promise true: one thread for all workers that looks at the running decisions every two milliseconds
 * and, once one has used its limit of its thread's CPU time, signals that thread, whose handler sets the killing hook.
 * It sleeps while nothing runs; a decision costs it two stores and a fence, and a system call only to wake it. */
#pragma once

#include "util/err.h"

struct vm_watchdog;

enum { VM_WATCHDOG_THREADS = 256 }; /* threads that may run decisions; beyond, calls fail with ERR_FULL */

/* Starts the thread and installs the handler of SIGURG (with SA_RESTART) for the process; it is left installed. */
MUST_CHECK enum err vm_watchdog_new(struct vm_watchdog **out_watchdog);
/* Stops and joins the thread.  No VM that was given it may run any more. */
void vm_watchdog_free(struct vm_watchdog *watchdog);
/* A thread that ran decisions gives its place back before it ends; harmless where it has none. */
void vm_watchdog_leave(struct vm_watchdog *watchdog);
/* Decisions killed by the clock so far. */
uint64_t vm_watchdog_kills(const struct vm_watchdog *watchdog);
