/* SPDX-License-Identifier: Apache-2.0 */
/* Handing out pieces of one block. */
#include "util/arena.h"

#include <stdalign.h>
#include <stddef.h>

void *arena_alloc(struct arena *arena, size_t len)
{
    /* The block itself may start anywhere: a caller may lay an arena over a char array. */
    size_t misfit = (size_t)((uintptr_t)(arena->base + arena->used) % alignof(max_align_t));
    size_t pad = misfit ? alignof(max_align_t) - misfit : 0;
    size_t left = arena->cap - arena->used;
    if (arena->overflow || pad > left || len > left - pad) {
        arena->overflow = true;
        return NULL;
    }
    void *piece = arena->base + arena->used + pad;
    arena->used += pad + len;
    return piece;
}

struct span arena_copy(struct arena *arena, struct span span)
{
    char *copy = span.len < SIZE_MAX ? arena_alloc(arena, span.len + 1) : NULL;
    if (!copy)
        return span_make(NULL, 0);
    if (span.len)
        memcpy(copy, span.at, span.len);
    copy[span.len] = '\0';
    return span_make(copy, span.len);
}
