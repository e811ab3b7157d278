/* SPDX-License-Identifier: Apache-2.0 */
/* Private to txn: memory from the system for the slab's chunks.  Transactions are met in no order that a cache could
 * guess, and with pages of 4 KiB each meeting begins with a walk through the page tables; so chunks are cut from regions
 * that one huge page can map.  A chunk that is given back leaves the process's memory at once. */
#pragma once

#include "util/err.h"
#include "util/list.h"
#include <stddef.h>
#include <stdint.h>

enum { TXN_CHUNK_LEN = 256 * 1024, TXN_REGION_LEN = 2 * 1024 * 1024 };

struct txn_region;

struct txn_regions {
    struct list roomy; /* regions with a free chunk */
};

void txn_regions_init(struct txn_regions *regions);
/* TXN_CHUNK_LEN bytes aligned to their length, not cleared; NULL when memory is out.  *out_region is for the give. */
void *txn_regions_take(struct txn_regions *regions, struct txn_region **out_region);
/* Its region goes back to the system with its last chunk. */
void txn_regions_give(struct txn_regions *regions, struct txn_region *region, void *chunk);
