/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON.  Strings are checked as UTF-8 (RFC 3629), since what a SIP message holds may be anything. */
#include "util/json.h"

#include <math.h>
#include <stdio.h>

enum { DEPTH_MAX = 16 };

static void before_value(struct json *json)
{
    if (json->need_comma)
        buffer_add_byte(json->out, ',');
    json->need_comma = true;
}

static void begin(struct json *json, char bracket)
{
    before_value(json);
    buffer_add_byte(json->out, bracket);
    json->need_comma = false;
    if (++json->depth > DEPTH_MAX)
        json->out->overflow = true;
}

static void end(struct json *json, char bracket)
{
    buffer_add_byte(json->out, bracket);
    json->need_comma = true;
    json->depth--;
}

void json_object_begin(struct json *json)
{
    begin(json, '{');
}

void json_object_end(struct json *json)
{
    end(json, '}');
}

void json_array_begin(struct json *json)
{
    begin(json, '[');
}

void json_array_end(struct json *json)
{
    end(json, ']');
}

/* Length of the well-formed UTF-8 sequence at the start of `span`, or 0. */
static size_t utf8_len(struct span span)
{
    const unsigned char *at = (const unsigned char *)span.at;
    if (at[0] < 0x80)
        return 1;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || span.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

static void add_escape(struct buffer *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    switch (byte) {
    case '"':
        buffer_add_literal(out, "\\\"");
        return;
    case '\\':
        buffer_add_literal(out, "\\\\");
        return;
    case '\n':
        buffer_add_literal(out, "\\n");
        return;
    case '\r':
        buffer_add_literal(out, "\\r");
        return;
    case '\t':
        buffer_add_literal(out, "\\t");
        return;
    default:
        buffer_add_literal(out, "\\u00");
        buffer_add_byte(out, hex[byte >> 4]);
        buffer_add_byte(out, hex[byte & 15]);
    }
}

static inline bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void add_string(struct buffer *out, struct span value)
{
    buffer_add_byte(out, '"');
    size_t at = 0;
    while (at < value.len) {
        size_t run = at;
        while (run < value.len && is_plain((unsigned char)value.at[run]))
            run++;
        buffer_add_span(out, span_slice(value, at, run));
        at = run;
        if (at == value.len)
            break;
        size_t len = utf8_len(span_slice(value, at, value.len));
        if (len > 1)
            buffer_add(out, value.at + at, len);
        else if (len == 1)
            add_escape(out, (unsigned char)value.at[at]);
        else
            buffer_add_literal(out, "\xef\xbf\xbd");
        at += len ? len : 1;
    }
    buffer_add_byte(out, '"');
}

void json_key(struct json *json, const char *key)
{
    before_value(json);
    add_string(json->out, span_of(key));
    buffer_add_byte(json->out, ':');
    json->need_comma = false;
}

void json_span(struct json *json, struct span value)
{
    before_value(json);
    add_string(json->out, value);
}

void json_text(struct json *json, const char *value)
{
    if (value)
        json_span(json, span_of(value));
    else
        json_none(json);
}

void json_u64(struct json *json, uint64_t value)
{
    before_value(json);
    buffer_add_u64(json->out, value);
}

void json_i64(struct json *json, int64_t value)
{
    before_value(json);
    buffer_add_i64(json->out, value);
}

void json_double(struct json *json, double value)
{
    if (!isfinite(value)) {
        json_none(json);
        return;
    }
    before_value(json);
    /* The shorter form where it says the same; the process never calls setlocale, so the point is a point. */
    char text[32];
    (void)snprintf(text, sizeof(text), "%.15g", value);
    double again = 0;
    if (sscanf(text, "%lf", &again) != 1 || again < value || again > value)
        (void)snprintf(text, sizeof(text), "%.17g", value);
    buffer_add_text(json->out, text);
}

void json_bool(struct json *json, bool value)
{
    before_value(json);
    buffer_add_text(json->out, value ? "true" : "false");
}

void json_none(struct json *json)
{
    before_value(json);
    buffer_add_literal(json->out, "null");
}

void json_put_span(struct json *json, const char *key, struct span value)
{
    json_key(json, key);
    json_span(json, value);
}

static bool is_utf8(struct span value)
{
    for (size_t at = 0; at < value.len;) {
        size_t len = utf8_len(span_slice(value, at, value.len));
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

void json_put_bytes(struct json *json, const char *key, const char *byte_key, struct span value)
{
    if (is_utf8(value)) {
        json_put_span(json, key, value);
        return;
    }
    json_key(json, byte_key);
    before_value(json);
    buffer_add_byte(json->out, '"');
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if (is_plain(byte)) {
            buffer_add_byte(json->out, (char)byte);
        } else if (byte < 0x80) {
            add_escape(json->out, byte);
        } else {
            buffer_add_byte(json->out, (char)(0xc0 | byte >> 6));
            buffer_add_byte(json->out, (char)(0x80 | (byte & 0x3f)));
        }
    }
    buffer_add_byte(json->out, '"');
}

void json_put_text(struct json *json, const char *key, const char *value)
{
    json_key(json, key);
    json_text(json, value);
}

void json_put_u64(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_u64(json, value);
}

void json_put_i64(struct json *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_i64(json, value);
}

void json_put_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}
