/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription as its notifier sees it: RFC 6665 4.2, with one NOTIFY out at a time for changes, so that documents
 * arrive in order; what a SUBSCRIBE asks for and the end wait for nothing, and tell all.  A cell left empty ignores the event.  Pure data: notifier_run.c performs the actions. */
#include "notifier/notifier_priv.h"

#define GO(state, what)                                                                                                \
    {                                                                                                                  \
        true, NOTIFIER_##state, (what)                                                                                 \
    }
#define SEND      NOTIFIER_DO_SEND
#define SEND_LAST NOTIFIER_DO_SEND_LAST
#define WAIT      NOTIFIER_DO_WAIT
#define MISSED    NOTIFIER_DO_MISSED
#define PASS      NOTIFIER_DO_PASS

const struct notifier_step notifier_steps[NOTIFIER_STATE_COUNT][NOTIFIER_EVENT_COUNT] = {
    [NOTIFIER_IDLE][NOTIFIER_EV_ASKED] = GO(BUSY, SEND),
    [NOTIFIER_IDLE][NOTIFIER_EV_LEFT] = GO(LAST, SEND_LAST),
    [NOTIFIER_IDLE][NOTIFIER_EV_CHANGED] = GO(DUE, WAIT),
    [NOTIFIER_IDLE][NOTIFIER_EV_EXPIRED] = GO(LAST, SEND_LAST),
    [NOTIFIER_IDLE][NOTIFIER_EV_END] = GO(LAST, SEND_LAST),

    [NOTIFIER_DUE][NOTIFIER_EV_ASKED] = GO(BUSY, SEND),
    [NOTIFIER_DUE][NOTIFIER_EV_LEFT] = GO(LAST, SEND_LAST),
    [NOTIFIER_DUE][NOTIFIER_EV_DUE] = GO(BUSY, SEND),
    [NOTIFIER_DUE][NOTIFIER_EV_EXPIRED] = GO(LAST, SEND_LAST),
    [NOTIFIER_DUE][NOTIFIER_EV_END] = GO(LAST, SEND_LAST),

    [NOTIFIER_BUSY][NOTIFIER_EV_ASKED] = GO(BUSY, PASS | SEND),
    [NOTIFIER_BUSY][NOTIFIER_EV_LEFT] = GO(LAST, PASS | SEND_LAST),
    [NOTIFIER_BUSY][NOTIFIER_EV_CHANGED] = GO(STALE, 0),
    [NOTIFIER_BUSY][NOTIFIER_EV_EXPIRED] = GO(LAST, PASS | SEND_LAST),
    [NOTIFIER_BUSY][NOTIFIER_EV_END] = GO(LAST, PASS | SEND_LAST),
    [NOTIFIER_BUSY][NOTIFIER_EV_TOLD] = GO(IDLE, 0),
    [NOTIFIER_BUSY][NOTIFIER_EV_UNTOLD] = GO(IDLE, MISSED),
    [NOTIFIER_BUSY][NOTIFIER_EV_LATER] = GO(DUE, MISSED | WAIT),
    [NOTIFIER_BUSY][NOTIFIER_EV_LOST] = GO(OVER, 0),

    [NOTIFIER_STALE][NOTIFIER_EV_ASKED] = GO(BUSY, PASS | SEND),
    [NOTIFIER_STALE][NOTIFIER_EV_LEFT] = GO(LAST, PASS | SEND_LAST),
    [NOTIFIER_STALE][NOTIFIER_EV_CHANGED] = GO(STALE, 0),
    [NOTIFIER_STALE][NOTIFIER_EV_EXPIRED] = GO(LAST, PASS | SEND_LAST),
    [NOTIFIER_STALE][NOTIFIER_EV_END] = GO(LAST, PASS | SEND_LAST),
    [NOTIFIER_STALE][NOTIFIER_EV_TOLD] = GO(DUE, WAIT),
    [NOTIFIER_STALE][NOTIFIER_EV_UNTOLD] = GO(DUE, MISSED | WAIT),
    [NOTIFIER_STALE][NOTIFIER_EV_LATER] = GO(DUE, MISSED | WAIT),
    [NOTIFIER_STALE][NOTIFIER_EV_LOST] = GO(OVER, 0),

    [NOTIFIER_LAST][NOTIFIER_EV_TOLD] = GO(OVER, 0),
    [NOTIFIER_LAST][NOTIFIER_EV_UNTOLD] = GO(OVER, 0),
    [NOTIFIER_LAST][NOTIFIER_EV_LATER] = GO(OVER, 0),
    [NOTIFIER_LAST][NOTIFIER_EV_LOST] = GO(OVER, 0),
};
