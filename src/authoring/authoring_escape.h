/* SPDX-License-Identifier: Apache-2.0 */
/* Where a script keeps its request past the decision: a walk over Lua's grammar that follows `req`, its parts, what is
 * assigned from them, and the functions that they are given to or caught in.  Without types it can only follow names. */
#pragma once

#include "authoring/authoring_scan.h"

enum { AUTHORING_ESCAPE_FUNCTIONS_MAX = 512 };

/* What is known of functions by their names, over all files of a policy. */
struct authoring_escape_function {
    struct span name;
    unsigned parameters; /* bits: which of them are given a request */
    bool returns;        /* it hands out a request */
};

struct authoring_escape_known {
    size_t count;
    bool changed; /* by the last walk: what was known before it may have been too little */
    struct authoring_escape_function list[AUTHORING_ESCAPE_FUNCTIONS_MAX];
};

/* Calls `found` for each place where the request `what` ("req", "req.from.uri", a local's name) is put into a table or into
 * a variable that outlives the decision; `at` is its last name.  `known` comes zeroed at first.  Walk all files until
 * nothing changes (a few times), then once more to report; `found` NULL only learns. */
typedef void (*authoring_escape_fn)(void *ctx, struct span what, const struct authoring_token *at);
void authoring_escape_walk(struct span source, struct authoring_escape_known *known, authoring_escape_fn found,
                           void *ctx);
