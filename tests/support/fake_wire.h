/* SPDX-License-Identifier: Apache-2.0 */
/* A wire that remembers all that was sent, with the time by the test's clock, and refuses when told to. */
#pragma once

#include "net/net_flow.h"
#include "util/clock.h"

#include <stdlib.h>

struct fake_sent {
    uint64_t at_ms;
    struct net_flow flow;
    struct span bytes;
};

struct fake_wire {
    const struct clock *clock;
    struct fake_sent *sent;
    size_t count, cap;
    size_t total;    /* counted even where nothing is kept */
    bool is_counter; /* keep nothing: for loads */
    enum err refuse; /* what send answers; OK: it takes everything */
};

static inline enum err fake_wire_send(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct fake_wire *wire = ctx;
    if (wire->refuse != OK)
        return wire->refuse;
    wire->total++;
    if (wire->is_counter)
        return OK;
    if (wire->count == wire->cap) {
        wire->cap = wire->cap ? 2 * wire->cap : 64;
        wire->sent = realloc(wire->sent, wire->cap * sizeof(*wire->sent));
        if (!wire->sent)
            abort();
    }
    char *copy = malloc(bytes.len + 1);
    if (!copy)
        abort();
    memcpy(copy, bytes.at, bytes.len);
    copy[bytes.len] = '\0';
    wire->sent[wire->count++] =
        (struct fake_sent){.at_ms = wire->clock->mono_ms, .flow = *flow, .bytes = {copy, bytes.len}};
    return OK;
}

/* Forgets what was sent. */
static inline void fake_wire_clear(struct fake_wire *wire)
{
    for (size_t i = 0; i < wire->count; i++)
        free((void *)(uintptr_t)wire->sent[i].bytes.at);
    wire->count = 0;
    wire->total = 0;
}

static inline void fake_wire_done(struct fake_wire *wire)
{
    fake_wire_clear(wire);
    free(wire->sent);
    *wire = (struct fake_wire){0};
}

/* The bytes of message `index`, terminated; "" when there were not so many.  Negative: from the end. */
static inline const char *fake_wire_text(const struct fake_wire *wire, int index)
{
    size_t at = index < 0 ? wire->count - (size_t)-index : (size_t)index;
    return at < wire->count ? wire->sent[at].bytes.at : "";
}
