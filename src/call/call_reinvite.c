/* SPDX-License-Identifier: Apache-2.0 */
/* What changes a session that stands: re-INVITE (RFC 3261 14.2) and UPDATE (RFC 3311).  A refusal leaves it as it was. */
#include "call/call_priv.h"

static const struct span no_span;

static unsigned refuse_session(struct call *call, const struct call_reply *reply, enum err err, const char *why)
{
    unsigned code = err == ERR_SYNTAX ? 400 : err == ERR_UNSUPPORTED ? 488 : err == ERR_TOO_LONG ? 513 : 500;
    struct buffer out = call_reply_begin(call->table, reply, code, no_span);
    if (code == 488) {
        buffer_add_literal(&out, "Warning: 304 verdict \"");
        buffer_add_text(&out, why);
        buffer_add_literal(&out, "\"\r\n");
    }
    call_reply_end(reply, code, &out);
    return code;
}

/* 14.2: a random wait, so that both sides do not try again at once. */
unsigned call_refuse_overlap(struct call *call, const struct call_reply *reply)
{
    struct buffer out = call_reply_begin(call->table, reply, 500, no_span);
    sip_reply_header_u64(&out, SPAN("Retry-After"), (unsigned char)txn_tag(reply->txn).at[0] % 11);
    call_reply_end(reply, 500, &out);
    return 500;
}

/* RFC 4028 9: a session that would expire too soon; what was agreed on before stays. */
static bool refuse_interval(struct call *call, const struct call_reply *reply)
{
    uint32_t min_s;
    if (!call_interval_is_small(call->table, reply->request, &min_s))
        return false;
    struct buffer out = call_reply_begin(call->table, reply, 422, no_span);
    sip_reply_header_u64(&out, SPAN("Min-SE"), min_s);
    call_reply_end(reply, 422, &out);
    return true;
}

unsigned call_reinvite(struct call *call, const struct call_reply *reply)
{
    struct call_table *table = call->table;
    if (call->state != CALL_UP)
        return call_refuse_overlap(call, reply);
    if (call_refresh_is_offering(call)) {
        call_reply_plain(call->table, reply, 491); /* RFC 3261 14.2 */
        return 491;
    }
    if (refuse_interval(call, reply))
        return 422;
    const char *why = "";
    struct buffer out;
    uint32_t version = call->session_version;
    struct call_terms terms = call->terms;
    enum err err = call_reply_2xx(call, reply, NULL, &out, &why);
    if (err == OK && !call_bytes_set(table, &call->answer.bytes, buffer_span(&out)))
        err = ERR_NOMEM;
    if (err == OK)
        err = txn_reply(reply->txn, 200, buffer_span(&out));
    if (err != OK) {
        call->session_version = version;
        call->terms = terms;
        return refuse_session(call, reply, err, why);
    }
    call_dialog_refresh(call, reply->request);
    call_expiry_start(call, call_answer_body(call));
    call->answer.cseq = reply->request->cseq;
    call->answer.is_reinvite = true;
    call_run(call, CALL_EV_REANSWER);
    return 200;
}

/* An offer meets another that is out (RFC 3311 5.2).  0: it does not. */
static unsigned refuse_crossing(struct call *call, const struct call_reply *reply)
{
    bool is_offering = (call->answer.is_waiting && call->answer.offer_len) || call_refresh_is_offering(call) ||
                       call_ring_is_offering(call);
    if (is_offering) { /* ours waits for their answer */
        call_reply_plain(call->table, reply, 491);
        return 491;
    }
    if (call->state == CALL_RINGING && !call_ring_is_agreed(call))
        return call_refuse_overlap(call, reply); /* their INVITE's has no answer yet */
    return 0;
}

unsigned call_update(struct call *call, const struct call_reply *reply)
{
    bool has_offer = call_session_is_in(reply->request);
    unsigned refused = has_offer ? refuse_crossing(call, reply) : 0;
    if (refused)
        return refused;
    if (refuse_interval(call, reply))
        return 422;
    char memory[16384];
    struct buffer body = buffer_over(memory, sizeof(memory));
    const char *why = "";
    bool is_offer = false;
    uint32_t version = call->session_version;
    bool is_early = call->state == CALL_RINGING; /* the 2xx is built already, and says what it says */
    enum err err = has_offer ? call_session_body(call, reply->request, &body, &is_offer, &why) : OK;
    if (err == OK && body.overflow)
        err = ERR_TOO_LONG;
    if (err == OK && has_offer && is_early)
        err = call_ring_keep(call, &body);
    if (err != OK) {
        call->session_version = version;
        return refuse_session(call, reply, err, why);
    }
    call_dialog_refresh(call, reply->request);
    if (!is_early)
        call_expiry_agree(call, reply->request);
    struct buffer out = call_reply_begin(call->table, reply, 200, no_span);
    call_reply_contact(call, &out);
    call_reply_abilities(&out);
    if (!is_early)
        call_expiry_say(call, &out);
    call_reply_end_with(call, reply, 200, &out, buffer_span(&body));
    if (!is_early)
        call_expiry_start(call, buffer_span(&body));
    return 200;
}
