/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the new work a worker takes on.  What is measured is how long a message waited before it was read; what
 * is steered is the share of new requests that get that far.  No clock, no socket: numbers in, a number out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    WORKER_LOAD_INTERVAL_US = 20000,
    WORKER_LOAD_HORIZON_US = 100000, /* in which a queue that is too long shall be gone */
};

struct worker_load {
    uint64_t target_us; /* 0: everything is always taken on */
    double share;       /* 1: all */
    double balance;     /* the share at which as much would come as is served */
    uint64_t began_us;  /* this interval; 0: none yet */
    uint64_t least_us;  /* the shortest wait seen in it; UINT64_MAX: none was */
    uint64_t before_us; /* of the interval before */
};

void worker_load_init(struct worker_load *load, uint64_t target_us);
/* A turn ended at `now_us` (monotonic, never 0), at whose end the last message read had waited `wait_us`: 0 when nothing
 * was left to read.  Returns whether the share changed. */
bool worker_load_note(struct worker_load *load, uint64_t now_us, uint64_t wait_us);
/* Nothing is measured and nothing held back: then turns need not be noted. */
static inline bool worker_load_is_idle(const struct worker_load *load)
{
    return load->share >= 1 && load->before_us == 0 && load->began_us == 0;
}
