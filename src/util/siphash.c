/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4.  Words are read little-endian whatever the machine.  The hash of several parts ends each part as SipHash
 * ends a message (the last word holds the rest and the length); a part of 255 bytes or more puts its whole length into a
 * word before that, so the words read from the end back tell the parts apart. */
#include "util/siphash.h"

enum { LONG_PART = 255 };

static inline uint64_t rotate(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

static inline uint64_t load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The last `left` (0 to 7) bytes before `end`, of `len` in all, without reading beyond them. */
static inline uint64_t load_rest(const char *end, size_t left, size_t len)
{
    if (!left)
        return 0;
    if (len >= 8)
        return load(end - 8) >> (64 - 8 * left);
    uint64_t word = 0;
    for (size_t i = left; i; i--, end--)
        word = word << 8 | (unsigned char)end[-1];
    return word;
}

static inline void round_once(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void compress(struct siphash_state *s, uint64_t word)
{
    s->v3 ^= word;
    round_once(s);
    round_once(s);
    s->v0 ^= word;
}

static inline uint64_t finish(struct siphash_state *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        round_once(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline struct siphash_state start(const struct siphash_key *key)
{
    return (struct siphash_state){
        .v0 = key->k0 ^ 0x736f6d6570736575ULL,
        .v1 = key->k1 ^ 0x646f72616e646f6dULL,
        .v2 = key->k0 ^ 0x6c7967656e657261ULL,
        .v3 = key->k1 ^ 0x7465646279746573ULL,
    };
}

/* Sets 0x20 in each byte of `word` that is 'A' to 'Z', all eight at once: a byte below 0x80 gets its high bit in
 * `above` when it is over 'Z' and in `from` when it is at least 'A'. */
static inline uint64_t fold(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ULL;
    uint64_t low = word & ~(ones * 0x80);
    uint64_t from = low + ones * (0x80 - 'A');
    uint64_t above = low + ones * (0x80 - 'Z' - 1);
    uint64_t is_upper = from & ~above & ~word & ones * 0x80;
    return word | is_upper >> 2;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
    struct siphash_state s = start(key);
    const char *at = bytes;
    size_t left = len;
    for (; left >= 8; left -= 8, at += 8)
        compress(&s, load(at));
    compress(&s, load_rest(at + left, left, len) | (uint64_t)len << 56);
    return finish(&s);
}

void siphash_begin(struct siphash_state *state, const struct siphash_key *key)
{
    *state = start(key);
}

static inline void end_part(struct siphash_state *s, uint64_t rest, size_t len)
{
    if (len >= LONG_PART) {
        compress(s, len);
        len = LONG_PART;
    }
    compress(s, rest | (uint64_t)len << 56);
}

void siphash_add(struct siphash_state *state, struct span part)
{
    struct siphash_state s = *state;
    const char *at = part.at;
    size_t left = part.len;
    for (; left >= 8; left -= 8, at += 8)
        compress(&s, load(at));
    end_part(&s, load_rest(at + left, left, part.len), part.len);
    *state = s;
}

void siphash_add_nocase(struct siphash_state *state, struct span part)
{
    struct siphash_state s = *state;
    const char *at = part.at;
    size_t left = part.len;
    for (; left >= 8; left -= 8, at += 8)
        compress(&s, fold(load(at)));
    end_part(&s, fold(load_rest(at + left, left, part.len)), part.len);
    *state = s;
}

uint64_t siphash_end(struct siphash_state *state)
{
    return finish(state);
}
