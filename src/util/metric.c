/* SPDX-License-Identifier: Apache-2.0 */
/* Cells lie in chunks: a chunk has one block a shard, and a metric has the same offset in every block.  So a worker's
 * counters lie together, and no two workers write to one cache line. */
#include "util/metric.h"
#include "util/invariant.h"
#include "util/metric_priv.h"

#include <pthread.h>
#include <stdlib.h>

struct chunk {
    struct chunk *next;
    char *cells;
    size_t used; /* bytes of each block */
};

static struct metric_family *find_family(struct metric_registry *registry, const char *name)
{
    struct metric_family *family = registry->first;
    while (family && strcmp(family->name, name) != 0)
        family = family->next;
    return family;
}

static struct metric *find_metric(struct metric_family *family, const char *labels)
{
    struct metric *metric = family->first;
    while (metric && strcmp(metric->labels, labels) != 0)
        metric = metric->next;
    return metric;
}

static void metric_free(struct metric *metric)
{
    if (!metric)
        return;
    free(metric->labels);
    free(metric);
}

static void family_free(struct metric_family *family)
{
    if (!family)
        return;
    while (family->first) {
        struct metric *next = family->first->next;
        metric_free(family->first);
        family->first = next;
    }
    free(family->name);
    free(family->help);
    free(family);
}

enum err metric_registry_new(unsigned shards, struct metric_registry **out_registry)
{
    if (!shards)
        return ERR_INVALID;
    struct metric_registry *registry = calloc(1, sizeof(*registry));
    if (!registry)
        return ERR_NOMEM;
    registry->shards = shards;
    registry->last_link = &registry->first;
    if (pthread_mutex_init(&registry->lock, NULL) != 0) {
        free(registry);
        return ERR_NOMEM;
    }
    *out_registry = registry;
    return OK;
}

void metric_registry_free(struct metric_registry *registry)
{
    if (!registry)
        return;
    while (registry->first) {
        struct metric_family *next = registry->first->next;
        family_free(registry->first);
        registry->first = next;
    }
    while (registry->chunks) {
        struct chunk *next = registry->chunks->next;
        free(registry->chunks->cells);
        free(registry->chunks);
        registry->chunks = next;
    }
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

/* Room for `count` cells at one offset of every shard's block; NULL when out of memory. */
static char *take_cells(struct metric_registry *registry, unsigned count)
{
    size_t bytes = count * sizeof(metric_cell);
    struct chunk *chunk = registry->chunks;
    if (!chunk || METRIC_BLOCK - chunk->used < bytes) {
        chunk = calloc(1, sizeof(*chunk));
        if (!chunk)
            return NULL;
        size_t size = (size_t)METRIC_BLOCK * registry->shards;
        chunk->cells = aligned_alloc(METRIC_BLOCK, size);
        if (!chunk->cells) {
            free(chunk);
            return NULL;
        }
        memset(chunk->cells, 0, size);
        chunk->next = registry->chunks;
        registry->chunks = chunk;
    }
    char *cells = chunk->cells + chunk->used;
    chunk->used += bytes;
    return cells;
}

/* What is to be registered, as the two public functions got it. */
struct metric_wish {
    enum metric_kind kind;
    const char *name;
    const char *labels;
    const char *help;
    const double *bounds;
    unsigned bound_count;
};

static enum err family_new(struct metric_registry *registry, const struct metric_wish *wish,
                           struct metric_family **out_family)
{
    struct metric_family *family = calloc(1, sizeof(*family));
    if (!family)
        return ERR_NOMEM;
    family->kind = wish->kind;
    family->last_link = &family->first;
    family->bound_count = wish->bound_count;
    for (unsigned i = 0; i < wish->bound_count; i++)
        family->bounds[i] = wish->bounds[i];
    family->name = span_dup(span_of(wish->name));
    family->help = span_dup(span_of(wish->help));
    if (!family->name || !family->help) {
        family_free(family);
        return ERR_NOMEM;
    }
    *registry->last_link = family;
    registry->last_link = &family->next;
    *out_family = family;
    return OK;
}

static bool family_fits(const struct metric_family *family, const struct metric_wish *wish)
{
    if (family->kind != wish->kind || family->bound_count != wish->bound_count || strcmp(family->help, wish->help) != 0)
        return false;
    return !wish->bound_count || memcmp(family->bounds, wish->bounds, wish->bound_count * sizeof(*wish->bounds)) == 0;
}

static enum err family_add(struct metric_registry *registry, struct metric_family *family, const char *labels,
                           struct metric **out_metric)
{
    if (registry->count >= METRIC_MAX)
        return ERR_FULL;
    struct metric *metric = calloc(1, sizeof(*metric));
    if (!metric)
        return ERR_NOMEM;
    unsigned cells = family->kind == METRIC_HISTOGRAM ? family->bound_count + 2 : 1;
    metric->labels = span_dup(span_of(labels));
    metric->cells = metric->labels ? take_cells(registry, cells) : NULL;
    if (!metric->cells) {
        metric_free(metric);
        return ERR_NOMEM;
    }
    metric->family = family;
    metric->shards = registry->shards;
    *family->last_link = metric;
    family->last_link = &metric->next;
    registry->count++;
    *out_metric = metric;
    return OK;
}

static enum err add_locked(struct metric_registry *registry, const struct metric_wish *wish, struct metric **out_metric)
{
    struct metric_family *family = find_family(registry, wish->name);
    if (family && !family_fits(family, wish))
        return ERR_CONFLICT;
    if (!family) {
        enum err err = family_new(registry, wish, &family);
        if (err != OK)
            return err;
    }
    struct metric *metric = find_metric(family, wish->labels);
    if (!metric)
        return family_add(registry, family, wish->labels, out_metric);
    *out_metric = metric;
    return OK;
}

static enum err add(struct metric_registry *registry, const struct metric_wish *wish, struct metric **out_metric)
{
    pthread_mutex_lock(&registry->lock);
    enum err err = add_locked(registry, wish, out_metric);
    pthread_mutex_unlock(&registry->lock);
    return err;
}

enum err metric_add(struct metric_registry *registry, enum metric_kind kind, const char *name, const char *labels,
                    const char *help, struct metric **out_metric)
{
    if (kind == METRIC_HISTOGRAM)
        return ERR_INVALID; /* needs bounds */
    struct metric_wish wish = {.kind = kind, .name = name, .labels = labels, .help = help};
    return add(registry, &wish, out_metric);
}

enum err metric_add_histogram(struct metric_registry *registry, const char *name, const char *labels, const char *help,
                              const double *bounds, unsigned bound_count, struct metric **out_metric)
{
    if (!bound_count || bound_count > METRIC_BOUNDS_MAX)
        return ERR_INVALID;
    for (unsigned i = 1; i < bound_count; i++) {
        if (bounds[i] <= bounds[i - 1])
            return ERR_INVALID;
    }
    struct metric_wish wish = {METRIC_HISTOGRAM, name, labels, help, bounds, bound_count};
    return add(registry, &wish, out_metric);
}

void metric_count(struct metric *metric, unsigned shard, uint64_t by)
{
    atomic_fetch_add_explicit(metric_cells(metric, shard), by, memory_order_relaxed);
}

void metric_set(struct metric *metric, unsigned shard, int64_t value)
{
    atomic_store_explicit(metric_cells(metric, shard), (uint64_t)value, memory_order_relaxed);
}

/* The cell holds a double's bits; only its own worker adds, so the loop turns once. */
static void add_double(metric_cell *cell, double by)
{
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
    uint64_t sum;
    do {
        double value;
        memcpy(&value, &old, sizeof(value));
        value += by;
        memcpy(&sum, &value, sizeof(sum));
    } while (!atomic_compare_exchange_weak_explicit(cell, &old, sum, memory_order_relaxed, memory_order_relaxed));
}

void metric_observe(struct metric *metric, unsigned shard, double value)
{
    const struct metric_family *family = metric->family;
    invariant(family->kind == METRIC_HISTOGRAM);
    metric_cell *cells = metric_cells(metric, shard);
    unsigned bucket = 0;
    while (bucket < family->bound_count && value > family->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&cells[bucket], 1, memory_order_relaxed);
    add_double(&cells[family->bound_count + 1], value);
}

int64_t metric_read(const struct metric *metric)
{
    uint64_t sum = 0;
    unsigned cells = metric->family->kind == METRIC_HISTOGRAM ? metric->family->bound_count + 1 : 1;
    for (unsigned i = 0; i < cells; i++)
        sum += metric_sum(metric, i);
    return (int64_t)sum;
}
