/* SPDX-License-Identifier: Apache-2.0 */
/* Input between unreadable pages: whoever reads one byte too far, or one before, dies at once. */
#pragma once

#include "util/span.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct page_guard {
    char *map;
    size_t map_len;
    size_t room; /* bytes between the two guard pages */
};

/* Room for at least `len` bytes; free with page_guard_done. */
static inline struct page_guard page_guard_new(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct page_guard guard = {.room = (len / page + 1) * page};
    guard.map_len = guard.room + 2 * page;
    void *map = mmap(NULL, guard.map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect((char *)map + page, guard.room, PROT_READ | PROT_WRITE) != 0)
        abort();
    guard.map = map;
    return guard;
}

static inline void page_guard_done(struct page_guard *guard)
{
    if (guard->map && munmap(guard->map, guard->map_len) != 0)
        abort();
    guard->map = NULL;
}

/* `len` writable bytes whose end is the edge: reading at [len] faults. */
static inline char *page_guard_end(const struct page_guard *guard, size_t len)
{
    return guard->map + (guard->map_len - guard->room) / 2 + guard->room - len;
}

/* The first byte behind the lower edge: reading at [-1] faults. */
static inline char *page_guard_begin(const struct page_guard *guard)
{
    return guard->map + (guard->map_len - guard->room) / 2;
}

/* A copy of `bytes` that ends at the upper edge; it replaces what was there. */
static inline struct span page_guard_put(const struct page_guard *guard, struct span bytes)
{
    char *at = page_guard_end(guard, bytes.len);
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    return span_make(at, bytes.len);
}

/* A copy of `bytes` that begins at the lower edge. */
static inline struct span page_guard_put_begin(const struct page_guard *guard, struct span bytes)
{
    char *at = page_guard_begin(guard);
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    return span_make(at, bytes.len);
}
