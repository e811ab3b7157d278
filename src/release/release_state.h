/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a policy version and the one table of how they follow each other (design section 4). */
#pragma once

#include <stdbool.h>

#define RELEASE_STATES(X)                                                                                              \
    X(RELEASE_LOADED, "loaded")       /* its bytes are in memory, with their hash */                                   \
    X(RELEASE_VALIDATED, "validated") /* it compiles and fits the schema */                                            \
    X(RELEASE_TESTED, "tested")       /* its own tests passed */                                                       \
    X(RELEASE_STAGED, "staged")       /* every worker holds a VM of it */                                              \
    X(RELEASE_SHADOWING, "shadow")    /* it decides beside the active one and answers nothing */                       \
    X(RELEASE_ACTIVE, "active")       /* every worker decides with it */                                               \
    X(RELEASE_WARM, "warm")           /* was active; a rollback away */                                                \
    X(RELEASE_DISCARDED, "discarded") /* no VM is left of it */

enum release_state {
#define X(name, text) name,
    RELEASE_STATES(X)
#undef X
        RELEASE_STATE_COUNT
};

enum release_event {
    RELEASE_EV_VALID,      /* compiled, schema and globals are in order */
    RELEASE_EV_PASSED,     /* tests passed, or there are none */
    RELEASE_EV_HANDED,     /* the last of the workers said yes */
    RELEASE_EV_SHADOW,     /* it is to decide beside the active one first */
    RELEASE_EV_SWITCH,     /* all workers switch to it: a reload's end, or a rollback */
    RELEASE_EV_SUPERSEDED, /* another version is active now */
    RELEASE_EV_REJECTED,   /* another version is active now, since this one left its band */
    RELEASE_EV_FAILED,     /* a step on the way failed */
    RELEASE_EV_DROP,       /* too many are warm, or the process ends */
    RELEASE_EVENT_COUNT
};

enum release_action {
    RELEASE_DO_NOTHING = 0,
    RELEASE_DO_ACTIVATE = 1, /* tell the workers to switch */
    RELEASE_DO_WITHDRAW = 2, /* take it back from every worker that holds it, then free its VMs and program */
};

struct release_step {
    bool allowed; /* a cell that is left empty is a programmer's error */
    enum release_state next;
    unsigned actions; /* enum release_action, or'ed */
};

/* "loaded", ... */
const char *release_state_name(enum release_state state);
/* What `event` does to a version in `state`. */
const struct release_step *release_step(enum release_state state, enum release_event event);
