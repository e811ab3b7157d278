/* SPDX-License-Identifier: Apache-2.0 */
/* How long a session stands without a refresh (RFC 4028): what a 2xx of ours agrees to, and when its time is up.  Our own
 * refreshes: call_refresh.c. */
#include "call/call_priv.h"

#include "sip/sip_value.h"

/* RFC 4028 5: below this nobody may go, and this is meant where no Min-SE stands. */
enum { MIN_SE_S = 90, GRACE_MS = 32000 };

static uint32_t min_se_of(const struct sip_message *message)
{
    struct span value = sip_message_value(message, SIP_HEADER_MIN_SE);
    struct sip_value parts;
    uint32_t seconds = 0;
    if (value.at && sip_value_token(value, &parts) == OK && sip_value_seconds(parts.token, &seconds) != OK)
        seconds = 0;
    return seconds;
}

/* Session-Expires.  False: there is none that can be read, and *out_seconds is 0. */
static bool interval_of(const struct sip_message *message, uint32_t *out_seconds, struct span *out_refresher)
{
    struct span value = sip_message_value(message, SIP_HEADER_SESSION_EXPIRES);
    *out_seconds = 0;
    *out_refresher = span_make(NULL, 0);
    return value.at && sip_value_session_expires(value, out_seconds, out_refresher) == OK;
}

static bool knows_timer(const struct sip_message *message)
{
    return sip_message_has_token(message, SIP_HEADER_SUPPORTED, SPAN("timer")) ||
           sip_message_has_token(message, SIP_HEADER_REQUIRE, SPAN("timer"));
}

bool call_interval_is_small(const struct call_table *table, const struct sip_message *request, uint32_t *out_min_s)
{
    struct span refresher;
    uint32_t asked;
    *out_min_s = table->options.min_se_s;
    /* Who does not know the extension would not know a 422 either (RFC 4028 8.1). */
    return interval_of(request, &asked, &refresher) && asked < table->options.min_se_s && knows_timer(request);
}

/* Who refreshes (RFC 4028 9, table 2): as the request says; who refreshed before; or the caller, who asked for it. */
static bool is_ours(const struct call *call, bool peer_knows, struct span refresher)
{
    if (!peer_knows || span_equal_nocase(refresher, SPAN("uas")))
        return true;
    return !refresher.len && call->terms.interval_s && call->terms.is_ours;
}

void call_expiry_agree(struct call *call, const struct sip_message *request)
{
    const struct call_options *options = &call->table->options;
    struct call_terms terms = {.peer_knows = knows_timer(request), .peer_updates = call->terms.peer_updates};
    struct span refresher;
    uint32_t asked;
    bool has_asked = interval_of(request, &asked, &refresher);
    uint32_t wanted = call->wanted_s ? call->wanted_s : terms.peer_knows || has_asked ? options->session_expires_s : 0;
    terms.min_s = min_se_of(request);
    if (terms.min_s < options->min_se_s)
        terms.min_s = options->min_se_s;
    terms.interval_s = has_asked && (!wanted || asked < wanted) ? asked : wanted;
    if ((terms.interval_s || has_asked) && terms.interval_s < terms.min_s)
        terms.interval_s = terms.min_s;
    if (asked >= options->min_se_s && terms.interval_s > asked)
        terms.interval_s = asked; /* never more than was asked for, whatever its Min-SE says */
    terms.is_ours = is_ours(call, terms.peer_knows, refresher);
    if (terms.interval_s && terms.is_ours && sip_message_has(request, SIP_HEADER_ALLOW))
        terms.peer_updates = sip_message_has_token(request, SIP_HEADER_ALLOW, SPAN("UPDATE"));
    call->terms = terms;
}

static void add_interval(const struct call *call, struct span refresher, struct buffer *out)
{
    buffer_add_literal(out, "Session-Expires: ");
    buffer_add_u64(out, call->terms.interval_s);
    buffer_add_literal(out, ";refresher=");
    buffer_add_span(out, refresher);
    buffer_add_literal(out, "\r\n");
}

void call_expiry_say(const struct call *call, struct buffer *out)
{
    if (!call->terms.interval_s)
        return;
    add_interval(call, call->terms.is_ours ? SPAN("uas") : SPAN("uac"), out);
    /* The peer has to refresh, or at least to end the session when nobody does (RFC 4028 9). */
    if (call->terms.peer_knows)
        sip_reply_header(out, SPAN("Require"), SPAN("timer"));
}

void call_expiry_ask(const struct call *call, struct buffer *out)
{
    add_interval(call, call->terms.is_ours ? SPAN("uac") : SPAN("uas"), out);
    if (call->terms.min_s > MIN_SE_S)
        sip_reply_header_u64(out, SPAN("Min-SE"), call->terms.min_s);
}

static void set_times(struct call *call)
{
    uint64_t now = call->table->clock->mono_ms;
    uint64_t whole = (uint64_t)call->terms.interval_s * 1000;
    uint64_t grace = whole / 3 < GRACE_MS ? whole / 3 : GRACE_MS;
    call->refresh_ms = whole && call->terms.is_ours ? now + whole / 2 : CALL_NEVER;
    call->expire_ms = whole ? now + whole - grace : CALL_NEVER;
}

void call_expiry_start(struct call *call, struct span session)
{
    call->refusals = 0;
    set_times(call);
    /* A re-INVITE of ours repeats it; without memory the refresh is an UPDATE, whatever the peer allows.  Our offer in a 2xx
     * repeats it, too, where the one that we make otherwise would lose streams. */
    struct span present = session.len ? session : span_make(call->session.at, call->session.len);
    bool refreshes = call->terms.interval_s && call->terms.is_ours;
    if (!refreshes && call_session_is_plain(call, present))
        call_bytes_clear(call->table, &call->session);
    else if (session.len)
        (void)call_bytes_set(call->table, &call->session, session);
}

void call_expiry_take(struct call *call, const struct sip_message *response)
{
    struct span refresher;
    uint32_t interval_s;
    /* A peer without the extension says nothing, and we go on by ourselves (RFC 4028 7.2). */
    if (interval_of(response, &interval_s, &refresher) && interval_s >= call->terms.min_s)
        call->terms.interval_s = interval_s;
    call->terms.is_ours = !span_equal_nocase(refresher, SPAN("uas"));
    if (sip_message_has(response, SIP_HEADER_ALLOW))
        call->terms.peer_updates = sip_message_has_token(response, SIP_HEADER_ALLOW, SPAN("UPDATE"));
    call->refusals = 0;
    set_times(call);
}

bool call_expiry_widen(struct call *call, const struct sip_message *response)
{
    uint32_t min_s = min_se_of(response);
    if (min_s <= call->terms.interval_s)
        return false; /* it refuses what it says it would take */
    call->terms.min_s = min_s;
    call->terms.interval_s = min_s;
    return true;
}
