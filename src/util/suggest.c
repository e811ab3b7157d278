/* SPDX-License-Identifier: Apache-2.0 */
/* Optimal string alignment: Levenshtein's distance with swapped neighbours as one edit. */
#include "util/suggest.h"

#include <stdbool.h>
#include <string.h>

static unsigned char fold(char byte)
{
    return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

unsigned suggest_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > SUGGEST_WORD_MAX || b_len > SUGGEST_WORD_MAX)
        return SUGGEST_WORD_MAX;
    /* Three rows of the table are enough: this one, the last, and for swaps the one before. */
    unsigned rows[3][SUGGEST_WORD_MAX + 1];
    for (unsigned j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *last = rows[(i + 2) % 3];
        const unsigned *before = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned wrong = fold(a[i - 1]) != fold(b[j - 1]);
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + wrong);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1, row[j]);
        }
    }
    return rows[a_len % 3][b_len];
}

void suggest_consider(struct suggestion *suggestion, const char *candidate)
{
    size_t word_len = strlen(suggestion->word);
    size_t len = strlen(candidate);
    if (!word_len || word_len > SUGGEST_WORD_MAX || len > SUGGEST_WORD_MAX)
        return;
    unsigned distance = suggest_distance(suggestion->word, candidate);
    unsigned allowed = (unsigned)(len > word_len ? len : word_len) / 3;
    bool begins = word_len >= 2 && strncmp(suggestion->word, candidate, word_len) == 0;
    if (distance > (allowed ? allowed : 1) || distance >= len)
        distance = begins ? SUGGEST_WORD_MAX / 2 : SUGGEST_WORD_MAX;
    if (distance == SUGGEST_WORD_MAX || (suggestion->best && suggestion->distance <= distance))
        return;
    suggestion->best = candidate;
    suggestion->distance = distance;
}

const char *suggest_of(const char *word, const char *const *candidates, size_t count)
{
    struct suggestion suggestion = suggest_for(word);
    for (size_t i = 0; i < count; i++)
        suggest_consider(&suggestion, candidates[i]);
    return suggestion.best;
}
