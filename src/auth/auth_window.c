/* SPDX-License-Identifier: Apache-2.0 */
/* A word is  epoch:8  id:24  highest:16  mask:16.  Bit n of the mask says that the count `highest - 1 - n` was used.  The
 * epoch (issue time in steps of 32 s) tells when a place may be taken by another; with the bucket, 24 bits of salt name a
 * nonce among the few that share it.  Should two ever be taken for one, the second is refused as used, and its owner asks
 * for another: the error is always on the safe side. */
#include "auth/auth_window.h"
#include "auth/auth_places.h"

#include <stdlib.h>

enum { EPOCH_MS = 32000 };

struct auth_window {
    struct auth_places places;
    unsigned ttl_epochs;
};

enum err auth_window_new(uint32_t places, uint32_t ttl_ms, struct auth_window **out_window)
{
    struct auth_window *window = calloc(1, sizeof(*window));
    if (!window)
        return ERR_NOMEM;
    enum err err = auth_places_init(&window->places, places);
    if (err != OK) {
        free(window);
        return err;
    }
    window->ttl_epochs = ttl_ms / EPOCH_MS + 2; /* the step it began in, and the one that is running */
    *out_window = window;
    return OK;
}

void auth_window_free(struct auth_window *window)
{
    if (!window)
        return;
    auth_places_done(&window->places);
    free(window);
}

static unsigned epoch_of(int64_t ms)
{
    return (unsigned)((uint64_t)ms / EPOCH_MS) & 0xff;
}

static bool is_free(const struct auth_window *window, uint64_t word, int64_t now_ms)
{
    unsigned age = (epoch_of(now_ms) - (unsigned)(word >> 56)) & 0xff;
    /* A clock that was set back makes ages of nearly 256: such a place is alive, not free. */
    return !word || (age > window->ttl_epochs && age < 0xff - window->ttl_epochs);
}

/* The word after `count` was used; 0: it may not be. */
static uint64_t advanced(uint64_t word, uint32_t count)
{
    uint32_t highest = (word >> 16) & 0xffff;
    uint64_t name = word & ~(uint64_t)0xffffffff;
    if (count > highest) {
        uint32_t by = count - highest;
        uint64_t mask = by > AUTH_WINDOW_LATE ? 0 : (((word & 0xffff) << by) | (1u << (by - 1))) & 0xffff;
        return name | (uint64_t)count << 16 | mask;
    }
    uint32_t behind = highest - count;
    if (behind == 0 || behind > AUTH_WINDOW_LATE || (word >> (behind - 1) & 1))
        return 0;
    return word | 1ull << (behind - 1);
}

static bool is_named(uint64_t word, uint32_t name)
{
    return word >> 32 == name;
}

/* Takes a free place.  Two workers that bring the first use of one nonce at the same moment usually meet at the same free
 * place; where they took two, each sees the other's here, and neither is accepted. */
static enum auth_use claim(const struct auth_window *window, struct auth_bucket *bucket, uint64_t fresh, int64_t now_ms)
{
    uint32_t name = (uint32_t)(fresh >> 32);
    for (int i = 0; i < AUTH_BUCKET_PLACES; i++) {
        uint64_t word = atomic_load(&bucket->words[i]);
        if (is_named(word, name))
            return AUTH_USE_AGAIN;
        if (!is_free(window, word, now_ms))
            continue;
        if (!atomic_compare_exchange_strong(&bucket->words[i], &word, fresh)) {
            if (is_named(word, name))
                return AUTH_USE_AGAIN;
            continue;
        }
        for (int other = 0; other < AUTH_BUCKET_PLACES; other++)
            if (other != i && is_named(atomic_load(&bucket->words[other]), name))
                return AUTH_USE_AGAIN;
        return AUTH_USE_FIRST;
    }
    return AUTH_USE_NO_ROOM;
}

enum auth_use auth_window_use(struct auth_window *window, const struct auth_nonce *nonce, uint32_t count,
                              int64_t now_ms)
{
    struct auth_bucket *bucket = auth_places_bucket(&window->places, (uint32_t)(nonce->salt >> 24));
    /* The lowest bit is always set, so that no name is 0, which means an empty place. */
    uint32_t name = (uint32_t)epoch_of(nonce->issued_ms) << 24 | ((uint32_t)nonce->salt & 0xffffff) | 1;
    if (count == 0 || count > AUTH_WINDOW_COUNT)
        return AUTH_USE_SPENT;
    for (int i = 0; i < AUTH_BUCKET_PLACES; i++) {
        uint64_t word = atomic_load(&bucket->words[i]);
        while (is_named(word, name)) {
            uint64_t next = advanced(word, count);
            if (!next)
                return AUTH_USE_AGAIN;
            if (atomic_compare_exchange_weak(&bucket->words[i], &word, next))
                return AUTH_USE_FIRST;
        }
    }
    return claim(window, bucket, (uint64_t)name << 32 | (uint64_t)count << 16, now_ms);
}
