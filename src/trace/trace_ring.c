/* SPDX-License-Identifier: Apache-2.0 */
/* Records lie one behind the other, each in one piece: where the end of the memory is too near, a filler takes what is
 * left and the next record begins at the start. */
#include "trace/trace_ring.h"

#include "sip/sip_message.h"
#include "util/invariant.h"

#include <stdlib.h>

struct trace_ring {
    char *memory;
    size_t cap;
    size_t head;  /* where the next record goes */
    size_t tail;  /* the oldest one */
    size_t used;  /* bytes from tail to head */
    size_t count; /* without fillers */
    struct siphash_key key;
};

/* A filler is as small as this: what tells a record's size and kind. */
enum { ALIGNMENT = 8 };

_Static_assert(offsetof(struct trace_record, at_us) == ALIGNMENT, "a filler's fields fit into the least gap");
_Static_assert(2 * (sizeof(struct trace_record) + TRACE_KEEP_MAX) < TRACE_RING_LEAST, "a record always fits");

static struct trace_record *record_at(const struct trace_ring *ring, size_t at)
{
    return (struct trace_record *)(void *)(ring->memory + at);
}

enum err trace_ring_new(size_t cap, const struct siphash_key *key, struct trace_ring **out_ring)
{
    invariant(cap >= TRACE_RING_LEAST);
    struct trace_ring *ring = calloc(1, sizeof(*ring));
    if (!ring)
        return ERR_NOMEM;
    ring->cap = cap - cap % ALIGNMENT;
    ring->key = *key;
    ring->memory = malloc(ring->cap);
    if (!ring->memory) {
        free(ring);
        return ERR_NOMEM;
    }
    *out_ring = ring;
    return OK;
}

void trace_ring_free(struct trace_ring *ring)
{
    if (!ring)
        return;
    free(ring->memory);
    free(ring);
}

static size_t wrapped(const struct trace_ring *ring, size_t at)
{
    return at == ring->cap ? 0 : at;
}

/* Drops the oldest records until `need` bytes are free. */
static void make_room(struct trace_ring *ring, size_t need)
{
    while (ring->cap - ring->used < need) {
        const struct trace_record *oldest = record_at(ring, ring->tail);
        ring->count -= !oldest->is_filler;
        ring->used -= oldest->size;
        ring->tail = wrapped(ring, ring->tail + oldest->size);
    }
}

/* The place of a record of `size` bytes, in one piece. */
static struct trace_record *take(struct trace_ring *ring, size_t size)
{
    size_t left = ring->cap - ring->head;
    if (left < size) {
        make_room(ring, left);
        struct trace_record *filler = record_at(ring, ring->head);
        filler->size = (uint32_t)left;
        filler->is_filler = 1;
        ring->used += left;
        ring->head = 0;
    }
    make_room(ring, size);
    struct trace_record *record = record_at(ring, ring->head);
    ring->used += size;
    ring->head = wrapped(ring, ring->head + size);
    ring->count++;
    return record;
}

void trace_ring_put(struct trace_ring *ring, const struct trace_message *message)
{
    struct span bytes = message->bytes;
    size_t kept = bytes.len < TRACE_KEEP_MAX ? bytes.len : TRACE_KEEP_MAX;
    size_t size = (sizeof(struct trace_record) + kept + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct trace_record *record = take(ring, size);
    record->size = (uint32_t)size;
    record->kept = (uint16_t)kept;
    record->direction = (uint8_t)message->direction;
    record->is_filler = 0;
    record->at_us = message->at_us;
    record->call_hash = 0;
    record->len = bytes.len;
    record->flow = *message->flow;
    if (kept)
        memcpy(record->bytes, bytes.at, kept);
    if (kept < bytes.len) { /* the Call-ID may be in what is not kept */
        struct span call_id = sip_call_id_scan(bytes);
        record->call_hash = siphash(&ring->key, call_id.at, call_id.len);
    }
}

const struct trace_record *trace_ring_next(const struct trace_ring *ring, const struct trace_record *after)
{
    size_t at = ring->tail;
    if (after)
        at = wrapped(ring, (size_t)((const char *)after - ring->memory) + after->size);
    /* All full and at its start: head is tail, and only `after` tells the first record from the end. */
    if (ring->used == 0 || (after && at == ring->head))
        return NULL;
    const struct trace_record *record = record_at(ring, at);
    return record->is_filler ? trace_ring_next(ring, record) : record;
}

size_t trace_ring_count(const struct trace_ring *ring)
{
    return ring->count;
}

bool trace_ring_is_of(const struct trace_ring *ring, const struct trace_record *record, struct span call_id)
{
    if (record->call_hash)
        return record->call_hash == siphash(&ring->key, call_id.at, call_id.len);
    return span_equal(sip_call_id_scan(span_make(record->bytes, record->kept)), call_id);
}
