/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart bodies: delimiter lines, part headers, and the search for a part by its type. */
#include "sip/sip_multipart.h"

#include "sip/sip_priv.h"
#include "sip/sip_value.h"

enum { BOUNDARY_MAX = 70 }; /* RFC 2046 5.1.1 */

/* One delimiter line. */
struct delimiter {
    const char *from;   /* its line end before, or where the body starts */
    const char *behind; /* the first byte of what it opens */
    bool closing;
};

/* The line's far side when `at` stands behind "--boundary"; NULL when the line says more, so that it is none. */
static const char *delimiter_end(const char *at, const char *end, bool *out_closing)
{
    *out_closing = end - at >= 2 && at[0] == '-' && at[1] == '-';
    if (*out_closing)
        at += 2;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == end)
        return *out_closing ? at : NULL;
    if (*at == '\r')
        at++;
    return at < end && *at == '\n' ? at + 1 : NULL;
}

/* The next delimiter line at or behind `at`, which is the start of a line. */
static bool find_delimiter(struct span boundary, const char *at, const char *end, struct delimiter *out_delimiter)
{
    const char *start = at;
    while (at < end) {
        const char *found = memmem(at, (size_t)(end - at), boundary.at, boundary.len);
        if (!found)
            return false;
        at = found + 1;
        const char *line = found - 2;
        if (found - start < 2 || line[0] != '-' || line[1] != '-' || (line > start && line[-1] != '\n'))
            continue;
        out_delimiter->behind = delimiter_end(found + boundary.len, end, &out_delimiter->closing);
        if (!out_delimiter->behind)
            continue;
        if (line > start && line[-1] == '\n')
            line--;
        if (line > start && line[-1] == '\r' && *line == '\n')
            line--;
        out_delimiter->from = line;
        return true;
    }
    return false;
}

enum err sip_multipart_begin(struct span body, struct span content_type, struct sip_multipart *out_walk)
{
    struct sip_media_type media;
    struct delimiter first;
    if (sip_value_media_type(content_type, &media) != OK || !SIP_IS(media.type, "multipart"))
        return ERR_INVALID;
    struct span boundary = sip_param_value(media.params, SPAN("boundary"));
    if (!boundary.len || boundary.len > BOUNDARY_MAX || !body.len ||
        !find_delimiter(boundary, body.at, sip_text_end(body), &first) || first.closing)
        return ERR_SYNTAX;
    *out_walk = (struct sip_multipart){.rest = span_make(first.behind, (size_t)(sip_text_end(body) - first.behind)),
                                       .boundary = boundary};
    return OK;
}

/* One header field of a part. */
static void note_header(struct sip_part *part, struct span name, struct span value)
{
    switch (sip_header_find(name)) {
    case SIP_HEADER_CONTENT_TYPE:
        part->content_type = value;
        break;
    case SIP_HEADER_CONTENT_DISPOSITION:
        part->disposition = value;
        break;
    default:
        if (SIP_IS(name, "content-id"))
            part->content_id = value;
        break;
    }
}

/* Splits a part at its empty line; without one it is all body (RFC 2046 5.1). */
static void read_part(const char *at, const char *end, struct sip_part *part)
{
    const char *from = at;
    while (at < end) {
        bool bare = *at == '\n';
        if (bare || (*at == '\r' && end - at >= 2 && at[1] == '\n')) {
            part->headers = span_make(from, (size_t)(at - from));
            at += bare ? 1 : 2;
            break;
        }
        const char *stop = at;
        do {
            stop = memchr(stop, '\n', (size_t)(end - stop));
            stop = stop ? stop + 1 : end;
        } while (stop < end && (*stop == ' ' || *stop == '\t'));
        size_t name_len = sip_text_run(at, stop, SIP_TEXT_TOKEN);
        const char *colon = at + name_len;
        while (colon < stop && (*colon == ' ' || *colon == '\t'))
            colon++;
        if (!name_len || colon == stop || *colon != ':') {
            at = from;
            part->content_type = part->content_id = part->disposition = (struct span){NULL, 0};
            break;
        }
        note_header(part, span_make(at, name_len), span_trim(span_make(colon + 1, (size_t)(stop - colon) - 1)));
        at = stop;
    }
    part->body = span_make(at, (size_t)(end - at));
}

enum err sip_multipart_next(struct sip_multipart *walk, struct sip_part *out_part)
{
    struct delimiter next;
    struct sip_part part = {.headers = {NULL, 0}};
    const char *end = sip_text_end(walk->rest);
    if (walk->closed)
        return ERR_NOT_FOUND;
    if (walk->parts == SIP_MULTIPART_PARTS_MAX)
        return ERR_FULL;
    if (!find_delimiter(walk->boundary, walk->rest.at, end, &next))
        return ERR_SYNTAX;
    read_part(walk->rest.at, next.from, &part);
    walk->parts++;
    walk->closed = next.closing;
    walk->rest = span_make(next.behind, (size_t)(end - next.behind));
    *out_part = part;
    return OK;
}

struct search {
    struct span type, subtype;
    struct span found;
};

/* Looks at a body of this type, and through its parts. */
static enum err search_body(struct search *search, struct span body, struct span content_type, unsigned depth)
{
    struct sip_media_type media;
    struct sip_multipart walk;
    struct sip_part part;
    if (sip_value_media_type(content_type, &media) != OK)
        return ERR_NOT_FOUND;
    if (sip_media_type_is(&media, search->type, search->subtype)) {
        search->found = body;
        return OK;
    }
    if (depth == SIP_MULTIPART_DEPTH_MAX || !SIP_IS(media.type, "multipart"))
        return ERR_NOT_FOUND;
    enum err err = sip_multipart_begin(body, content_type, &walk);
    while (err == OK) {
        err = sip_multipart_next(&walk, &part);
        if (err == OK && search_body(search, part.body, part.content_type, depth + 1) == OK)
            return OK;
    }
    return err;
}

enum err sip_multipart_find(const struct sip_message *message, struct span type, struct span subtype,
                            struct span *out_body)
{
    struct search search = {.type = type, .subtype = subtype};
    struct span content_type = sip_message_value(message, SIP_HEADER_CONTENT_TYPE);
    if (!message->body.len)
        return ERR_NOT_FOUND;
    enum err err = search_body(&search, message->body, content_type, 0);
    if (err == OK)
        *out_body = search.found;
    return err;
}

bool sip_multipart_is_coded(const struct sip_message *message)
{
    struct span encoding = sip_message_value(message, SIP_HEADER_CONTENT_ENCODING);
    return encoding.len && !span_equal_nocase(encoding, SPAN("identity"));
}

bool sip_multipart_is_optional(const struct sip_message *message)
{
    struct sip_value disposition;
    struct span value = sip_message_value(message, SIP_HEADER_CONTENT_DISPOSITION);
    if (!value.len || sip_value_token(value, &disposition) != OK)
        return false;
    return span_equal_nocase(sip_param_value(disposition.params, SPAN("handling")), SPAN("optional"));
}

enum err sip_multipart_sdp(const struct sip_message *message, struct span *out_sdp)
{
    if (sip_multipart_is_coded(message))
        return ERR_NOT_FOUND;
    if (!message->body.len || !span_equal(sip_message_value(message, SIP_HEADER_CONTENT_TYPE), SPAN("application/sdp")))
        return sip_multipart_find(message, SPAN("application"), SPAN("sdp"), out_sdp);
    *out_sdp = message->body; /* nearly always */
    return OK;
}
