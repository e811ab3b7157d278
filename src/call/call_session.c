/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer in a call (RFC 3264): what a 2xx carries, and what an ACK must. */
#include "call/call_priv.h"

#include "sdp/sdp_answer.h"
#include "sdp/sdp_fit.h"
#include "sip/sip_multipart.h"

static uint8_t direction_of(enum call_sdp sdp)
{
    switch (sdp) {
    case CALL_SDP_SENDONLY:
        return SDP_SENDONLY;
    case CALL_SDP_RECVONLY:
        return SDP_RECVONLY;
    case CALL_SDP_SENDRECV:
        return SDP_SENDRECV;
    default:
        return SDP_INACTIVE;
    }
}

static struct sdp_local local_of(struct call *call)
{
    if (!call->session_id) {
        /* Unique for us (RFC 8866 5.2), and no secret: the dialog's tag is in every message. */
        memcpy(&call->session_id, call->local_tag, sizeof(call->session_id));
        call->session_id &= ((uint64_t)1 << 62) - 1;
    }
    return (struct sdp_local){.address = call_text(call, CALL_TEXT_MEDIA),
                              .is_ipv6 = call->media_is_ipv6,
                              .session_id = call->session_id,
                              .session_version = ++call->session_version,
                              .direction = direction_of(call->sdp)};
}

/* The policy's body, with a version above the last one's wherever it says something else (RFC 3264 8). */
static void add_body(struct call *call, const struct sdp *offer, const struct sdp *own, struct buffer *out)
{
    size_t from = out->len;
    struct span last = call->session.len ? span_make(call->session.at, call->session.len) : own->text;
    sdp_fit(offer, own, call->session_version, out);
    if (out->overflow || span_equal(span_slice(buffer_span(out), from, out->len), last))
        return;
    out->len = from;
    sdp_fit(offer, own, ++call->session_version, out);
}

static bool is_body_readable(const struct call *call)
{
    struct span type = call_text(call, CALL_TEXT_BODY_TYPE);
    return !type.len || span_equal_nocase(type, SPAN("application/sdp"));
}

/* The body that the policy gave is for the first offer and for all that follow: hold and resume change directions. */
static enum err answer_with_body(struct call *call, struct buffer *out, const char **out_why)
{
    struct call_table *table = call->table;
    if (!is_body_readable(call)) {
        buffer_add_span(out, call_text(call, CALL_TEXT_BODY));
        return OK;
    }
    enum err err = sdp_parse(call_text(call, CALL_TEXT_BODY), table->reply, out_why);
    if (err == OK)
        err = sdp_answer_check_streams(table->offer, table->reply, out_why);
    if (err != OK)
        return ERR_UNSUPPORTED;
    add_body(call, table->offer, table->reply, out);
    return OK;
}

/* As our own offer it goes out as it is; one that cannot be read is not ours to judge. */
static void offer_body(struct call *call, struct buffer *out)
{
    struct sdp *own = call->table->reply;
    if (is_body_readable(call) && sdp_parse(call_text(call, CALL_TEXT_BODY), own, NULL) == OK)
        add_body(call, NULL, own, out);
    else
        buffer_add_span(out, call_text(call, CALL_TEXT_BODY));
}

/* The offer again with every port 0: a valid answer that takes no stream. */
static void add_rejection(const struct sdp *offer, const struct sdp_local *local, struct buffer *out)
{
    buffer_addf(out, "v=0\r\no=- %llu %llu IN IP%c ", (unsigned long long)local->session_id,
                (unsigned long long)local->session_version, local->is_ipv6 ? '6' : '4');
    buffer_add_span(out, local->address);
    buffer_addf(out, "\r\ns=-\r\nc=IN IP%c ", local->is_ipv6 ? '6' : '4');
    buffer_add_span(out, local->address);
    buffer_add_literal(out, "\r\nt=");
    buffer_add_span(out, offer->timing.len ? offer->timing : SPAN("0 0"));
    buffer_add_literal(out, "\r\n");
    for (unsigned i = 0; i < offer->media_count; i++)
        sdp_add_media_line(out, &offer->media[i], 0);
}

/* A browser has nothing else to offer after a 488, and to take its stream we would need a certificate and candidates: then
 * its ICE would search for media that are not there, and end the call.  Where no media are to flow anyway, a call
 * whose streams all have port 0 is the same call, and a valid answer (RFC 3264 6, RFC 8829 5.3.1). */
static bool refusing_is_inactive(const struct call *call, const struct sdp *offer)
{
    return call->sdp == CALL_SDP_INACTIVE && sdp_is_webrtc(offer);
}

static enum err answer_offer(struct call *call, struct span body, struct buffer *out, const char **out_why)
{
    struct sdp *offer = call->table->offer;
    enum err read = sdp_parse(body, offer, out_why);
    if (read != OK)
        return read;
    if (call->sdp == CALL_SDP_BODY)
        return answer_with_body(call, out, out_why);
    struct sdp_local local = local_of(call);
    if (call->sdp == CALL_SDP_REJECT) {
        add_rejection(offer, &local, out);
        return OK;
    }
    unsigned accepted = 0;
    sdp_answer(offer, &local, out, &accepted);
    if (accepted || sdp_offers_nothing(offer) || refusing_is_inactive(call, offer))
        return OK;
    *out_why = "no stream in the offer can be taken";
    return ERR_UNSUPPORTED;
}

bool call_session_is_in(const struct sip_message *request)
{
    struct span body;
    return sip_multipart_sdp(request, &body) != ERR_NOT_FOUND;
}

enum err call_session_body(struct call *call, const struct sip_message *request, struct buffer *out, bool *out_is_offer,
                           const char **out_why)
{
    struct span body;
    enum err err = sip_multipart_sdp(request, &body);
    *out_is_offer = err == ERR_NOT_FOUND;
    if (err == OK)
        return answer_offer(call, body, out, out_why);
    if (err != ERR_NOT_FOUND) {
        *out_why = "broken multipart body";
        return ERR_SYNTAX;
    }
    if (call->sdp == CALL_SDP_BODY) {
        offer_body(call, out);
    } else if (call->session.len) {
        buffer_add_span(out, span_make(call->session.at, call->session.len)); /* its streams keep their places (8) */
    } else {
        struct sdp_local local = local_of(call);
        sdp_offer(&local, out);
    }
    return OK;
}

bool call_session_is_plain(const struct call *call, struct span session)
{
    if (call->sdp == CALL_SDP_BODY)
        return span_equal(session, call_text(call, CALL_TEXT_BODY)); /* which is kept anyway */
    struct span rest = session, value;
    char type;
    unsigned streams = 0;
    while (sdp_line_next(&rest, &type, &value)) {
        if (type != 'm')
            continue;
        struct span words[3];
        bool is_ours = sdp_format_next(&value, &words[0]) && sdp_format_next(&value, &words[1]) &&
                       sdp_format_next(&value, &words[2]) && span_equal(words[0], SPAN("audio")) &&
                       span_equal(words[2], SPAN("RTP/AVP"));
        streams += is_ours ? 1 : 2;
    }
    return streams <= 1;
}

enum err call_session_take_answer(struct call *call, struct span offer, const struct sip_message *from,
                                  const char **out_why)
{
    struct call_table *table = call->table;
    struct span body;
    *out_why = "no answer to our offer";
    if (sip_multipart_sdp(from, &body) != OK)
        return ERR_INVALID;
    if (sdp_parse(offer, table->offer, out_why) != OK)
        return OK; /* a body of the policy's own, which is not for us to judge */
    enum err err = sdp_parse(body, table->reply, out_why);
    return err == OK ? sdp_answer_check(table->offer, table->reply, out_why) : err;
}
