/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets in a four-way table with a spin lock a set: an operation is a hash and a few compares. */
#include "facts/facts_limit.h"
#include "util/random.h"
#include "util/siphash.h"
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WAYS = 4, SOURCES_DEFAULT = 65536, SOURCES_MAX = 1 << 24 };

struct source {
    uint64_t key[2];
    uint64_t at_ms; /* of the last look, plus one; 0: free */
    double tokens;
};

struct source_set {
    atomic_flag lock;
    struct source sources[WAYS];
};

struct facts_limit {
    double per_ms;
    double burst;
    size_t mask;
    struct siphash_key key;
    _Atomic uint64_t refused;
    struct source_set sets[];
};

enum err facts_limit_new(const struct facts_limit_options *options, struct facts_limit **out_limit)
{
    size_t wanted = options->max_sources ? options->max_sources : SOURCES_DEFAULT, sets = 1;
    if (!(options->rate > 0) || !(options->burst >= 1) || wanted > SOURCES_MAX)
        return ERR_INVALID;
    while (sets * WAYS < wanted)
        sets *= 2;
    struct facts_limit *limit = calloc(1, sizeof(*limit) + sets * sizeof(limit->sets[0]));
    if (!limit)
        return ERR_NOMEM;
    limit->per_ms = options->rate / 1000;
    limit->burst = options->burst;
    limit->mask = sets - 1;
    for (size_t i = 0; i < sets; i++)
        atomic_flag_clear(&limit->sets[i].lock);
    enum err err = random_system(&limit->key, sizeof(limit->key));
    if (err != OK) {
        free(limit);
        return err;
    }
    *out_limit = limit;
    return OK;
}

void facts_limit_free(struct facts_limit *limit)
{
    free(limit);
}

/* An IPv4 address whole, of an IPv6 address the first half: who has a /64 has all of it. */
static bool source_key(const unsigned char *address, size_t len, uint64_t out_key[2])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (len == 16 && memcmp(address, mapped, sizeof(mapped)) == 0) {
        address += sizeof(mapped);
        len = 4;
    }
    if (len != 4 && len != 16)
        return false;
    out_key[0] = len;
    out_key[1] = 0;
    memcpy(&out_key[1], address, len == 4 ? 4 : 8);
    return true;
}

/* The source's place in its set, or the one that was idle longest, made new. */
static struct source *place(struct source_set *set, const uint64_t key[2], double burst)
{
    struct source *oldest = &set->sources[0];
    for (int i = 0; i < WAYS; i++) {
        struct source *source = &set->sources[i];
        if (source->at_ms && source->key[0] == key[0] && source->key[1] == key[1])
            return source;
        if (source->at_ms < oldest->at_ms)
            oldest = source;
    }
    *oldest = (struct source){.key = {key[0], key[1]}, .tokens = burst};
    return oldest;
}

static bool take(const struct facts_limit *limit, struct source *source, uint64_t now_ms)
{
    uint64_t now = now_ms + 1;
    if (source->at_ms && now > source->at_ms)
        source->tokens += (double)(now - source->at_ms) * limit->per_ms;
    if (source->tokens > limit->burst)
        source->tokens = limit->burst;
    if (now > source->at_ms) /* another thread's clock may be a turn behind */
        source->at_ms = now;
    if (source->tokens < 1)
        return false;
    source->tokens -= 1;
    return true;
}

bool facts_limit_allow(struct facts_limit *limit, const void *address, size_t address_len, uint64_t now_ms)
{
    uint64_t key[2];
    if (!source_key(address, address_len, key))
        return true;
    struct source_set *set = &limit->sets[siphash(&limit->key, key, sizeof(key)) & limit->mask];
    while (atomic_flag_test_and_set_explicit(&set->lock, memory_order_acquire))
        sched_yield(); /* held for a few nanoseconds, unless its holder was put aside */
    bool allowed = take(limit, place(set, key, limit->burst), now_ms);
    atomic_flag_clear_explicit(&set->lock, memory_order_release);
    if (!allowed)
        atomic_fetch_add_explicit(&limit->refused, 1, memory_order_relaxed);
    return allowed;
}

uint64_t facts_limit_refused(const struct facts_limit *limit)
{
    return atomic_load_explicit(&limit->refused, memory_order_relaxed);
}
