/* SPDX-License-Identifier: Apache-2.0 */
/* Which of up to FACTS_INDEX_ITEMS_MAX items can fit, found without looking at each.  An item says of each dimension (a
 * field of a request, say) what it wants there: one of some texts, prefixes or address blocks, or nothing.  A question
 * gives one value a dimension; what is left are the items that want nothing there or want that value.  Texts are kept as
 * hashes alone, so an item may be left by accident: whoever asks still tests it. */
#pragma once

#include "facts/facts_block.h"
#include "util/err.h"
#include "util/span.h"
#include <stdint.h>

enum {
    FACTS_INDEX_ITEMS_MAX = 1024,
    FACTS_INDEX_WORDS = FACTS_INDEX_ITEMS_MAX / 64,
    FACTS_INDEX_DIMENSIONS_MAX = 32,
    FACTS_INDEX_TEXT_MAX = 127,  /* longer ones are not for this */
    FACTS_INDEX_BLOCKS_MAX = 32, /* lengths of address blocks, a dimension */
    FACTS_INDEX_KEYS_MAX = 16384
};

struct facts_index;

/* One bit an item. */
struct facts_items {
    uint64_t words[FACTS_INDEX_WORDS];
};

/* For items 0 to count - 1, which want nothing yet.  ERR_NOMEM. */
MUST_CHECK enum err facts_index_new(unsigned count, struct facts_index **out_index);
void facts_index_free(struct facts_index *index); /* NULL is fine */

/* A further dimension, by its number; ERR_FULL. */
MUST_CHECK enum err facts_index_dimension(struct facts_index *index, unsigned *out_dimension);

/* What `item` wants in `dimension`, besides what it wants there already: a text, any text that starts so, an address in
 * a block (`address` has 4 or 16 bytes by `family`, 4 or 6).  ERR_FULL, ERR_TOO_LONG, ERR_NOMEM: this cannot be
 * indexed; the item must then want nothing here, see facts_index_open. */
MUST_CHECK enum err facts_index_text(struct facts_index *index, unsigned dimension, unsigned item, struct span text);
MUST_CHECK enum err facts_index_prefix(struct facts_index *index, unsigned dimension, unsigned item,
                                       struct span prefix);
MUST_CHECK enum err facts_index_block(struct facts_index *index, unsigned dimension, unsigned item,
                                      const struct facts_block *block);
/* The item wants nothing here after all, whatever was said before. */
void facts_index_open(struct facts_index *index, unsigned dimension, unsigned item);

/* `hits` starts as the items that want nothing in `dimension`; each value that is there adds those that want it. */
void facts_index_hits(const struct facts_index *index, unsigned dimension, struct facts_items *out_hits);
void facts_index_add_text(const struct facts_index *index, unsigned dimension, struct span text,
                          struct facts_items *hits);
void facts_index_add_address(const struct facts_index *index, unsigned dimension, const unsigned char *address,
                             unsigned family, struct facts_items *hits);

static inline void facts_items_and(struct facts_items *items, const struct facts_items *other)
{
    for (unsigned word = 0; word < FACTS_INDEX_WORDS; word++)
        items->words[word] &= other->words[word];
}

static inline bool facts_items_has(const struct facts_items *items, unsigned item)
{
    return items->words[item / 64] >> item % 64 & 1;
}

/* The first item from `from` on, or `count`. */
static inline unsigned facts_items_next(const struct facts_items *items, unsigned from, unsigned count)
{
    for (unsigned word = from / 64; word * 64 < count; word++) {
        uint64_t bits = items->words[word];
        if (word == from / 64)
            bits &= ~UINT64_C(0) << from % 64;
        if (bits)
            return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return count;
}
