/* SPDX-License-Identifier: Apache-2.0 */
/* How a decision came about, told step by step to whoever asks (verdict explain, coverage, tests).  Live there is no
 * trace and no cost but a test of a pointer.  Listening changes nothing: no fuel, no memory of Lua, no result. */
#pragma once

#include "policy/policy_decision.h"
#include "util/span.h"

enum policy_tried {
    POLICY_TRIED_WHEN_FAILED,    /* a condition of `when` does not hold */
    POLICY_TRIED_CHECK_FAILED,   /* `check` said false or nil */
    POLICY_TRIED_DECIDE_NOTHING, /* `decide` returned nil */
    POLICY_TRIED_FITS,           /* its verdict is the answer */
    POLICY_TRIED_FAILED,         /* it failed: on_error answers */
    POLICY_TRIED_COUNT
};

/* Spans live for the call.  Every function may be NULL. */
struct policy_trace {
    void *ctx;
    /* Rule `index` of the description was tried. */
    void (*rule)(void *ctx, size_t index, enum policy_tried tried);
    /* A condition of that rule's `when` was asked, before the rule is told; `field` is "header X-Name" for a header,
     * `value` what the request has there. */
    void (*condition)(void *ctx, size_t rule, unsigned condition, struct span field, struct span value, bool holds);
    /* A script read a field ("req.target", "number"); `value` is as a literal of Lua, without quotes. */
    void (*read)(void *ctx, const char *object, struct span field, struct span value);
    /* A fact was looked up: "directory", or the name of a data set or of a shared table; `result` is a word. */
    void (*lookup)(void *ctx, const char *what, struct span key, struct span result);
    /* A line of a script is about to run; also while the policy is loaded. */
    void (*line)(void *ctx, const char *file, int line);
    /* An event's handler ran. */
    void (*event)(void *ctx, enum policy_event event, const struct policy_decision *outcome);
};
