/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the nearest of a few known names by edit distance. */
#include "policy/policy_priv.h"

enum { NAME_MAX_LEN = 32 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Insertions, deletions, replacements, and swaps of neighbours, each at 1 (optimal string alignment). */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][NAME_MAX_LEN + 1];
    unsigned *before = rows[0];
    unsigned *last = rows[1];
    unsigned *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned change = a.at[i - 1] == b.at[j - 1] ? 0 : 1;
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
            bool swapped = i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1];
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b.len];
}

const char *policy_suggest(const char *name, const char *const *candidates, size_t count)
{
    struct span given = span_of(name);
    const char *best = NULL;
    unsigned best_distance = given.len <= 3 ? 2 : given.len <= 6 ? 3 : 4; /* must be below */
    if (given.len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct span candidate = span_of(candidates[i]);
        if (candidate.len > NAME_MAX_LEN)
            continue;
        unsigned steps = distance(given, candidate);
        if (steps < best_distance) {
            best_distance = steps;
            best = candidates[i];
        }
    }
    return best;
}
