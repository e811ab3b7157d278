/* SPDX-License-Identifier: Apache-2.0 */
/* N worker threads, each with a loop, a clock, a timer wheel and a ring from every other worker.  What runs on them comes
 * in as `struct worker_ops`; nothing is shared but the rings and the control queue. */
#pragma once

#include "net/net_flow.h"
#include "util/clock.h"
#include "util/span.h"
#include "util/wheel.h"
#include <uv.h>

struct worker;
struct worker_group;

/* A message from one worker to another.  `bytes` is copied into the ring when it is posted, and lies in the ring, valid
 * until the on_posted behind its on_post, when it arrives. */
struct worker_post {
    struct net_flow flow;
    struct span bytes;
    uint32_t tag;  /* the poster's: free for use */
    uint16_t kind; /* the poster's: free for use */
    uint8_t from;  /* filled in: the posting worker's index */
    bool priority; /* ACK, CANCEL, BYE: may use the part of a ring that is kept for them */
    bool
        patient; /* the poster can wait and come again: refused (ERR_FULL) while what all others have not yet taken from
                      this worker is over WORKER_PATIENT_BYTES, so that a stream has little under way when its peer
                      stops reading */
    bool answer; /* for the holder of a stream to send; never asks for another post.  Has a ring of its own, and while
                      that one is short of room, what asks for answers waits: so the answer to a post always fits */
};

/* All run on the worker's own thread; those that may be NULL say so. */
struct worker_ops {
    void *ctx;
    /* Before the loop runs: build the worker's stack, tables, VMs; keep them with worker_set_data.  An error stops the
     * whole group, and worker_group_new returns it. */
    enum err (*on_start)(void *ctx, struct worker *worker);
    /* The group stops: begin to close every handle.  The loop runs on until all are closed. */
    void (*on_stop)(void *ctx, struct worker *worker);
    /* After the loop has ended and all handles are closed: free the rest.  May be NULL. */
    void (*on_end)(void *ctx, struct worker *worker);
    void (*on_post)(void *ctx, struct worker *worker, const struct worker_post *post);
    /* Behind some messages, at most 16: their bytes go now.  May be NULL. */
    void (*on_posted)(void *ctx, struct worker *worker);
    /* Once a turn, before its first event (the clock is fresh), and after its last one.  What on_turn_end posts leaves in
     * this turn; what it sends does so when its stack was made by on_start (one that was made later has flushed by
     * then: call net_flush).  May be NULL. */
    void (*on_turn_begin)(void *ctx, struct worker *worker);
    void (*on_turn_end)(void *ctx, struct worker *worker);
    /* After everything of the turn has left, posts included, before the loop sleeps: for what nobody waits for.  May send
     * and post nothing.  May be NULL. */
    void (*on_departed)(void *ctx, struct worker *worker);
    /* The index of the worker that owns what these bytes belong to; < count.  Must depend on nothing else. */
    unsigned (*owner_of)(void *ctx, struct span bytes, unsigned count);
};

enum { WORKER_COUNT_MAX = 64, WORKER_RING_BYTES_DEFAULT = 512 * 1024, WORKER_PATIENT_BYTES = 64 * 1024 };

struct worker_group_options {
    unsigned count;    /* 1 to WORKER_COUNT_MAX */
    size_t ring_bytes; /* of each ring, two per ordered pair of workers; a power of two >= 262,144, 0 for the default */
    const char *name;  /* threads are called NAME-INDEX; NULL for "worker" */
    struct worker_ops ops;
};

/* Starts the threads and returns when every on_start has succeeded. */
MUST_CHECK enum err worker_group_new(const struct worker_group_options *options, struct worker_group **out_group,
                                     struct fault *fault);
/* Stops all workers, joins their threads and frees the group.  Not from a worker. */
void worker_group_free(struct worker_group *group);

unsigned worker_group_count(const struct worker_group *group);

typedef void (*worker_run_fn)(struct worker *worker, void *arg);
/* Has `fn(worker, arg)` run on worker `index`, soon, in the order of the calls.  From any thread.  ERR_CLOSED when the
 * group stops: then `fn` never runs.  ERR_FULL: 1,024 are waiting. */
MUST_CHECK enum err worker_run(struct worker_group *group, unsigned index, worker_run_fn fn, void *arg);
/* The same on one worker, or on all of them at the same time, and waits until it is done.  Never from a worker. */
MUST_CHECK enum err worker_run_wait(struct worker_group *group, unsigned index, worker_run_fn fn, void *arg);
MUST_CHECK enum err worker_run_wait_all(struct worker_group *group, worker_run_fn fn, void *arg);

/* ---- On the worker's own thread ---- */

unsigned worker_index(const struct worker *worker);
unsigned worker_count(const struct worker *worker);
uv_loop_t *worker_loop(struct worker *worker);
/* Refreshed once a turn; borrowed for the worker's life. */
const struct clock *worker_clock(const struct worker *worker);
/* Driven by the worker; its ctx is the worker.  Whoever embeds a timer finds itself with container_of. */
struct wheel *worker_wheel(struct worker *worker);
void *worker_data(const struct worker *worker);
void worker_set_data(struct worker *worker, void *data);

/* Opens the turn if it is not open yet: refreshes the clock, calls on_turn_begin.  To be called first by every callback
 * that comes straight from the loop; net_handlers.on_turn_begin is the place for the stack's. */
void worker_turn_begin(struct worker *worker);

/* Who owns these bytes: ops.owner_of, or this worker when there is only one. */
unsigned worker_owner_of(const struct worker *worker, struct span bytes);
/* Hands `post` to worker `to` (not this one); it is seen there after this turn.  Order is kept per pair of workers, among
 * answers and among the rest.
 * ERR_FULL: the ring is full (drop a datagram and count it; let a stream wait); ERR_TOO_LONG over 65,535 bytes. */
MUST_CHECK enum err worker_post(struct worker *worker, unsigned to, const struct worker_post *post);

/* Counted since the start; plain numbers of the worker's thread. */
struct worker_counters {
    uint64_t turns;
    uint64_t posted, posted_bytes;
    uint64_t post_full, post_full_priority; /* refused by a full ring */
    uint64_t post_waits;                    /* patient ones that were refused */
    uint64_t received;
    uint64_t wakeups_sent;
    uint64_t controls;
};
const struct worker_counters *worker_counters(const struct worker *worker);
