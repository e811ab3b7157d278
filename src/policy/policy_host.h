/* SPDX-License-Identifier: Apache-2.0 */
/* The world of a policy as small tables of C functions.  Live, check, test, replay, explain and shadow are other hosts;
 * the policy's code is the same in all of them.  Every function is called on the thread that decides and must not block.
 * A NULL function is a world without that thing: time stands at 0, no directory (every lookup is ERR_NOT_FOUND), nobody is
 * authenticated, the log is swallowed, the seed is 0. */
#pragma once

#include "policy/policy_request.h"
#include "util/err.h"
#include "util/log.h"

struct policy_clock {
    void *ctx;
    /* Unix time in milliseconds, read once a decision. */
    int64_t (*wall_ms)(void *ctx);
    /* Monotonic milliseconds, for `shared` tables; NULL: they go by wall_ms. */
    uint64_t (*mono_ms)(void *ctx);
};

struct policy_directory {
    void *ctx;
    /* The entry for `request->target`.  ERR_NOT_FOUND: there is none (POLICY_STATE_NONE).  Any other error means that the
     * directory cannot be read: the decision ends as POLICY_FAILED_DIRECTORY, whatever the script would have said.
     * Asked at most once a decision; the spans stay valid until that decision has been carried out. */
    enum err (*record)(void *ctx, const struct policy_request *request, struct policy_record *out_record);
    /* Whose credentials `request` bears, proven: "sip:user@realm" in the form of req.target.aor; empty: nobody's.  Errors,
     * times and spans as of `record`, and asked only where a policy wants to know. */
    enum err (*identify)(void *ctx, const struct policy_request *request, struct span *out_aor);
};

struct policy_log {
    void *ctx;
    /* One line of the script's log.info/warn/error; no control byte is left in `text`. `rule` may be NULL. */
    void (*write)(void *ctx, enum log_level level, const char *rule, struct span text);
};

struct policy_random {
    void *ctx;
    /* The seed of math.random for this decision: a function of the request, so that decisions repeat. */
    uint64_t (*seed)(void *ctx, const struct policy_request *request);
};

struct policy_host {
    struct policy_clock clock;
    struct policy_directory directory;
    struct policy_log log;
    struct policy_random random;
};
