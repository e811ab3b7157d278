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

enum err worker_post(struct worker *worker, unsigned to, const struct worker_post *post)
{
    invariant(to < worker->group->count && to != worker->index);
    struct worker_post stamped = *post;
    stamped.from = (uint8_t)worker->index;
    enum err err = worker_ring_add(worker_ring_between(worker->group, worker->index, to), &stamped);
    if (err == OK) {
        worker->unpublished |= (uint64_t)1 << to;
        worker->counters.posted++;
        worker->counters.posted_bytes += post->bytes.len;
    } else if (err == ERR_FULL && post->priority) {
        worker->counters.post_full_priority++;
    } else if (err == ERR_FULL) {
        worker->counters.post_full++;
    }
    return err;
}

void worker_post_publish(struct worker *worker)
{
    struct worker_group *group = worker->group;
    while (worker->unpublished != 0) {
        unsigned to = (unsigned)__builtin_ctzll(worker->unpublished);
        struct worker *receiver = &group->workers[to];
        worker->unpublished &= worker->unpublished - 1;
        worker_ring_publish(worker_ring_between(group, worker->index, to));
        uint64_t bit = (uint64_t)1 << worker->index;
        /* Where our bit still stands, the receiver has been woken and has not looked yet: it will see this too. */
        if (atomic_fetch_or_explicit(&receiver->posters, bit, memory_order_acq_rel) & bit)
            continue;
        uv_async_send(&receiver->async);
        worker->counters.wakeups_sent++;
    }
}

static void receive_one(void *ctx, const struct worker_post *post)
{
    struct worker *worker = ctx;
    worker->group->ops.on_post(worker->group->ops.ctx, worker, post);
}

void worker_post_receive(struct worker *worker)
{
    struct worker_group *group = worker->group;
    uint64_t posters = atomic_exchange_explicit(&worker->posters, 0, memory_order_acq_rel);
    while (posters != 0) {
        unsigned from = (unsigned)__builtin_ctzll(posters);
        posters &= posters - 1;
        worker->counters.received +=
            worker_ring_drain(worker_ring_between(group, from, worker->index), receive_one, worker);
    }
}
