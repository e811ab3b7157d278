/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on a shared table.  What has expired goes a little with each operation, so nothing is ever swept whole. */
#include "facts/facts_shared_priv.h"
#include "util/random.h"
#include <stdlib.h>

enum { SWEEP_EACH = 4, SWEEP_FULL_EACH = 32 };

enum err facts_shared_make(const struct facts_shared_spec *spec, struct facts_shared **out_shared)
{
    struct facts_shared *shared = aligned_alloc(64, sizeof(*shared));
    if (!shared)
        return ERR_NOMEM;
    memset(shared, 0, sizeof(*shared));
    shared->spec = *spec;
    list_init(&shared->in_registry);
    atomic_init(&shared->references, 1);
    enum err err = random_system(&shared->key, sizeof(shared->key));
    unsigned made = 0;
    for (; err == OK && made < FACTS_SHARDS; made++) {
        struct facts_shard *shard = &shared->shards[made];
        err = map_init(&shard->map);
        if (err != OK)
            break;
        list_init(&shard->by_expiry);
        pthread_mutex_init(&shard->lock, NULL);
    }
    if (err == OK) {
        *out_shared = shared;
        return OK;
    }
    while (made-- > 0) {
        pthread_mutex_destroy(&shared->shards[made].lock);
        map_done(&shared->shards[made].map);
    }
    free(shared);
    return err;
}

void facts_shared_destroy(struct facts_shared *shared)
{
    for (unsigned i = 0; i < FACTS_SHARDS; i++) {
        struct facts_shard *shard = &shared->shards[i];
        struct list *node;
        while ((node = list_first(&shard->by_expiry))) {
            list_remove(node);
            free(container_of(node, struct facts_entry, by_expiry));
        }
        map_done(&shard->map);
        pthread_mutex_destroy(&shard->lock);
    }
    free(shared);
}

static bool has_key(const struct map_node *node, const void *key)
{
    const struct facts_entry *entry = (const void *)node; /* its first member */
    const struct span *wanted = key;
    return span_equal(span_make(entry->bytes, entry->key_len), *wanted);
}

static struct facts_entry *find(struct facts_shard *shard, uint64_t hash, struct span key)
{
    struct map_node *node = map_find(&shard->map, hash, has_key, &key);
    return node ? container_of(node, struct facts_entry, node) : NULL;
}

static void drop(struct facts_shared *shared, struct facts_shard *shard, struct facts_entry *entry)
{
    map_remove(&shard->map, &entry->node);
    list_remove(&entry->by_expiry);
    free(entry);
    atomic_fetch_sub_explicit(&shared->count, 1, memory_order_relaxed);
}

static void sweep(struct facts_shared *shared, struct facts_shard *shard, uint64_t now_ms, int most)
{
    for (struct list *node; most > 0 && (node = list_first(&shard->by_expiry)); most--) {
        struct facts_entry *entry = container_of(node, struct facts_entry, by_expiry);
        if (entry->expires_ms > now_ms)
            return;
        drop(shared, shard, entry);
    }
}

static struct facts_shard *enter(struct facts_shared *shared, struct span key, uint64_t now_ms, uint64_t *out_hash)
{
    *out_hash = siphash(&shared->key, key.at, key.len);
    struct facts_shard *shard = &shared->shards[*out_hash >> 58];
    pthread_mutex_lock(&shard->lock);
    sweep(shared, shard, now_ms, SWEEP_EACH);
    return shard;
}

static void leave(struct facts_shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

/* The table is full, but keys of other shards may have expired with nobody asking there; a look at a shard's oldest key
 * costs a few nanoseconds. */
static void sweep_others(struct facts_shared *shared, const struct facts_shard *held, uint64_t now_ms)
{
    for (int i = 0; i < FACTS_SHARDS && facts_shared_count(shared) >= shared->spec.max; i++) {
        unsigned at = atomic_fetch_add_explicit(&shared->next_sweep, 1, memory_order_relaxed) % FACTS_SHARDS;
        struct facts_shard *shard = &shared->shards[at];
        if (shard == held || pthread_mutex_trylock(&shard->lock) != 0)
            continue;
        sweep(shared, shard, now_ms, SWEEP_FULL_EACH);
        pthread_mutex_unlock(&shard->lock);
    }
}

static bool take_place(struct facts_shared *shared, const struct facts_shard *held, uint64_t now_ms)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (atomic_fetch_add_explicit(&shared->count, 1, memory_order_relaxed) < shared->spec.max)
            return true;
        atomic_fetch_sub_explicit(&shared->count, 1, memory_order_relaxed);
        if (attempt == 0)
            sweep_others(shared, held, now_ms);
    }
    atomic_fetch_add_explicit(&shared->refused, 1, memory_order_relaxed);
    return false;
}

static uint64_t lifetime_ms(const struct facts_shared *shared)
{
    if (shared->spec.kind == FACTS_BUCKET) /* after this time a bucket is full, which is what a new one is */
        return (uint64_t)(shared->spec.burst / shared->spec.rate * 1000) + 1;
    return shared->spec.ttl_ms;
}

/* The entry lives anew from now: the last to expire.  A clock a turn behind another thread's does not spoil the order by
 * more than that turn. */
static void renew(struct facts_shared *shared, struct facts_shard *shard, struct facts_entry *entry, uint64_t now_ms)
{
    entry->expires_ms = now_ms + lifetime_ms(shared);
    list_remove(&entry->by_expiry);
    list_push_back(&shard->by_expiry, &entry->by_expiry);
}

static enum err add(struct facts_shared *shared, struct facts_shard *shard, uint64_t hash, struct span key,
                    struct facts_entry **out_entry)
{
    size_t value = shared->spec.kind == FACTS_MAP ? FACTS_VALUE_MAX : 0;
    struct facts_entry *entry = calloc(1, sizeof(*entry) + key.len + value);
    if (!entry) {
        atomic_fetch_sub_explicit(&shared->count, 1, memory_order_relaxed);
        return ERR_NOMEM;
    }
    entry->key_len = (uint8_t)key.len;
    memcpy(entry->bytes, key.at, key.len);
    list_init(&entry->by_expiry);
    map_add(&shard->map, &entry->node, hash);
    *out_entry = entry;
    return OK;
}

static enum err check(const struct facts_shared *shared, enum facts_shared_kind kind, struct span key)
{
    if (shared->spec.kind != kind)
        return ERR_INVALID;
    return key.len <= FACTS_KEY_MAX ? OK : ERR_TOO_LONG;
}

/* The live entry of `key`, or a new one, its value all zeroes, where there is none or it has expired. */
static enum err obtain(struct facts_shared *shared, struct facts_shard *shard, uint64_t hash, struct span key,
                       uint64_t now_ms, struct facts_entry **out_entry)
{
    struct facts_entry *entry = find(shard, hash, key);
    if (entry && entry->expires_ms > now_ms) {
        *out_entry = entry;
        return OK;
    }
    if (entry)
        drop(shared, shard, entry);
    if (!take_place(shared, shard, now_ms))
        return ERR_FULL;
    enum err err = add(shared, shard, hash, key, out_entry);
    if (err == OK)
        renew(shared, shard, *out_entry, now_ms);
    return err;
}

enum err facts_shared_incr(struct facts_shared *shared, struct span key, uint64_t by, uint64_t now_ms,
                           uint64_t *out_count)
{
    enum err err = check(shared, FACTS_COUNTER, key);
    if (err != OK)
        return err;
    uint64_t hash;
    struct facts_entry *entry;
    struct facts_shard *shard = enter(shared, key, now_ms, &hash);
    err = obtain(shared, shard, hash, key, now_ms, &entry);
    if (err == OK) {
        entry->count += by;
        *out_count = entry->count;
    }
    leave(shard);
    return err;
}

enum err facts_shared_read(struct facts_shared *shared, struct span key, uint64_t now_ms, uint64_t *out_count)
{
    enum err err = check(shared, FACTS_COUNTER, key);
    if (err != OK)
        return err;
    uint64_t hash;
    struct facts_shard *shard = enter(shared, key, now_ms, &hash);
    const struct facts_entry *entry = find(shard, hash, key);
    *out_count = entry && entry->expires_ms > now_ms ? entry->count : 0;
    leave(shard);
    return OK;
}

enum err facts_shared_set(struct facts_shared *shared, struct span key, struct span value, uint64_t now_ms)
{
    enum err err = check(shared, FACTS_MAP, key);
    if (err == OK && value.len > FACTS_VALUE_MAX)
        err = ERR_TOO_LONG;
    if (err != OK)
        return err;
    uint64_t hash;
    struct facts_entry *entry;
    struct facts_shard *shard = enter(shared, key, now_ms, &hash);
    err = obtain(shared, shard, hash, key, now_ms, &entry);
    if (err == OK) {
        renew(shared, shard, entry, now_ms);
        entry->value_len = value.len;
        if (value.len)
            memcpy(entry->bytes + key.len, value.at, value.len);
    }
    leave(shard);
    return err;
}

enum err facts_shared_get(struct facts_shared *shared, struct span key, uint64_t now_ms, char *out, size_t *out_len)
{
    enum err err = check(shared, FACTS_MAP, key);
    if (err != OK)
        return err;
    uint64_t hash;
    struct facts_shard *shard = enter(shared, key, now_ms, &hash);
    const struct facts_entry *entry = find(shard, hash, key);
    if (entry && entry->expires_ms > now_ms) {
        memcpy(out, entry->bytes + key.len, entry->value_len);
        out[entry->value_len] = '\0';
        *out_len = entry->value_len;
    } else {
        err = ERR_NOT_FOUND;
    }
    leave(shard);
    return err;
}

void facts_shared_forget(struct facts_shared *shared, struct span key)
{
    uint64_t hash;
    if (key.len > FACTS_KEY_MAX)
        return;
    struct facts_shard *shard = enter(shared, key, 0, &hash);
    struct facts_entry *entry = find(shard, hash, key);
    if (entry)
        drop(shared, shard, entry);
    leave(shard);
}

static bool take_tokens(struct facts_shared *shared, struct facts_entry *entry, double tokens, uint64_t now_ms)
{
    if (entry->at_ms == 0)
        entry->tokens = shared->spec.burst;
    else if (now_ms + 1 > entry->at_ms)
        entry->tokens += (double)(now_ms + 1 - entry->at_ms) * shared->spec.rate / 1000;
    if (entry->tokens > shared->spec.burst)
        entry->tokens = shared->spec.burst;
    if (now_ms + 1 > entry->at_ms)
        entry->at_ms = now_ms + 1;
    if (entry->tokens < tokens)
        return false;
    entry->tokens -= tokens;
    return true;
}

enum err facts_shared_take(struct facts_shared *shared, struct span key, double tokens, uint64_t now_ms,
                           bool *out_taken)
{
    enum err err = check(shared, FACTS_BUCKET, key);
    if (err == OK && !(tokens >= 0))
        err = ERR_INVALID;
    if (err != OK)
        return err;
    uint64_t hash;
    struct facts_entry *entry;
    struct facts_shard *shard = enter(shared, key, now_ms, &hash);
    err = obtain(shared, shard, hash, key, now_ms, &entry);
    if (err == OK) {
        renew(shared, shard, entry, now_ms);
        *out_taken = take_tokens(shared, entry, tokens, now_ms);
    } else if (err == ERR_FULL) {
        *out_taken = false;
        err = OK;
    }
    leave(shard);
    return err;
}

enum facts_shared_kind facts_shared_kind(const struct facts_shared *shared)
{
    return shared->spec.kind;
}

uint64_t facts_shared_count(const struct facts_shared *shared)
{
    return atomic_load_explicit(&shared->count, memory_order_relaxed);
}

uint64_t facts_shared_refused(const struct facts_shared *shared)
{
    return atomic_load_explicit(&shared->refused, memory_order_relaxed);
}
