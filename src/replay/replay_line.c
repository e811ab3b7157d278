/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay_line.h"

#include <jansson.h>
#include <stdio.h>

static struct span text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return SPAN("");
    return span_make(json_string_value(value), json_string_length(value));
}

/* "2026-01-31T12:00:00.123Z", as the log writes it.  Days are counted by the civil calendar: no time zone of this machine
 * has a say. */
static bool read_time(struct span text, int64_t *out_ms)
{
    int year, month, day, hour, minute, second, ms;
    char copy[32];
    if (!span_copy(text, copy, sizeof(copy)) ||
        sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour, &minute, &second, &ms) != 7)
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    /* The year begins in March here, so that a leap day is its last one. */
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    *out_ms = ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000 + ms;
    return true;
}

/* Each character up to U+00FF is a byte; false when there is another one. */
static bool add_narrow(struct buffer *out, struct span wide)
{
    for (size_t i = 0; i < wide.len; i++) {
        unsigned char lead = (unsigned char)wide.at[i];
        if (lead < 0x80) {
            buffer_add_byte(out, (char)lead);
            continue;
        }
        if ((lead != 0xc2 && lead != 0xc3) || i + 1 == wide.len)
            return false;
        buffer_add_byte(out, (char)((lead & 3) << 6 | ((unsigned char)wide.at[++i] & 0x3f)));
    }
    return true;
}

static const char *read_flow(const json_t *object, struct net_flow *flow)
{
    enum net_transport transport;
    struct span local = text_of(object, "local");
    if (net_transport_parse(text_of(object, "transport"), &transport) != OK)
        return "no usable transport";
    if (net_address_parse(text_of(object, "source"), 5060, &flow->remote) != OK)
        return "no usable source";
    if (net_address_parse(local.len ? local : SPAN("127.0.0.1:5060"), 5060, &flow->local) != OK)
        return "local is no address";
    flow->transport = (uint8_t)transport;
    return NULL;
}

/* Spans into `bytes` are made only when nothing more is added to it: it moves as it grows. */
static const char *take(const json_t *object, struct replay_line *line)
{
    struct span text = text_of(object, "request"), wide = text_of(object, "request_bytes");
    struct span user = text_of(object, "authenticated_as");
    struct span tag = text_of(object, "tag"), rule = text_of(object, "rule"), verdict = text_of(object, "verdict");
    struct buffer *bytes = &line->bytes;
    buffer_clear(bytes);
    bytes->max = 1 << 20;
    buffer_add_span(bytes, text);
    if (!text.len && !add_narrow(bytes, wide))
        return "request_bytes holds a character above U+00FF";
    size_t len = bytes->len;
    buffer_add_span(bytes, tag);
    buffer_add_span(bytes, rule);
    buffer_add_span(bytes, verdict);
    buffer_add_span(bytes, user);
    if (bytes->overflow || len > SIP_MESSAGE_MAX)
        return "the request is too long";
    struct span all = buffer_span(bytes);
    line->message.bytes = span_slice(all, 0, len);
    line->message.tag = span_slice(all, len, len + tag.len);
    line->then.rule = span_slice(all, len + tag.len, len + tag.len + rule.len);
    line->then.verdict = span_slice(all, all.len - user.len - verdict.len, all.len - user.len);
    line->message.authenticated_as = span_slice(all, all.len - user.len, all.len);
    line->then.status = (unsigned)json_integer_value(json_object_get(object, "status"));
    line->message.flow = (struct net_flow){0};
    if (!read_time(text_of(object, "time"), &line->message.wall_ms))
        return "no usable time";
    return read_flow(object, &line->message.flow);
}

static enum replay_line_kind read_object(const json_t *object, struct replay_line *line, const char **out_why)
{
    struct span event = text_of(object, "event");
    if (span_equal(event, SPAN("ack")))
        return REPLAY_LINE_OTHER;
    if (span_equal(event, SPAN("in_call")))
        return REPLAY_LINE_IN_CALL;
    if (!span_equal(event, SPAN("decision"))) {
        *out_why = "not a line of a decision log (its \"event\" is none of \"decision\", \"ack\", \"in_call\")";
        return REPLAY_LINE_BAD;
    }
    if (!json_object_get(object, "request") && !json_object_get(object, "request_bytes"))
        return REPLAY_LINE_NO_REQUEST;
    *out_why = take(object, line);
    return *out_why ? REPLAY_LINE_BAD : REPLAY_LINE_DECISION;
}

enum replay_line_kind replay_line_read(struct span text, struct replay_line *line, const char **out_why)
{
    json_error_t error;
    while (text.len && (text.at[text.len - 1] == '\r' || text.at[text.len - 1] == ' '))
        text.len--;
    if (!text.len)
        return REPLAY_LINE_OTHER;
    json_t *object = json_loadb(text.at, text.len, JSON_ALLOW_NUL, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        *out_why = "no JSON object, or one that was cut";
        return REPLAY_LINE_BAD;
    }
    enum replay_line_kind kind = read_object(object, line, out_why);
    json_decref(object);
    return kind;
}

void replay_line_done(struct replay_line *line)
{
    buffer_done(&line->bytes);
}
