/* SPDX-License-Identifier: Apache-2.0 */
/* Private to vm: a VM's small blocks.  A decision makes some ten of them and the collector frees them again, always of
 * the same few sizes: a list for each size is all that this needs. */
#pragma once

#include <stddef.h>

enum { VM_POOL_STEP = 16, VM_POOL_MAX = 256, VM_POOL_CLASSES = VM_POOL_MAX / VM_POOL_STEP };

struct vm_pool_page;
struct vm_pool_block;

/* All zero: empty. */
struct vm_pool {
    struct vm_pool_page *pages;
    struct vm_pool_block *free[VM_POOL_CLASSES];
    char *at; /* the part of the newest page that was never handed out */
    size_t left;
};

/* As realloc: `old_size` is what `block` was asked for with, 0 with NULL; new_size is not 0.  NULL: no memory, and the
 * block is as it was. */
void *vm_pool_resize(struct vm_pool *pool, void *block, size_t old_size, size_t new_size);
/* NULL is fine. */
void vm_pool_give(struct vm_pool *pool, void *block, size_t size);
/* Every block must have been given back. */
void vm_pool_done(struct vm_pool *pool);
