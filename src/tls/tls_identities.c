/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_identities.h"

#include "util/invariant.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct names {
    uint16_t len;
    char bytes[];
};

struct place {
    struct names *_Atomic names;
    unsigned uses;
    uint64_t left_ms; /* when the last use ended */
};

struct tls_identities {
    pthread_mutex_t mutex;
    unsigned count; /* places ever used; 0 is nobody's */
    struct place places[TLS_IDENTITIES_MAX + 1];
};

struct tls_identities *tls_identities_new(void)
{
    struct tls_identities *identities = calloc(1, sizeof(*identities));
    if (!identities)
        return NULL;
    pthread_mutex_init(&identities->mutex, NULL);
    identities->count = 1;
    return identities;
}

void tls_identities_free(struct tls_identities *identities)
{
    if (!identities)
        return;
    for (unsigned i = 0; i < identities->count; i++)
        free(atomic_load(&identities->places[i].names));
    pthread_mutex_destroy(&identities->mutex);
    free(identities);
}

static struct span span_of_names(struct names *names)
{
    return names ? span_make(names->bytes, names->len) : span_make(NULL, 0);
}

/* The place of these names, or a free one, or 0. */
static unsigned find_place(struct tls_identities *identities, struct span names, uint64_t now_ms)
{
    unsigned rested = 0;
    for (unsigned i = 1; i < identities->count; i++) {
        const struct place *place = &identities->places[i];
        if (span_equal(span_of_names(atomic_load_explicit(&place->names, memory_order_relaxed)), names))
            return i;
        if (!rested && place->uses == 0 && now_ms - place->left_ms >= TLS_IDENTITY_REST_MS)
            rested = i;
    }
    if (rested || identities->count > TLS_IDENTITIES_MAX)
        return rested;
    return identities->count++;
}

static bool fill(struct place *place, struct span names)
{
    struct names *old = atomic_load_explicit(&place->names, memory_order_relaxed);
    if (span_equal(span_of_names(old), names))
        return true;
    struct names *fresh = malloc(sizeof(*fresh) + names.len);
    if (!fresh)
        return false;
    fresh->len = (uint16_t)names.len;
    memcpy(fresh->bytes, names.at, names.len);
    atomic_store_explicit(&place->names, fresh, memory_order_release);
    free(old);
    return true;
}

uint16_t tls_identities_take(struct tls_identities *identities, struct span names, uint64_t now_ms)
{
    if (names.len == 0 || names.len > UINT16_MAX)
        return 0;
    pthread_mutex_lock(&identities->mutex);
    unsigned number = find_place(identities, names, now_ms);
    if (number && fill(&identities->places[number], names))
        identities->places[number].uses++;
    else
        number = 0;
    pthread_mutex_unlock(&identities->mutex);
    return (uint16_t)number;
}

void tls_identities_give(struct tls_identities *identities, uint16_t number, uint64_t now_ms)
{
    if (number == 0)
        return;
    invariant(number <= TLS_IDENTITIES_MAX);
    pthread_mutex_lock(&identities->mutex);
    struct place *place = &identities->places[number];
    invariant(place->uses > 0);
    place->uses--;
    place->left_ms = now_ms;
    pthread_mutex_unlock(&identities->mutex);
}

struct span tls_identities_names(const struct tls_identities *identities, uint16_t number)
{
    if (number > TLS_IDENTITIES_MAX)
        return span_make(NULL, 0);
    struct names *names = atomic_load_explicit(&identities->places[number].names, memory_order_acquire);
    return span_of_names(names);
}
