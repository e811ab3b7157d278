/* SPDX-License-Identifier: Apache-2.0 */
/* The hash index of transactions: as util/map, with fewer cache misses.  A bucket is one cache line of tagged pointers,
 * so to find or to miss costs that line alone, whatever else hashes there; with 100,000 transactions alive, misses are
 * most of what one costs.  Grows and shrinks one bucket at a time (linear hashing). */
#pragma once

#include "txn/txn_region.h"
#include "util/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Embedded in what is indexed. */
struct txn_link {
    uint64_t hash;         /* 0: it is in no index */
    struct txn_link *next; /* among those for which their bucket has no place */
};

struct txn_bucket;

struct txn_index {
    struct txn_bucket **segments;
    struct txn_region **owners; /* of the groups of segments but the first */
    size_t segment_cap;
    struct txn_regions regions;
    size_t bucket_count;
    size_t count;
};

MUST_CHECK enum err txn_index_init(struct txn_index *index);
/* The links are the caller's. */
void txn_index_done(struct txn_index *index);
/* A link with this hash, or NULL.  Nothing more is compared: hashes are 64 keyed bits. */
struct txn_link *txn_index_find(const struct txn_index *index, uint64_t hash);
/* Begins to fetch the bucket that a txn_index_find() will want soon. */
void txn_index_prefetch(const struct txn_index *index, uint64_t hash);
/* `hash` is not 0.  Never fails: when no memory is left to grow, buckets overflow into lists. */
void txn_index_add(struct txn_index *index, struct txn_link *link, uint64_t hash);
/* `link` must be in the index; its hash becomes 0. */
void txn_index_remove(struct txn_index *index, struct txn_link *link);
/* Takes any link out, the index not caring for order or shape any more: for emptying it.  NULL at the end. */
struct txn_link *txn_index_empty_next(struct txn_index *index);
