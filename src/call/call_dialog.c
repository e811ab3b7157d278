/* SPDX-License-Identifier: Apache-2.0 */
/* The dialog behind a call (RFC 3261 12.1.1): what an INVITE leaves behind, in one block of text. */
#include "call/call_priv.h"

#include "sip/sip_address.h"
#include "sip/sip_text.h"

struct span call_text(const struct call *call, enum call_text text)
{
    size_t at = 0;
    for (unsigned i = 0; i < (unsigned)text; i++)
        at += call->text_len[i];
    return span_make(call->texts.at + at, call->text_len[text]);
}

bool call_bytes_set(struct call_table *table, struct call_bytes *out, struct span bytes)
{
    char *at = txn_slab_take(table->slab, bytes.len);
    if (!at)
        return false;
    memcpy(at, bytes.at, bytes.len);
    call_bytes_clear(table, out);
    *out = (struct call_bytes){at, (uint32_t)bytes.len};
    return true;
}

void call_bytes_clear(struct call_table *table, struct call_bytes *bytes)
{
    txn_slab_give(table->slab, bytes->at, bytes->len);
    *bytes = (struct call_bytes){0};
}

/* A UAS takes the Record-Route values in their order (12.1.1). */
static enum err add_routes(const struct sip_message *invite, struct buffer *out)
{
    struct sip_address_walk walk = sip_address_walk_begin(invite, SIP_HEADER_RECORD_ROUTE);
    struct sip_address route;
    enum err err;
    unsigned count = 0;
    while ((err = sip_address_walk_next(&walk, &route)) == OK) {
        if (++count > SIP_ROUTES_MAX)
            return ERR_FULL;
        sip_text_unfold(out, route.text);
        buffer_add_byte(out, '\0');
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static void add_text(struct call *call, enum call_text text, struct buffer *out, size_t from)
{
    size_t len = out->len - from;
    if (len > UINT16_MAX)
        out->overflow = true;
    call->text_len[text] = (uint16_t)len;
}

static void add_plain(struct call *call, enum call_text text, struct buffer *out, struct span value)
{
    size_t from = out->len;
    buffer_add_span(out, value);
    add_text(call, text, out, from);
}

static void add_unfolded(struct call *call, enum call_text text, struct buffer *out, struct span value)
{
    size_t from = out->len;
    sip_text_unfold(out, value);
    add_text(call, text, out, from);
}

static enum err collect_texts(struct call *call, const struct sip_message *invite, const struct call_accept *accept,
                              struct buffer *out)
{
    add_plain(call, CALL_TEXT_ID, out, invite->call_id);
    add_plain(call, CALL_TEXT_REMOTE_TAG, out, invite->from.tag);
    add_unfolded(call, CALL_TEXT_FROM, out, sip_message_value(invite, SIP_HEADER_FROM));
    add_unfolded(call, CALL_TEXT_TO, out, sip_message_value(invite, SIP_HEADER_TO));
    size_t from = out->len;
    enum err err = add_routes(invite, out);
    if (err != OK)
        return err;
    add_text(call, CALL_TEXT_ROUTES, out, from);
    add_plain(call, CALL_TEXT_CONTACT, out, accept->contact);
    add_plain(call, CALL_TEXT_AOR, out, accept->aor);
    add_plain(call, CALL_TEXT_MEDIA, out, accept->media_address);
    bool has_body = accept->sdp == CALL_SDP_BODY;
    add_plain(call, CALL_TEXT_BODY, out, has_body ? accept->body : span_make(NULL, 0));
    add_plain(call, CALL_TEXT_BODY_TYPE, out, has_body ? accept->body_type : span_make(NULL, 0));
    return out->overflow ? ERR_TOO_LONG : OK;
}

static struct span contact_target(const struct sip_message *request)
{
    const struct sip_address *contact = &request->contact;
    return contact->text.at && !contact->star ? contact->uri.text : span_make(NULL, 0);
}

enum err call_dialog_new(struct call_table *table, const struct sip_message *invite, const struct call_accept *accept,
                         struct call **out_call)
{
    struct call *call = txn_slab_take(table->slab, sizeof(*call));
    if (!call)
        return ERR_NOMEM;
    *call = (struct call){.table = table, .state = CALL_ANSWERED, .end = CALL_END_PEER, .turn_ms = CALL_NEVER};
    call->hangup_ms = call->refresh_ms = call->expire_ms = CALL_NEVER;
    timer_init(&call->timer, call_timer);
    call->sdp = (uint8_t)accept->sdp;
    call->media_is_ipv6 = accept->media_is_ipv6;
    call->source = accept->source;
    call->user = accept->user;
    call->wanted_s = accept->session_expires_s;
    call->hangup_after_s = accept->hangup_after_s;
    call->began_ms = table->clock->mono_ms;
    call->remote_cseq = invite->cseq;
    struct buffer texts = buffer_over(table->scratch, CALL_SCRATCH_LEN);
    enum err err = collect_texts(call, invite, accept, &texts);
    if (err != OK)
        goto fail;
    err = ERR_NOMEM;
    if (!call_bytes_set(table, &call->texts, buffer_span(&texts)))
        goto fail;
    if (!call_bytes_set(table, &call->target, contact_target(invite)))
        goto fail;
    *out_call = call;
    return OK;
fail:
    call_free(call);
    return err;
}

void call_dialog_refresh(struct call *call, const struct sip_message *request)
{
    struct span target = contact_target(request);
    struct span present = span_make(call->target.at, call->target.len);
    /* Without memory the old target stays: requests still travel by the flow. */
    if (target.len && !span_equal(target, present))
        (void)call_bytes_set(call->table, &call->target, target);
}

void call_free(struct call *call)
{
    struct call_table *table = call->table;
    wheel_cancel(table->wheel, &call->timer);
    if (call->answer.is_waiting)
        txn_reflect_settled(txn_table_reflect(table->options.txns), &call->source);
    errand_cancel(call->bye);
    errand_cancel(call->refresh);
    call_ring_free(call);
    call_bytes_clear(table, &call->answer.bytes);
    call_bytes_clear(table, &call->texts);
    call_bytes_clear(table, &call->target);
    call_bytes_clear(table, &call->reason);
    call_bytes_clear(table, &call->session);
    txn_slab_give(table->slab, call, sizeof(*call));
}
