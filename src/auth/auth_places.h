/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder only: a table of atomic words in buckets of one cache line, which all workers share. */
#pragma once

#include "util/err.h"

#include <stdatomic.h>
#include <stdint.h>

enum { AUTH_BUCKET_PLACES = 8, AUTH_PLACES_MIN = 64, AUTH_PLACES_MAX = 1 << 26 };

struct auth_bucket {
    _Atomic uint64_t words[AUTH_BUCKET_PLACES];
};

struct auth_places {
    void *memory;
    struct auth_bucket *buckets;
    uint32_t mask; /* number of buckets - 1 */
};

/* All words 0; memory that nobody writes to is not taken from the system. `places` is rounded up to a power of two. */
MUST_CHECK enum err auth_places_init(struct auth_places *places, uint32_t count);
void auth_places_done(struct auth_places *places);

static inline struct auth_bucket *auth_places_bucket(const struct auth_places *places, uint32_t hash)
{
    return &places->buckets[hash & places->mask];
}
