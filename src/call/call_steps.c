/* SPDX-License-Identifier: Apache-2.0 */
/* A call that we answered: RFC 3261 13.3.1.4 and 15.  A cell left empty ignores the event.  Pure data: call_run.c performs
 * the actions. */
#include "call/call_priv.h"

#define GO(state, what)                                                                                                \
    {                                                                                                                  \
        true, CALL_##state, (what)                                                                                     \
    }
#define START_2XX   CALL_DO_START_2XX
#define RESEND      CALL_DO_RESEND
#define STOP_2XX    CALL_DO_STOP_2XX
#define TELL_ACK    CALL_DO_TELL_ACK
#define TELL_NO_ACK CALL_DO_TELL_NO_ACK
#define ASK_TURN    CALL_DO_ASK_TURN
#define SEND_BYE    CALL_DO_SEND_BYE

#define RING       CALL_DO_RING
#define SEND_2XX   CALL_DO_SEND_2XX
#define REFUSE_480 CALL_DO_REFUSE_480
#define REFUSE_487 CALL_DO_REFUSE_487
#define REFUSE_504 CALL_DO_REFUSE_504
#define REFRESH    CALL_DO_REFRESH

const struct call_step call_steps[CALL_STATE_COUNT][CALL_EVENT_COUNT] = {
    [CALL_RINGING][CALL_EV_RING] = GO(RINGING, RING),
    [CALL_RINGING][CALL_EV_ANSWER] = GO(ANSWERED, SEND_2XX | START_2XX),
    [CALL_RINGING][CALL_EV_CANCEL] = GO(OVER, REFUSE_487),
    [CALL_RINGING][CALL_EV_EXPIRED] = GO(OVER, REFUSE_487),
    [CALL_RINGING][CALL_EV_NO_PRACK] = GO(OVER, REFUSE_504),
    [CALL_RINGING][CALL_EV_PEER_BYE] = GO(OVER, REFUSE_487),
    [CALL_RINGING][CALL_EV_HANGUP] = GO(OVER, REFUSE_480),

    [CALL_ANSWERED][CALL_EV_ACK] = GO(UP, STOP_2XX | TELL_ACK),
    [CALL_ANSWERED][CALL_EV_RESEND] = GO(ANSWERED, RESEND),
    [CALL_ANSWERED][CALL_EV_NO_ACK] = GO(WAITING, STOP_2XX | TELL_NO_ACK | ASK_TURN),
    [CALL_ANSWERED][CALL_EV_PEER_BYE] = GO(OVER, STOP_2XX),
    [CALL_ANSWERED][CALL_EV_HANGUP] = GO(LEAVING, 0), /* no BYE before the ACK or 64*T1 (15) */

    [CALL_UP][CALL_EV_REFRESH] = GO(UP, REFRESH),
    [CALL_UP][CALL_EV_REANSWER] = GO(ANSWERED, START_2XX),
    [CALL_UP][CALL_EV_PEER_BYE] = GO(OVER, 0),
    [CALL_UP][CALL_EV_HANGUP] = GO(ENDING, SEND_BYE),

    [CALL_LEAVING][CALL_EV_ACK] = GO(ENDING, STOP_2XX | TELL_ACK | SEND_BYE),
    [CALL_LEAVING][CALL_EV_RESEND] = GO(LEAVING, RESEND),
    [CALL_LEAVING][CALL_EV_NO_ACK] = GO(WAITING, STOP_2XX | TELL_NO_ACK | ASK_TURN),
    [CALL_LEAVING][CALL_EV_PEER_BYE] = GO(OVER, STOP_2XX),

    [CALL_WAITING][CALL_EV_TURN] = GO(ENDING, SEND_BYE),
    [CALL_WAITING][CALL_EV_NO_TURN] = GO(OVER, 0),
    [CALL_WAITING][CALL_EV_PEER_BYE] = GO(OVER, 0),

    [CALL_ENDING][CALL_EV_PEER_BYE] = GO(ENDING, 0), /* the two crossed; both are answered */
    [CALL_ENDING][CALL_EV_BYE_DONE] = GO(OVER, 0),
};
