/* SPDX-License-Identifier: Apache-2.0 */
/* Which shared table has which name.  The registry does not hold its tables: one lives as long as a version holds it, and
 * the registry as long as one of its tables. */
#include "facts/facts_shared_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

struct facts_shared_registry {
    pthread_mutex_t lock;
    struct list tables;
    size_t references; /* under the lock: the owner's, and one a table */
};

const char *facts_shared_kind_name(enum facts_shared_kind kind)
{
    static const char *const names[FACTS_SHARED_KIND_COUNT] = {"counter", "map", "bucket"};
    return (unsigned)kind < FACTS_SHARED_KIND_COUNT ? names[kind] : "unknown";
}

enum err facts_shared_registry_new(struct facts_shared_registry **out_registry)
{
    struct facts_shared_registry *registry = calloc(1, sizeof(*registry));
    if (!registry)
        return ERR_NOMEM;
    pthread_mutex_init(&registry->lock, NULL);
    list_init(&registry->tables);
    registry->references = 1;
    *out_registry = registry;
    return OK;
}

/* Called with the lock held, which it releases. */
static void release(struct facts_shared_registry *registry)
{
    bool last = --registry->references == 0;
    pthread_mutex_unlock(&registry->lock);
    if (!last)
        return;
    invariant(list_is_empty(&registry->tables));
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

void facts_shared_registry_free(struct facts_shared_registry *registry)
{
    if (!registry)
        return;
    pthread_mutex_lock(&registry->lock);
    release(registry);
}

static enum err check_spec(const struct facts_shared_spec *spec, struct fault *fault)
{
    const char *expected = NULL;
    if ((unsigned)spec->kind >= FACTS_SHARED_KIND_COUNT)
        expected = "expected a counter, a map or a bucket";
    else if (spec->max < 1 || spec->max > FACTS_SHARED_MAX)
        expected = "max: expected 1 to 10000000 keys";
    else if (spec->kind != FACTS_BUCKET && (spec->ttl_ms < 1 || spec->ttl_ms > (uint64_t)366 * 86400 * 1000))
        expected = "ttl: expected more than 0 seconds and at most a year";
    else if (spec->kind == FACTS_BUCKET && !(spec->rate > 0 && spec->rate <= 1e9))
        expected = "rate: expected more than 0 tokens a second";
    else if (spec->kind == FACTS_BUCKET && !(spec->burst >= 1 && spec->burst <= 1e9))
        expected = "burst: expected at least 1 token";
    return expected ? fault_set(fault, ERR_INVALID, "", 0, "%s", expected) : OK;
}

uint64_t facts_shared_options(const struct facts_shared_spec *spec)
{
    static const struct siphash_key key = {0x7370, 0x6563};
    const double numbers[] = {(double)spec->kind, (double)spec->ttl_ms, (double)spec->max, spec->rate, spec->burst};
    return siphash(&key, numbers, sizeof(numbers));
}

static bool same_spec(const struct facts_shared_spec *a, const struct facts_shared_spec *b)
{
    if (a->kind != b->kind || a->max != b->max)
        return false;
    return a->kind == FACTS_BUCKET
               ? a->rate >= b->rate && a->rate <= b->rate && a->burst >= b->burst && a->burst <= b->burst
               : a->ttl_ms == b->ttl_ms;
}

/* A reference, unless the last one has just gone. */
static bool try_ref(struct facts_shared *shared)
{
    size_t count = atomic_load(&shared->references);
    while (count > 0)
        if (atomic_compare_exchange_weak(&shared->references, &count, count + 1))
            return true;
    return false;
}

/* With the lock held; a reference.  Several of a name may live, each held by a version that declares it so: one that is
 * refused, or only decides in the shadow, takes nothing away from the active one. */
static struct facts_shared *find_alive(const struct facts_shared_registry *registry, struct span name,
                                       const struct facts_shared_spec *spec)
{
    for (struct list *node = registry->tables.next; node != &registry->tables; node = node->next) {
        struct facts_shared *shared = container_of(node, struct facts_shared, in_registry);
        if (span_equal(span_of(shared->name), name) && same_spec(&shared->spec, spec) && try_ref(shared))
            return shared;
    }
    return NULL;
}

enum err facts_shared_open(struct facts_shared_registry *registry, struct span name,
                           const struct facts_shared_spec *spec, struct facts_shared **out_shared, bool *out_kept,
                           struct fault *fault)
{
    struct facts_shared *made = NULL;
    if (name.len == 0 || name.len > FACTS_SHARED_NAME_MAX)
        return fault_set(fault, ERR_INVALID, "", 0, "expected a name of 1 to %d bytes", FACTS_SHARED_NAME_MAX);
    enum err err = facts_shared_new(spec, &made, fault);
    if (err != OK)
        return err;
    pthread_mutex_lock(&registry->lock);
    struct facts_shared *there = find_alive(registry, name, spec);
    bool kept = there != NULL;
    if (!kept) {
        span_copy(name, made->name, sizeof(made->name));
        made->registry = registry;
        list_push_back(&registry->tables, &made->in_registry);
        registry->references++;
        there = made;
        made = NULL;
    }
    pthread_mutex_unlock(&registry->lock);
    facts_shared_unref(made);
    *out_shared = there;
    *out_kept = kept;
    return OK;
}

enum err facts_shared_new(const struct facts_shared_spec *spec, struct facts_shared **out_shared, struct fault *fault)
{
    enum err err = check_spec(spec, fault);
    if (err != OK)
        return err;
    err = facts_shared_make(spec, out_shared);
    return err == OK ? OK : fault_set(fault, err, "", 0, "%s", err_text(err));
}

struct facts_shared *facts_shared_ref(struct facts_shared *shared)
{
    if (shared)
        atomic_fetch_add(&shared->references, 1);
    return shared;
}

void facts_shared_unref(struct facts_shared *shared)
{
    if (!shared || atomic_fetch_sub(&shared->references, 1) != 1)
        return;
    struct facts_shared_registry *registry = shared->registry;
    if (registry) {
        pthread_mutex_lock(&registry->lock);
        list_remove(&shared->in_registry);
        release(registry);
    }
    facts_shared_destroy(shared);
}
