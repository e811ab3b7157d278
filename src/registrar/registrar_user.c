/* SPDX-License-Identifier: Apache-2.0 */
/* Users by name, their bindings' expiry by one timer a user, and their order in the journal. */
#include "registrar/registrar_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

enum { CACHE_LINE = 64 };

uint64_t registrar_hash(const struct registrar *registrar, struct span owner_key)
{
    return siphash(&registrar->options.key, owner_key.at, owner_key.len);
}

static bool has_name(const struct map_node *node, const void *key)
{
    const struct registrar_user *user = container_of_const(node, struct registrar_user, node);
    return span_equal(registrar_user_aor(user), ((const struct registrar_name *)key)->aor);
}

struct registrar_user *registrar_user_find_hashed(const struct registrar *registrar, const struct registrar_name *name,
                                                  uint64_t hash)
{
    struct map_node *node = map_find(&registrar->users, hash, has_name, name);
    return node ? container_of(node, struct registrar_user, node) : NULL;
}

struct registrar_user *registrar_user_find(const struct registrar *registrar, const struct registrar_name *name)
{
    return registrar_user_find_hashed(registrar, name, registrar_hash(registrar, name->owner_key));
}

uint64_t registrar_expect(const struct registrar *registrar, const struct registrar_name *name)
{
    uint64_t hash = registrar_hash(registrar, name->owner_key);
    map_prefetch(&registrar->users, hash);
    return hash;
}

static void prefetch(const void *at, size_t len)
{
    for (size_t i = 0; at && i < len; i += CACHE_LINE)
        __builtin_prefetch((const char *)at + i);
}

/* The first of its bucket, which mostly is the one. */
static const struct registrar_user *likely_user(const struct registrar *registrar, uint64_t hash)
{
    const struct map_node *node = map_first(&registrar->users, hash);
    return node ? container_of_const(node, struct registrar_user, node) : NULL;
}

void registrar_expect_user(const struct registrar *registrar, uint64_t hash)
{
    prefetch(likely_user(registrar, hash), sizeof(struct registrar_user) + CACHE_LINE);
}

void registrar_expect_bindings(const struct registrar *registrar, uint64_t hash)
{
    const struct registrar_user *user = likely_user(registrar, hash);
    prefetch(user ? user->first : NULL, sizeof(struct registrar_binding) + CACHE_LINE);
}

/* A number's owner key is what stands before the '@'; everybody else's is the whole. */
struct registrar_user *registrar_user_of(const struct registrar *registrar, struct span aor)
{
    struct registrar_name name = {aor, aor};
    struct registrar_user *user = registrar_user_find(registrar, &name);
    if (user || !aor.len || *aor.at != '+')
        return user;
    name.owner_key = span_slice(aor, 0, span_find(aor, '@'));
    return registrar_user_find(registrar, &name);
}

struct registrar_user *registrar_user_next(const struct registrar *registrar, struct span owner_key,
                                           struct registrar_user *after)
{
    uint64_t hash = registrar_hash(registrar, owner_key);
    struct map_node *node = after ? after->node.next : map_first(&registrar->users, hash);
    for (; node; node = node->next) {
        struct registrar_user *user = container_of(node, struct registrar_user, node);
        if (node->hash == hash && span_equal(registrar_user_owner(user), owner_key))
            return user;
    }
    return NULL;
}

/* Takes off what has expired; returns how many. */
static unsigned take_expired(struct registrar *registrar, struct registrar_user *user)
{
    uint64_t now = registrar->options.clock->mono_ms;
    struct registrar_binding *kept[REGISTRAR_USER_MAX];
    unsigned count = 0, before = user->count;
    if (timer_is_armed(&user->timer) && user->timer.due_ms > now)
        return 0; /* it comes no later than the first of their ends */
    for (struct registrar_binding *at = user->first; at; at = at->next) {
        if (at->expires_ms > now)
            kept[count++] = at;
        else
            registrar_depart(registrar, registrar_user_aor(user), at, REGISTRAR_EXPIRED);
    }
    if (count < before) {
        registrar_user_set(registrar, user, kept, count);
        registrar_tell(registrar, registrar_user_aor(user));
    }
    return before - count;
}

bool registrar_user_expire(struct registrar *registrar, struct registrar_user *user)
{
    unsigned expired = take_expired(registrar, user);
    registrar->census.expired += expired;
    return expired > 0;
}

static void on_expiry(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct registrar_user *user = container_of(timer, struct registrar_user, timer);
    struct registrar *registrar = user->registrar;
    if (user->change)
        return; /* it names bindings of ours; whatever becomes of it sets the timer anew */
    if (!registrar_user_expire(registrar, user))
        registrar_user_arm(registrar, user); /* what it was set for has been refreshed since */
    registrar_user_settle(registrar, user);
}

struct registrar_user *registrar_user_take(struct registrar *registrar, const struct registrar_name *name)
{
    struct registrar_user *user = registrar_user_find(registrar, name);
    if (user)
        return user;
    user = malloc(sizeof(*user) + name->aor.len);
    if (!user)
        return NULL;
    *user = (struct registrar_user){
        .registrar = registrar, .aor_len = (uint16_t)name->aor.len, .owner_len = (uint16_t)name->owner_key.len};
    memcpy(user->aor, name->aor.at, name->aor.len);
    list_init(&user->age);
    timer_init(&user->timer, on_expiry);
    map_add(&registrar->users, &user->node, registrar_hash(registrar, name->owner_key));
    registrar->census.bytes += sizeof(*user) + name->aor.len;
    return user;
}

void registrar_user_free(struct registrar *registrar, struct registrar_user *user)
{
    registrar_user_set(registrar, user, NULL, 0);
    registrar_user_row(registrar, user, 0);
    map_remove(&registrar->users, &user->node);
    registrar->census.bytes -= sizeof(*user) + user->aor_len;
    free(user);
}

struct registrar_user *registrar_user_settle(struct registrar *registrar, struct registrar_user *user)
{
    if (user->count || user->change || user->waiting || user->pinned)
        return user;
    registrar_user_free(registrar, user);
    return NULL;
}

static bool is_among(const struct registrar_binding *binding, struct registrar_binding *const *bindings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (bindings[i] == binding)
            return true;
    return false;
}

/* A refresh makes the end later, mostly by far more than what is left: the timer stays where it is, and is set anew when it
 * comes, once for all refreshes until then. */
void registrar_user_arm(struct registrar *registrar, struct registrar_user *user)
{
    uint64_t due = UINT64_MAX;
    for (const struct registrar_binding *at = user->first; at; at = at->next)
        if (at->expires_ms < due)
            due = at->expires_ms;
    if (due == UINT64_MAX)
        wheel_cancel(registrar->options.wheel, &user->timer);
    else if (!timer_is_armed(&user->timer) || user->timer.due_ms > due)
        wheel_arm(registrar->options.wheel, &user->timer, due);
}

static struct registrar_phone phone_of(const struct registrar_user *user, const struct registrar_binding *binding)
{
    return (struct registrar_phone){registrar_user_aor(user), registrar_binding_instance(binding),
                                    registrar_binding_call_id(binding)};
}

/* Its GRUUs are to lead to it, on all workers. */
static void hold(struct registrar *registrar, const struct registrar_user *user, struct registrar_binding *binding)
{
    struct registrar_phone phone = phone_of(user, binding);
    if (!registrar->options.gruus || binding->held || !binding->instance_len)
        return;
    binding->held = registrar_gruus_hold(registrar->options.gruus, &phone);
    if (!binding->held || !binding->reg_id)
        return;
    struct registrar_offer offer = {phone, registrar_binding_uri(binding), registrar_binding_path(binding)};
    if (!binding->way && offer.path.len)
        binding->way = registrar_way_new(NULL);
    if (binding->way)
        (void)registrar_gruus_offer(registrar->options.gruus, binding->way, &offer);
}

static void let_go(struct registrar *registrar, const struct registrar_user *user, struct registrar_binding *binding)
{
    struct registrar_phone phone = phone_of(user, binding);
    if (binding->held)
        registrar_gruus_let_go(registrar->options.gruus, &phone);
    registrar_gruus_withdraw(registrar->options.gruus, binding->way);
    registrar_binding_free(binding);
}

void registrar_user_set(struct registrar *registrar, struct registrar_user *user,
                        struct registrar_binding *const *bindings, unsigned count)
{
    struct registrar_census *census = &registrar->census;
    struct registrar_binding *next;
    invariant(count <= REGISTRAR_USER_MAX);
    for (unsigned i = 0; i < count; i++) /* first, so that a phone that stays is there all the while */
        hold(registrar, user, bindings[i]);
    for (struct registrar_binding *at = user->first; at; at = next) {
        next = at->next;
        census->bytes -= registrar_binding_bytes(at);
        if (!is_among(at, bindings, count))
            let_go(registrar, user, at);
    }
    struct registrar_binding **link = &user->first;
    for (unsigned i = 0; i < count; i++) {
        census->bytes += registrar_binding_bytes(bindings[i]);
        *link = bindings[i];
        link = &bindings[i]->next;
    }
    *link = NULL;
    census->bindings += count;
    census->bindings -= user->count;
    census->users += (count > 0) - (size_t)(user->count > 0);
    user->count = (uint8_t)count;
    registrar_user_arm(registrar, user);
}

void registrar_user_row(struct registrar *registrar, struct registrar_user *user, uint64_t number)
{
    if (!list_is_unlinked(&user->age))
        list_remove(&user->age);
    user->row = number;
    if (number)
        list_push_back(&registrar->by_row, &user->age);
}

static void tell_name(const struct registrar_user *user, registrar_name_fn fn, void *ctx)
{
    if (user->count || user->change)
        fn(ctx, registrar_user_aor(user));
}

void registrar_owned(const struct registrar *registrar, struct span owner_key, registrar_name_fn fn, void *ctx)
{
    struct registrar_user *user = registrar_user_next(registrar, owner_key, NULL);
    for (; user; user = registrar_user_next(registrar, owner_key, user))
        tell_name(user, fn, ctx);
}

size_t registrar_buckets(const struct registrar *registrar)
{
    return map_buckets(&registrar->users);
}

void registrar_bucket(const struct registrar *registrar, size_t index, registrar_name_fn fn, void *ctx)
{
    for (struct map_node *node = map_bucket(&registrar->users, index); node; node = node->next)
        tell_name(container_of(node, struct registrar_user, node), fn, ctx);
}
