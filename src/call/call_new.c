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

/* A session description that the 1xx carries.  A reliable one is its only place, since offer and answer are made once
 * (RFC 3261 13.2.1, RFC 6337 3): the 200 has none then.  Without reliability it is a foretaste of the answer in the 200. */
static enum err ring_with_body(struct call *call, const struct call_reply *reply, const struct call_accept *accept)
{
    char memory[16384];
    struct call_answer *answer = &call->answer;
    struct buffer body = buffer_over(memory, sizeof(memory));
    buffer_add_span(&body, call_answer_body(call));
    if (body.overflow)
        return ERR_TOO_LONG;
    if (!call_ring_is_reliable(reply->request, accept))
        return call_ring_begin(call, reply, accept, buffer_span(&body));
    struct buffer out = call_reply_invite(call, reply, 200, accept, span_make(NULL, 0));
    if (out.overflow)
        return ERR_TOO_LONG;
    if (!call_bytes_set(call->table, &answer->bytes, buffer_span(&out)))
        return ERR_NOMEM;
    bool is_offer = answer->offer_len != 0;
    answer->offer_at = answer->bytes.len;
    answer->offer_len = 0;
    enum err err = call_ring_begin(call, reply, accept, buffer_span(&body));
    if (call->early)
        call->early->is_offer = is_offer;
    return err;
}

/* Our own offer may not travel in a 1xx that is not reliable. */
static bool rings_with_body(const struct call *call, const struct sip_message *invite, const struct call_accept *accept)
{
    if (call->answer.offer_len)
        return call_ring_is_reliable(invite, accept);
    return accept->progress;
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
    if (rings_with_body(call, reply->request, accept))
        return ring_with_body(call, reply, accept);
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
