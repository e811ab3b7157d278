/* SPDX-License-Identifier: Apache-2.0 */
/* The ACK of a 2xx: by dialog and CSeq, whatever its branch and connection (RFC 3261 13.3.1.4). */
#include "call/call_priv.h"

static bool count(struct call_table *table, const struct net_flow *flow, enum txn_ledger_kind kind)
{
    txn_ledger_count(txn_table_ledger(table->options.txns), &flow->remote, kind, 0, table->clock->mono_ms);
    return false;
}

/* The SDP in an ACK answers the offer of our 2xx; when it does not, there is no session: the call ends (13.2.1). */
static void take_answer(struct call *call, const struct sip_message *ack)
{
    const char *why;
    const struct call_answer *answer = &call->answer;
    struct span offer = span_make(answer->bytes.at + answer->offer_at, answer->offer_len);
    if (offer.len && call_session_take_answer(call, offer, ack, &why) != OK)
        call_hangup_as(call, SPAN("SIP;cause=488;text=\"Bad answer in ACK\""), CALL_END_BAD_ANSWER);
}

bool call_receive_ack(struct call_table *table, const struct sip_message *ack, const struct net_flow *flow)
{
    bool mistagged;
    struct call *call = call_match(table, ack, &mistagged);
    if (!call)
        return count(table, flow, mistagged ? TXN_LEDGER_MISTAGGED : TXN_LEDGER_STRAY);
    if (call->answer.is_waiting && ack->cseq == call->answer.cseq) {
        call->flow = *flow;
        /* Before the ACK is taken, since the offer is forgotten with the 2xx; a hang-up then waits for the ACK that is
         * here, and goes out with the next line. */
        take_answer(call, ack);
        return call_run(call, CALL_EV_ACK);
    }
    /* Once more for a 2xx that was repeated, or too late for one that was given up: nothing is to be done. */
    bool is_known = ack->cseq == call->answer.cseq || (call->acked_once && ack->cseq == call->acked_cseq);
    if (is_known && call->state != CALL_RINGING)
        return true;
    return count(table, flow, TXN_LEDGER_WRONG_CSEQ);
}
