/* SPDX-License-Identifier: Apache-2.0 */
/* Changes on their way to the disk and back.  One batch of a worker is with the store thread at a time while the next one
 * fills, so that many changes share a commit. */
#include "registrar/registrar_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

enum { BATCH_BYTES_MAX = 64 << 20, MOVES_LEAST = 64 };

/* ---- filling ---- */

static struct registrar_batch *batch_take(struct registrar *registrar)
{
    struct registrar_batch *batch = registrar->spare ? registrar->spare : calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    if (!registrar->spare)
        batch->rows.bytes = buffer_heap(BATCH_BYTES_MAX);
    registrar->spare = NULL;
    batch->worker = registrar->options.worker;
    batch->count = 0;
    batch->err = OK;
    registrar_packs_clear(&batch->rows);
    list_init(&batch->changes);
    return batch;
}

static void batch_free(struct registrar_batch *batch)
{
    if (!batch)
        return;
    buffer_done(&batch->rows.bytes);
    free(batch);
}

/* False: no room, and nothing was added. */
static bool add_row(struct registrar *registrar, struct registrar_batch *batch, const struct registrar_change *change)
{
    const struct registrar_user *user = change->user;
    struct registrar_state state = {
        {registrar_user_aor(user), registrar_user_owner(user)}, change->count, change->bindings};
    registrar_packs_begin_row(&batch->rows);
    registrar_row_add(&batch->rows.bytes, &state, registrar->options.clock);
    return registrar_packs_end_row(&batch->rows);
}

enum err registrar_change_send(struct registrar *registrar, struct registrar_change *change)
{
    enum err err = OK;
    invariant(!change->user->change);
    if (registrar->stopped)
        err = ERR_CLOSED;
    else if (registrar->batch && registrar->batch->count >= REGISTRAR_WAITING_MAX)
        err = ERR_FULL;
    else if (!registrar->batch && !(registrar->batch = batch_take(registrar)))
        err = ERR_NOMEM;
    else if (!add_row(registrar, registrar->batch, change))
        err = ERR_FULL;
    if (err != OK) {
        registrar_change_drop(change);
        return err;
    }
    list_push_back(&registrar->batch->changes, &change->node);
    registrar->batch->count++;
    change->user->change = change;
    return OK;
}

/* ---- gathering ----
 *
 * A commit costs the same for one row as for fifty.  Where many wait for each, those who were answered mostly come again at
 * once, and half of them would meet the disk at work: two groups would take turns for ever, each of half the size.  So the
 * next batch leaves only when nearly as many have joined it as the last one had, or when it
 * has waited as long as the last commit took.  Few wait for nobody; and when the time has passed in vain, the next batches
 * do not wait either. */

enum { GATHER_LEAST = 16, GATHER_PAUSE = 8, GATHER_MS_MAX = 5 };

void registrar_on_gathered(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct registrar_gather *gather = container_of(timer, struct registrar_gather, timer);
    struct registrar *registrar = container_of(gather, struct registrar, gather);
    gather->until = 0;
    gather->pause = GATHER_PAUSE;
    registrar_flush(registrar);
}

static void gather_begin(struct registrar *registrar, unsigned answered, uint64_t took_us)
{
    uint64_t took_ms = took_us / 1000;
    struct registrar_gather *gather = &registrar->gather;
    if (gather->pause) {
        gather->pause--;
        return;
    }
    if (answered < GATHER_LEAST)
        return;
    gather->until = answered - answered / 8 + (registrar->batch ? registrar->batch->count : 0);
    wheel_arm(registrar->options.wheel, &gather->timer,
              registrar->options.clock->mono_ms + 2 + (took_ms < GATHER_MS_MAX ? took_ms : GATHER_MS_MAX));
}

static void gather_end(struct registrar *registrar)
{
    registrar->gather.until = 0;
    wheel_cancel(registrar->options.wheel, &registrar->gather.timer);
}

/* ---- out ---- */

static void finish_batch(struct registrar *registrar, struct registrar_batch *batch)
{
    struct list *node;
    uint64_t row = batch->first;
    while ((node = list_first(&batch->changes))) {
        list_remove(node);
        registrar_change_finish(registrar, container_of(node, struct registrar_change, node), batch->err, row++);
    }
    if (registrar->spare)
        batch_free(batch);
    else
        registrar->spare = batch;
}

/* Writes the oldest rows anew that still count, so that the journal can lose its head. */
static void move_old(struct registrar *registrar, unsigned most)
{
    uint64_t stale = registrar_journal_stale(registrar->options.journal);
    struct list *node = registrar->by_row.next;
    while (stale && most-- && node != &registrar->by_row) {
        struct registrar_user *user = container_of(node, struct registrar_user, age);
        node = node->next;
        if (user->row >= stale)
            return;
        if (user->change)
            continue;
        struct registrar_change *change = registrar_change_new(user, user->count, 0, SPAN(""));
        unsigned at = 0;
        if (!change)
            return;
        for (struct registrar_binding *binding = user->first; binding; binding = binding->next)
            change->bindings[at++] = binding;
        change->moves = true;
        if (registrar_change_send(registrar, change) != OK)
            return; /* a later turn tries again */
    }
}

static uint64_t floor_of(const struct registrar *registrar)
{
    const struct list *oldest = list_first(&registrar->by_row);
    return oldest ? container_of_const(oldest, struct registrar_user, age)->row : UINT64_MAX;
}

void registrar_flush(struct registrar *registrar)
{
    struct registrar_batch *batch = registrar->batch;
    if (!batch || registrar->flying || registrar->stopped || batch->count < registrar->gather.until)
        return;
    gather_end(registrar);
    move_old(registrar, batch->count / 2 + MOVES_LEAST);
    batch->floor = floor_of(registrar);
    registrar->batch = NULL;
    registrar->flying = batch; /* from here on it is the store thread's, if that takes it */
    enum err err = registrar_journal_submit(registrar->options.journal, batch);
    if (err == OK)
        return;
    registrar->flying = NULL;
    batch->err = err;
    finish_batch(registrar, batch);
}

void registrar_stop(struct registrar *registrar)
{
    gather_end(registrar);
    registrar_flush(registrar);
    registrar->stopped = true;
}

void registrar_tick(struct registrar *registrar)
{
    if (!registrar->options.journal || registrar->stopped || registrar->refuses)
        return;
    registrar_journal_count(registrar->options.journal, registrar->options.worker, registrar->census.users);
    /* A quiet worker, too, has to say which rows are none of its business any more; a commit that finds nothing to do
     * costs none. */
    if (!registrar->flying && !registrar->batch && registrar_journal_stale(registrar->options.journal))
        registrar->batch = batch_take(registrar);
    registrar_flush(registrar);
}

/* ---- and back ---- */

void registrar_batch_done(struct registrar *registrar, struct registrar_batch *batch)
{
    unsigned answered = batch->count;
    uint64_t took_us = batch->us;
    registrar->flying = NULL;
    finish_batch(registrar, batch);
    if (registrar->stopped)
        return;
    gather_begin(registrar, answered, took_us);
    registrar_journal_count(registrar->options.journal, registrar->options.worker, registrar->census.users);
}

static void abandon_batch(struct registrar_batch *batch)
{
    struct list *node;
    while (batch && (node = list_first(&batch->changes))) {
        list_remove(node);
        registrar_change_abandon(container_of(node, struct registrar_change, node));
    }
    batch_free(batch);
}

void registrar_abandon(struct registrar *registrar)
{
    gather_end(registrar);
    abandon_batch(registrar->flying);
    abandon_batch(registrar->batch);
    batch_free(registrar->spare);
    registrar->flying = registrar->batch = registrar->spare = NULL;
    for (struct map_node *at = map_next(&registrar->users, NULL); at; at = map_next(&registrar->users, at))
        registrar_waiting_free(container_of(at, struct registrar_user, node));
}
