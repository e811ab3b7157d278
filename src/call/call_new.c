/* SPDX-License-Identifier: Apache-2.0 */
/* From an INVITE that is accepted to a call (RFC 3261 13.3.1.4). */
#include "call/call_priv.h"

static enum err check(struct call_table *table, const struct sip_message *invite, const char **out_why)
{
    if (table->is_closed || call_table_count(table) >= table->options.cap) {
        table->counters.refused_full++;
        *out_why = "no room for another call";
        return ERR_FULL;
    }
    uint8_t scheme = invite->contact.text.at ? invite->contact.uri.scheme : SIP_SCHEME_OTHER;
    if (invite->contact.star || (scheme != SIP_SCHEME_SIP && scheme != SIP_SCHEME_SIPS)) {
        *out_why = "INVITE without a Contact that is a SIP URI";
        return ERR_INVALID;
    }
    return OK;
}

/* A reliable 1xx is the first reliable answer, so our offer belongs there (RFC 3261 13.2.1), and the 200 has none. */
static enum err ring_with_offer(struct call *call, const struct call_reply *reply, const struct call_accept *accept)
{
    char memory[2048];
    struct call_answer *answer = &call->answer;
    struct buffer offer = buffer_over(memory, sizeof(memory));
    buffer_add(&offer, answer->bytes.at + answer->offer_at, answer->offer_len);
    answer->offer_len = 0;
    if (offer.overflow)
        return ERR_TOO_LONG;
    struct buffer out = call_reply_invite(call, reply, 200, accept, span_make(NULL, 0));
    if (out.overflow)
        return ERR_TOO_LONG;
    if (!call_bytes_set(call->table, &answer->bytes, buffer_span(&out)))
        return ERR_NOMEM;
    return call_ring_begin(call, reply, accept, buffer_span(&offer));
}

/* Builds and keeps the 200, and sends it, or what rings before it. */
static enum err answer(struct call *call, const struct call_reply *reply, const struct call_accept *accept,
                       const char **out_why)
{
    struct buffer out;
    enum err err = call_reply_2xx(call, reply, accept, &out, out_why);
    if (err != OK)
        return err;
    if (!call_bytes_set(call->table, &call->answer.bytes, buffer_span(&out)))
        return ERR_NOMEM;
    call->answer.cseq = reply->request->cseq;
    if (!accept->rings)
        return txn_reply(reply->txn, 200, buffer_span(&out));
    call->state = CALL_RINGING;
    if (call->answer.offer_len && call_ring_is_reliable(reply->request))
        return ring_with_offer(call, reply, accept);
    return call_ring_begin(call, reply, accept, span_make(NULL, 0));
}

enum err call_new(struct call_table *table, struct txn *txn, const struct sip_message *invite,
                  const struct call_accept *accept, struct call **out_call, const char **out_why)
{
    *out_why = "";
    enum err err = check(table, invite, out_why);
    if (err != OK)
        return err;
    struct call *call = NULL;
    err = call_dialog_new(table, invite, accept, &call);
    if (err != OK)
        return err;
    memcpy(call->local_tag, txn_tag(txn).at, TXN_TAG_LEN);
    call->flow = *txn_flow(txn);
    struct call_reply reply = {.txn = txn, .request = invite, .source = &accept->source};
    err = answer(call, &reply, accept, out_why);
    if (err != OK) {
        call_free(call);
        return err;
    }
    call_link(call);
    if (!call->early)
        call_start_answer(call);
    else if (accept->ring_ms || call_ring_event(call, table->clock->mono_ms) != CALL_EV_ANSWER)
        call_arm(call);
    else
        call_run(call, CALL_EV_ANSWER);
    *out_call = call;
    return OK;
}
