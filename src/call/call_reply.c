/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to requests in a dialog, built in the table's scratch. */
#include "call/call_priv.h"

#include "txn/txn_reply_via.h"

static const struct span no_span;

struct buffer call_reply_begin(struct call_table *table, const struct call_reply *reply, unsigned code,
                               struct span reason)
{
    struct buffer out = buffer_over(table->scratch, CALL_SCRATCH_LEN);
    char received[TXN_RECEIVED_MAX];
    struct sip_reply_via via;
    txn_reply_via(reply->request, reply->source, received, &via);
    sip_reply_begin(&out, reply->request, code, reason, &via, txn_tag(reply->txn));
    return out;
}

static struct span body_type(const struct call *call)
{
    struct span type = call_text(call, CALL_TEXT_BODY_TYPE);
    return type.len ? type : SPAN("application/sdp");
}

/* Sends what is whole. */
static void hand_over(const struct call_reply *reply, unsigned code, struct buffer *out)
{
    if (out->overflow) {
        txn_absorb(reply->txn); /* what cannot be said whole is not said */
        return;
    }
    /* Out of memory it was sent all the same; a retransmission then meets the dialog's CSeq. */
    enum err err = txn_reply(reply->txn, code, buffer_span(out));
    (void)err;
}

void call_reply_end(const struct call_reply *reply, unsigned code, struct buffer *out)
{
    sip_reply_end(out, no_span, no_span);
    hand_over(reply, code, out);
}

void call_reply_end_with(const struct call *call, const struct call_reply *reply, unsigned code, struct buffer *out,
                         struct span session)
{
    sip_reply_end(out, body_type(call), session);
    hand_over(reply, code, out);
}

void call_reply_plain(struct call_table *table, const struct call_reply *reply, unsigned code)
{
    struct buffer out = call_reply_begin(table, reply, code, no_span);
    call_reply_end(reply, code, &out);
}

void call_reply_abilities(struct buffer *out)
{
    buffer_add_literal(out, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE\r\n");
    buffer_add_literal(out, "Supported: 100rel, timer\r\n");
}

void call_reply_contact(const struct call *call, struct buffer *out)
{
    sip_reply_header(out, SPAN("Contact"), call_text(call, CALL_TEXT_CONTACT));
}

struct buffer call_reply_invite(struct call *call, const struct call_reply *reply, unsigned code,
                                const struct call_accept *accept, struct span body)
{
    struct span reason = accept && code == 200 ? accept->reason : no_span;
    struct buffer out = call_reply_begin(call->table, reply, code, reason);
    sip_reply_copy(&out, reply->request, SIP_HEADER_RECORD_ROUTE);
    call_reply_contact(call, &out);
    call_reply_abilities(&out);
    if (accept)
        buffer_add_span(&out, accept->extra);
    if (call->early && call->early->rseq && code < 200) {
        sip_reply_header(&out, SPAN("Require"), SPAN("100rel"));
        sip_reply_header_u64(&out, SPAN("RSeq"), call->early->rseq);
    }
    if (code == 200)
        call_expiry_say(call, &out);
    sip_reply_end(&out, body_type(call), body);
    return out;
}

struct span call_answer_body(const struct call *call)
{
    const struct call_answer *answer = &call->answer;
    const struct call_early *early = call->early;
    if (early && call->session.len)
        return span_make(NULL, 0);
    if (early && answer->bytes.len == answer->offer_at)
        return span_make(early->bytes.at + early->body_at, early->body_len);
    return span_make(answer->bytes.at + answer->offer_at, answer->bytes.len - answer->offer_at);
}

enum err call_reply_2xx(struct call *call, const struct call_reply *reply, const struct call_accept *accept,
                        struct buffer *out, const char **out_why)
{
    char memory[16384];
    struct buffer body = buffer_over(memory, sizeof(memory));
    bool is_offer = false;
    enum err err = call_session_body(call, reply->request, &body, &is_offer, out_why);
    if (err != OK)
        return err;
    call_expiry_agree(call, reply->request);
    *out = call_reply_invite(call, reply, 200, accept, buffer_span(&body));
    if (out->overflow || body.overflow) {
        *out_why = "the answer would be too long";
        return ERR_TOO_LONG;
    }
    call->answer.offer_len = is_offer ? (uint32_t)body.len : 0;
    call->answer.offer_at = (uint32_t)(out->len - body.len);
    return OK;
}
