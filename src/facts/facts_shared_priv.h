/* SPDX-License-Identifier: Apache-2.0 */
/* A shared table's inside.  Within a shard, entries stand in the order in which they expire: all live equally long. */
#pragma once

#include "facts/facts_shared.h"
#include "util/list.h"
#include "util/map.h"
#include "util/siphash.h"
#include "util/span.h"
#include <pthread.h>
#include <stdatomic.h>

enum { FACTS_SHARDS = 64 };

struct facts_entry {
    struct map_node node;
    struct list by_expiry;
    uint64_t expires_ms;
    union {
        uint64_t count;
        struct {
            double tokens;
            uint64_t at_ms;
        };
        size_t value_len; /* the value is behind the key */
    };
    uint8_t key_len;
    char bytes[];
};

struct facts_shard {
    _Alignas(64) pthread_mutex_t lock;
    struct map map;
    struct list by_expiry;
};

struct facts_shared {
    _Atomic size_t references;
    struct facts_shared_spec spec;
    struct facts_shared_registry *registry; /* NULL: in none */
    struct list in_registry;                /* under the registry's lock; unlinked once another took the name */
    char name[FACTS_SHARED_NAME_MAX + 1];
    struct siphash_key key;
    _Atomic uint64_t count;
    _Atomic uint64_t refused;
    _Atomic unsigned next_sweep;
    struct facts_shard shards[FACTS_SHARDS];
};

/* With one reference; `spec` was checked. */
MUST_CHECK enum err facts_shared_make(const struct facts_shared_spec *spec, struct facts_shared **out_shared);
void facts_shared_destroy(struct facts_shared *shared);
