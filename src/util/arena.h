/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator over one block with a cap: everything in it dies together.  Overflow is sticky and checked once. */
#pragma once

#include "util/span.h"

struct arena {
    char *base;
    size_t used;
    size_t cap;
    bool overflow;
};

static inline struct arena arena_over(void *memory, size_t cap)
{
    return (struct arena){.base = memory, .cap = cap};
}
/* `len` bytes aligned for any type, not cleared; NULL (and overflow set) when the cap is reached. */
void *arena_alloc(struct arena *arena, size_t len);
/* A terminated copy; at == NULL when the cap is reached. */
struct span arena_copy(struct arena *arena, struct span span);
static inline void arena_reset(struct arena *arena)
{
    arena->used = 0;
    arena->overflow = false;
}
