/* SPDX-License-Identifier: Apache-2.0 */
/* A policy from the grammar with the requests that it decides, and whether it held what every policy must hold: each decision
 * within its bound, the same in another VM, and never a 410 out of a failure. */
#pragma once

#include "policy/policy.h"
#include "support/grammar.h"

#include <stdio.h>

enum { FUZZ_REQUESTS = 4, FUZZ_LIMIT_NS = 10 * 1000 * 1000 };

/* Beside its bytes: what the engine tells of a request. */
struct fuzz_request {
    struct buffer bytes;
    struct policy_peer source;
    bool in_dialog, has_record, unreadable;
    struct policy_record record;
    struct span authenticated_as;
};

struct fuzz_case {
    struct tape tape;
    struct buffer script;
    struct fuzz_request requests[FUZZ_REQUESTS];
};

/* From the case's tape. */
void fuzz_case_write(struct fuzz_case *test, struct grammar *grammar);
void fuzz_case_done(struct fuzz_case *test);
void fuzz_case_print(const struct fuzz_case *test, FILE *out);

enum fuzz_verdict {
    FUZZ_HELD,
    FUZZ_LATE,      /* a decision or the collector's turn behind it was over FUZZ_LIMIT_NS of thread CPU time, thrice */
    FUZZ_DIFFERENT, /* the second VM said something else, or at another price */
    FUZZ_WRONG      /* no answer, or one that no failure may have */
};

struct fuzz_tally {
    uint64_t scripts, refused, overlong, unparsed, decisions;
    uint64_t by_failure[POLICY_FAILURE_COUNT];
    uint64_t longest_ns, longest_collect_ns, longest_load_ns;
};

/* Runs it in two VMs side by side and adds to the tally; `text` gets what did not hold. */
enum fuzz_verdict fuzz_case_run(const struct fuzz_case *test, struct vm_watchdog *watchdog, struct fuzz_tally *tally,
                                char *text, size_t cap);
