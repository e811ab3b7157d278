/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/facts_gauge.h"

#include "util/invariant.h"
#include "util/list.h"
#include "util/map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SHARDS = 64 };

struct gauge_entry {
    struct map_node node;
    uint32_t count;
};

struct gauge_shard {
    _Alignas(64) pthread_mutex_t lock;
    struct map map;
};

struct facts_gauge {
    uint64_t most;
    uint32_t most_a_key;
    _Atomic uint64_t total;
    struct gauge_shard shards[SHARDS];
};

/* The node's hash is the whole key. */
static bool is_it(const struct map_node *node, const void *key)
{
    (void)node;
    (void)key;
    return true;
}

static struct gauge_entry *find(const struct gauge_shard *shard, uint64_t key)
{
    struct map_node *node = map_find(&shard->map, key, is_it, NULL);
    return node ? container_of(node, struct gauge_entry, node) : NULL;
}

/* The map's buckets go by the low bits, so the shards go by the high ones. */
static struct gauge_shard *shard_of(struct facts_gauge *gauge, uint64_t key)
{
    return &gauge->shards[key >> 58];
}

enum err facts_gauge_new(uint64_t most, uint32_t most_a_key, struct facts_gauge **out_gauge)
{
    struct facts_gauge *gauge = aligned_alloc(64, sizeof(*gauge));
    if (!gauge)
        return ERR_NOMEM;
    gauge->most = most;
    gauge->most_a_key = most_a_key;
    atomic_init(&gauge->total, 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        gauge->shards[i].map = (struct map){0};
        pthread_mutex_init(&gauge->shards[i].lock, NULL);
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        if (map_init(&gauge->shards[i].map) != OK) {
            facts_gauge_free(gauge);
            return ERR_NOMEM;
        }
    }
    *out_gauge = gauge;
    return OK;
}

void facts_gauge_free(struct facts_gauge *gauge)
{
    if (!gauge)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct map *map = &gauge->shards[i].map;
        struct map_node *next = map->count ? map_next(map, NULL) : NULL;
        while (next) {
            struct map_node *node = next;
            next = map_next(map, node);
            map_remove(map, node);
            free(container_of(node, struct gauge_entry, node));
        }
        if (map->segments)
            map_done(map);
        pthread_mutex_destroy(&gauge->shards[i].lock);
    }
    free(gauge);
}

static bool take_key(struct facts_gauge *gauge, struct gauge_shard *shard, uint64_t key)
{
    struct gauge_entry *entry = find(shard, key);
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return false;
        map_add(&shard->map, &entry->node, key);
    }
    if (entry->count >= gauge->most_a_key)
        return false;
    entry->count++;
    return true;
}

enum facts_gauge_answer facts_gauge_take(struct facts_gauge *gauge, uint64_t key)
{
    uint64_t before = atomic_fetch_add_explicit(&gauge->total, 1, memory_order_relaxed);
    enum facts_gauge_answer answer = gauge->most && before >= gauge->most ? FACTS_GAUGE_FULL : FACTS_GAUGE_TAKEN;
    if (answer == FACTS_GAUGE_TAKEN && gauge->most_a_key) {
        struct gauge_shard *shard = shard_of(gauge, key);
        pthread_mutex_lock(&shard->lock);
        if (!take_key(gauge, shard, key))
            answer = FACTS_GAUGE_KEY_FULL;
        pthread_mutex_unlock(&shard->lock);
    }
    if (answer != FACTS_GAUGE_TAKEN)
        atomic_fetch_sub_explicit(&gauge->total, 1, memory_order_relaxed);
    return answer;
}

void facts_gauge_give(struct facts_gauge *gauge, uint64_t key)
{
    atomic_fetch_sub_explicit(&gauge->total, 1, memory_order_relaxed);
    if (!gauge->most_a_key)
        return;
    struct gauge_shard *shard = shard_of(gauge, key);
    pthread_mutex_lock(&shard->lock);
    struct gauge_entry *entry = find(shard, key);
    invariant(entry && entry->count);
    if (--entry->count == 0) {
        map_remove(&shard->map, &entry->node);
        free(entry);
    }
    pthread_mutex_unlock(&shard->lock);
}

uint64_t facts_gauge_total(const struct facts_gauge *gauge)
{
    return atomic_load_explicit(&gauge->total, memory_order_relaxed);
}

uint32_t facts_gauge_count(struct facts_gauge *gauge, uint64_t key)
{
    struct gauge_shard *shard = shard_of(gauge, key);
    pthread_mutex_lock(&shard->lock);
    const struct gauge_entry *entry = find(shard, key);
    uint32_t count = entry ? entry->count : 0;
    pthread_mutex_unlock(&shard->lock);
    return count;
}
