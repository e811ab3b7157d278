/* SPDX-License-Identifier: Apache-2.0 */
/* A table of texts, filled once: a lookup is one hash, and mostly one or two lines of memory. */
#include "facts/facts_priv.h"
#include "util/invariant.h"
#include "util/random.h"
#include <stdlib.h>

enum { OFFSET_BITS = 40, SLOTS_MIN = 16 };

static const uint64_t OFFSET_MASK = ((uint64_t)1 << OFFSET_BITS) - 1;

enum err facts_texts_init(struct facts_texts *texts, size_t count, size_t bytes)
{
    size_t slots = SLOTS_MIN;
    while (slots < count + count / 2)
        slots *= 2;
    size_t cap = bytes + count;
    if (cap >= OFFSET_MASK)
        return ERR_FULL;
    *texts = (struct facts_texts){.mask = slots - 1, .cap = cap};
    enum err err = random_system(&texts->key, sizeof(texts->key));
    if (err != OK)
        return err;
    texts->slots = calloc(slots, sizeof(*texts->slots));
    texts->bytes = malloc(cap + 1);
    if (texts->slots && texts->bytes)
        return OK;
    facts_texts_done(texts);
    return ERR_NOMEM;
}

void facts_texts_done(struct facts_texts *texts)
{
    free(texts->slots);
    free(texts->bytes);
    *texts = (struct facts_texts){0};
}

/* The slot that holds `text`, or the free one where it belongs. */
static uint64_t *find(const struct facts_texts *texts, struct span text, uint64_t *out_mark)
{
    uint64_t hash = siphash(&texts->key, text.at, text.len);
    uint64_t mark = hash & ~OFFSET_MASK;
    *out_mark = mark;
    for (size_t at = hash & texts->mask;; at = (at + 1) & texts->mask) {
        uint64_t slot = texts->slots[at];
        if (slot == 0)
            return &texts->slots[at];
        if ((slot & ~OFFSET_MASK) != mark)
            continue;
        const char *stored = texts->bytes + (slot & OFFSET_MASK) - 1;
        if ((unsigned char)*stored == text.len && memcmp(stored + 1, text.at, text.len) == 0)
            return &texts->slots[at];
    }
}

void facts_texts_add(struct facts_texts *texts, struct span text)
{
    uint64_t mark;
    uint64_t *slot = find(texts, text, &mark);
    if (*slot)
        return;
    invariant(text.len && text.len <= FACTS_ENTRY_MAX && texts->used + 1 + text.len <= texts->cap);
    *slot = mark | (texts->used + 1);
    texts->bytes[texts->used] = (char)(unsigned char)text.len;
    memcpy(texts->bytes + texts->used + 1, text.at, text.len);
    texts->used += 1 + text.len;
}

bool facts_texts_has(const struct facts_texts *texts, struct span text)
{
    uint64_t mark;
    return text.len && text.len <= FACTS_ENTRY_MAX && *find(texts, text, &mark) != 0;
}

size_t facts_texts_bytes(const struct facts_texts *texts)
{
    return (texts->mask + 1) * sizeof(*texts->slots) + texts->cap;
}
