/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between workers: added during a turn, shown at its end, with one wake-up a receiver. */
#include "worker/worker_priv.h"

#include "util/invariant.h"

unsigned worker_owner_of(const struct worker *worker, struct span bytes)
{
    const struct worker_group *group = worker->group;
    if (group->count == 1 || !group->ops.owner_of)
        return worker->index;
    unsigned owner = group->ops.owner_of(group->ops.ctx, bytes, group->count);
    invariant(owner < group->count);
    return owner;
}

/* Whether the others have yet to take too much of what this worker asked; looks at their indices only when our own count
 * says so. */
static bool must_wait(struct worker *worker)
{
    if (worker->asked_bytes <= WORKER_PATIENT_BYTES)
        return false;
    worker->asked_bytes = 0;
    for (unsigned to = 0; to < worker->group->count; to++) {
        if (to != worker->index)
            worker->asked_bytes +=
                worker_ring_outstanding(worker_ring_between(worker->group, worker->index, to, WORKER_LANE_ASK));
    }
    return worker->asked_bytes > WORKER_PATIENT_BYTES;
}

enum err worker_post(struct worker *worker, unsigned to, const struct worker_post *post)
{
    invariant(to < worker->group->count && to != worker->index);
    if (post->patient && must_wait(worker)) {
        worker->counters.post_waits++;
        return ERR_FULL;
    }
    struct worker_post stamped = *post;
    stamped.from = (uint8_t)worker->index;
    enum worker_lane lane = post->answer ? WORKER_LANE_ANSWER : WORKER_LANE_ASK;
    enum err err = worker_ring_add(worker_ring_between(worker->group, worker->index, to, lane), &stamped);
    if (err == OK) {
        worker->unpublished |= (uint64_t)1 << to;
        worker->asked_bytes += post->answer ? 0 : post->bytes.len + sizeof(struct net_flow);
        worker->counters.posted++;
        worker->counters.posted_bytes += post->bytes.len;
    } else if (err == ERR_FULL && (post->priority || post->answer)) {
        worker->counters.post_full_priority++;
    } else if (err == ERR_FULL) {
        worker->counters.post_full++;
    }
    return err;
}

/* Has worker `to` look at our rings. */
static void wake(struct worker *worker, unsigned to)
{
    struct worker *receiver = &worker->group->workers[to];
    uint64_t bit = (uint64_t)1 << worker->index;
    /* Where our bit still stands, the receiver has not looked yet: it will see this too. */
    if (!(atomic_fetch_or_explicit(&receiver->posters, bit, memory_order_seq_cst) & bit))
        worker->counters.wakeups_sent += worker_wake(receiver);
}

void worker_post_publish(struct worker *worker)
{
    while (worker->unpublished != 0) {
        unsigned to = (unsigned)__builtin_ctzll(worker->unpublished);
        worker->unpublished &= worker->unpublished - 1;
        worker_ring_publish(worker_ring_between(worker->group, worker->index, to, WORKER_LANE_ASK));
        worker_ring_publish(worker_ring_between(worker->group, worker->index, to, WORKER_LANE_ANSWER));
        wake(worker, to);
    }
}

static void receive_one(void *ctx, const struct worker_post *post)
{
    struct worker *worker = ctx;
    worker->group->ops.on_post(worker->group->ops.ctx, worker, post);
}

static void receive_bundle(void *ctx)
{
    struct worker *worker = ctx;
    if (worker->group->ops.on_posted)
        worker->group->ops.on_posted(worker->group->ops.ctx, worker);
}

static void receive_from(struct worker *worker, unsigned from)
{
    struct worker_group *group = worker->group;
    const struct worker_ring_taker taker = {receive_one, receive_bundle, worker};
    struct worker_ring *answers = worker_ring_between(group, from, worker->index, WORKER_LANE_ANSWER);
    worker->counters.received += worker_ring_drain(answers, NULL, &taker);
    if (worker_ring_take_starving(answers))
        wake(worker, from);
    worker->counters.received +=
        worker_ring_drain(worker_ring_between(group, from, worker->index, WORKER_LANE_ASK),
                          worker_ring_between(group, worker->index, from, WORKER_LANE_ANSWER), &taker);
}

void worker_post_receive(struct worker *worker)
{
    uint64_t posters = atomic_exchange_explicit(&worker->posters, 0, memory_order_seq_cst);
    while (posters != 0) {
        unsigned from = (unsigned)__builtin_ctzll(posters);
        posters &= posters - 1;
        receive_from(worker, from);
    }
}
