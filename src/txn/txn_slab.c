/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk is cut into blocks of one size and aligned to its own length, so a block finds its chunk by its address.  An
 * empty chunk goes to a small common pool, and from there back to the system. */
#include "txn/txn_slab.h"

#include "txn/txn_region.h"
#include "util/invariant.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, len)   ASAN_POISON_MEMORY_REGION((at), (len))
#define UNPOISON(at, len) ASAN_UNPOISON_MEMORY_REGION((at), (len))
#else
#define POISON(at, len)   ((void)(at), (void)(len))
#define UNPOISON(at, len) ((void)(at), (void)(len))
#endif

enum {
    CHUNK_LEN = TXN_CHUNK_LEN,
    SMALL_STEP = 64,
    SMALL_MAX = 1024,                       /* multiples of 64 up to here ... */
    SMALL_CLASSES = SMALL_MAX / SMALL_STEP, /* 16 of them */
    LARGE_STEPS = 4,                        /* ... then four sizes a power of two ... */
    LARGE_MAX = 32768,                      /* ... up to here; beyond, malloc */
    CLASSES = SMALL_CLASSES + 5 * LARGE_STEPS,
    POOL_MIN = 4 /* empty chunks kept at least */
};

struct block {
    struct block *next;
};

struct chunk {
    struct list node; /* among the class's chunks with room, or in the pool */
    struct txn_region *region;
    struct block *free;
    unsigned class;
    unsigned used;
    unsigned cut; /* blocks that were ever handed out: the rest of the chunk is untouched */
    unsigned room;
};

enum { CHUNK_HEAD = 64 };
_Static_assert(sizeof(struct chunk) <= CHUNK_HEAD, "blocks begin behind the head");

struct txn_slab {
    struct list roomy[CLASSES];
    struct list pool;
    struct txn_regions regions;
    size_t pooled;
    size_t chunks; /* in use, the pool not counted */
    size_t memory;
    size_t limit;
    size_t blocks;
    unsigned fail_in;
};

static unsigned class_of(size_t len)
{
    if (len <= SMALL_MAX)
        return len ? (unsigned)((len - 1) / SMALL_STEP) : 0;
    unsigned power = 63 - (unsigned)__builtin_clzll(len - 1); /* 2^power < len <= 2^(power + 1) */
    size_t quarter = ((len - 1) >> (power - 2)) & 3;
    return SMALL_CLASSES + (power - 10) * LARGE_STEPS + (unsigned)quarter;
}

static size_t class_len(unsigned class)
{
    if (class < SMALL_CLASSES)
        return (size_t)(class + 1) * SMALL_STEP;
    unsigned power = 10 + (class - SMALL_CLASSES) / LARGE_STEPS;
    return ((size_t)1 << power) + ((size_t)1 << (power - 2)) * ((class - SMALL_CLASSES) % LARGE_STEPS + 1);
}

size_t txn_slab_block(size_t len)
{
    return len > LARGE_MAX ? len : class_len(class_of(len));
}

enum err txn_slab_new(size_t limit, struct txn_slab **out_slab)
{
    struct txn_slab *slab = calloc(1, sizeof(*slab));
    if (!slab)
        return ERR_NOMEM;
    for (unsigned i = 0; i < CLASSES; i++)
        list_init(&slab->roomy[i]);
    list_init(&slab->pool);
    txn_regions_init(&slab->regions);
    slab->limit = limit;
    *out_slab = slab;
    return OK;
}

static struct chunk *chunk_map(struct txn_slab *slab)
{
    if (slab->limit && slab->memory + CHUNK_LEN > slab->limit)
        return NULL;
    struct txn_region *region;
    struct chunk *chunk = txn_regions_take(&slab->regions, &region);
    if (!chunk)
        return NULL;
    chunk->region = region;
    slab->memory += CHUNK_LEN;
    return chunk;
}

static void chunk_unmap(struct txn_slab *slab, struct chunk *chunk)
{
    UNPOISON(chunk, CHUNK_LEN);
    txn_regions_give(&slab->regions, chunk->region, chunk);
    slab->memory -= CHUNK_LEN;
}

static struct chunk *chunk_new(struct txn_slab *slab, unsigned class)
{
    struct list *pooled = list_first(&slab->pool);
    struct chunk *chunk = pooled ? container_of(pooled, struct chunk, node) : chunk_map(slab);
    if (!chunk)
        return NULL;
    if (pooled) {
        list_remove(pooled);
        slab->pooled--;
    }
    slab->chunks++;
    *chunk = (struct chunk){
        .region = chunk->region, .class = class, .room = (unsigned)((CHUNK_LEN - CHUNK_HEAD) / class_len(class))};
    list_push_back(&slab->roomy[class], &chunk->node);
    POISON((char *)chunk + CHUNK_HEAD, CHUNK_LEN - CHUNK_HEAD);
    return chunk;
}

static void chunk_retire(struct txn_slab *slab, struct chunk *chunk)
{
    list_remove(&chunk->node);
    list_push_front(&slab->pool, &chunk->node);
    slab->pooled++;
    slab->chunks--;
    size_t keep = slab->chunks / 8 > POOL_MIN ? slab->chunks / 8 : POOL_MIN;
    while (slab->pooled > keep) {
        struct chunk *surplus = container_of(slab->pool.prev, struct chunk, node);
        list_remove(&surplus->node);
        slab->pooled--;
        chunk_unmap(slab, surplus);
    }
}

static void *take_large(struct txn_slab *slab, size_t len)
{
    if (slab->limit && slab->memory + len > slab->limit)
        return NULL;
    void *block = malloc(len);
    if (block) {
        slab->memory += len;
        slab->blocks++;
    }
    return block;
}

void *txn_slab_take(struct txn_slab *slab, size_t len)
{
    if (slab->fail_in && --slab->fail_in == 0)
        return NULL;
    if (len > LARGE_MAX)
        return take_large(slab, len);
    unsigned class = class_of(len);
    struct list *first = list_first(&slab->roomy[class]);
    struct chunk *chunk = first ? container_of(first, struct chunk, node) : chunk_new(slab, class);
    if (!chunk)
        return NULL;
    struct block *block = chunk->free;
    if (block) {
        UNPOISON(block, class_len(class));
        chunk->free = block->next;
    } else {
        block = (struct block *)(void *)((char *)chunk + CHUNK_HEAD + chunk->cut++ * class_len(class));
        UNPOISON(block, class_len(class));
    }
    chunk->used++;
    slab->blocks++;
    if (chunk->used == chunk->room)
        list_remove(&chunk->node);
    return block;
}

void txn_slab_give(struct txn_slab *slab, void *block, size_t len)
{
    if (!block)
        return;
    slab->blocks--;
    if (len > LARGE_MAX) {
        slab->memory -= len;
        free(block);
        return;
    }
    struct chunk *chunk = (struct chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK_LEN - 1));
    invariant(chunk->class == class_of(len) && chunk->used);
    struct block *freed = block;
    freed->next = chunk->free;
    chunk->free = freed;
    POISON(block, class_len(chunk->class));
    if (chunk->used-- == chunk->room)
        list_push_back(&slab->roomy[chunk->class], &chunk->node);
    if (chunk->used == 0)
        chunk_retire(slab, chunk);
}

static void unmap_all(struct txn_slab *slab, struct list *chunks)
{
    struct list *node;
    while ((node = list_first(chunks))) {
        list_remove(node);
        chunk_unmap(slab, container_of(node, struct chunk, node));
    }
}

void txn_slab_free(struct txn_slab *slab)
{
    if (!slab)
        return;
    /* Full chunks hang nowhere: owners give their blocks back first. */
    invariant(slab->blocks == 0);
    for (unsigned i = 0; i < CLASSES; i++)
        unmap_all(slab, &slab->roomy[i]);
    unmap_all(slab, &slab->pool);
    free(slab);
}

size_t txn_slab_memory(const struct txn_slab *slab)
{
    return slab->memory;
}

size_t txn_slab_blocks(const struct txn_slab *slab)
{
    return slab->blocks;
}

void txn_slab_fail_at(struct txn_slab *slab, unsigned nth)
{
    slab->fail_in = nth;
}
