/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes, white space with folds, quoted strings: the small scanners of the codec. */
#include "sip/sip_text.h"

#include "sip/sip_priv.h"

/* Bits of enum sip_text_class by byte; tests/unit/sip/test_text.c derives every bit anew from the grammar. */
/* clang-format off */
const uint16_t sip_text_classes[256] = {
    0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000,
    0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000,
    0x000, 0xc3f, 0x020, 0xc22, 0xc3e, 0xc21, 0xc2e, 0xc3f, 0xc3e, 0xc3e, 0xc3f, 0xc3f, 0x026, 0xc7f, 0xc3f, 0xc3a,
    0xdff, 0xdff, 0xdff, 0xdff, 0xdff, 0xdff, 0xdff, 0xdff, 0xdff, 0xdff, 0x438, 0x022, 0x020, 0xc26, 0x020, 0xc32,
    0xc20, 0xf7f, 0xf7f, 0xf7f, 0xf7f, 0xf7f, 0xf7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f,
    0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xc38, 0x020, 0xc38, 0xc20, 0xc7f,
    0xc21, 0xf7f, 0xf7f, 0xf7f, 0xf7f, 0xf7f, 0xf7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f,
    0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xe7f, 0xc20, 0xc20, 0xc20, 0xc3f, 0x000,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
    0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800, 0x800,
};
/* clang-format on */

bool sip_span_is_folded(struct span text, const char *name)
{
    for (size_t at = 0; at < text.len; at++)
        if (text.at[at] != name[at] && ((text.at[at] | 0x20) != name[at] || !sip_text_is(text.at[at], SIP_TEXT_ALPHA)))
            return false;
    return true;
}

void sip_clear(void *at, size_t len)
{
    memset(at, 0, len);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

const char *sip_text_skip_slow(const char *at, const char *end)
{
    while (at < end) {
        if (is_blank(*at))
            at++;
        else if (end - at > 2 && at[0] == '\r' && at[1] == '\n' && is_blank(at[2]))
            at += 3;
        else
            break;
    }
    return at;
}

const char *sip_text_quoted_end(const char *at, const char *end)
{
    at++;
    const char *quote = memchr(at, '"', (size_t)(end - at));
    const char *escape = quote ? memchr(at, '\\', (size_t)(quote - at)) : NULL;
    if (!escape)
        return quote ? quote + 1 : NULL;
    for (at = escape; at < end; at++) { /* from the first escape on, byte by byte */
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

/* The end of the item that starts at `at`: a comma outside of quotes and angle brackets, or `end`. */
static const char *item_end(const char *at, const char *end)
{
    while (at < end && *at != ',') {
        const char *behind = NULL;
        if (*at == '"')
            behind = sip_text_quoted_end(at, end);
        else if (*at == '<')
            behind = memchr(at, '>', (size_t)(end - at));
        else
            behind = at + 1;
        if (!behind)
            return end; /* unclosed: all that follows belongs to it, and is looked at no second time */
        at = behind;
    }
    return at;
}

bool sip_text_list_next(struct span *rest, struct span *out_item)
{
    const char *at = rest->at;
    const char *end = sip_text_end(*rest);
    while (at < end) {
        const char *stop = item_end(at, end);
        struct span item = span_trim(span_make(at, (size_t)(stop - at)));
        at = stop < end ? stop + 1 : end;
        if (!item.len)
            continue;
        *out_item = item;
        *rest = span_make(at, (size_t)(end - at));
        return true;
    }
    *rest = span_make(end, 0);
    return false;
}

static bool is_control(char byte)
{
    return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f;
}

void sip_text_unfold(struct buffer *out, struct span text)
{
    const char *at = text.at;
    const char *end = sip_text_end(text);
    bool quoted = false;
    while (at < end) {
        const char *behind = sip_text_skip(at, end);
        if (behind > at) {
            bool fold = memchr(at, '\n', (size_t)(behind - at)) != NULL;
            buffer_add(out, fold ? " " : at, fold ? 1 : (size_t)(behind - at));
            at = behind;
            continue;
        }
        bool pair = quoted && *at == '\\' && end - at > 1 && at[1] != '\r' && at[1] != '\n';
        if (*at == '"')
            quoted = !quoted;
        if (pair)
            buffer_add(out, at, 2);
        else
            buffer_add_byte(out, is_control(*at) ? '?' : *at);
        at += pair ? 2 : 1;
    }
}

void sip_text_unquote(struct buffer *out, struct span text)
{
    const char *at = text.at;
    const char *end = sip_text_end(text);
    while (at < end) {
        const char *behind = *at == '\r' ? sip_text_skip(at, end) : at;
        if (behind > at) {
            buffer_add_byte(out, ' ');
            at = behind;
            continue;
        }
        if (*at == '\\' && at + 1 < end)
            at++;
        buffer_add_byte(out, *at++);
    }
}

void sip_text_quote(struct buffer *out, struct span text)
{
    if (!sip_text_is_clean(text)) {
        out->overflow = true;
        return;
    }
    buffer_add_byte(out, '"');
    for (size_t at = 0; at < text.len; at++) {
        if (text.at[at] == '"' || text.at[at] == '\\')
            buffer_add_byte(out, '\\');
        buffer_add_byte(out, text.at[at]);
    }
    buffer_add_byte(out, '"');
}

/* With each run of white space as one SP. */
static void add_words(struct buffer *out, struct span text)
{
    const char *end = sip_text_end(text);
    for (const char *at = text.at; at < end;) {
        const char *behind = sip_text_skip(at, end);
        buffer_add_byte(out, behind > at ? ' ' : *at);
        at = behind > at ? behind : at + 1;
    }
}

void sip_text_display(struct buffer *out, struct span display)
{
    if (display.len >= 2 && display.at[0] == '"')
        sip_text_unquote(out, span_make(display.at + 1, display.len - 2));
    else
        add_words(out, span_trim(display));
}

/* Length of the UTF-8 sequence at `at`, 0 when it is malformed, overlong, a surrogate or beyond U+10FFFF (RFC 3629
 * 4). */
static size_t utf8_len(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char from, to, second_from, second_to, len;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        if (at[0] < rows[row].from || at[0] > rows[row].to)
            continue;
        if (rows[row].len == 1)
            return 1;
        if (left < rows[row].len || at[1] < rows[row].second_from || at[1] > rows[row].second_to)
            return 0;
        for (size_t more = 2; more < rows[row].len; more++)
            if ((at[more] & 0xc0) != 0x80)
                return 0;
        return rows[row].len;
    }
    return 0;
}

bool sip_text_is_utf8(struct span text)
{
    const unsigned char *bytes = (const unsigned char *)text.at;
    for (size_t at = 0; at < text.len;) {
        if (bytes[at] < 0x80) {
            at++;
            continue;
        }
        size_t len = utf8_len(bytes + at, text.len - at);
        if (!len)
            return false;
        at += len;
    }
    return true;
}
