/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings taken away by somebody else than their phone: all of a user's, or those whose connection has ended. */
#include "registrar/registrar_priv.h"
#include <stdlib.h>

void registrar_removal_close(struct registrar_removal *removal, enum err err)
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

void registrar_removal_begin(struct registrar *registrar, struct registrar_user *user,
                             struct registrar_removal *removal, enum registrar_event event)
{
    unsigned going = count_going(user, removal);
    if (!going) { /* what it waited for took them off already */
        registrar_removal_close(removal, OK);
        return;
    }
    struct registrar_change *change = removal_change(user, removal, going);
    if (!change) {
        registrar_removal_close(removal, ERR_NOMEM);
        return;
    }
    change->removal = removal;
    change->event = event;
    if (!registrar->options.journal) {
        registrar_change_apply(registrar, change);
        registrar_user_settle(registrar, user);
        registrar_removal_close(removal, OK);
        return;
    }
    enum err err = registrar_change_send(registrar, change);
    if (err != OK)
        registrar_removal_close(removal, err);
}

static void remove_or_wait(struct registrar *registrar, struct registrar_user *user, struct registrar_removal *removal,
                           enum registrar_event event)
{
    if (!user->change && !user->count)
        return;
    removal->open++;
    if (!user->change) {
        registrar_removal_begin(registrar, user, removal, event);
        return;
    }
    enum err err = registrar_wait_behind(registrar, user,
                                         &(struct registrar_waiting){.removal = removal, .event = event}, SPAN(""));
    if (err != OK)
        registrar_removal_close(removal, err);
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
    registrar_removal_close(removal, OK);
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
    registrar_removal_close(removal, OK);
}

void registrar_change_gone(struct registrar *registrar, struct registrar_user *user)
{
    struct registrar_removal *removal = removal_open(registrar, NULL, NULL);
    if (!removal)
        return; /* it stays until it expires */
    removal->gone_only = true;
    remove_or_wait(registrar, user, removal, REGISTRAR_DEACTIVATED);
    registrar_removal_close(removal, OK);
}
