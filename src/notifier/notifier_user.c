/* SPDX-License-Identifier: Apache-2.0 */
/* The users that are watched or published for: found by AOR, gone when nothing is left of them. */
#include "notifier/notifier_priv.h"

static bool is_user(const struct map_node *node, const void *key)
{
    const struct notifier_user *user = container_of_const(node, struct notifier_user, node);
    return span_equal(notifier_user_aor(user), *(const struct span *)key);
}

/* By the number alone where there is one: a number is found at all its hosts. */
static uint64_t hash_of(const struct notifier_table *table, struct span aor)
{
    struct span owner = aor.len && *aor.at == '+' ? span_slice(aor, 0, span_find(aor, '@')) : aor;
    return siphash(&table->options.key, owner.at, owner.len);
}

struct span notifier_user_aor(const struct notifier_user *user)
{
    return span_make(user->aor.at, user->aor.len);
}

static struct notifier_user *find_hashed(const struct notifier_table *table, struct span aor, uint64_t hash)
{
    struct map_node *node = map_find(&table->users, hash, is_user, &aor);
    return node ? container_of(node, struct notifier_user, node) : NULL;
}

struct notifier_user *notifier_user_find(const struct notifier_table *table, struct span aor)
{
    if (!table->users.count)
        return NULL; /* every REGISTER asks */
    return find_hashed(table, aor, hash_of(table, aor));
}

enum err notifier_user_take(struct notifier_table *table, struct span aor, struct notifier_user **out_user)
{
    uint64_t hash = hash_of(table, aor);
    struct notifier_user *user = find_hashed(table, aor, hash);
    if (!user) {
        user = txn_slab_take(table->slab, sizeof(*user));
        if (!user)
            return ERR_NOMEM;
        *user = (struct notifier_user){.is_found = true};
        if (!notifier_bytes_set(table, &user->aor, aor)) {
            txn_slab_give(table->slab, user, sizeof(*user));
            return ERR_NOMEM;
        }
        list_init(&user->queue);
        list_init(&user->subscriptions);
        list_init(&user->publications);
        map_add(&table->users, &user->node, hash);
    }
    *out_user = user;
    return OK;
}

void notifier_user_give(struct notifier_table *table, struct notifier_user *user)
{
    if (!list_is_empty(&user->subscriptions) || !list_is_empty(&user->publications))
        return;
    list_remove(&user->queue);
    if (user->is_found)
        map_remove(&table->users, &user->node);
    notifier_bytes_clear(table, &user->aor);
    txn_slab_give(table->slab, user, sizeof(*user));
}

void notifier_user_changed(struct notifier_table *table, struct notifier_user *user, unsigned package)
{
    user->change[package]++;
    if (user->ends || !user->subscription_count[package])
        return;
    user->round++;
    if (list_is_unlinked(&user->queue))
        list_push_back(&table->changed, &user->queue);
    notifier_pump_start(table);
}

void notifier_owned(const struct notifier_table *table, struct span owner_key, notifier_aor_fn fn, void *ctx)
{
    uint64_t hash = hash_of(table, owner_key);
    for (struct map_node *node = map_first(&table->users, hash); node; node = node->next) {
        struct span aor = notifier_user_aor(container_of(node, struct notifier_user, node));
        bool at_a_host = aor.len > owner_key.len && aor.at[owner_key.len] == '@' && *owner_key.at == '+';
        if (node->hash == hash && span_starts_with(aor, owner_key) && (aor.len == owner_key.len || at_a_host))
            fn(ctx, aor);
    }
}

size_t notifier_buckets(const struct notifier_table *table)
{
    return map_buckets(&table->users);
}

void notifier_bucket(const struct notifier_table *table, size_t index, notifier_aor_fn fn, void *ctx)
{
    for (struct map_node *node = map_bucket(&table->users, index); node; node = node->next)
        fn(ctx, notifier_user_aor(container_of(node, struct notifier_user, node)));
}

static unsigned index_of(const struct notifier_table *table, const struct notifier_package *package)
{
    unsigned at = 0;
    while (at < table->package_count && table->packages[at].package != package)
        at++;
    return at;
}

void notifier_changed(struct notifier_table *table, const struct notifier_package *package, struct span aor)
{
    struct notifier_user *user = notifier_user_find(table, aor);
    unsigned only = package ? index_of(table, package) : table->package_count;
    for (unsigned at = 0; user && at < table->package_count; at++)
        if (!package || at == only)
            notifier_user_changed(table, user, at);
}

bool notifier_is_watched(const struct notifier_table *table, const struct notifier_package *package, struct span aor)
{
    const struct notifier_user *user = notifier_user_find(table, aor);
    if (!user)
        return false;
    return package ? user->subscription_count[index_of(table, package)] : !list_is_empty(&user->subscriptions);
}

/* From now on nobody finds it: a new user of this AOR is another one. */
static void end_user(struct notifier_table *table, struct notifier_user *user, enum notifier_reason reason)
{
    notifier_publications_drop(table, user);
    user->ends = true;
    user->reason = (uint8_t)reason;
    user->round++;
    list_remove(&user->queue);
    map_remove(&table->users, &user->node);
    user->is_found = false;
    if (list_is_empty(&user->subscriptions)) {
        notifier_user_give(table, user);
        return;
    }
    list_push_back(&table->ending, &user->queue);
    notifier_pump_start(table);
}

void notifier_end(struct notifier_table *table, struct span aor, enum notifier_reason reason)
{
    struct notifier_user *user = notifier_user_find(table, aor);
    if (user)
        end_user(table, user, reason);
}

void notifier_shutdown(struct notifier_table *table, uint32_t within_ms)
{
    table->is_closed = true;
    /* Half of the time for sending, the other half for the answers. */
    uint64_t half_ms = within_ms / 2 ? within_ms / 2 : 1;
    uint64_t rate = 1 + 1000 * (uint64_t)table->by_tag.count / half_ms;
    if (rate > table->rate)
        table->rate = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
    struct map_node *next = map_next(&table->users, NULL);
    while (next) {
        struct notifier_user *user = container_of(next, struct notifier_user, node);
        next = map_next(&table->users, next);
        end_user(table, user, NOTIFIER_DEACTIVATED);
    }
}
