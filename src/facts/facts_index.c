/* SPDX-License-Identifier: Apache-2.0 */
/* A table of hashes, each with the set of items that want what it stands for.  One walk over a text gives the hashes of
 * all its prefixes; the lengths that any item asks about are known. */
#include "facts/facts_index.h"

#include "util/invariant.h"
#include <stdlib.h>
#include <string.h>

/* What a hash stands for. */
enum sort { SORT_TEXT, SORT_PREFIX, SORT_BLOCK };

struct key {
    uint64_t hash; /* 0: free */
    struct facts_items *items;
};

struct dimension {
    struct facts_items open;
    uint64_t prefix_lens[2]; /* bit n: some prefix has n bytes */
    struct {
        unsigned char family, bits;
    } blocks[FACTS_INDEX_BLOCKS_MAX];
    unsigned block_count;
};

struct facts_index {
    unsigned count;
    unsigned dimension_count;
    struct dimension dimensions[FACTS_INDEX_DIMENSIONS_MAX];
    struct key *keys; /* `cap`, a power of two, at most half full */
    unsigned cap, used;
};

_Static_assert(FACTS_INDEX_TEXT_MAX < 128, "a length is a bit of two words");

static uint64_t seed_of(unsigned dimension)
{
    return UINT64_C(0xcbf29ce484222325) ^ (uint64_t)(dimension + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Without regard to case, whatever the field: what that lets through, the item's own test keeps out. */
static uint64_t add_byte(uint64_t hash, char byte)
{
    unsigned char lower = (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    return (hash ^ lower) * UINT64_C(0x100000001b3);
}

static uint64_t end_hash(uint64_t hash, enum sort sort)
{
    hash = (hash ^ (uint64_t)sort << 60) * UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 32;
    return hash ? hash : 1;
}

static uint64_t hash_text(unsigned dimension, struct span text, enum sort sort)
{
    uint64_t hash = seed_of(dimension);
    for (size_t at = 0; at < text.len; at++)
        hash = add_byte(hash, text.at[at]);
    return end_hash(hash, sort);
}

static uint64_t hash_block(unsigned dimension, const unsigned char *address, unsigned family, unsigned bits)
{
    uint64_t hash = seed_of(dimension) ^ (uint64_t)family << 8 ^ bits;
    for (unsigned at = 0; at * 8 < bits; at++) {
        unsigned left = bits - at * 8;
        unsigned char byte = left >= 8 ? address[at] : (unsigned char)(address[at] & 0xff00U >> left);
        hash = (hash ^ byte) * UINT64_C(0x100000001b3);
    }
    return end_hash(hash, SORT_BLOCK);
}

enum err facts_index_new(unsigned count, struct facts_index **out_index)
{
    enum { CAP_FIRST = 64 };
    invariant(count <= FACTS_INDEX_ITEMS_MAX);
    struct facts_index *index = calloc(1, sizeof(*index));
    struct key *keys = calloc(CAP_FIRST, sizeof(*keys));
    if (!index || !keys) {
        free(index);
        free(keys);
        return ERR_NOMEM;
    }
    index->count = count;
    index->keys = keys;
    index->cap = CAP_FIRST;
    *out_index = index;
    return OK;
}

void facts_index_free(struct facts_index *index)
{
    if (!index)
        return;
    for (unsigned at = 0; at < index->cap; at++)
        free(index->keys[at].items);
    free(index->keys);
    free(index);
}

static struct key *place_of(struct key *keys, unsigned cap, uint64_t hash)
{
    unsigned at = (unsigned)hash & (cap - 1);
    while (keys[at].hash && keys[at].hash != hash)
        at = (at + 1) & (cap - 1);
    return &keys[at];
}

static bool grow(struct facts_index *index)
{
    unsigned cap = index->cap * 2;
    struct key *keys = calloc(cap, sizeof(*keys));
    if (!keys)
        return false;
    for (unsigned at = 0; at < index->cap; at++)
        if (index->keys[at].hash)
            *place_of(keys, cap, index->keys[at].hash) = index->keys[at];
    free(index->keys);
    index->keys = keys;
    index->cap = cap;
    return true;
}

static enum err want(struct facts_index *index, unsigned dimension, unsigned item, uint64_t hash)
{
    struct key *key = place_of(index->keys, index->cap, hash);
    if (!key->hash) {
        if (index->used == FACTS_INDEX_KEYS_MAX)
            return ERR_FULL;
        if (index->used * 2 >= index->cap && !grow(index))
            return ERR_NOMEM;
        key = place_of(index->keys, index->cap, hash);
        key->items = calloc(1, sizeof(*key->items));
        if (!key->items)
            return ERR_NOMEM;
        key->hash = hash;
        index->used++;
    }
    key->items->words[item / 64] |= UINT64_C(1) << item % 64;
    index->dimensions[dimension].open.words[item / 64] &= ~(UINT64_C(1) << item % 64);
    return OK;
}

enum err facts_index_dimension(struct facts_index *index, unsigned *out_dimension)
{
    if (index->dimension_count == FACTS_INDEX_DIMENSIONS_MAX)
        return ERR_FULL;
    *out_dimension = index->dimension_count++;
    memset(&index->dimensions[*out_dimension].open, 0xff, sizeof(struct facts_items));
    return OK;
}

enum err facts_index_text(struct facts_index *index, unsigned dimension, unsigned item, struct span text)
{
    if (text.len > FACTS_INDEX_TEXT_MAX)
        return ERR_TOO_LONG;
    return want(index, dimension, item, hash_text(dimension, text, SORT_TEXT));
}

enum err facts_index_prefix(struct facts_index *index, unsigned dimension, unsigned item, struct span prefix)
{
    if (prefix.len == 0 || prefix.len > FACTS_INDEX_TEXT_MAX)
        return ERR_TOO_LONG;
    index->dimensions[dimension].prefix_lens[prefix.len / 64] |= UINT64_C(1) << prefix.len % 64;
    return want(index, dimension, item, hash_text(dimension, prefix, SORT_PREFIX));
}

static enum err note_block(struct dimension *dimension, const struct facts_block *block)
{
    for (unsigned at = 0; at < dimension->block_count; at++)
        if (dimension->blocks[at].family == block->family && dimension->blocks[at].bits == block->bits)
            return OK;
    if (dimension->block_count == FACTS_INDEX_BLOCKS_MAX)
        return ERR_FULL;
    dimension->blocks[dimension->block_count].family = block->family;
    dimension->blocks[dimension->block_count++].bits = block->bits;
    return OK;
}

enum err facts_index_block(struct facts_index *index, unsigned dimension, unsigned item,
                           const struct facts_block *block)
{
    enum err err = note_block(&index->dimensions[dimension], block);
    if (err != OK)
        return err;
    return want(index, dimension, item, hash_block(dimension, block->address, block->family, block->bits));
}

void facts_index_open(struct facts_index *index, unsigned dimension, unsigned item)
{
    index->dimensions[dimension].open.words[item / 64] |= UINT64_C(1) << item % 64;
}

void facts_index_hits(const struct facts_index *index, unsigned dimension, struct facts_items *out_hits)
{
    *out_hits = index->dimensions[dimension].open;
}

static void add_hits(const struct facts_index *index, uint64_t hash, struct facts_items *hits)
{
    const struct key *key = place_of(index->keys, index->cap, hash);
    for (unsigned word = 0; key->hash && word < FACTS_INDEX_WORDS; word++)
        hits->words[word] |= key->items->words[word];
}

void facts_index_add_text(const struct facts_index *index, unsigned dimension, struct span text,
                          struct facts_items *hits)
{
    const uint64_t *lens = index->dimensions[dimension].prefix_lens;
    uint64_t hash = seed_of(dimension);
    for (size_t at = 0; at < text.len && at < FACTS_INDEX_TEXT_MAX; at++) {
        hash = add_byte(hash, text.at[at]);
        if (lens[(at + 1) / 64] >> (at + 1) % 64 & 1)
            add_hits(index, end_hash(hash, SORT_PREFIX), hits);
    }
    if (text.len <= FACTS_INDEX_TEXT_MAX)
        add_hits(index, end_hash(hash, SORT_TEXT), hits);
}

void facts_index_add_address(const struct facts_index *index, unsigned dimension, const unsigned char *address,
                             unsigned family, struct facts_items *hits)
{
    const struct dimension *asked = &index->dimensions[dimension];
    for (unsigned at = 0; at < asked->block_count; at++)
        if (asked->blocks[at].family == family)
            add_hits(index, hash_block(dimension, address, family, asked->blocks[at].bits), hits);
}
