/* SPDX-License-Identifier: Apache-2.0 */
/* Linear hashing: with n buckets and p the largest power of two not above n, a hash lives in bucket h mod 2p if there is
 * one, else in h mod p.  Adding a bucket splits exactly one other, taking one away joins exactly two. */
#include "util/map.h"

#include <stdlib.h>

enum { SEGMENT_BITS = 8, SEGMENT_LEN = 1 << SEGMENT_BITS, BUCKETS_MIN = 16, SEGMENTS_FIRST = 8 };

static inline size_t power_below(size_t count)
{
    return (size_t)1 << (63 - __builtin_clzll(count));
}

static inline struct map_node **bucket_at(const struct map *map, size_t index)
{
    return &map->segments[index >> SEGMENT_BITS][index & (SEGMENT_LEN - 1)];
}

static inline size_t bucket_index(const struct map *map, uint64_t hash)
{
    size_t power = power_below(map->bucket_count);
    size_t index = hash & (2 * power - 1);
    return index < map->bucket_count ? index : index - power;
}

enum err map_init(struct map *map)
{
    struct map_node ***segments = calloc(SEGMENTS_FIRST, sizeof(*segments));
    struct map_node **first = segments ? calloc(SEGMENT_LEN, sizeof(*first)) : NULL;
    if (!first) {
        free(segments);
        return ERR_NOMEM;
    }
    segments[0] = first;
    *map = (struct map){.segments = segments, .segment_cap = SEGMENTS_FIRST, .bucket_count = BUCKETS_MIN};
    return OK;
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->segment_cap; i++)
        free(map->segments[i]);
    free(map->segments);
    *map = (struct map){0};
}

struct map_node *map_find(const struct map *map, uint64_t hash, map_equal_fn equal, const void *key)
{
    if (!map->bucket_count)
        return NULL;
    for (struct map_node *node = *bucket_at(map, bucket_index(map, hash)); node; node = node->next) {
        if (node->hash == hash && equal(node, key))
            return node;
    }
    return NULL;
}

struct map_node *map_first(const struct map *map, uint64_t hash)
{
    return map->bucket_count ? *bucket_at(map, bucket_index(map, hash)) : NULL;
}

void map_prefetch(const struct map *map, uint64_t hash)
{
    if (map->bucket_count)
        __builtin_prefetch(bucket_at(map, bucket_index(map, hash)));
}

/* Makes sure that bucket `index` has memory; false: the table stays as large as it is. */
static bool make_segment(struct map *map, size_t index)
{
    size_t segment = index >> SEGMENT_BITS;
    if (segment >= map->segment_cap) {
        size_t cap = map->segment_cap * 2;
        struct map_node ***grown = realloc(map->segments, cap * sizeof(*grown));
        if (!grown)
            return false;
        for (size_t i = map->segment_cap; i < cap; i++)
            grown[i] = NULL;
        map->segments = grown;
        map->segment_cap = cap;
    }
    if (!map->segments[segment])
        map->segments[segment] = calloc(SEGMENT_LEN, sizeof(**map->segments));
    return map->segments[segment] != NULL;
}

static void grow(struct map *map)
{
    size_t added = map->bucket_count;
    if (!make_segment(map, added))
        return;
    struct map_node **from = bucket_at(map, added - power_below(added));
    struct map_node **to = bucket_at(map, added);
    map->bucket_count++;
    *to = NULL;
    while (*from) {
        struct map_node *node = *from;
        if (bucket_index(map, node->hash) != added) {
            from = &node->next;
            continue;
        }
        *from = node->next;
        *to = node;
        to = &node->next;
        node->next = NULL;
    }
}

static void shrink(struct map *map)
{
    size_t removed = --map->bucket_count;
    struct map_node **from = bucket_at(map, removed);
    struct map_node **to = bucket_at(map, removed - power_below(removed));
    while (*to)
        to = &(*to)->next;
    *to = *from;
    *from = NULL;
    if ((removed & (SEGMENT_LEN - 1)) == 0) {
        free(map->segments[removed >> SEGMENT_BITS]);
        map->segments[removed >> SEGMENT_BITS] = NULL;
    }
}

void map_add(struct map *map, struct map_node *node, uint64_t hash)
{
    map->count++;
    if (map->count > map->bucket_count)
        grow(map);
    /* Two at a time, so that a table that emptied is small again after as many additions as it had halves of buckets;
     * each step is a few pointers. */
    for (int i = 0; i < 2 && map->bucket_count > BUCKETS_MIN && map->count < map->bucket_count / 8; i++)
        shrink(map);
    struct map_node **bucket = bucket_at(map, bucket_index(map, hash));
    node->hash = hash;
    node->next = *bucket;
    *bucket = node;
}

void map_remove(struct map *map, struct map_node *node)
{
    struct map_node **link = bucket_at(map, bucket_index(map, node->hash));
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->next = NULL;
    map->count--;
}

size_t map_buckets(const struct map *map)
{
    return map->bucket_count;
}

struct map_node *map_bucket(const struct map *map, size_t index)
{
    return index < map->bucket_count ? *bucket_at(map, index) : NULL;
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
    if (node && node->next)
        return node->next;
    size_t index = node ? bucket_index(map, node->hash) + 1 : 0;
    for (; index < map->bucket_count; index++) {
        if (*bucket_at(map, index))
            return *bucket_at(map, index);
    }
    return NULL;
}
