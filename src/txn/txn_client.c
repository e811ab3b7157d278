/* SPDX-License-Identifier: Apache-2.0 */
/* Client transactions, for what we ask inside a dialog: RFC 3261 17.1.  Two tables, whose actions txn_run.c performs, and
 * the one message that a client's transaction makes by itself. */
#include "txn/txn_priv.h"

#include "sip/sip_reply.h"

#define RESEND           TXN_DO_RESEND
#define SEND_ACK         TXN_DO_SEND_ACK
#define START_A          TXN_DO_START_A
#define START_C          TXN_DO_START_C
#define START_D          TXN_DO_START_D
#define START_M          TXN_DO_START_M
#define KEEP             (TXN_DO_SEND | TXN_DO_STORE)
#define STOP             TXN_DO_STOP
#define FORGET           TXN_DO_FORGET
#define START_E          TXN_DO_START_E
#define SLOW_E           TXN_DO_SLOW_E
#define START_K          TXN_DO_START_K
#define TELL_FAILURE     TXN_DO_TELL_TRANSPORT
#define TELL_PROVISIONAL TXN_DO_TELL_PROVISIONAL
#define TELL_FINAL       TXN_DO_TELL_FINAL
#define TELL_TIMEOUT     TXN_DO_TELL_TIMEOUT

/* All but INVITE (17.1.2). */
const struct txn_step txn_client_steps[TXN_STATE_COUNT][TXN_EVENT_COUNT] = {
    [TXN_TRYING][TXN_EV_RESPONSE_1XX] = TXN_GO(PROCEEDING, TELL_PROVISIONAL),
    [TXN_TRYING][TXN_EV_RESPONSE_FINAL] = TXN_GO(COMPLETED, STOP | FORGET | START_K | TELL_FINAL),
    [TXN_TRYING][TXN_EV_TIMER_E] = TXN_GO(TRYING, RESEND | START_E),
    [TXN_TRYING][TXN_EV_TIMER_F] = TXN_GO(TERMINATED, TELL_TIMEOUT),
    [TXN_TRYING][TXN_EV_TRANSPORT_ERROR] = TXN_GO(TERMINATED, TELL_FAILURE),

    [TXN_PROCEEDING][TXN_EV_RESPONSE_1XX] = TXN_GO(PROCEEDING, TELL_PROVISIONAL),
    [TXN_PROCEEDING][TXN_EV_RESPONSE_FINAL] = TXN_GO(COMPLETED, STOP | FORGET | START_K | TELL_FINAL),
    [TXN_PROCEEDING][TXN_EV_TIMER_E] = TXN_GO(PROCEEDING, RESEND | SLOW_E),
    [TXN_PROCEEDING][TXN_EV_TIMER_F] = TXN_GO(TERMINATED, TELL_TIMEOUT),
    [TXN_PROCEEDING][TXN_EV_TRANSPORT_ERROR] = TXN_GO(TERMINATED, TELL_FAILURE),

    [TXN_COMPLETED][TXN_EV_RESPONSE_1XX] = TXN_GO(COMPLETED, 0),
    [TXN_COMPLETED][TXN_EV_RESPONSE_FINAL] = TXN_GO(COMPLETED, 0),
    [TXN_COMPLETED][TXN_EV_TIMER_K] = TXN_GO(TERMINATED, 0),
};

/* INVITE client (17.1.1, RFC 6026).  E stands for A, F for B and C, K for D and M: a transaction has one of each.  The ACK
 * of a 2xx is its user's to build, but is kept here for the copies of the 2xx. */
const struct txn_step txn_invite_client_steps[TXN_STATE_COUNT][TXN_EVENT_COUNT] = {
    [TXN_TRYING][TXN_EV_RESPONSE_1XX] = TXN_GO(PROCEEDING, STOP | START_C | TELL_PROVISIONAL),
    [TXN_TRYING][TXN_EV_RESPONSE_2XX] = TXN_GO(ACCEPTED, STOP | FORGET | START_M | TELL_FINAL),
    [TXN_TRYING][TXN_EV_RESPONSE_FINAL] = TXN_GO(COMPLETED, STOP | SEND_ACK | START_D | TELL_FINAL),
    [TXN_TRYING][TXN_EV_TIMER_E] = TXN_GO(TRYING, RESEND | START_A),
    [TXN_TRYING][TXN_EV_TIMER_F] = TXN_GO(TERMINATED, TELL_TIMEOUT),
    [TXN_TRYING][TXN_EV_TRANSPORT_ERROR] = TXN_GO(TERMINATED, TELL_FAILURE),

    [TXN_PROCEEDING][TXN_EV_RESPONSE_1XX] = TXN_GO(PROCEEDING, START_C | TELL_PROVISIONAL),
    [TXN_PROCEEDING][TXN_EV_RESPONSE_2XX] = TXN_GO(ACCEPTED, STOP | FORGET | START_M | TELL_FINAL),
    [TXN_PROCEEDING][TXN_EV_RESPONSE_FINAL] = TXN_GO(COMPLETED, STOP | SEND_ACK | START_D | TELL_FINAL),
    [TXN_PROCEEDING][TXN_EV_TIMER_F] = TXN_GO(TERMINATED, TELL_TIMEOUT),
    [TXN_PROCEEDING][TXN_EV_TRANSPORT_ERROR] = TXN_GO(TERMINATED, TELL_FAILURE),

    [TXN_ACCEPTED][TXN_EV_RESPONSE_1XX] = TXN_GO(ACCEPTED, 0),
    [TXN_ACCEPTED][TXN_EV_RESPONSE_2XX] = TXN_GO(ACCEPTED, RESEND),
    [TXN_ACCEPTED][TXN_EV_RESPONSE_FINAL] = TXN_GO(ACCEPTED, 0),
    [TXN_ACCEPTED][TXN_EV_ACKNOWLEDGE] = TXN_GO(ACCEPTED, KEEP),
    [TXN_ACCEPTED][TXN_EV_TIMER_K] = TXN_GO(TERMINATED, 0),

    [TXN_COMPLETED][TXN_EV_RESPONSE_1XX] = TXN_GO(COMPLETED, 0),
    [TXN_COMPLETED][TXN_EV_RESPONSE_2XX] = TXN_GO(COMPLETED, 0),
    [TXN_COMPLETED][TXN_EV_RESPONSE_FINAL] = TXN_GO(COMPLETED, RESEND),
    [TXN_COMPLETED][TXN_EV_TIMER_K] = TXN_GO(TERMINATED, 0),
};

bool txn_client_ack(struct txn *txn, const struct sip_message *response, struct buffer *out)
{
    struct sip_message *request = txn->table->scratch;
    struct sip_problem problem;
    struct span kept = span_make(txn->kept.at, txn->kept.len);
    if (!kept.len || sip_message_parse(request, kept, SIP_DATAGRAM, &problem) != OK)
        return false;
    buffer_add_literal(out, "ACK ");
    buffer_add_span(out, request->uri.text);
    buffer_add_literal(out, " SIP/2.0\r\n");
    sip_reply_copy(out, request, SIP_HEADER_VIA);
    sip_reply_header_u64(out, SPAN("Max-Forwards"), 70);
    sip_reply_copy(out, request, SIP_HEADER_ROUTE);
    sip_reply_copy(out, request, SIP_HEADER_FROM);
    sip_reply_copy(out, response, SIP_HEADER_TO);
    sip_reply_copy(out, request, SIP_HEADER_CALL_ID);
    buffer_add_literal(out, "CSeq: ");
    buffer_add_u64(out, request->cseq);
    buffer_add_literal(out, " ACK\r\n");
    sip_reply_end(out, span_make(NULL, 0), span_make(NULL, 0));
    return !out->overflow;
}
