/* SPDX-License-Identifier: Apache-2.0 */
/* The cold half of the byte writer: growing, numbers, formats. */
#include "util/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_FIRST = 256 };

void buffer_done(struct buffer *buffer)
{
    if (buffer->max)
        free(buffer->at);
    *buffer = (struct buffer){.max = buffer->max};
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->overflow)
        return false;
    if (buffer->cap - buffer->len >= more)
        return true;
    buffer->overflow = true;
    if (buffer->max < buffer->len || buffer->max - buffer->len < more)
        return false;
    size_t cap = buffer->cap ? buffer->cap : BUFFER_FIRST;
    while (cap - buffer->len < more && cap <= buffer->max / 2)
        cap *= 2;
    if (cap > buffer->max || cap - buffer->len < more)
        cap = buffer->max;
    char *grown = realloc(buffer->at, cap);
    if (!grown)
        return false;
    buffer->at = grown;
    buffer->cap = cap;
    buffer->overflow = false;
    return true;
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_u64(struct buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buffer_add(buffer, digits + at, sizeof(digits) - at);
}

void buffer_add_i64(struct buffer *buffer, int64_t value)
{
    /* Negated as unsigned, since -INT64_MIN does not fit. */
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0 && !buffer_reserve(buffer, 1))
        return;
    if (value < 0)
        buffer_add_byte(buffer, '-');
    buffer_add_u64(buffer, magnitude);
}

void buffer_add_hex(struct buffer *buffer, const void *bytes, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *byte = bytes;
    if (len > SIZE_MAX / 2 || !buffer_reserve(buffer, len * 2)) {
        buffer->overflow = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        buffer->at[buffer->len++] = hex[byte[i] >> 4];
        buffer->at[buffer->len++] = hex[byte[i] & 15];
    }
}

void buffer_addf(struct buffer *buffer, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (len < 0) {
        buffer->overflow = true;
        return;
    }
    if ((size_t)len < sizeof(small)) {
        buffer_add(buffer, small, (size_t)len);
        return;
    }
    /* One byte more, since vsnprintf always terminates. */
    if (!buffer_reserve(buffer, (size_t)len + 1))
        return;
    va_start(args, format);
    (void)vsnprintf(buffer->at + buffer->len, (size_t)len + 1, format, args);
    va_end(args);
    buffer->len += (size_t)len;
}
