/* SPDX-License-Identifier: Apache-2.0 */
/* Before the answer: 180 or 183, reliable where the INVITE requires it (RFC 3262), then the 200 after a while; CANCEL,
 * Expires and missing PRACKs end it.  The 200 is built when the ringing begins, while the INVITE is at hand. */
#include "call/call_priv.h"

#include "sip/sip_text.h"
#include "sip/sip_value.h"

/* Proxies give up on an INVITE that stays without a provisional response for long (13.3.1.1). */
enum { RING_AGAIN_MS = 60000 };

static const struct span no_span;

/* Where it is required; and early media, which nobody should miss, also where it is merely known. */
bool call_ring_is_reliable(const struct sip_message *invite, const struct call_accept *accept)
{
    return sip_message_has_token(invite, SIP_HEADER_REQUIRE, SPAN("100rel")) ||
           (accept->progress && sip_message_has_token(invite, SIP_HEADER_SUPPORTED, SPAN("100rel")));
}

bool call_ring_is_agreed(const struct call *call)
{
    const struct call_early *early = call->early;
    return early && early->rseq && early->is_pracked && early->body_len;
}

bool call_ring_is_offering(const struct call *call)
{
    return call->early && call->early->is_offer && !call->early->is_pracked;
}

static uint64_t expiry_of(const struct call *call, const struct sip_message *invite)
{
    uint32_t seconds;
    struct span value = sip_message_value(invite, SIP_HEADER_EXPIRES);
    if (!value.at || sip_value_seconds(value, &seconds) != OK)
        return CALL_NEVER;
    return call->table->clock->mono_ms + (uint64_t)seconds * 1000;
}

static void set_schedule(struct call *call, const struct sip_message *invite, uint32_t ring_ms)
{
    struct call_early *early = call->early;
    const struct txn_timers *timers = &call->table->timers;
    uint64_t now = call->table->clock->mono_ms;
    bool is_reliable = early->rseq != 0;
    early->interval_ms = is_reliable ? timers->t1_ms : RING_AGAIN_MS;
    early->ring_ms = now + early->interval_ms;
    early->answer_ms = now + ring_ms;
    early->expires_ms = expiry_of(call, invite);
    early->deadline_ms = is_reliable ? now + 64 * (uint64_t)timers->t1_ms : CALL_NEVER;
}

/* RSeq starts anywhere in the lower half of its range (RFC 3262 3); the tag is random enough. */
static uint32_t first_rseq(const struct call *call)
{
    uint32_t number;
    memcpy(&number, call->local_tag + TXN_TAG_LEN - sizeof(number), sizeof(number));
    return (number & 0x3fffffff) + 1;
}

enum err call_ring_begin(struct call *call, const struct call_reply *reply, const struct call_accept *accept,
                         struct span body)
{
    struct call_table *table = call->table;
    struct call_early *early = txn_slab_take(table->slab, sizeof(*early));
    if (!early)
        return ERR_NOMEM;
    *early = (struct call_early){.txn = reply->txn, .code = accept->progress ? 183 : 180};
    call->early = early;
    if (call_ring_is_reliable(reply->request, accept))
        early->rseq = first_rseq(call);
    struct buffer out = call_reply_invite(call, reply, early->code, accept, body);
    early->body_len = (uint32_t)body.len;
    early->body_at = (uint32_t)(out.len - body.len);
    if (out.overflow)
        return ERR_TOO_LONG;
    if (!call_bytes_set(table, &early->bytes, buffer_span(&out)))
        return ERR_NOMEM;
    enum err err = txn_hold(reply->txn, reply->request);
    if (err == OK)
        err = txn_reply(reply->txn, early->code, buffer_span(&out));
    /* Sent but not kept by the transaction: a copy of the INVITE then waits for the next one. */
    if (err != OK && txn_code(reply->txn) != early->code)
        return err;
    set_schedule(call, reply->request, accept->ring_ms);
    return OK;
}

void call_ring_free(struct call *call)
{
    if (!call->early)
        return;
    call_bytes_clear(call->table, &call->early->bytes);
    txn_slab_give(call->table->slab, call->early, sizeof(*call->early));
    call->early = NULL;
}

/* RFC 3262 3: the interval doubles without a limit; an unreliable one is only a sign of life. */
void call_ring_again(struct call *call)
{
    struct call_early *early = call->early;
    if (early->rseq)
        early->interval_ms *= 2;
    early->ring_ms = call->table->clock->mono_ms + early->interval_ms;
    /* When it cannot be kept for retransmitted INVITEs it was sent all the same. */
    enum err err = txn_reply(early->txn, early->code, span_make(early->bytes.at, early->bytes.len));
    (void)err;
}

void call_ring_answer(struct call *call)
{
    struct span answer = span_make(call->answer.bytes.at, call->answer.bytes.len);
    enum err err = txn_reply(call->early->txn, 200, answer);
    (void)err; /* the transaction waits for it, and a wire that refuses is told elsewhere */
    call_ring_free(call);
}

void call_ring_refuse(struct call *call, unsigned code)
{
    struct call_table *table = call->table;
    struct sip_problem problem;
    struct txn *txn = call->early->txn;
    if (sip_message_parse(table->held, txn_request(txn), SIP_DATAGRAM, &problem) != OK) {
        txn_absorb(txn);
        return;
    }
    struct call_reply reply = {.txn = txn, .request = table->held, .source = &call->source};
    bool is_shutdown = call->end == CALL_END_SHUTDOWN;
    struct buffer out = call_reply_begin(table, &reply, is_shutdown ? 503 : code, no_span);
    if (is_shutdown && table->options.retry_after_s)
        sip_reply_header_u64(&out, SPAN("Retry-After"), table->options.retry_after_s);
    call_reply_end(&reply, is_shutdown ? 503 : code, &out);
}

uint64_t call_ring_due(const struct call *call)
{
    const struct call_early *early = call->early;
    uint64_t due = early->ring_ms;
    due = early->answer_ms < due ? early->answer_ms : due;
    due = early->expires_ms < due ? early->expires_ms : due;
    return early->deadline_ms < due ? early->deadline_ms : due;
}

enum call_event call_ring_event(struct call *call, uint64_t now_ms)
{
    struct call_early *early = call->early;
    if (early->expires_ms <= now_ms)
        return CALL_EV_EXPIRED;
    if (early->deadline_ms <= now_ms)
        return CALL_EV_NO_PRACK;
    if (early->answer_ms <= now_ms) {
        early->answer_ms = CALL_NEVER;
        /* No 2xx while a reliable 1xx with a session description is unacknowledged (RFC 3262 3). */
        early->is_due = early->rseq && early->body_len && !early->is_pracked;
        if (!early->is_due)
            return CALL_EV_ANSWER;
    }
    return early->ring_ms <= now_ms ? CALL_EV_RING : CALL_EVENT_COUNT;
}

static bool is_for(const struct call *call, const struct sip_message *prack)
{
    uint32_t rseq, cseq;
    struct span method;
    const struct call_early *early = call->early;
    return early && early->rseq && !early->is_pracked &&
           sip_value_rack(sip_message_value(prack, SIP_HEADER_RACK), &rseq, &cseq, &method) == OK &&
           rseq == early->rseq && cseq == call->answer.cseq && span_equal(method, SPAN("INVITE"));
}

enum err call_ring_keep(struct call *call, const struct buffer *session)
{
    if (session->overflow)
        return ERR_TOO_LONG;
    return call_bytes_set(call->table, &call->session, buffer_span(session)) ? OK : ERR_NOMEM;
}

/* What the PRACK's body means: the answer to our offer; a further offer, once the INVITE's was answered; else an offer out
 * of turn.  Appends the answer to a further offer. */
static enum err take_body(struct call *call, const struct sip_message *prack, struct buffer *out)
{
    const struct call_early *early = call->early;
    const char *why;
    bool is_offer;
    if (early->is_offer) {
        struct span offer = span_make(early->bytes.at + early->body_at, early->body_len);
        return call_session_take_answer(call, offer, prack, &why);
    }
    if (!call_session_is_in(prack))
        return OK;
    if (!early->body_len)
        return ERR_INVALID;
    uint32_t version = call->session_version;
    enum err err = call_session_body(call, prack, out, &is_offer, &why);
    if (err == OK)
        err = call_ring_keep(call, out);
    if (err != OK)
        call->session_version = version;
    return err;
}

static void acknowledged(struct call *call)
{
    struct call_early *early = call->early;
    early->is_pracked = true;
    early->deadline_ms = CALL_NEVER;
    early->ring_ms = CALL_NEVER;
    if (early->is_due)
        early->answer_ms = call->table->clock->mono_ms;
}

unsigned call_prack(struct call *call, const struct call_reply *reply)
{
    char memory[16384];
    struct buffer body = buffer_over(memory, sizeof(memory));
    unsigned code = 481;
    if (is_for(call, reply->request)) {
        enum err err = take_body(call, reply->request, &body);
        code = err == OK ? 200 : err == ERR_NOMEM ? 500 : err == ERR_TOO_LONG ? 513 : 488;
    }
    if (code == 200)
        acknowledged(call);
    else
        buffer_clear(&body);
    struct buffer out = call_reply_begin(call->table, reply, code, no_span);
    if (code == 200)
        call_reply_abilities(&out);
    call_reply_end_with(call, reply, code, &out, buffer_span(&body));
    return code;
}
