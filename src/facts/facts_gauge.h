/* SPDX-License-Identifier: Apache-2.0 */
/* How many of something stand now, in all and for each key, with a most of each: calls, say, and a user's.  Safe from any
 * thread: one atomic number, and, where keys are limited at all, shards with a lock each that is held for nanoseconds.
 * Memory for a key is there as long as its count is not 0. */
#pragma once

#include "util/err.h"
#include <stddef.h>
#include <stdint.h>

struct facts_gauge;

enum facts_gauge_answer {
    FACTS_GAUGE_TAKEN,
    FACTS_GAUGE_FULL,    /* in all */
    FACTS_GAUGE_KEY_FULL /* for this key; also when there is no memory to count it */
};

/* 0: no limit. */
MUST_CHECK enum err facts_gauge_new(uint64_t most, uint32_t most_a_key, struct facts_gauge **out_gauge);
void facts_gauge_free(struct facts_gauge *gauge); /* NULL is fine */

/* `key` is a keyed hash: nobody outside may choose two that are equal. */
enum facts_gauge_answer facts_gauge_take(struct facts_gauge *gauge, uint64_t key);
/* Gives back what was taken, once. */
void facts_gauge_give(struct facts_gauge *gauge, uint64_t key);

uint64_t facts_gauge_total(const struct facts_gauge *gauge);
uint32_t facts_gauge_count(struct facts_gauge *gauge, uint64_t key);
