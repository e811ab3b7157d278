/* SPDX-License-Identifier: Apache-2.0 */
/* The registrar's life, its loading, and its questions. */
#include "registrar/registrar.h"
#include "registrar/registrar_priv.h"
#include <stdlib.h>

enum { MIN_S = 60, MAX_S = 7200, DEFAULT_S = 3600, PER_USER = 16, TOTAL = 10000000 };

static void fill_limits(struct registrar_limits *limits)
{
    limits->min_s = limits->min_s ? limits->min_s : MIN_S;
    limits->max_s = limits->max_s ? limits->max_s : MAX_S;
    limits->default_s = limits->default_s ? limits->default_s : DEFAULT_S;
    limits->per_user = limits->per_user ? limits->per_user : PER_USER;
    limits->total = limits->total ? limits->total : TOTAL;
    if (limits->per_user > REGISTRAR_USER_MAX)
        limits->per_user = REGISTRAR_USER_MAX;
}

enum err registrar_new(const struct registrar_options *options, struct registrar **out_registrar)
{
    struct registrar *registrar = calloc(1, sizeof(*registrar));
    if (!registrar)
        return ERR_NOMEM;
    registrar->options = *options;
    /* Who steers by the same key would leave us only some of the buckets. */
    registrar->options.key.k1 = ~options->key.k1;
    fill_limits(&registrar->options.limits);
    list_init(&registrar->by_row);
    timer_init(&registrar->gather.timer, registrar_on_gathered);
    enum err err = map_init(&registrar->users);
    if (err == OK)
        err = map_init(&registrar->watches);
    if (err == OK)
        err = map_init(&registrar->flows);
    if (err == OK && options->notifier)
        err = notifier_add_package(options->notifier, &registrar_reg_package, registrar);
    if (err != OK) {
        registrar_free(registrar);
        return err;
    }
    *out_registrar = registrar;
    return OK;
}

void registrar_free(struct registrar *registrar)
{
    struct map_node *node;
    if (!registrar)
        return;
    registrar->options.notifier = NULL;
    registrar_abandon(registrar);
    registrar_reginfo_done(registrar);
    while ((node = map_next(&registrar->users, NULL)))
        registrar_user_free(registrar, container_of(node, struct registrar_user, node));
    map_done(&registrar->users);
    map_done(&registrar->flows);
    free(registrar);
}

void registrar_refuse(struct registrar *registrar)
{
    registrar->refuses = true;
}

/* ---- loading ---- */

struct loading {
    struct registrar *registrar;
    registrar_is_ours_fn is_ours;
    void *ctx;
};

static enum err load_row(void *ctx, uint64_t number, struct span row)
{
    struct loading *loading = ctx;
    struct registrar *registrar = loading->registrar;
    struct registrar_binding *bindings[REGISTRAR_USER_MAX];
    struct registrar_name name;
    unsigned count;
    if (!registrar_row_name(row, &name))
        return ERR_CORRUPT;
    if (loading->is_ours && !loading->is_ours(loading->ctx, name.owner_key))
        return OK;
    enum err err = registrar_row_bindings(row, registrar->options.clock, bindings, &count);
    if (err != OK)
        return err;
    struct registrar_user *user = registrar_user_take(registrar, &name);
    if (!user) {
        while (count)
            free(bindings[--count]);
        return ERR_NOMEM;
    }
    registrar_user_set(registrar, user, bindings, count);
    registrar_user_row(registrar, user, count ? number : 0);
    registrar_user_settle(registrar, user);
    return OK;
}

enum err registrar_load(struct registrar *registrar, registrar_is_ours_fn is_ours, void *ctx)
{
    struct loading loading = {registrar, is_ours, ctx};
    if (!registrar->options.journal)
        return OK;
    enum err err = registrar_journal_read(registrar->options.journal, load_row, &loading);
    registrar->refuses = err != OK;
    registrar_journal_count(registrar->options.journal, registrar->options.worker, registrar->census.users);
    return err;
}

/* ---- committing ---- */

static void copy_pointers(struct registrar_change *change, const struct registrar_plan *plan)
{
    struct registrar_binding **at = change->bindings;
    for (unsigned i = 0; i < plan->count; i++)
        *at++ = plan->next[i];
    for (unsigned i = 0; i < plan->removed_count; i++)
        *at++ = plan->removed[i];
}

/* Without a journal the change is true at once; with one it is on its way (ERR_AGAIN). */
static enum err carry_out(struct registrar *registrar, struct registrar_change *change, struct txn *txn,
                          const struct sip_message *request)
{
    if (!registrar->options.journal) {
        registrar_change_apply(registrar, change);
        registrar->census.outcomes[REGISTRAR_OUT_STORED]++;
        return OK;
    }
    enum err err = txn_hold(txn, request);
    if (err != OK) {
        registrar_change_drop(change);
        return err;
    }
    change->held.txn = txn;
    err = registrar_change_send(registrar, change);
    if (err != OK)
        return err;
    txn_set_user(txn, change);
    return ERR_AGAIN;
}

enum err registrar_commit(struct registrar *registrar, struct registrar_plan *plan, struct txn *txn,
                          const struct sip_message *request, struct span answer)
{
    struct registrar_user *user = plan->user ? plan->user : registrar_user_take(registrar, &plan->name);
    plan->user = user;
    struct registrar_change *change =
        user ? registrar_change_new(user, plan->count, plan->removed_count, answer) : NULL;
    enum err err = ERR_NOMEM;
    for (unsigned i = 0; user && i < plan->count; i++) /* while it is on its way its flow may end */
        registrar_flow_link(user, plan->next[i]);
    if (change) {
        copy_pointers(change, plan);
        err = carry_out(registrar, change, txn, request);
    } else {
        registrar_drop(plan);
    }
    if (err != OK && err != ERR_AGAIN)
        registrar->census.outcomes[REGISTRAR_OUT_UNSTORED]++;
    if (user)
        registrar_user_settle(registrar, user);
    plan->count = plan->removed_count = 0;
    return err;
}

/* ---- questions ---- */

bool registrar_is_registered(const struct registrar *registrar, struct span aor)
{
    const struct registrar_user *user = registrar_user_of(registrar, aor);
    uint64_t now = registrar->options.clock->mono_ms;
    for (const struct registrar_binding *at = user ? user->first : NULL; at; at = at->next)
        if (at->expires_ms > now)
            return true;
    return false;
}

static bool see_user(const struct registrar *registrar, const struct registrar_user *user, registrar_see_fn fn,
                     void *ctx)
{
    uint64_t now = registrar->options.clock->mono_ms;
    char text[REGISTRAR_GRUU_MAX + 128];
    for (const struct registrar_binding *at = user->first; at; at = at->next) {
        struct buffer gruu = buffer_over(text, sizeof(text));
        if (registrar->options.gruus)
            registrar_gruu_public(&gruu, registrar_user_aor(user), registrar_binding_instance(at));
        struct registrar_view view = {
            .aor = registrar_user_aor(user),
            .uri = registrar_binding_uri(at),
            .params = registrar_binding_params(at),
            .call_id = registrar_binding_call_id(at),
            .path = registrar_binding_path(at),
            .cseq = at->cseq,
            .expires_s = registrar_binding_expires_s(at, now),
            .reg_id = at->reg_id,
            .instance = registrar_binding_instance(at),
            .gruu = buffer_span(&gruu),
            .has_flow = at->flow_transport < NET_TRANSPORT_COUNT,
            .is_flow_open = !at->flow_gone,
            .transport = (enum net_transport)at->flow_transport,
            .worker = at->flow_worker,
        };
        if (at->expires_ms > now && !fn(ctx, &view))
            return false;
    }
    return true;
}

void registrar_see(const struct registrar *registrar, const struct registrar_name *name, registrar_see_fn fn, void *ctx)
{
    struct map_node *at = NULL;
    const struct registrar_user *user = name ? registrar_user_find(registrar, name) : NULL;
    if (user)
        (void)see_user(registrar, user, fn, ctx);
    while (!name && (at = map_next(&registrar->users, at)))
        if (!see_user(registrar, container_of(at, struct registrar_user, node), fn, ctx))
            return;
}

void registrar_census(const struct registrar *registrar, struct registrar_census *out_census)
{
    *out_census = registrar->census;
}
