/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions as spans. */
#include "sdp/sdp.h"

#include "sip/sip_text.h"

/* What is right by the grammar, but more than is read here. */
static const char too_many_media[] = "more than 32 m= lines";
static const char too_many_formats[] = "more than 64 formats in m=";
static const char too_many_lines[] = "more than 1024 lines";

bool sdp_line_next(struct span *rest, char *out_type, struct span *out_value)
{
    const char *at = rest->at;
    const char *end = sip_text_end(*rest);
    if (at == end)
        return false;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    const char *next = stop ? stop + 1 : end;
    if (!stop)
        stop = end;
    if (stop > at && stop[-1] == '\r')
        stop--;
    *rest = span_make(next, (size_t)(end - next));
    bool typed = stop - at >= 2 && at[1] == '=';
    *out_type = typed ? *at : '\0';
    *out_value = typed ? span_make(at + 2, (size_t)(stop - at) - 2) : span_make(at, (size_t)(stop - at));
    return true;
}

bool sdp_format_next(struct span *rest, struct span *out_format)
{
    size_t from = 0;
    while (from < rest->len && rest->at[from] == ' ')
        from++;
    if (from == rest->len)
        return false;
    size_t to = from;
    while (to < rest->len && rest->at[to] != ' ')
        to++;
    *out_format = span_make(rest->at + from, to - from);
    *rest = span_make(rest->at + to, rest->len - to);
    return true;
}

/* Exactly `count` words, or at least that when `open` is set; the last then takes all that is left. */
static bool split(struct span text, struct span *words, size_t count, bool open)
{
    for (size_t at = 0; at < count; at++) {
        struct span rest = text;
        if (!sdp_format_next(&text, &words[at]))
            return false;
        if (open && at == count - 1)
            words[at].len = (size_t)(sip_text_end(rest) - words[at].at);
    }
    struct span more;
    return open || !sdp_format_next(&text, &more);
}

/* "IN" SP "IP4"/"IP6" SP address [/...] */
static const char *read_address(const struct span *words, struct span *out_address, bool *out_ipv6)
{
    bool ipv6 = span_equal(words[1], SPAN("IP6"));
    if (!span_equal(words[0], SPAN("IN")) || (!ipv6 && !span_equal(words[1], SPAN("IP4"))))
        return "an address is neither \"IN IP4\" nor \"IN IP6\"";
    *out_address = span_slice(words[2], 0, span_find(words[2], '/'));
    *out_ipv6 = ipv6;
    return out_address->len ? NULL : "an address is empty";
}

static const char *read_origin(struct sdp *sdp, struct span value)
{
    struct span words[6];
    if (sdp->username.at)
        return "o= stands twice";
    if (!split(value, words, 6, false))
        return "o= has not six words";
    sdp->username = words[0];
    sdp->session_id = words[1];
    sdp->session_version = words[2];
    return read_address(words + 3, &sdp->origin_address, &sdp->origin_is_ipv6);
}

static const char *read_connection(struct sdp_connection *connection, struct span value)
{
    struct span words[3];
    if (!split(value, words, 3, false))
        return "c= has not three words";
    return read_address(words, &connection->address, &connection->is_ipv6);
}

static const char *read_port(struct span word, struct sdp_media *media)
{
    uint32_t port = 0, count = 1;
    size_t slash = span_find(word, '/');
    if (!span_to_u32(span_slice(word, 0, slash), &port) || port > 65535)
        return "m= has no port up to 65535";
    if (slash < word.len && (!span_to_u32(span_slice(word, slash + 1, word.len), &count) || !count || count > 65535))
        return "m= has no number of ports behind '/'";
    media->port = (uint16_t)port;
    media->port_count = (uint16_t)count;
    return NULL;
}

static const char *read_media(struct sdp *sdp, struct span value)
{
    struct span words[4], format;
    if (sdp->media_count == SDP_MEDIA_MAX)
        return too_many_media;
    struct sdp_media *media = &sdp->media[sdp->media_count];
    memset(media, 0, sizeof(*media));
    if (!split(value, words, 4, true))
        return "m= has not four words";
    media->type = words[0];
    media->proto = words[2];
    media->formats = words[3];
    media->connection = sdp->connection;
    media->direction = sdp->direction;
    unsigned count = 0;
    for (struct span rest = media->formats; sdp_format_next(&rest, &format);)
        if (++count > SDP_FORMATS_MAX)
            return too_many_formats;
    sdp->media_count++;
    return read_port(words[1], media);
}

struct span sdp_direction_text(enum sdp_direction direction)
{
    static const struct span texts[] = {{"sendrecv", 8}, {"sendonly", 8}, {"recvonly", 8}, {"inactive", 8}};
    return texts[direction];
}

static void read_attribute(uint8_t *direction, struct span value)
{
    for (int at = SDP_SENDRECV; at <= SDP_INACTIVE; at++)
        if (span_equal(value, sdp_direction_text((enum sdp_direction)at)))
            *direction = (uint8_t)at;
}

/* A line that belongs to the session, or to the last m= line when there is one. */
static const char *read_line(struct sdp *sdp, char type, struct span value)
{
    struct sdp_media *media = sdp->media_count ? &sdp->media[sdp->media_count - 1] : NULL;
    switch (type) {
    case 'o':
        return media ? "o= stands behind m=" : read_origin(sdp, value);
    case 's':
        sdp->name = value;
        return NULL;
    case 't':
        if (!sdp->timing.at)
            sdp->timing = value;
        return NULL;
    case 'c':
        return read_connection(media ? &media->connection : &sdp->connection, value);
    case 'm':
        return read_media(sdp, value);
    case 'a':
        read_attribute(media ? &media->direction : &sdp->direction, value);
        return NULL;
    default:
        return type ? NULL : "a line is not type=value";
    }
}

/* Extends the block of lines that the line at `from` to `to` belongs to. */
static void extend(struct sdp *sdp, char type, const char *from, const char *to)
{
    struct span *lines = sdp->media_count ? &sdp->media[sdp->media_count - 1].lines : &sdp->lines;
    if (type == 'm')
        *lines = span_make(to, 0);
    else if (!lines->at)
        *lines = span_make(from, (size_t)(to - from));
    else
        lines->len = (size_t)(to - lines->at);
}

static const char *parse(struct sdp *sdp)
{
    struct span rest = sdp->text, value;
    char type;
    if (!sdp_line_next(&rest, &type, &value) || type != 'v' || !span_equal(span_trim(value), SPAN("0")))
        return "it does not start with v=0";
    const char *from = rest.at;
    for (unsigned count = 0; sdp_line_next(&rest, &type, &value); count++) {
        if (!type && !value.len)
            continue; /* an empty line, mostly one too many at the end */
        if (count == SDP_LINES_MAX)
            return too_many_lines;
        if (value.len && (memchr(value.at, '\r', value.len) || memchr(value.at, '\0', value.len)))
            return "a line holds CR or NUL"; /* RFC 8866 9, byte-string */
        const char *wrong = read_line(sdp, type, value);
        if (wrong)
            return wrong;
        extend(sdp, type, from, rest.at);
        from = rest.at;
    }
    if (!sdp->username.at)
        return "o= is missing";
    for (unsigned at = 0; at < sdp->media_count; at++)
        if (!sdp->media[at].connection.address.at && sdp->media[at].port)
            return "a stream has no c=";
    return NULL;
}

enum err sdp_parse(struct span body, struct sdp *out_sdp, const char **out_reason)
{
    memset(out_sdp, 0, offsetof(struct sdp, media));
    out_sdp->text = body;
    const char *wrong = body.len ? parse(out_sdp) : "it is empty";
    if (wrong && out_reason)
        *out_reason = wrong;
    if (wrong == too_many_media || wrong == too_many_formats || wrong == too_many_lines)
        return ERR_UNSUPPORTED;
    return wrong ? ERR_SYNTAX : OK;
}

struct span sdp_attribute(struct span lines, struct span name)
{
    struct span value;
    char type;
    while (sdp_line_next(&lines, &type, &value)) {
        if (type != 'a' || !span_starts_with(value, name))
            continue;
        if (value.len == name.len)
            return span_make(value.at + name.len, 0);
        if (value.at[name.len] == ':')
            return span_make(value.at + name.len + 1, value.len - name.len - 1);
    }
    return (struct span){NULL, 0};
}

struct span sdp_rtpmap(const struct sdp_media *media, struct span format)
{
    const struct span name = SPAN("rtpmap:");
    struct span lines = media->lines, value;
    char type;
    while (sdp_line_next(&lines, &type, &value)) {
        struct span words[2];
        if (type == 'a' && span_starts_with(value, name) &&
            split(span_slice(value, name.len, value.len), words, 2, true) && span_equal(words[0], format))
            return words[1];
    }
    return (struct span){NULL, 0};
}
