/* SPDX-License-Identifier: Apache-2.0 */
/* Records lie in the ring as a header with the bytes behind it, never split: where the end is too near, a filler record
 * leads back to the start. */
#include "worker/worker_ring.h"

#include "util/invariant.h"
#include <stdlib.h>

struct record {
    uint32_t size; /* of the whole record, a multiple of RECORD_ALIGN */
    uint32_t len;  /* of the bytes; FILLER: nothing is in it, and only these two fields exist */
    uint32_t tag;
    uint16_t kind;
    uint8_t from;
    uint8_t priority : 1;
    uint8_t answer : 1;
    struct net_flow flow;
};

enum { RECORD_ALIGN = 16 };
#define FILLER UINT32_MAX

enum err worker_ring_init(struct worker_ring *ring, size_t cap)
{
    invariant(cap >= WORKER_RING_MIN && (cap & (cap - 1)) == 0);
    char *memory = aligned_alloc(WORKER_RING_LINE, cap);
    if (!memory)
        return ERR_NOMEM;
    *ring = (struct worker_ring){.memory = memory, .cap = cap, .reserve = cap / 4};
    return OK;
}

void worker_ring_done(struct worker_ring *ring)
{
    free(ring->memory);
    ring->memory = NULL;
}

static struct record *record_at(const struct worker_ring *ring, size_t position)
{
    return (struct record *)(void *)(ring->memory + (position & (ring->cap - 1)));
}

/* Whether `wanted` more bytes fit below `limit`; looks at the consumer's index only when the last look says no. */
static bool has_room(struct worker_ring *ring, size_t wanted, size_t limit)
{
    if (ring->head + wanted - ring->tail_seen <= limit)
        return true;
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return ring->head + wanted - ring->tail_seen <= limit;
}

enum err worker_ring_add(struct worker_ring *ring, const struct worker_post *post)
{
    if (post->bytes.len > WORKER_POST_MAX)
        return ERR_TOO_LONG;
    size_t size = (sizeof(struct record) + post->bytes.len + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
    size_t to_end = ring->cap - (ring->head & (ring->cap - 1));
    size_t filler = size > to_end ? to_end : 0;
    size_t limit = post->priority || post->answer ? ring->cap : ring->cap - ring->reserve;
    if (!has_room(ring, filler + size, limit))
        return ERR_FULL;
    if (filler > 0) {
        struct record *record = record_at(ring, ring->head);
        record->size = (uint32_t)filler;
        record->len = FILLER;
        ring->head += filler;
    }
    struct record *record = record_at(ring, ring->head);
    *record = (struct record){
        .size = (uint32_t)size,
        .len = (uint32_t)post->bytes.len,
        .tag = post->tag,
        .kind = post->kind,
        .from = post->from,
        .priority = post->priority,
        .answer = post->answer,
        .flow = post->flow,
    };
    if (post->bytes.len > 0)
        memcpy(record + 1, post->bytes.at, post->bytes.len);
    ring->head += size;
    return OK;
}

void worker_ring_publish(struct worker_ring *ring)
{
    atomic_store_explicit(&ring->published, ring->head, memory_order_release);
}

size_t worker_ring_outstanding(struct worker_ring *ring)
{
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return ring->head - ring->tail_seen;
}

bool worker_ring_has_reserve(struct worker_ring *ring)
{
    if (has_room(ring, ring->reserve, ring->cap))
        return true;
    /* The consumer may have made room before it could see the flag: so look once more behind it.  Both sides write,
     * then read what the other wrote, which only sequential consistency keeps apart. */
    atomic_store_explicit(&ring->starving, true, memory_order_seq_cst);
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_seq_cst);
    return has_room(ring, ring->reserve, ring->cap);
}

bool worker_ring_take_starving(struct worker_ring *ring)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail, memory_order_seq_cst);
    return atomic_load_explicit(&ring->starving, memory_order_seq_cst) &&
           atomic_exchange_explicit(&ring->starving, false, memory_order_seq_cst);
}

static void hand_out(const struct record *record, const struct worker_ring_taker *taker)
{
    struct worker_post post = {.flow = record->flow,
                               .bytes = span_make((const char *)(record + 1), record->len),
                               .tag = record->tag,
                               .kind = record->kind,
                               .from = record->from,
                               .priority = record->priority,
                               .answer = record->answer};
    taker->each(taker->ctx, &post);
}

/* What lies before `at` is the producer's again. */
static void release(struct worker_ring *ring, size_t at, const struct worker_ring_taker *taker)
{
    if (taker->bundle)
        taker->bundle(taker->ctx);
    atomic_store_explicit(&ring->tail, at, memory_order_release);
}

size_t worker_ring_drain(struct worker_ring *ring, struct worker_ring *answers, const struct worker_ring_taker *taker)
{
    size_t end = atomic_load_explicit(&ring->published, memory_order_acquire);
    size_t released = atomic_load_explicit(&ring->tail, memory_order_relaxed), at = released;
    size_t count = 0;
    while (at != end && (!answers || worker_ring_has_reserve(answers))) {
        const struct record *record = record_at(ring, at);
        at += record->size;
        if (record->len == FILLER)
            continue;
        hand_out(record, taker);
        if (++count % WORKER_RING_BUNDLE == 0)
            release(ring, released = at, taker);
    }
    if (at != released)
        release(ring, at, taker);
    return count;
}

_Static_assert(sizeof(struct record) % RECORD_ALIGN == 0, "the bytes follow aligned");
