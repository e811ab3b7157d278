/* SPDX-License-Identifier: Apache-2.0 */
/* A byte writer with a fixed cap.  Appending past the cap writes nothing more and sets `overflow`; the caller checks
 * once, at the end.  Two kinds: over memory that somebody else owns (buffer_over), or on the heap, growing up to `max`. */
#pragma once

#include "util/err.h"
#include "util/span.h"

struct buffer {
    char *at;
    size_t len;
    size_t cap;    /* bytes available at `at` */
    size_t max;    /* the heap kind grows up to this; 0: `at` is borrowed and never grows */
    bool overflow; /* sticky: something did not fit, or memory ran out */
};

/* Over borrowed memory; nothing to free. */
static inline struct buffer buffer_over(char *memory, size_t cap)
{
    return (struct buffer){.at = memory, .cap = cap};
}

/* On the heap, empty, growing by doubling up to `max` bytes. */
static inline struct buffer buffer_heap(size_t max)
{
    return (struct buffer){.max = max};
}

/* Frees a heap buffer; harmless on the other kind. */
void buffer_done(struct buffer *buffer);
/* Forgets the content and the overflow mark, keeps the memory. */
static inline void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->overflow = false;
}
static inline struct span buffer_span(const struct buffer *buffer)
{
    return span_make(buffer->at, buffer->len);
}
/* Makes room for `more` bytes; false sets overflow. */
bool buffer_reserve(struct buffer *buffer, size_t more);

static inline void buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
    if (__builtin_expect(buffer->overflow || buffer->cap - buffer->len < len, 0) && !buffer_reserve(buffer, len))
        return;
    if (len)
        memcpy(buffer->at + buffer->len, bytes, len);
    buffer->len += len;
}
static inline void buffer_add_span(struct buffer *buffer, struct span span)
{
    buffer_add(buffer, span.at, span.len);
}
static inline void buffer_add_byte(struct buffer *buffer, char byte)
{
    buffer_add(buffer, &byte, 1);
}
#define buffer_add_literal(buffer, literal) buffer_add((buffer), (literal), sizeof(literal) - 1)
void buffer_add_text(struct buffer *buffer, const char *text);
/* Decimal digits. */
void buffer_add_u64(struct buffer *buffer, uint64_t value);
void buffer_add_i64(struct buffer *buffer, int64_t value);
/* Lower-case hexadecimal of `len` bytes. */
void buffer_add_hex(struct buffer *buffer, const void *bytes, size_t len);
void buffer_addf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
