/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for transactions, their answers and calls: blocks of a few sizes cut from chunks, so that a worker in steady
 * state never calls malloc, and chunks go back to the system after a peak. */
#pragma once

#include "util/err.h"
#include <stddef.h>

struct txn_slab;

/* `limit`: bytes that may be taken from the system; 0: no limit. */
MUST_CHECK enum err txn_slab_new(size_t limit, struct txn_slab **out_slab);
/* Every block must have been given back. */
void txn_slab_free(struct txn_slab *slab);
/* At least `len` bytes, aligned for any type, not cleared; NULL when memory or the limit is exhausted. */
void *txn_slab_take(struct txn_slab *slab, size_t len);
/* Gives back what txn_slab_take(slab, len) returned, with the same `len`.  NULL is fine. */
void txn_slab_give(struct txn_slab *slab, void *block, size_t len);
/* Bytes that a block for `len` occupies. */
size_t txn_slab_block(size_t len);
/* Bytes taken from the system now. */
size_t txn_slab_memory(const struct txn_slab *slab);
/* For tests: the nth take from now fails, once; 0: none does. */
void txn_slab_fail_at(struct txn_slab *slab, unsigned nth);
/* Blocks out now. */
size_t txn_slab_blocks(const struct txn_slab *slab);
