/* SPDX-License-Identifier: Apache-2.0 */
/* How metrics lie in memory: shared by counting (metric.c) and rendering (metric_render.c). */
#pragma once

#include "util/metric.h"

#include <pthread.h>
#include <stdatomic.h>

enum { METRIC_BLOCK = 4096 };

typedef _Atomic uint64_t metric_cell;

struct metric_family;

/* A counter or gauge has one cell a shard; a histogram one a bucket, one for +Inf, and one for the sum (a double). */
struct metric {
    struct metric *next;
    struct metric_family *family;
    char *labels;
    char *cells; /* those of shard 0; the next shard's are METRIC_BLOCK bytes on */
    unsigned shards;
};

struct metric_family {
    struct metric_family *next;
    struct metric *first;
    struct metric **last_link;
    char *name;
    char *help;
    enum metric_kind kind;
    unsigned bound_count;
    double bounds[METRIC_BOUNDS_MAX];
};

struct chunk;

struct metric_registry {
    pthread_mutex_t lock; /* registering and rendering; counting takes none */
    struct metric_family *first;
    struct metric_family **last_link;
    struct chunk *chunks;
    unsigned shards;
    unsigned count;
};

/* A shard that there is none of counts as the first. */
static inline metric_cell *metric_cells(const struct metric *metric, unsigned shard)
{
    size_t block = shard < metric->shards ? shard : 0;
    return (metric_cell *)(void *)(metric->cells + block * METRIC_BLOCK);
}

/* Cell `index` summed over all shards. */
static inline uint64_t metric_sum(const struct metric *metric, unsigned index)
{
    uint64_t sum = 0;
    for (unsigned shard = 0; shard < metric->shards; shard++)
        sum += atomic_load_explicit(&metric_cells(metric, shard)[index], memory_order_relaxed);
    return sum;
}
