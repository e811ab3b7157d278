/* SPDX-License-Identifier: Apache-2.0 */
/* Our own refreshes of a session (RFC 4028 10): UPDATE where the peer allows it, else a re-INVITE with the session as it
 * stands.  What the peer's answer means for the session. */
#include "call/call_priv.h"

#include "sip/sip_value.h"

enum { REFUSALS_MAX = 5, GLARE_MS = 2000, GLARE_STEP_MS = 10, RETRY_MAX_S = 600 };

/* The session's last word, when no refresh came through. */
static void give_up(struct call *call, struct span reason)
{
    call_hangup_as(call, reason, CALL_END_SESSION_EXPIRED);
}

bool call_refresh_is_offering(const struct call *call)
{
    return call->refresh && call->refresh_offers;
}

void call_refresh_send(struct call *call)
{
    bool by_update = call->terms.peer_updates || !call->session.len;
    call->refresh_ms = CALL_NEVER;
    if (call->refresh)
        return;
    call->refresh_offers = !by_update;
    if (!(by_update ? call_update_send(call) : call_reinvite_send(call)))
        call->refresh_ms = call->table->clock->mono_ms + GLARE_MS; /* memory is out, or there is no way now */
}

static void again_after(struct call *call, uint64_t after_ms)
{
    call->refresh_ms = call->table->clock->mono_ms + after_ms;
}

/* RFC 3261 14.1: whoever did not make the Call-ID waits for up to two seconds, in steps of ten milliseconds. */
static void after_glare(struct call *call)
{
    static const struct siphash_key key = {0x676c617265, 0};
    struct span id = call_text(call, CALL_TEXT_ID);
    uint64_t lot = siphash(&key, id.at, id.len) + call->refresh_cseq * 0x9e3779b97f4a7c15ULL;
    again_after(call, (lot >> 32) % (GLARE_MS / GLARE_STEP_MS) * GLARE_STEP_MS);
}

static uint64_t retry_after_ms(const struct sip_message *response)
{
    struct span value = sip_message_value(response, SIP_HEADER_RETRY_AFTER);
    uint32_t seconds = 0;
    size_t digits = 0;
    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    if (!span_to_u32(span_slice(value, 0, digits), &seconds))
        seconds = 0;
    return 1000 * (uint64_t)(seconds < RETRY_MAX_S ? seconds : RETRY_MAX_S);
}

/* Any other refusal: not at once, and not for ever; the session stands until its time is up. */
static void after_refusal(struct call *call, const struct sip_message *response)
{
    uint64_t now = call->table->clock->mono_ms;
    uint64_t left = call->expire_ms > now ? call->expire_ms - now : 0;
    uint64_t wait_ms = retry_after_ms(response);
    again_after(call, wait_ms ? wait_ms : left / 2);
}

static void refused(struct call *call, const struct sip_message *response)
{
    unsigned code = response->status;
    bool is_unknown = !call->refresh_offers && (code == 405 || code == 501) && call->session.len;
    if (!call->terms.interval_s || ++call->refusals > REFUSALS_MAX)
        return; /* the peer took the timer away meanwhile; and RFC 4028 10: not continuously */
    if (is_unknown) {
        call->terms.peer_updates = false;
        again_after(call, 0);
    } else if (code == 422 && call_expiry_widen(call, response)) {
        again_after(call, 0);
    } else if (code == 491) {
        after_glare(call);
    } else {
        after_refusal(call, response);
    }
}

void call_refresh_done(struct call *call, const struct sip_message *response)
{
    unsigned code = response ? response->status : 0;
    if (call->state != CALL_UP && call->state != CALL_ANSWERED)
        return; /* it ends already */
    if (!response || code == 408) {
        give_up(call, SPAN("SIP;cause=408;text=\"Session refresh timeout\""));
    } else if (code == 481) {
        give_up(call, SPAN("SIP;cause=481;text=\"Session refresh refused\""));
    } else if (code < 300) {
        call_dialog_refresh(call, response);
        call_expiry_take(call, response);
        call_arm(call);
    } else {
        refused(call, response);
        call_arm(call);
    }
}
