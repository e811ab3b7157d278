/* SPDX-License-Identifier: Apache-2.0 */
/* Private to worker: a bounded ring of records from one thread to one other, without locks.  What the producer adds is
 * seen when it publishes, a turn's worth at once; each side's index has a cache line of its own. */
#pragma once

#include "util/err.h"
#include "worker/worker_group.h"
#include <stdalign.h>
#include <stdatomic.h>

enum { WORKER_RING_LINE = 64, WORKER_RING_MIN = 262144, WORKER_POST_MAX = 65535 };

struct worker_ring {
    /* Never changed after worker_ring_init. */
    char *memory;
    size_t cap;     /* a power of two */
    size_t reserve; /* bytes that only a priority record may take */
    /* The producer's own.  Positions only grow; modulo cap they are places. */
    alignas(WORKER_RING_LINE) size_t head;
    size_t tail_seen; /* the last look at `tail` */
    /* Written by the producer, read by the consumer. */
    alignas(WORKER_RING_LINE) _Atomic size_t published;
    /* Written by the consumer, read by the producer when it runs short. */
    alignas(WORKER_RING_LINE) _Atomic size_t tail;
    /* Set by the producer that waits for room, taken by the consumer, who then wakes it. */
    alignas(WORKER_RING_LINE) _Atomic bool starving;
};

/* Who takes what was in a ring: each message, and a word behind at most WORKER_RING_BUNDLE of them (may be NULL), until which
 * their bytes stay. */
enum { WORKER_RING_BUNDLE = 16 };
struct worker_ring_taker {
    void (*each)(void *ctx, const struct worker_post *post);
    void (*bundle)(void *ctx);
    void *ctx;
};

/* `cap` is a power of two >= WORKER_RING_MIN; memory that was never used costs nothing. */
MUST_CHECK enum err worker_ring_init(struct worker_ring *ring, size_t cap);
void worker_ring_done(struct worker_ring *ring);

/* Producer: copies `post`; ERR_FULL, or ERR_TOO_LONG over WORKER_POST_MAX bytes. */
MUST_CHECK enum err worker_ring_add(struct worker_ring *ring, const struct worker_post *post);
/* Producer: shows all that was added. */
void worker_ring_publish(struct worker_ring *ring);

/* Producer: bytes that were added and have not been taken yet. */
size_t worker_ring_outstanding(struct worker_ring *ring);
/* Producer: whether a reserve's worth of room is left.  If not, worker_ring_take_starving will say so to the consumer. */
MUST_CHECK bool worker_ring_has_reserve(struct worker_ring *ring);
/* Consumer, after draining: whether the producer has been short of room and is to be woken. */
MUST_CHECK bool worker_ring_take_starving(struct worker_ring *ring);

/* Consumer: hands out what had been published when this was called, in order, while `answers` (may be NULL; this side
 * is its producer) has its reserve of room; returns how many. */
size_t worker_ring_drain(struct worker_ring *ring, struct worker_ring *answers, const struct worker_ring_taker *taker);
