/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and offers of a server without media. */
#include "sdp/sdp_answer.h"

#include "sip/sip_text.h"

enum { DISCARD_PORT = 9, SENDS = 1, RECEIVES = 2 };

static unsigned flow_of(unsigned direction)
{
    static const unsigned char flows[] = {
        [SDP_SENDRECV] = SENDS | RECEIVES, [SDP_SENDONLY] = SENDS, [SDP_RECVONLY] = RECEIVES, 0};
    return flows[direction];
}

enum sdp_direction sdp_answer_direction(unsigned offered, unsigned local)
{
    unsigned theirs = flow_of(offered);
    unsigned ours = ((theirs & RECEIVES ? SENDS : 0U) | (theirs & SENDS ? RECEIVES : 0U)) & flow_of(local);
    if (ours == (SENDS | RECEIVES))
        return SDP_SENDRECV;
    if (ours == SENDS)
        return SDP_SENDONLY;
    return ours == RECEIVES ? SDP_RECVONLY : SDP_INACTIVE;
}

static void add_session(struct buffer *out, const struct sdp_local *local, struct span timing)
{
    const struct span family = local->is_ipv6 ? SPAN("IN IP6 ") : SPAN("IN IP4 ");
    buffer_add_literal(out, "v=0\r\no=verdict ");
    buffer_add_u64(out, local->session_id);
    buffer_add_byte(out, ' ');
    buffer_add_u64(out, local->session_version);
    buffer_add_byte(out, ' ');
    buffer_add_span(out, family);
    buffer_add_span(out, local->address);
    buffer_add_literal(out, "\r\ns=-\r\nc=");
    buffer_add_span(out, family);
    buffer_add_span(out, local->address);
    buffer_add_literal(out, "\r\nt=");
    buffer_add_span(out, timing);
    buffer_add_literal(out, "\r\n");
}

void sdp_add_media_line(struct buffer *out, const struct sdp_media *media, unsigned port)
{
    buffer_add_literal(out, "m=");
    buffer_add_span(out, media->type);
    buffer_add_byte(out, ' ');
    buffer_add_u64(out, port);
    buffer_add_byte(out, ' ');
    buffer_add_span(out, media->proto);
    buffer_add_byte(out, ' ');
    buffer_add_span(out, media->formats);
    buffer_add_literal(out, "\r\n");
}

/* The offer's a=rtpmap and a=fmtp lines: its formats are taken as they are. */
static void add_formats(struct buffer *out, const struct sdp_media *media)
{
    struct span lines = media->lines, value;
    char type;
    while (sdp_line_next(&lines, &type, &value)) {
        if (type != 'a' || (!span_starts_with(value, SPAN("rtpmap:")) && !span_starts_with(value, SPAN("fmtp:"))))
            continue;
        buffer_add_literal(out, "a=");
        buffer_add_span(out, value);
        buffer_add_literal(out, "\r\n");
    }
}

static void add_direction(struct buffer *out, enum sdp_direction direction)
{
    buffer_add_literal(out, "a=");
    buffer_add_span(out, sdp_direction_text(direction));
    buffer_add_literal(out, "\r\n");
}

/* Plain RTP needs no keys and no certificate, so a stream over it can be agreed to without media behind it. */
static bool can_take(const struct sdp_media *media)
{
    return media->port && (span_equal(media->type, SPAN("audio")) || span_equal(media->type, SPAN("video"))) &&
           (span_equal(media->proto, SPAN("RTP/AVP")) || span_equal(media->proto, SPAN("RTP/AVPF")));
}

void sdp_answer(const struct sdp *offer, const struct sdp_local *local, struct buffer *out, unsigned *out_accepted)
{
    unsigned accepted = 0;
    add_session(out, local, offer->timing.len ? offer->timing : SPAN("0 0"));
    for (unsigned at = 0; at < offer->media_count; at++) {
        const struct sdp_media *media = &offer->media[at];
        if (!can_take(media)) {
            sdp_add_media_line(out, media, 0);
            continue;
        }
        accepted++;
        sdp_add_media_line(out, media, local->port ? local->port : DISCARD_PORT);
        add_formats(out, media);
        add_direction(out, sdp_answer_direction(media->direction, local->direction));
    }
    *out_accepted = accepted;
}

bool sdp_offers_nothing(const struct sdp *offer)
{
    for (unsigned at = 0; at < offer->media_count; at++)
        if (offer->media[at].port)
            return false;
    return true;
}

bool sdp_is_webrtc(const struct sdp *offer)
{
    for (unsigned at = 0; at < offer->media_count; at++) {
        const struct sdp_media *media = &offer->media[at];
        if (media->port && (span_equal(media->proto, SPAN("UDP/TLS/RTP/SAVPF")) ||
                            span_equal(media->proto, SPAN("TCP/DTLS/RTP/SAVPF"))))
            return true;
    }
    return false;
}

void sdp_offer(const struct sdp_local *local, struct buffer *out)
{
    const struct sdp_media audio = {.type = SPAN("audio"), .proto = SPAN("RTP/AVP"), .formats = SPAN("0 8")};
    add_session(out, local, SPAN("0 0"));
    sdp_add_media_line(out, &audio, local->port ? local->port : DISCARD_PORT);
    buffer_add_literal(out, "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n");
    add_direction(out, (enum sdp_direction)local->direction);
}

/* One format with its name. */
struct format {
    struct span type, map;
};

/* The formats of a stream, looked up once each. */
static size_t read_formats(const struct sdp_media *media, struct format formats[SDP_FORMATS_MAX + 1])
{
    size_t count = 0;
    for (struct span rest = media->formats; sdp_format_next(&rest, &formats[count].type); count++)
        formats[count].map = sdp_rtpmap(media, formats[count].type);
    return count;
}

/* Whether one of the answer's formats is among the offer's: the same name for dynamic types, the same number else. */
static bool shares_format(const struct sdp_media *offer, const struct sdp_media *answer)
{
    struct format offered[SDP_FORMATS_MAX + 1], answered[SDP_FORMATS_MAX + 1];
    size_t offered_count = read_formats(offer, offered), answered_count = read_formats(answer, answered);
    for (size_t at = 0; at < answered_count * offered_count; at++) {
        const struct format *a = &answered[at / offered_count], *o = &offered[at % offered_count];
        if (a->map.at && o->map.at ? span_equal_nocase(a->map, o->map) : span_equal(a->type, o->type))
            return true;
    }
    return false;
}

static const char *check_stream(const struct sdp_media *offer, const struct sdp_media *answer)
{
    if (!span_equal(offer->type, answer->type))
        return "a stream has another type than its offer";
    if (!span_equal(offer->proto, answer->proto))
        return "a stream has another protocol than its offer";
    bool is_taken = answer->port && offer->port;
    return is_taken && !shares_format(offer, answer) ? "a stream has no format of its offer" : NULL;
}

static const char *check_media(const struct sdp_media *offer, const struct sdp_media *answer)
{
    if (!answer->port)
        return NULL;
    if (!offer->port)
        return "a stream that was offered with port 0 is taken";
    unsigned allowed = flow_of(sdp_answer_direction(offer->direction, SDP_SENDRECV));
    return flow_of(answer->direction) & ~allowed ? "a stream's direction does not fit its offer" : NULL;
}

enum err sdp_answer_check_streams(const struct sdp *offer, const struct sdp *answer, const char **out_reason)
{
    const char *wrong = offer->media_count == answer->media_count ? NULL : "not as many m= lines as the offer";
    for (unsigned at = 0; !wrong && at < offer->media_count; at++)
        wrong = check_stream(&offer->media[at], &answer->media[at]);
    if (wrong && out_reason)
        *out_reason = wrong;
    return wrong ? ERR_INVALID : OK;
}

enum err sdp_answer_check(const struct sdp *offer, const struct sdp *answer, const char **out_reason)
{
    const char *wrong = NULL;
    enum err err = sdp_answer_check_streams(offer, answer, out_reason);
    if (err != OK)
        return err;
    for (unsigned at = 0; !wrong && at < offer->media_count; at++)
        wrong = check_media(&offer->media[at], &answer->media[at]);
    if (wrong && out_reason)
        *out_reason = wrong;
    return wrong ? ERR_INVALID : OK;
}
