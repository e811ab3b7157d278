/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive hash map.  The caller hashes (SipHash for anything that comes from a network) and compares; the map
 * allocates only its array of buckets, which grows and shrinks one bucket at a time (linear hashing, in segments), so
 * no single insertion is ever slow. */
#pragma once

#include "util/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node {
    struct map_node *next;
    uint64_t hash;
};

struct map {
    struct map_node ***segments; /* directory of bucket segments */
    size_t segment_cap;
    size_t bucket_count;
    size_t count;
};

/* Whether `node` holds `key`; only called where the 64-bit hashes are equal. */
typedef bool (*map_equal_fn)(const struct map_node *node, const void *key);

MUST_CHECK enum err map_init(struct map *map);
/* Frees the buckets; the nodes are the caller's. */
void map_done(struct map *map);
/* NULL when there is none. */
struct map_node *map_find(const struct map *map, uint64_t hash, map_equal_fn equal, const void *key);
/* The first of the nodes among which those of this hash are, then by ->next: for keys that several nodes share. */
struct map_node *map_first(const struct map *map, uint64_t hash);
/* Has the place of this hash's bucket brought into the cache: for who will look there a few hundred instructions later. */
void map_prefetch(const struct map *map, uint64_t hash);
/* Links `node`, whose hash is set here.  Never fails: when no memory is left to grow, chains get longer. */
void map_add(struct map *map, struct map_node *node, uint64_t hash);
/* Unlinks `node`, which must be in `map`.  Moves no other node, so a walk may remove what it passes; the buckets that are
 * then too many go with later additions. */
void map_remove(struct map *map, struct map_node *node);
/* How many buckets there are now, and the first node of one, for a walk in slices: buckets are passed by index, upwards.  What
 * is added meanwhile may be missed; what is there all the time is met, at least once, as long as map_buckets() does not
 * fall (then the walk begins anew). */
size_t map_buckets(const struct map *map);
struct map_node *map_bucket(const struct map *map, size_t index);
/* Walks all nodes in no order; start with NULL, ends with NULL.  Fetch the next before removing the present one. */
struct map_node *map_next(const struct map *map, const struct map_node *node);
