/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of streams by Content-Length, keep-alives, and STUN on the wrong socket. */
#include "sip/sip_stream.h"

#include "sip/sip_priv.h"
#include "sip/sip_value.h"

static struct sip_stream_frame frame_of(enum sip_stream_kind kind, size_t len)
{
    return (struct sip_stream_frame){.kind = kind, .len = len};
}

static struct sip_stream_frame lost(int code, const char *where, const char *reason, size_t len)
{
    return (struct sip_stream_frame){
        .kind = SIP_STREAM_ERROR, .len = len, .problem = {.code = code, .where = where, .reason = reason}};
}

/* Leading CR LF: one of them is a pong or the padding of RFC 3261 7.5, two are a ping.  A lone one waits for what
 * follows. */
static struct sip_stream_frame frame_crlf(struct span bytes)
{
    static const char ping[4] = {'\r', '\n', '\r', '\n'};
    size_t same = 0;
    while (same < sizeof(ping) && same < bytes.len && bytes.at[same] == ping[same])
        same++;
    if (same == sizeof(ping))
        return frame_of(SIP_STREAM_PING, sizeof(ping));
    if (same == bytes.len)
        return frame_of(SIP_STREAM_MORE, 0);
    if (same >= 2)
        return frame_of(SIP_STREAM_SKIP, 2);
    return lost(0, "stream", "a CR without LF between messages", bytes.len);
}

/* RFC 5389 6: type, length, magic cookie, transaction id. */
static struct sip_stream_frame frame_stun(struct span bytes)
{
    static const unsigned char cookie[4] = {0x21, 0x12, 0xa4, 0x42};
    const size_t header = 20;
    if (bytes.len < 8)
        return frame_of(SIP_STREAM_MORE, 0);
    size_t length = header + (size_t)((unsigned char)bytes.at[2] << 8 | (unsigned char)bytes.at[3]);
    if (memcmp(bytes.at + 4, cookie, sizeof(cookie)) != 0 || length % 4 != 0)
        return lost(0, "stream", "neither SIP nor STUN", bytes.len);
    return bytes.len < length ? frame_of(SIP_STREAM_MORE, 0) : frame_of(SIP_STREAM_STUN, length);
}

/* At the start of a header line: the value when it is a Content-Length field, at == NULL otherwise. */
static struct span length_value(const char *at, const char *end)
{
    size_t len = sip_text_run(at, end, SIP_TEXT_TOKEN);
    struct span name = span_make(at, len);
    const char *colon = at + len;
    while (colon < end && (*colon == ' ' || *colon == '\t'))
        colon++;
    if (colon == end || *colon != ':' || (!SIP_IS(name, "content-length") && !SIP_IS(name, "l")))
        return (struct span){NULL, 0};
    const char *value = sip_text_skip(colon + 1, end);
    const char *stop = value;
    while (end - stop > 2 && (stop[0] != '\r' || stop[1] != '\n' || stop[2] == ' ' || stop[2] == '\t'))
        stop++;
    return span_trim(span_make(value, (size_t)(stop - value)));
}

/* Content-Length among the lines of a whole header; NULL, or what is wrong with it. */
static const char *content_length(struct span header, uint32_t *out_length)
{
    const char *end = sip_text_end(header);
    bool found = false;
    uint32_t length = 0;
    for (const char *line = header.at; line < end;) {
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line || ++line == end)
            break;
        struct span value = length_value(line, end);
        uint32_t number = 0;
        if (!value.at)
            continue;
        if (sip_value_u32(value, &number) != OK)
            return "no number";
        if (found && number != length)
            return "two that differ";
        found = true;
        length = number;
    }
    *out_length = length;
    return found ? NULL : "it is missing, and this is a stream";
}

struct sip_stream_frame sip_stream_frame(struct sip_stream_state *state, struct span bytes, size_t max)
{
    if (state->need)
        return bytes.len < state->need ? frame_of(SIP_STREAM_MORE, 0) : frame_of(SIP_STREAM_MESSAGE, state->need);
    if (!bytes.len)
        return frame_of(SIP_STREAM_MORE, 0);
    if (bytes.at[0] == '\r')
        return frame_crlf(bytes);
    if ((unsigned char)bytes.at[0] <= 1)
        return frame_stun(bytes);
    if (!sip_text_is(bytes.at[0], SIP_TEXT_TOKEN))
        return lost(0, "stream", "this is not SIP", bytes.len);
    size_t from = state->scanned > 3 ? state->scanned - 3 : 0;
    const char *blank = memmem(bytes.at + from, bytes.len - from, "\r\n\r\n", 4);
    state->scanned = bytes.len;
    if (!blank)
        return bytes.len < max ? frame_of(SIP_STREAM_MORE, 0)
                               : lost(513, "header", "longer than a message may be here", bytes.len);
    size_t header_len = (size_t)(blank - bytes.at) + 4;
    uint32_t length = 0;
    const char *wrong = content_length(span_make(bytes.at, header_len), &length);
    if (wrong)
        return lost(400, "Content-Length", wrong, header_len);
    if (header_len > max || length > max - header_len)
        return lost(513, "Content-Length", "longer than a message may be here", header_len);
    state->need = header_len + length;
    return bytes.len < state->need ? frame_of(SIP_STREAM_MORE, 0) : frame_of(SIP_STREAM_MESSAGE, state->need);
}
