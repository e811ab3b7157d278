/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_places.h"

#include <stdlib.h>

enum err auth_places_init(struct auth_places *places, uint32_t count)
{
    size_t rounded = AUTH_PLACES_MIN;
    while (rounded < count && rounded < AUTH_PLACES_MAX)
        rounded *= 2;
    /* calloc, for its pages come zeroed and untouched; aligned by hand, for it aligns to half a cache line at most. */
    places->memory = calloc(rounded / AUTH_BUCKET_PLACES + 1, sizeof(struct auth_bucket));
    if (!places->memory)
        return ERR_NOMEM;
    uintptr_t start = ((uintptr_t)places->memory + sizeof(struct auth_bucket) - 1) & ~(sizeof(struct auth_bucket) - 1);
    places->buckets = (struct auth_bucket *)start;
    places->mask = (uint32_t)(rounded / AUTH_BUCKET_PLACES - 1);
    return OK;
}

void auth_places_done(struct auth_places *places)
{
    free(places->memory);
    places->memory = NULL;
}
