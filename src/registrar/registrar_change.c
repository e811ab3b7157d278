/* SPDX-License-Identifier: Apache-2.0 */
/* A change on its way: out with a batch, back with its fate, then whoever waited for the user.  One batch of a worker is
 * with the store thread at a time while the next one fills, so that many changes share a commit. */
#include "registrar/registrar_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

enum { BATCH_BYTES_MAX = 64 << 20, MOVES_LEAST = 64 };

struct registrar_change *registrar_change_new(struct registrar_user *user, unsigned count, unsigned removed_count,
                                              struct span answer)
{
    size_t pointers = (count + removed_count) * sizeof(struct registrar_binding *);
    struct registrar_change *change = malloc(sizeof(*change) + pointers + answer.len);
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
    free(change);
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
    free(change);
}

static struct registrar_batch *batch_take(struct registrar *registrar)
{
    struct registrar_batch *batch = registrar->spare ? registrar->spare : calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    if (!registrar->spare)
        batch->bytes = buffer_heap(BATCH_BYTES_MAX);
    registrar->spare = NULL;
    batch->worker = registrar->options.worker;
    batch->count = 0;
    batch->err = OK;
    buffer_clear(&batch->bytes);
    list_init(&batch->changes);
    return batch;
}

static void batch_free(struct registrar_batch *batch)
{
    if (!batch)
        return;
    buffer_done(&batch->bytes);
    free(batch);
}

/* The row behind its length; false: no room, and nothing was added. */
static bool add_row(struct registrar *registrar, struct registrar_batch *batch, const struct registrar_change *change)
{
    const struct registrar_user *user = change->user;
    struct registrar_state state = {
        {registrar_user_aor(user), registrar_user_owner(user)}, change->count, change->bindings};
    struct buffer *bytes = &batch->bytes;
    size_t start = bytes->len;
    uint32_t len = 0;
    buffer_add(bytes, &len, sizeof(len));
    registrar_row_add(bytes, &state, registrar->options.clock);
    if (bytes->overflow) {
        bytes->overflow = false;
        bytes->len = start;
        return false;
    }
    len = (uint32_t)(bytes->len - start - sizeof(len));
    memcpy(bytes->at + start, &len, sizeof(len));
    return true;
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

/* ---- waiting behind a change ---- */

static enum err wait_behind(struct registrar *registrar, struct registrar_user *user,
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

enum err registrar_wait(struct registrar *registrar, const struct registrar_name *name, struct txn *txn,
                        const struct sip_message *request, struct span extra)
{
    struct registrar_user *user = registrar_user_find(registrar, name);
    invariant(user && user->change);
    if (registrar->stopped)
        return ERR_CLOSED;
    if (registrar->census.waiting >= REGISTRAR_WAITING_MAX)
        return ERR_FULL;
    enum err err = txn_hold(txn, request);
    return err == OK ? wait_behind(registrar, user, &(struct registrar_waiting){.held = {txn}}, extra) : err;
}

void registrar_forget(struct txn *txn)
{
    struct registrar_held *held = txn_user(txn);
    if (held)
        held->txn = NULL;
    txn_set_user(txn, NULL);
}

/* ---- all of a user's bindings ---- */

static void removal_close(struct registrar_removal *removal, enum err err)
{
    if (err != OK)
        removal->err = err;
    if (--removal->open)
        return;
    if (removal->done)
        removal->done(removal->arg, removal->err);
    free(removal);
}

static bool goes(const struct registrar_removal *removal, const struct registrar_binding *binding)
{
    return !removal->gone_only || binding->flow_gone;
}

static unsigned count_going(const struct registrar_user *user, const struct registrar_removal *removal)
{
    unsigned count = 0;
    for (const struct registrar_binding *at = user->first; at; at = at->next)
        count += goes(removal, at);
    return count;
}

/* Those that stay, then those that go. */
static struct registrar_change *removal_change(struct registrar_user *user, struct registrar_removal *removal,
                                               unsigned going)
{
    unsigned stays = 0, gone = user->count - going;
    struct registrar_change *change = registrar_change_new(user, gone, going, SPAN(""));
    for (struct registrar_binding *at = user->first; change && at; at = at->next)
        change->bindings[goes(removal, at) ? gone++ : stays++] = at;
    return change;
}

static void begin_removal(struct registrar *registrar, struct registrar_user *user, struct registrar_removal *removal,
                          enum registrar_event event)
{
    unsigned going = count_going(user, removal);
    if (!going) { /* what it waited for took them off already */
        removal_close(removal, OK);
        return;
    }
    struct registrar_change *change = removal_change(user, removal, going);
    if (!change) {
        removal_close(removal, ERR_NOMEM);
        return;
    }
    change->removal = removal;
    change->event = event;
    if (!registrar->options.journal) {
        registrar_change_apply(registrar, change);
        registrar_user_settle(registrar, user);
        removal_close(removal, OK);
        return;
    }
    enum err err = registrar_change_send(registrar, change);
    if (err != OK)
        removal_close(removal, err);
}

static void remove_or_wait(struct registrar *registrar, struct registrar_user *user, struct registrar_removal *removal,
                           enum registrar_event event)
{
    if (!user->change && !user->count)
        return;
    removal->open++;
    if (!user->change) {
        begin_removal(registrar, user, removal, event);
        return;
    }
    enum err err =
        wait_behind(registrar, user, &(struct registrar_waiting){.removal = removal, .event = event}, SPAN(""));
    if (err != OK)
        removal_close(removal, err);
}

/* NULL: `done` has been told why not. */
static struct registrar_removal *removal_open(struct registrar *registrar, registrar_done_fn done, void *arg)
{
    struct registrar_removal *removal = registrar->refuses ? NULL : malloc(sizeof(*removal));
    if (removal)
        *removal = (struct registrar_removal){.open = 1, .done = done, .arg = arg};
    else if (done)
        done(arg, registrar->refuses ? ERR_IO : ERR_NOMEM);
    return removal;
}

void registrar_remove(struct registrar *registrar, const struct registrar_name *name, enum registrar_event event,
                      registrar_done_fn done, void *arg)
{
    struct registrar_removal *removal = removal_open(registrar, done, arg);
    struct registrar_user *user = registrar_user_find(registrar, name);
    if (!removal)
        return;
    if (user)
        remove_or_wait(registrar, user, removal, event);
    removal_close(removal, OK);
}

void registrar_remove_all(struct registrar *registrar, struct span owner_key, enum registrar_event event,
                          registrar_done_fn done, void *arg)
{
    struct registrar_removal *removal = removal_open(registrar, done, arg);
    if (!removal)
        return;
    struct registrar_user *next, *user = registrar_user_next(registrar, owner_key, NULL);
    for (; user; user = next) {
        next = registrar_user_next(registrar, owner_key, user);
        remove_or_wait(registrar, user, removal, event);
    }
    removal_close(removal, OK);
}

void registrar_change_gone(struct registrar *registrar, struct registrar_user *user)
{
    struct registrar_removal *removal = removal_open(registrar, NULL, NULL);
    if (!removal)
        return; /* it stays until it expires */
    removal->gone_only = true;
    remove_or_wait(registrar, user, removal, REGISTRAR_DEACTIVATED);
    removal_close(removal, OK);
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
            begin_removal(registrar, user, waiting->removal, waiting->event);
        } else if (txn) {
            txn_set_user(txn, NULL);
            registrar->options.handlers.on_ready(registrar->options.handlers.ctx, txn,
                                                 span_make(waiting->extra, waiting->extra_len));
        }
        free(waiting);
    }
}

static void finish(struct registrar *registrar, struct registrar_change *change, enum err err, uint64_t row)
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
        removal_close(removal, err);
    free(change);
    user->pinned = true;
    serve_waiting(registrar, user);
    user->pinned = false;
    registrar_user_settle(registrar, user);
}

static void finish_batch(struct registrar *registrar, struct registrar_batch *batch)
{
    struct list *node;
    uint64_t row = batch->first;
    while ((node = list_first(&batch->changes))) {
        list_remove(node);
        finish(registrar, container_of(node, struct registrar_change, node), batch->err, row++);
    }
    if (registrar->spare)
        batch_free(batch);
    else
        registrar->spare = batch;
}

void registrar_batch_done(struct registrar *registrar, struct registrar_batch *batch)
{
    registrar->flying = NULL;
    finish_batch(registrar, batch);
    if (!registrar->stopped)
        registrar_journal_count(registrar->options.journal, registrar->options.worker, registrar->census.users);
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
    if (!batch || registrar->flying || registrar->stopped)
        return;
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

/* ---- the end ---- */

/* Its transaction has nothing of ours to drop any more. */
static void let_go(const struct registrar_held *held)
{
    if (held->txn)
        txn_set_user(held->txn, NULL);
}

static void free_waiting(struct registrar_user *user)
{
    struct registrar_waiting *waiting;
    while ((waiting = user->waiting)) {
        user->waiting = waiting->next;
        let_go(&waiting->held);
        if (waiting->removal)
            removal_close(waiting->removal, ERR_CLOSED);
        free(waiting);
    }
}

static void abandon_batch(struct registrar_batch *batch)
{
    struct list *node;
    while (batch && (node = list_first(&batch->changes))) {
        struct registrar_change *change = container_of(node, struct registrar_change, node);
        list_remove(node);
        change->user->change = NULL;
        let_go(&change->held);
        if (change->removal)
            removal_close(change->removal, ERR_CLOSED);
        registrar_change_drop(change);
    }
    batch_free(batch);
}

void registrar_abandon(struct registrar *registrar)
{
    abandon_batch(registrar->flying);
    abandon_batch(registrar->batch);
    batch_free(registrar->spare);
    registrar->flying = registrar->batch = registrar->spare = NULL;
    for (struct map_node *at = map_next(&registrar->users, NULL); at; at = map_next(&registrar->users, at))
        free_waiting(container_of(at, struct registrar_user, node));
}
