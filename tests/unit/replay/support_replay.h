/* SPDX-License-Identifier: Apache-2.0 */
/* Packets made by hand. */
#pragma once

#include "support/cmocka_all.h"
#include "support/page_guard.h"
#include "util/buffer.h"

#include <string.h>

enum { MADE_MAX = 70000 };

/* A packet in the making, from the inside out. */
struct made {
    char bytes[MADE_MAX];
    size_t begin; /* it grows towards the front */
};

static inline void made_start(struct made *made, struct span payload)
{
    made->begin = MADE_MAX - payload.len;
    if (payload.len)
        memcpy(made->bytes + made->begin, payload.at, payload.len);
}

static inline struct span made_span(const struct made *made)
{
    return span_make(made->bytes + made->begin, MADE_MAX - made->begin);
}

static inline unsigned char *made_front(struct made *made, size_t len)
{
    made->begin -= len;
    memset(made->bytes + made->begin, 0, len);
    return (unsigned char *)made->bytes + made->begin;
}

static inline void put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static inline void put32(unsigned char *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static inline void made_udp(struct made *made, unsigned from, unsigned to)
{
    size_t len = made_span(made).len + 8;
    unsigned char *at = made_front(made, 8);
    put16(at, from);
    put16(at + 2, to);
    put16(at + 4, (unsigned)len);
}

enum { MADE_FIN = 1, MADE_SYN = 2, MADE_RST = 4 };

static inline void made_tcp(struct made *made, unsigned from, unsigned to, uint32_t seq, unsigned flags)
{
    unsigned char *at = made_front(made, 24);
    put16(at, from);
    put16(at + 2, to);
    put32(at + 4, seq);
    at[12] = 6 << 4; /* four bytes of options */
    at[13] = (unsigned char)flags;
}

/* 192.0.2.`from` to 192.0.2.`to`; `fragment` as RFC 791's flags and offset. */
static inline void made_ip4(struct made *made, unsigned protocol, unsigned char from, unsigned char to,
                            unsigned fragment)
{
    const unsigned char prefix[3] = {192, 0, 2};
    size_t len = made_span(made).len + 24;
    unsigned char *at = made_front(made, 24); /* with four bytes of options */
    at[0] = 0x46;
    put16(at + 2, (unsigned)len);
    put16(at + 4, 4711);
    put16(at + 6, fragment);
    at[9] = (unsigned char)protocol;
    memcpy(at + 12, prefix, 3);
    at[15] = from;
    memcpy(at + 16, prefix, 3);
    at[19] = to;
}

/* 2001:db8::`from` to 2001:db8::`to`. */
static inline void made_ip6(struct made *made, unsigned next, unsigned char from, unsigned char to)
{
    const unsigned char prefix[4] = {0x20, 1, 0xd, 0xb8};
    size_t len = made_span(made).len;
    unsigned char *at = made_front(made, 40);
    at[0] = 0x60;
    put16(at + 4, (unsigned)len);
    at[6] = (unsigned char)next;
    memcpy(at + 8, prefix, 4);
    at[23] = from;
    memcpy(at + 24, prefix, 4);
    at[39] = to;
}

static inline void made_tag(struct made *made, unsigned inner)
{
    unsigned char *at = made_front(made, 4);
    put16(at, 7);
    put16(at + 2, inner);
}

static inline void made_ethernet(struct made *made, unsigned type)
{
    put16(made_front(made, 14) + 12, type);
}
