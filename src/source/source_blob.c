/* SPDX-License-Identifier: Apache-2.0 */
#include "source/source_blob.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MADE_MAX = 8 };

struct source_blob {
    _Atomic unsigned refs;
    struct span bytes;
    pthread_mutex_t lock; /* guards the rest */
    unsigned made_count;
    struct source_made made[MADE_MAX];
};

struct source_blob *source_blob_new(char *bytes, size_t len)
{
    struct source_blob *blob = calloc(1, sizeof(*blob));
    if (!blob) {
        free(bytes);
        return NULL;
    }
    atomic_store(&blob->refs, 1);
    blob->bytes = span_make(bytes, len);
    pthread_mutex_init(&blob->lock, NULL);
    return blob;
}

struct source_blob *source_blob_ref(struct source_blob *blob)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

void source_blob_unref(struct source_blob *blob)
{
    if (!blob || atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < blob->made_count; i++)
        blob->made[i].unref(blob->made[i].thing);
    pthread_mutex_destroy(&blob->lock);
    free((char *)(uintptr_t)blob->bytes.at);
    free(blob);
}

struct span source_blob_bytes(const struct source_blob *blob)
{
    return blob->bytes;
}

void *source_blob_made(struct source_blob *blob, int kind)
{
    void *thing = NULL;
    pthread_mutex_lock(&blob->lock);
    for (unsigned i = 0; i < blob->made_count && !thing; i++)
        if (blob->made[i].kind == kind)
            thing = blob->made[i].thing;
    pthread_mutex_unlock(&blob->lock);
    return thing;
}

bool source_blob_keep(struct source_blob *blob, const struct source_made *made)
{
    pthread_mutex_lock(&blob->lock);
    bool room = blob->made_count < MADE_MAX;
    if (room)
        blob->made[blob->made_count++] = *made;
    pthread_mutex_unlock(&blob->lock);
    return room;
}
