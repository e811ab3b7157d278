/* SPDX-License-Identifier: Apache-2.0 */
/* A word is  name:24  level:16  time:24 (steps of 256 ms, 49 days around).  The level is in 1/16 of a try and leaks with
 * time.  A key that finds its bucket full takes the place of the lowest level: a flood of sources can push a small offender
 * out, never the ones that are over the limit, as long as there are fewer of these than places. */
#include "auth/auth_tries.h"
#include "auth/auth_places.h"

#include <stdlib.h>

enum { STEP_MS = 256, PART = 16, LEVEL_MAX = 0xffff, TIME_MASK = 0xffffff };

struct auth_tries {
    struct auth_places places;
    uint32_t limit;     /* in parts */
    uint32_t period_ms; /* in which `limit` leaks */
};

enum err auth_tries_new(uint32_t places, uint32_t limit, uint32_t period_ms, struct auth_tries **out_tries)
{
    struct auth_tries *tries = calloc(1, sizeof(*tries));
    if (!tries)
        return ERR_NOMEM;
    enum err err = auth_places_init(&tries->places, places);
    if (err != OK) {
        free(tries);
        return err;
    }
    tries->limit = limit * PART;
    tries->period_ms = period_ms;
    *out_tries = tries;
    return OK;
}

void auth_tries_free(struct auth_tries *tries)
{
    if (!tries)
        return;
    auth_places_done(&tries->places);
    free(tries);
}

uint64_t auth_tries_source(const struct siphash_key *key, const struct net_address *source)
{
    struct span ip = net_address_ip_bytes(source);
    struct siphash_state state;
    siphash_begin(&state, key);
    siphash_add(&state, SPAN("source"));
    siphash_add(&state, ip.len == 16 ? span_slice(ip, 0, 8) : ip); /* whoever has an IPv6 address has 2^64 of them */
    return siphash_end(&state);
}

uint64_t auth_tries_user(const struct siphash_key *key, struct span user, struct span realm)
{
    struct siphash_state state;
    siphash_begin(&state, key);
    siphash_add(&state, SPAN("user"));
    siphash_add(&state, user);
    siphash_add_nocase(&state, realm);
    return siphash_end(&state);
}

static uint32_t time_of(int64_t ms)
{
    return (uint32_t)((uint64_t)ms / STEP_MS) & TIME_MASK;
}

static uint32_t name_of(uint64_t word)
{
    return (uint32_t)(word >> 40);
}

/* What is left of a word's level now. */
static uint32_t level_of(const struct auth_tries *tries, uint64_t word, int64_t now_ms)
{
    uint32_t level = (uint32_t)(word >> 24) & 0xffff;
    uint64_t passed_ms = (uint64_t)((time_of(now_ms) - (uint32_t)word) & TIME_MASK) * STEP_MS;
    if (passed_ms > (uint64_t)TIME_MASK * STEP_MS / 2)
        return level; /* another worker's clock is a step ahead, or the clock was set back */
    uint64_t leaked = passed_ms * tries->limit / tries->period_ms;
    return leaked >= level ? 0 : level - (uint32_t)leaked;
}

static struct auth_bucket *bucket_of(const struct auth_tries *tries, uint64_t key)
{
    return auth_places_bucket(&tries->places, (uint32_t)key);
}

static uint32_t own_name(uint64_t key)
{
    return (uint32_t)(key >> 40) | 1; /* never 0: an empty place */
}

bool auth_tries_may(struct auth_tries *tries, uint64_t key, int64_t now_ms)
{
    struct auth_bucket *bucket = bucket_of(tries, key);
    for (int i = 0; i < AUTH_BUCKET_PLACES; i++) {
        uint64_t word = atomic_load_explicit(&bucket->words[i], memory_order_relaxed);
        if (name_of(word) == own_name(key))
            return level_of(tries, word, now_ms) + PART <= tries->limit;
    }
    return true;
}

/* The place of `name`, else an empty one, else the one with the lowest level. */
static int place_of(const struct auth_tries *tries, struct auth_bucket *bucket, uint32_t name, int64_t now_ms)
{
    int best = 0;
    uint32_t best_level = UINT32_MAX;
    for (int i = 0; i < AUTH_BUCKET_PLACES; i++) {
        uint64_t word = atomic_load_explicit(&bucket->words[i], memory_order_relaxed);
        if (name_of(word) == name)
            return i;
        uint32_t level = word ? level_of(tries, word, now_ms) : 0;
        if (level < best_level) {
            best = i;
            best_level = level;
        }
    }
    return best;
}

bool auth_tries_note(struct auth_tries *tries, uint64_t key, int64_t now_ms)
{
    struct auth_bucket *bucket = bucket_of(tries, key);
    uint32_t name = own_name(key);
    for (int turns = 0; turns < AUTH_BUCKET_PLACES;
         turns++) { /* losing that often to other workers, one try goes uncounted */
        _Atomic uint64_t *place = &bucket->words[place_of(tries, bucket, name, now_ms)];
        uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
        uint32_t before = name_of(word) == name ? level_of(tries, word, now_ms) : 0;
        uint32_t level = before + PART > LEVEL_MAX ? LEVEL_MAX : before + PART;
        uint64_t next = (uint64_t)name << 40 | (uint64_t)level << 24 | time_of(now_ms);
        if (atomic_compare_exchange_strong_explicit(place, &word, next, memory_order_relaxed, memory_order_relaxed))
            return before + PART <= tries->limit && level + PART > tries->limit;
    }
    return false;
}
