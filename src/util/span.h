/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes.  It owns nothing, need not be terminated, and is valid as long as what it points into. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *at; /* may be NULL only when len is 0 */
    size_t len;     /* bytes */
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

/* For printf: "%.*s" with SPAN_ARG(span). */
#define SPAN_ARG(span) (int)(span).len, (span).at

static inline struct span span_make(const char *at, size_t len)
{
    return (struct span){at, len};
}

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_is_empty(struct span span)
{
    return span.len == 0;
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case folding, as SIP tokens and header names want (RFC 3261 7.3.1). */
bool span_equal_nocase(struct span a, struct span b);
bool span_starts_with(struct span span, struct span prefix);
bool span_ends_with(struct span span, struct span suffix);
/* <0, 0, >0 by bytes, the shorter first. */
int span_compare(struct span a, struct span b);
/* Index of the first `byte`, or span.len. */
size_t span_find(struct span span, char byte);
/* Without leading and trailing SP, HTAB, CR and LF. */
struct span span_trim(struct span span);
/* Part from `from` up to but not including `to`; both are clamped to the span. */
struct span span_slice(struct span span, size_t from, size_t to);
/* Whole span is digits and fits; false leaves *out_value alone. */
bool span_to_u64(struct span span, uint64_t *out_value);
bool span_to_u32(struct span span, uint32_t *out_value);
/* Copies into `out` with a terminator; false (and an empty string) when it does not fit. */
bool span_copy(struct span span, char *out, size_t out_cap);
/* A terminated heap copy; free() it.  NULL when out of memory. */
char *span_dup(struct span span);

/* Replaces the control bytes of a terminated text by spaces. */
void span_blank(char *text);
