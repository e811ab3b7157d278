/* SPDX-License-Identifier: Apache-2.0 */
/* Which names of a script are neither local nor parameters, and how it reads its request: a walk over tokens that knows
 * Lua's scopes.  The script is known to compile.  Where the walk is not sure it takes a name for local. */
#pragma once

#include "authoring/authoring_scan.h"

enum authoring_use_kind {
    AUTHORING_USE_READ,  /* of a global `name` */
    AUTHORING_USE_WRITE, /* to a global `name` */
    /* `object`.`name`: object is "req", "req.<part>" or "env" (a rule's parameters, whatever they are called, and parameters of
     * those names), or a library's name */
    AUTHORING_USE_FIELD
};

struct authoring_use {
    enum authoring_use_kind kind;
    struct span object;
    struct authoring_token name;
};

typedef void (*authoring_use_fn)(void *ctx, const struct authoring_use *use);

/* Calls `found` for each such use, in the order of the source. */
void authoring_scope_walk(struct span source, authoring_use_fn found, void *ctx);
