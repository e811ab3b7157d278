/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a version as data.  Before ACTIVE every failure ends it, and only ACTIVE and WARM change places. */
#include "release/release_state.h"
#include "util/invariant.h"

#define GO(state, do_what)                                                                                             \
    {                                                                                                                  \
        .allowed = true, .next = RELEASE_##state, .actions = (do_what)                                                 \
    }

static const struct release_step steps[RELEASE_STATE_COUNT][RELEASE_EVENT_COUNT] = {
    [RELEASE_LOADED][RELEASE_EV_VALID] = GO(VALIDATED, RELEASE_DO_NOTHING),
    [RELEASE_LOADED][RELEASE_EV_FAILED] = GO(DISCARDED, RELEASE_DO_WITHDRAW),
    [RELEASE_VALIDATED][RELEASE_EV_PASSED] = GO(TESTED, RELEASE_DO_NOTHING),
    [RELEASE_VALIDATED][RELEASE_EV_FAILED] = GO(DISCARDED, RELEASE_DO_WITHDRAW),
    [RELEASE_TESTED][RELEASE_EV_HANDED] = GO(STAGED, RELEASE_DO_NOTHING),
    [RELEASE_TESTED][RELEASE_EV_FAILED] = GO(DISCARDED, RELEASE_DO_WITHDRAW), /* some workers may hold it already */
    [RELEASE_STAGED][RELEASE_EV_SWITCH] = GO(ACTIVE, RELEASE_DO_ACTIVATE),
    [RELEASE_STAGED][RELEASE_EV_FAILED] = GO(DISCARDED, RELEASE_DO_WITHDRAW),
    [RELEASE_STAGED][RELEASE_EV_SHADOW] = GO(SHADOWING, RELEASE_DO_NOTHING),
    [RELEASE_SHADOWING][RELEASE_EV_SWITCH] = GO(ACTIVE, RELEASE_DO_ACTIVATE),
    [RELEASE_SHADOWING][RELEASE_EV_FAILED] = GO(DISCARDED, RELEASE_DO_WITHDRAW), /* it differs, or was cancelled */
    [RELEASE_SHADOWING][RELEASE_EV_DROP] = GO(DISCARDED, RELEASE_DO_WITHDRAW),
    [RELEASE_ACTIVE][RELEASE_EV_SUPERSEDED] = GO(WARM, RELEASE_DO_NOTHING),
    [RELEASE_ACTIVE][RELEASE_EV_REJECTED] = GO(DISCARDED, RELEASE_DO_WITHDRAW),
    [RELEASE_ACTIVE][RELEASE_EV_DROP] = GO(DISCARDED, RELEASE_DO_WITHDRAW), /* the process ends */
    [RELEASE_WARM][RELEASE_EV_SWITCH] = GO(ACTIVE, RELEASE_DO_ACTIVATE),    /* a rollback */
    [RELEASE_WARM][RELEASE_EV_DROP] = GO(DISCARDED, RELEASE_DO_WITHDRAW),
};

const char *release_state_name(enum release_state state)
{
    static const char *const names[RELEASE_STATE_COUNT] = {
#define X(name, text) [name] = text,
        RELEASE_STATES(X)
#undef X
    };
    invariant((unsigned)state < RELEASE_STATE_COUNT);
    return names[state];
}

const struct release_step *release_step(enum release_state state, enum release_event event)
{
    invariant((unsigned)state < RELEASE_STATE_COUNT && (unsigned)event < RELEASE_EVENT_COUNT);
    return &steps[state][event];
}
