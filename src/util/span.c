/* SPDX-License-Identifier: Apache-2.0 */
/* What spans need beyond their inline part: comparing, searching, trimming, numbers, copies. */
#include "util/span.h"

#include <stdlib.h>

static inline unsigned char fold(char byte)
{
    return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.at[i] != b.at[i] && fold(a.at[i]) != fold(b.at[i]))
            return false;
    }
    return true;
}

bool span_starts_with(struct span span, struct span prefix)
{
    return span.len >= prefix.len && span_equal(span_make(span.at, prefix.len), prefix);
}

bool span_ends_with(struct span span, struct span suffix)
{
    return span.len >= suffix.len && span_equal(span_slice(span, span.len - suffix.len, span.len), suffix);
}

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t span_find(struct span span, char byte)
{
    const char *found = span.len ? memchr(span.at, byte, span.len) : NULL;
    return found ? (size_t)(found - span.at) : span.len;
}

static inline bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span span_trim(struct span span)
{
    while (span.len && is_blank(span.at[0])) {
        span.at++;
        span.len--;
    }
    while (span.len && is_blank(span.at[span.len - 1]))
        span.len--;
    return span;
}

struct span span_slice(struct span span, size_t from, size_t to)
{
    if (to > span.len)
        to = span.len;
    if (from > to)
        from = to;
    return span.at ? span_make(span.at + from, to - from) : span;
}

static bool to_number(struct span span, uint64_t max, uint64_t *out_value)
{
    if (!span.len)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < span.len; i++) {
        unsigned digit = (unsigned char)span.at[i] - (unsigned)'0';
        if (digit > 9 || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out_value = value;
    return true;
}

bool span_to_u64(struct span span, uint64_t *out_value)
{
    return to_number(span, UINT64_MAX, out_value);
}

bool span_to_u32(struct span span, uint32_t *out_value)
{
    uint64_t value;
    if (!to_number(span, UINT32_MAX, &value))
        return false;
    *out_value = (uint32_t)value;
    return true;
}

bool span_copy(struct span span, char *out, size_t out_cap)
{
    if (!out_cap)
        return false;
    bool fits = span.len < out_cap;
    size_t len = fits ? span.len : 0;
    if (len)
        memcpy(out, span.at, len);
    out[len] = '\0';
    return fits;
}

char *span_dup(struct span span)
{
    char *copy = malloc(span.len + 1);
    if (!copy)
        return NULL;
    if (span.len)
        memcpy(copy, span.at, span.len);
    copy[span.len] = '\0';
    return copy;
}

void span_blank(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
    }
}
