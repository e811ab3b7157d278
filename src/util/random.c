/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64 or the kernel. */
#include "util/random.h"
#include "util/invariant.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

void random_seed(struct random *random, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15ULL;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
        random->s[i] = z ^ z >> 31;
    }
}

enum err random_seed_system(struct random *random)
{
    uint64_t seed[4];
    enum err err = random_system(seed, sizeof(seed));
    if (err != OK)
        return err;
    /* All zeros is the one state that xoshiro never leaves. */
    if ((seed[0] | seed[1] | seed[2] | seed[3]) == 0)
        seed[0] = 1;
    for (unsigned i = 0; i < 4; i++)
        random->s[i] = seed[i];
    return OK;
}

static inline uint64_t rotate(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

uint64_t random_u64(struct random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    invariant(bound > 0);
    /* Values below 2^64 mod bound are drawn again: they would make the low results more frequent. */
    uint64_t least = (0 - bound) % bound;
    uint64_t value;
    do
        value = random_u64(random);
    while (value < least);
    return value % bound;
}

enum err random_system(void *out_bytes, size_t len)
{
    unsigned char *at = out_bytes;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        at += got;
        len -= (size_t)got;
    }
    return OK;
}
