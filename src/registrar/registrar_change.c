/* SPDX-License-Identifier: Apache-2.0 */
/* A user's change: what it will be, its fate when its batch comes back, then whoever waited for the user. */
#include "registrar/registrar_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

static size_t len_of(unsigned bindings, size_t answer_len)
{
    return sizeof(struct registrar_change) + bindings * sizeof(struct registrar_binding *) + answer_len;
}

/* They come and go by the batch: on the heap they would make its end move up and down, a system call and a page fault each. */
static void change_free(struct registrar_change *change)
{
    txn_slab_give(change->user->registrar->options.slab, change,
                  len_of(change->count + change->removed_count, change->answer_len));
}

struct registrar_change *registrar_change_new(struct registrar_user *user, unsigned count, unsigned removed_count,
                                              struct span answer)
{
    size_t pointers = (count + removed_count) * sizeof(struct registrar_binding *);
    struct registrar_change *change =
        txn_slab_take(user->registrar->options.slab, len_of(count + removed_count, answer.len));
    if (!change)
        return NULL;
    *change = (struct registrar_change){.user = user,
                                        .count = count,
                                        .removed_count = removed_count,
                                        .event = REGISTRAR_UNREGISTERED,
                                        .answer_len = (uint32_t)answer.len};
    if (answer.len)
        memcpy((char *)change->bindings + pointers, answer.at, answer.len);
    return change;
}

static struct span answer_of(const struct registrar_change *change)
{
    const struct registrar_binding *const *end =
        (const struct registrar_binding *const *)change->bindings + change->count + change->removed_count;
    return span_make((const char *)end, change->answer_len);
}

/* New bindings of a change that does not come true. */
static void free_fresh(struct registrar_change *change)
{
    struct registrar_plan plan = {.user = change->user, .count = change->count};
    memcpy(plan.next, change->bindings, change->count * sizeof(change->bindings[0]));
    registrar_drop(&plan);
}

void registrar_change_drop(struct registrar_change *change)
{
    free_fresh(change);
    change_free(change);
}

static void make_true(struct registrar *registrar, const struct registrar_change *change)
{
    struct span aor = registrar_user_aor(change->user);
    for (unsigned i = 0; i < change->removed_count; i++)
        registrar_depart(registrar, aor, change->bindings[change->count + i], change->event);
    registrar_user_set(registrar, change->user, change->bindings, change->count);
    registrar_tell(registrar, aor);
}

void registrar_change_apply(struct registrar *registrar, struct registrar_change *change)
{
    make_true(registrar, change);
    change_free(change);
}

/* ---- waiting behind a change ---- */

enum err registrar_wait_behind(struct registrar *registrar, struct registrar_user *user,
                               const struct registrar_waiting *like, struct span extra)
{
    struct registrar_waiting **link = &user->waiting;
    struct registrar_waiting *waiting = malloc(sizeof(*waiting) + extra.len);
    if (!waiting)
        return ERR_NOMEM;
    *waiting = *like;
    waiting->next = NULL;
    waiting->extra_len = (uint32_t)extra.len;
    if (extra.len)
        memcpy(waiting->extra, extra.at, extra.len);
    while (*link)
        link = &(*link)->next;
    *link = waiting;
    if (waiting->held.txn)
        txn_set_user(waiting->held.txn, waiting);
    registrar->census.waiting++;
    return OK;
}

enum err registrar_wait(struct registrar *registrar, const struct registrar_plan *plan, struct txn *txn,
                        const struct sip_message *request, struct span extra)
{
    struct registrar_user *user = plan->user;
    invariant(user && user->change);
    if (registrar->stopped)
        return ERR_CLOSED;
    if (registrar->census.waiting >= REGISTRAR_WAITING_MAX)
        return ERR_FULL;
    enum err err = txn_hold(txn, request);
    return err == OK ? registrar_wait_behind(registrar, user, &(struct registrar_waiting){.held = {txn}}, extra) : err;
}

void registrar_forget(struct txn *txn)
{
    struct registrar_held *held = txn_user(txn);
    if (held)
        held->txn = NULL;
    txn_set_user(txn, NULL);
}

/* ---- back from the disk ---- */

/* The first of those that wait gets its turn, and the next ones, until one has something on its way again. */
static void serve_waiting(struct registrar *registrar, struct registrar_user *user)
{
    struct registrar_waiting *waiting;
    while (!user->change && (waiting = user->waiting)) {
        user->waiting = waiting->next;
        registrar->census.waiting--;
        struct txn *txn = waiting->held.txn;
        if (waiting->removal) {
            registrar_removal_begin(registrar, user, waiting->removal, waiting->event);
        } else if (txn) {
            txn_set_user(txn, NULL);
            registrar->options.handlers.on_ready(registrar->options.handlers.ctx, txn,
                                                 span_make(waiting->extra, waiting->extra_len));
        }
        free(waiting);
    }
}

void registrar_change_finish(struct registrar *registrar, struct registrar_change *change, enum err err, uint64_t row)
{
    struct registrar_user *user = change->user;
    struct txn *txn = change->held.txn;
    struct registrar_removal *removal = change->removal;
    struct registrar_census *census = &registrar->census;
    user->change = NULL;
    if (txn)
        txn_set_user(txn, NULL);
    if (err == OK) {
        registrar_user_row(registrar, user, change->count ? row : 0);
        if (!change->moves)
            make_true(registrar, change);
        census->moved += change->moves;
    } else {
        free_fresh(change);
    }
    registrar_user_arm(registrar, user);
    if (!change->moves && !removal)
        census->outcomes[err == OK ? REGISTRAR_OUT_STORED : REGISTRAR_OUT_UNSTORED]++;
    if (txn)
        registrar->options.handlers.on_kept(registrar->options.handlers.ctx, txn, err, answer_of(change));
    if (removal)
        registrar_removal_close(removal, err);
    change_free(change);
    user->pinned = true;
    serve_waiting(registrar, user);
    user->pinned = false;
    registrar_user_settle(registrar, user);
}

/* ---- the end ---- */

/* Its transaction has nothing of ours to drop any more. */
static void let_go(const struct registrar_held *held)
{
    if (held->txn)
        txn_set_user(held->txn, NULL);
}

void registrar_waiting_free(struct registrar_user *user)
{
    struct registrar_waiting *waiting;
    while ((waiting = user->waiting)) {
        user->waiting = waiting->next;
        let_go(&waiting->held);
        if (waiting->removal)
            registrar_removal_close(waiting->removal, ERR_CLOSED);
        free(waiting);
    }
}

void registrar_change_abandon(struct registrar_change *change)
{
    change->user->change = NULL;
    let_go(&change->held);
    if (change->removal)
        registrar_removal_close(change->removal, ERR_CLOSED);
    registrar_change_drop(change);
}
