/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the new work a worker takes on.  What is measured is how long a message waited before it was read, and how
 * much of the time the worker had nothing to do; what is steered is the share of new requests that get that far.  No clock,
 * no socket: numbers in, a number out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    WORKER_LOAD_INTERVAL_US = 10000,
    WORKER_LOAD_HORIZON_US = 20000, /* in which a queue that is too long shall be gone */
    WORKER_LOAD_STEPS = 64,         /* of the share that are remembered: so many intervals may a message have waited */
};

/* From `from_us` on `share` held, until the next step. */
struct worker_load_step {
    uint64_t from_us;
    double share;
};

struct worker_load {
    uint64_t target_us; /* 0: everything is always taken on */
    double share;       /* 1: all */
    double balance;     /* the share at which as much would come as is served */
    double offered_us,
        worked_us;      /* of the latest intervals: what share of a constant offer came, and the work for it */
    uint64_t began_us;  /* this interval; 0: none yet */
    uint64_t idle_us;   /* in it */
    uint64_t least_us;  /* the shortest wait seen in it; UINT64_MAX: none was */
    uint64_t before_us; /* the wait at the end of the interval before */
    struct worker_load_step steps[WORKER_LOAD_STEPS];
    unsigned step; /* the latest */
};

/* A turn that ended. */
struct worker_load_turn {
    uint64_t now_us;  /* monotonic, never 0 */
    uint64_t idle_us; /* slept before it */
    uint64_t wait_us; /* of the message read last; 0: nothing was left to read */
};

void worker_load_init(struct worker_load *load, uint64_t target_us);
/* Returns whether the share changed. */
bool worker_load_note(struct worker_load *load, const struct worker_load_turn *turn);
/* Nothing is measured and nothing held back: then turns need not be noted. */
static inline bool worker_load_is_idle(const struct worker_load *load)
{
    return load->share >= 1 && load->before_us == 0 && load->began_us == 0;
}

/* The same for streams, which no filter sees: a connection's window bounds what waits, so that the length of a turn, in which all
 * of them are read once, is how long a message waits. */
struct worker_turns {
    uint64_t target_us;  /* 0: everything is always taken on */
    double share;        /* 1: all; the rest is refused, which costs less than to be served */
    unsigned longs;      /* turns in a row that were too long */
    uint64_t changed_us; /* when the share last became other than it was */
};

void worker_turns_init(struct worker_turns *turns, uint64_t target_us);
/* A turn that read streams ended at `now_us` and took so long.  Returns whether the share changed. */
bool worker_turns_note(struct worker_turns *turns, uint64_t now_us, uint64_t turn_us);
