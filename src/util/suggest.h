/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...?": which of some known words a mistyped one is nearest to. */
#pragma once

#include <stddef.h>

enum { SUGGEST_WORD_MAX = 64 };

struct suggestion {
    const char *word; /* as it was mistyped; borrowed */
    const char *best; /* borrowed from the candidates; NULL: none is near */
    unsigned distance;
};

static inline struct suggestion suggest_for(const char *word)
{
    return (struct suggestion){.word = word};
}

/* Weighs one candidate: near is at most a third of its letters wrong, missing, extra or swapped with a neighbour (case
 * counts nothing), or a beginning of at least two letters.  Words over SUGGEST_WORD_MAX are never near. */
void suggest_consider(struct suggestion *suggestion, const char *candidate);

/* The nearest of `count` candidates, or NULL when none is near. */
const char *suggest_of(const char *word, const char *const *candidates, size_t count);

/* Edits between two words: a letter wrong, missing, extra, or two neighbours swapped; case counts nothing.
 * SUGGEST_WORD_MAX when one is longer than that. */
unsigned suggest_distance(const char *a, const char *b);
