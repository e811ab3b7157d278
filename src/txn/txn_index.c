/* SPDX-License-Identifier: Apache-2.0 */
/* A slot is a pointer with 16 bits of its hash above it (user space ends below 2^48).  A bucket's slots are filled without
 * gaps; its list is empty unless all of them are taken. */
#include "txn/txn_index.h"

#include "util/invariant.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 7,
    LOAD = 4, /* links a bucket at which one is added: one bucket in twenty then overflows */
    SEGMENT_BITS = 8,
    SEGMENT_LEN = 1 << SEGMENT_BITS,
    BUCKETS_MIN = 16,
    SEGMENT_BYTES = SEGMENT_LEN * 64,
    GROUP = TXN_CHUNK_LEN / SEGMENT_BYTES, /* segments */
    SEGMENTS_FIRST = GROUP,
    LINE = 64
};
#define POINTER_MASK (((uint64_t)1 << 48) - 1)

struct txn_bucket {
    uint64_t slots[SLOTS]; /* 0: free */
    struct txn_link *more;
};
_Static_assert(sizeof(struct txn_bucket) == LINE, "one cache line");

static uint64_t slot_of(const struct txn_link *link)
{
    return (uint64_t)(uintptr_t)link | (link->hash & ~POINTER_MASK);
}

static struct txn_link *link_of(uint64_t slot)
{
    return (struct txn_link *)(uintptr_t)(slot & POINTER_MASK);
}

static size_t power_below(size_t count)
{
    return (size_t)1 << (63 - __builtin_clzll(count));
}

static struct txn_bucket *bucket_at(const struct txn_index *index, size_t at)
{
    return &index->segments[at >> SEGMENT_BITS][at & (SEGMENT_LEN - 1)];
}

static struct txn_bucket *bucket_of(const struct txn_index *index, uint64_t hash)
{
    size_t power = power_below(index->bucket_count);
    size_t at = hash & (2 * power - 1);
    return bucket_at(index, at < index->bucket_count ? at : at - power);
}

static struct txn_bucket *segment_new(void)
{
    struct txn_bucket *segment = aligned_alloc(LINE, SEGMENT_BYTES);
    if (segment)
        memset(segment, 0, SEGMENT_BYTES);
    return segment;
}

/* The first segments are small; from the second group on, a whole group is one chunk of a region (which is zero when it
 * is taken): large tables are met in no order, and huge pages save a walk for each bucket. */
static bool group_new(struct txn_index *index, size_t first)
{
    char *chunk = txn_regions_take(&index->regions, &index->owners[first / GROUP]);
    for (size_t i = 0; chunk && i < GROUP; i++)
        index->segments[first + i] = (struct txn_bucket *)(void *)(chunk + i * SEGMENT_BYTES);
    return chunk != NULL;
}

/* Everything from this segment on is empty. */
static void segment_free(struct txn_index *index, size_t segment)
{
    if (segment < GROUP) {
        free(index->segments[segment]);
        index->segments[segment] = NULL;
    } else if (segment % GROUP == 0 && index->segments[segment]) {
        txn_regions_give(&index->regions, index->owners[segment / GROUP], index->segments[segment]);
        memset(&index->segments[segment], 0, GROUP * sizeof(struct txn_bucket *));
    }
}

enum err txn_index_init(struct txn_index *index)
{
    struct txn_bucket **segments = calloc(SEGMENTS_FIRST, sizeof(struct txn_bucket *));
    struct txn_bucket *first = segments ? segment_new() : NULL;
    if (!first) {
        free(segments);
        return ERR_NOMEM;
    }
    segments[0] = first;
    *index = (struct txn_index){.segments = segments, .segment_cap = SEGMENTS_FIRST, .bucket_count = BUCKETS_MIN};
    txn_regions_init(&index->regions);
    return OK;
}

void txn_index_done(struct txn_index *index)
{
    for (size_t i = index->segment_cap; i > 0; i--)
        segment_free(index, i - 1);
    free(index->segments);
    free(index->owners);
    *index = (struct txn_index){0};
}

void txn_index_prefetch(const struct txn_index *index, uint64_t hash)
{
    __builtin_prefetch(bucket_of(index, hash));
}

struct txn_link *txn_index_find(const struct txn_index *index, uint64_t hash)
{
    const struct txn_bucket *bucket = bucket_of(index, hash);
    for (unsigned i = 0; i < SLOTS && bucket->slots[i]; i++) {
        if (((bucket->slots[i] ^ hash) & ~POINTER_MASK) == 0 && link_of(bucket->slots[i])->hash == hash)
            return link_of(bucket->slots[i]);
    }
    for (struct txn_link *link = bucket->more; link; link = link->next) {
        if (link->hash == hash)
            return link;
    }
    return NULL;
}

static void put(struct txn_index *index, struct txn_link *link)
{
    struct txn_bucket *bucket = bucket_of(index, link->hash);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (!bucket->slots[i]) {
            bucket->slots[i] = slot_of(link);
            return;
        }
    }
    link->next = bucket->more;
    bucket->more = link;
}

/* Empties a bucket and deals its links out again, by the number of buckets as it is now. */
static void deal_out(struct txn_index *index, struct txn_bucket *bucket)
{
    struct txn_bucket old = *bucket;
    *bucket = (struct txn_bucket){0};
    for (unsigned i = 0; i < SLOTS && old.slots[i]; i++)
        put(index, link_of(old.slots[i]));
    while (old.more) {
        struct txn_link *link = old.more;
        old.more = link->next;
        link->next = NULL;
        put(index, link);
    }
}

/* Room in the arrays for twice as many segments. */
static bool grow_arrays(struct txn_index *index)
{
    size_t cap = index->segment_cap * 2;
    struct txn_bucket **segments = realloc(index->segments, cap * sizeof(*segments));
    if (!segments)
        return false;
    memset(segments + index->segment_cap, 0, (cap - index->segment_cap) * sizeof(*segments));
    index->segments = segments;
    struct txn_region **owners = realloc(index->owners, cap / GROUP * sizeof(*owners));
    if (!owners)
        return false;
    index->owners = owners;
    index->segment_cap = cap;
    return true;
}

/* Makes sure that bucket `at` has memory; false: the index stays as large as it is. */
static bool make_segment(struct txn_index *index, size_t at)
{
    size_t segment = at >> SEGMENT_BITS;
    if (segment >= index->segment_cap && !grow_arrays(index))
        return false;
    if (index->segments[segment])
        return true;
    if (segment >= GROUP)
        return group_new(index, segment - segment % GROUP);
    index->segments[segment] = segment_new();
    return index->segments[segment] != NULL;
}

static void grow(struct txn_index *index)
{
    size_t added = index->bucket_count;
    if (!make_segment(index, added))
        return;
    index->bucket_count++;
    deal_out(index, bucket_at(index, added - power_below(added)));
}

static void shrink(struct txn_index *index)
{
    size_t removed = --index->bucket_count;
    deal_out(index, bucket_at(index, removed));
    if ((removed & (SEGMENT_LEN - 1)) == 0)
        segment_free(index, removed >> SEGMENT_BITS);
}

void txn_index_add(struct txn_index *index, struct txn_link *link, uint64_t hash)
{
    invariant(hash);
    if (++index->count > index->bucket_count * LOAD)
        grow(index);
    *link = (struct txn_link){.hash = hash};
    put(index, link);
}

/* The last of a bucket's slots moves into the one that became free, or one from its list. */
static void refill(struct txn_bucket *bucket, unsigned at)
{
    struct txn_link *waiting = bucket->more;
    if (waiting) {
        bucket->more = waiting->next;
        waiting->next = NULL;
        bucket->slots[at] = slot_of(waiting);
        return;
    }
    unsigned last = at;
    while (last + 1 < SLOTS && bucket->slots[last + 1])
        last++;
    bucket->slots[at] = bucket->slots[last];
    bucket->slots[last] = 0;
}

static void unlist(struct txn_bucket *bucket, const struct txn_link *link)
{
    struct txn_link **at = &bucket->more;
    while (*at && *at != link)
        at = &(*at)->next;
    invariant(*at);
    *at = link->next;
}

void txn_index_remove(struct txn_index *index, struct txn_link *link)
{
    struct txn_bucket *bucket = bucket_of(index, link->hash);
    uint64_t slot = slot_of(link);
    unsigned at = 0;
    while (at < SLOTS && bucket->slots[at] != slot)
        at++;
    if (at < SLOTS)
        refill(bucket, at);
    else
        unlist(bucket, link);
    *link = (struct txn_link){0};
    index->count--;
    if (index->bucket_count > BUCKETS_MIN && index->count * 4 < index->bucket_count * LOAD)
        shrink(index);
}

struct txn_link *txn_index_empty_next(struct txn_index *index)
{
    while (index->bucket_count) {
        struct txn_bucket *bucket = bucket_at(index, index->bucket_count - 1);
        struct txn_link *link = bucket->slots[0] ? link_of(bucket->slots[0]) : NULL;
        if (link) {
            refill(bucket, 0);
            *link = (struct txn_link){0};
            index->count--;
            return link;
        }
        index->bucket_count--;
    }
    return NULL;
}
