/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted, disjoint ranges.  A search goes through a small index first, then through one stretch of 256 ranges. */
#include "facts/facts_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

enum { FIRST_CAP = 64 };

void facts_ranges_init(struct facts_ranges *ranges, unsigned words)
{
    invariant(words == 1 || words == 2);
    *ranges = (struct facts_ranges){.words = words};
}

void facts_ranges_done(struct facts_ranges *ranges)
{
    free(ranges->pairs);
    free(ranges->index);
    *ranges = (struct facts_ranges){0};
}

static uint64_t *low_of(const struct facts_ranges *ranges, size_t at)
{
    return ranges->pairs + at * 2 * ranges->words;
}

static uint64_t *high_of(const struct facts_ranges *ranges, size_t at)
{
    return low_of(ranges, at) + ranges->words;
}

static int compare(const uint64_t *a, const uint64_t *b, unsigned words)
{
    if (a[0] != b[0] || words == 1)
        return (a[0] > b[0]) - (a[0] < b[0]);
    return (a[1] > b[1]) - (a[1] < b[1]);
}

static int compare_one(const void *a, const void *b)
{
    return compare(a, b, 1);
}

static int compare_two(const void *a, const void *b)
{
    return compare(a, b, 2);
}

enum err facts_ranges_add(struct facts_ranges *ranges, const uint64_t *low, const uint64_t *high)
{
    size_t pair = 2 * ranges->words;
    if (ranges->count == ranges->cap) {
        size_t cap = ranges->cap ? ranges->cap * 2 : FIRST_CAP;
        uint64_t *grown = realloc(ranges->pairs, cap * pair * sizeof(*grown));
        if (!grown)
            return ERR_NOMEM;
        ranges->pairs = grown;
        ranges->cap = cap;
    }
    memcpy(low_of(ranges, ranges->count), low, ranges->words * sizeof(*low));
    memcpy(high_of(ranges, ranges->count), high, ranges->words * sizeof(*high));
    ranges->count++;
    return OK;
}

/* Files are mostly sorted already. */
static bool is_sorted(const struct facts_ranges *ranges)
{
    for (size_t i = 1; i < ranges->count; i++)
        if (compare(low_of(ranges, i - 1), low_of(ranges, i), ranges->words) > 0)
            return false;
    return true;
}

/* Ranges that overlap become one, so that one comparison with the nearest low decides. */
static void join(struct facts_ranges *ranges)
{
    size_t size = ranges->words * sizeof(uint64_t), kept = 0;
    for (size_t i = 1; i < ranges->count; i++) {
        if (compare(low_of(ranges, i), high_of(ranges, kept), ranges->words) <= 0) {
            if (compare(high_of(ranges, i), high_of(ranges, kept), ranges->words) > 0)
                memcpy(high_of(ranges, kept), high_of(ranges, i), size);
        } else if (++kept != i) {
            memcpy(low_of(ranges, kept), low_of(ranges, i), 2 * size);
        }
    }
    ranges->count = ranges->count ? kept + 1 : 0;
}

enum err facts_ranges_close(struct facts_ranges *ranges)
{
    if (ranges->count == 0)
        return OK;
    size_t size = ranges->words * sizeof(uint64_t);
    if (!is_sorted(ranges))
        qsort(ranges->pairs, ranges->count, 2 * size, ranges->words == 1 ? compare_one : compare_two);
    join(ranges);
    uint64_t *shrunk = realloc(ranges->pairs, ranges->count * 2 * size);
    if (shrunk)
        ranges->pairs = shrunk;
    ranges->cap = ranges->count;
    ranges->index_count = (ranges->count + FACTS_RANGES_STRIDE - 1) / FACTS_RANGES_STRIDE;
    ranges->index = malloc(ranges->index_count * size);
    if (!ranges->index)
        return ERR_NOMEM;
    for (size_t i = 0; i < ranges->index_count; i++)
        memcpy(ranges->index + i * ranges->words, low_of(ranges, i * FACTS_RANGES_STRIDE), size);
    return OK;
}

/* How many of the `count` keys that lie `stride` words apart are not above `key`. */
static size_t count_up_to(const uint64_t *keys, size_t count, size_t stride, const uint64_t *key, unsigned words)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(keys + middle * stride, key, words) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool facts_ranges_has(const struct facts_ranges *ranges, const uint64_t *key)
{
    unsigned words = ranges->words;
    size_t stretch = count_up_to(ranges->index, ranges->index_count, words, key, words);
    if (stretch == 0)
        return false;
    size_t first = (stretch - 1) * FACTS_RANGES_STRIDE;
    size_t count = ranges->count - first < FACTS_RANGES_STRIDE ? ranges->count - first : FACTS_RANGES_STRIDE;
    size_t at = first + count_up_to(low_of(ranges, first), count, 2 * (size_t)words, key, words) - 1;
    return compare(key, high_of(ranges, at), words) <= 0;
}

size_t facts_ranges_bytes(const struct facts_ranges *ranges)
{
    return (ranges->cap * 2 + ranges->index_count) * ranges->words * sizeof(uint64_t);
}
