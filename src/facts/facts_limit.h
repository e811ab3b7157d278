/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets per source address in a fixed table: memory is taken once, a new source takes the place of the one of its
 * set that was idle longest, and a full table forgets instead of growing.  IPv6 sources count by their /64.  Safe from any
 * thread: a lock per set, held for nanoseconds. */
#pragma once

#include "util/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct facts_limit;

struct facts_limit_options {
    double rate;        /* tokens a second, > 0 */
    double burst;       /* >= 1 */
    size_t max_sources; /* rounded up to a power of two; 0: 65536 */
};

MUST_CHECK enum err facts_limit_new(const struct facts_limit_options *options, struct facts_limit **out_limit);
void facts_limit_free(struct facts_limit *limit);

/* Takes one token of the source with this address (4 or 16 bytes, network order); false: it is over its limit.  An
 * IPv4-mapped IPv6 address counts as the IPv4 one.  `now_ms` is monotonic. */
bool facts_limit_allow(struct facts_limit *limit, const void *address, size_t address_len, uint64_t now_ms);
/* Refusals so far. */
uint64_t facts_limit_refused(const struct facts_limit *limit);
