/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/txn_region.h"

#include "util/invariant.h"
#include <stdlib.h>
#include <sys/mman.h>

enum { CHUNKS = TXN_REGION_LEN / TXN_CHUNK_LEN, ALL_FREE = (1 << CHUNKS) - 1 };

struct txn_region {
    struct list node; /* in roomy while a chunk is free */
    char *memory;
    unsigned free; /* bit n: chunk n */
};

void txn_regions_init(struct txn_regions *regions)
{
    list_init(&regions->roomy);
}

/* TXN_REGION_LEN bytes aligned to their length: mapped with room around them, which is cut off again. */
static char *map_aligned(void)
{
    char *at = mmap(NULL, 2 * (size_t)TXN_REGION_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = (TXN_REGION_LEN - ((uintptr_t)at & (TXN_REGION_LEN - 1))) & (TXN_REGION_LEN - 1);
    if (before)
        munmap(at, before);
    munmap(at + before + TXN_REGION_LEN, TXN_REGION_LEN - before);
    /* A wish: where the system has no huge pages, small ones do. */
    (void)madvise(at + before, TXN_REGION_LEN, MADV_HUGEPAGE);
    return at + before;
}

static struct txn_region *region_new(struct txn_regions *regions)
{
    struct txn_region *region = calloc(1, sizeof(*region));
    if (region)
        region->memory = map_aligned();
    if (!region || !region->memory) {
        free(region);
        return NULL;
    }
    region->free = ALL_FREE;
    list_push_front(&regions->roomy, &region->node);
    return region;
}

void *txn_regions_take(struct txn_regions *regions, struct txn_region **out_region)
{
    struct list *first = list_first(&regions->roomy);
    struct txn_region *region = first ? container_of(first, struct txn_region, node) : region_new(regions);
    if (!region)
        return NULL;
    unsigned at = (unsigned)__builtin_ctz(region->free);
    region->free &= ~(1U << at);
    if (!region->free)
        list_remove(&region->node);
    *out_region = region;
    return region->memory + (size_t)at * TXN_CHUNK_LEN;
}

void txn_regions_give(struct txn_regions *regions, struct txn_region *region, void *chunk)
{
    size_t at = (size_t)((char *)chunk - region->memory) / TXN_CHUNK_LEN;
    invariant(at < CHUNKS && !(region->free >> at & 1));
    if (!region->free)
        list_push_back(&regions->roomy, &region->node);
    region->free |= 1U << at;
    if (region->free != ALL_FREE) {
        (void)madvise(chunk, TXN_CHUNK_LEN, MADV_DONTNEED);
        return;
    }
    list_remove(&region->node);
    munmap(region->memory, TXN_REGION_LEN);
    free(region);
}
