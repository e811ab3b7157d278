/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/vm_pool.h"

#include <stdlib.h>
#include <string.h>

/* Under a sanitizer every block is the system's own, so that each misuse of one is seen. */
#if defined(__SANITIZE_ADDRESS__)
enum { IS_POOLED = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { IS_POOLED = 0 };
#else
enum { IS_POOLED = 1 };
#endif
#else
enum { IS_POOLED = 1 };
#endif

enum { PAGE_BYTES = 16 * 1024, PAGE_HEAD = 16 };

struct vm_pool_page {
    struct vm_pool_page *next;
};

struct vm_pool_block {
    struct vm_pool_block *next;
};

static int is_small(size_t size)
{
    return IS_POOLED && size <= VM_POOL_MAX;
}

static size_t class_of(size_t size)
{
    return (size - 1) / VM_POOL_STEP;
}

static int add_page(struct vm_pool *pool)
{
    struct vm_pool_page *page = malloc(PAGE_BYTES);
    if (!page)
        return 0;
    page->next = pool->pages;
    pool->pages = page;
    pool->at = (char *)page + PAGE_HEAD;
    pool->left = PAGE_BYTES - PAGE_HEAD;
    return 1;
}

static void *take(struct vm_pool *pool, size_t size)
{
    if (!is_small(size))
        return malloc(size);
    size_t class = class_of(size);
    struct vm_pool_block *block = pool->free[class];
    if (block) {
        pool->free[class] = block->next;
        return block;
    }
    size_t len = (class + 1) * VM_POOL_STEP;
    if (pool->left < len && !add_page(pool))
        return NULL;
    void *fresh = pool->at;
    pool->at += len;
    pool->left -= len;
    return fresh;
}

void vm_pool_give(struct vm_pool *pool, void *block, size_t size)
{
    if (!block || !is_small(size)) {
        free(block);
        return;
    }
    struct vm_pool_block *freed = block;
    freed->next = pool->free[class_of(size)];
    pool->free[class_of(size)] = freed;
}

void *vm_pool_resize(struct vm_pool *pool, void *block, size_t old_size, size_t new_size)
{
    if (!block)
        return take(pool, new_size);
    if (!is_small(old_size) && !is_small(new_size))
        return realloc(block, new_size);
    if (is_small(old_size) && is_small(new_size) && class_of(old_size) == class_of(new_size))
        return block;
    void *moved = take(pool, new_size);
    if (!moved)
        return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    vm_pool_give(pool, block, old_size);
    return moved;
}

void vm_pool_done(struct vm_pool *pool)
{
    while (pool->pages) {
        struct vm_pool_page *page = pool->pages;
        pool->pages = page->next;
        free(page);
    }
    *pool = (struct vm_pool){0};
}
