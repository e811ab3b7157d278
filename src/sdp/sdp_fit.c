/* SPDX-License-Identifier: Apache-2.0 */
/* Fits a given description to an offer: hold and resume change directions, and a stream may be taken out. */
#include "sdp/sdp_fit.h"

#include "sdp/sdp_answer.h"

static bool is_ended(const struct sdp *offer, const struct sdp *own, unsigned at)
{
    return offer && !offer->media[at].port && own->media[at].port;
}

static bool is_turned(const struct sdp *offer, const struct sdp *own, unsigned at, enum sdp_direction *out_direction)
{
    const struct sdp_media *media = &own->media[at];
    if (!offer || !offer->media[at].port || !media->port)
        return false;
    *out_direction = sdp_answer_direction(offer->media[at].direction, media->direction);
    return *out_direction != media->direction;
}

static bool is_fitting(const struct sdp *offer, const struct sdp *own)
{
    enum sdp_direction direction;
    for (unsigned at = 0; at < own->media_count; at++)
        if (is_ended(offer, own, at) || is_turned(offer, own, at, &direction))
            return false;
    return true;
}

static bool is_direction(char type, struct span value)
{
    for (unsigned at = SDP_SENDRECV; type == 'a' && at <= SDP_INACTIVE; at++)
        if (span_equal(value, sdp_direction_text((enum sdp_direction)at)))
            return true;
    return false;
}

static void add_line(struct buffer *out, char type, struct span value)
{
    buffer_add_byte(out, type);
    buffer_add_byte(out, '=');
    buffer_add_span(out, value);
    buffer_add_literal(out, "\r\n");
}

static void add_origin(struct buffer *out, const struct sdp *own, struct span value, uint32_t raise)
{
    uint64_t version;
    if (!span_to_u64(own->session_version, &version) || version > UINT64_MAX - raise) {
        add_line(out, 'o', value);
        return;
    }
    size_t from = (size_t)(own->session_version.at - value.at), to = from + own->session_version.len;
    buffer_add_literal(out, "o=");
    buffer_add_span(out, span_slice(value, 0, from));
    buffer_add_u64(out, version + raise);
    buffer_add_span(out, span_slice(value, to, value.len));
    buffer_add_literal(out, "\r\n");
}

/* One stream's section; its new direction comes last. */
static void add_section(const struct sdp *offer, const struct sdp *own, unsigned at, struct span first,
                        struct buffer *out)
{
    const struct sdp_media *media = &own->media[at];
    enum sdp_direction direction = SDP_INACTIVE;
    bool turns = is_turned(offer, own, at, &direction);
    if (is_ended(offer, own, at))
        sdp_add_media_line(out, media, 0);
    else
        add_line(out, 'm', first);
    struct span rest = media->lines, value;
    char type;
    while (sdp_line_next(&rest, &type, &value))
        if (type && !(turns && is_direction(type, value)))
            add_line(out, type, value);
    if (turns)
        add_line(out, 'a', sdp_direction_text(direction));
}

void sdp_fit(const struct sdp *offer, const struct sdp *own, uint32_t raise, struct buffer *out)
{
    if (!raise && is_fitting(offer, own)) {
        buffer_add_span(out, own->text);
        return;
    }
    struct span rest = own->text, value;
    unsigned at = 0;
    char type;
    while (sdp_line_next(&rest, &type, &value)) {
        if (type == 'm')
            add_section(offer, own, at++, value, out);
        else if (type == 'o')
            add_origin(out, own, value, raise);
        else if (at == 0 && type) /* a section's own lines came with it */
            add_line(out, type, value);
    }
}
