/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness as an injected generator, so that tests and simulations repeat.  `random_seed_system` seeds from getrandom(2). */
#pragma once

#include "util/err.h"
#include <stddef.h>
#include <stdint.h>

/* xoshiro256** for everything that need not be secret from an observer of other outputs; tags and keys take
 * random_system(). */
struct random {
    uint64_t s[4];
};

void random_seed(struct random *random, uint64_t seed);
MUST_CHECK enum err random_seed_system(struct random *random);
uint64_t random_u64(struct random *random);
/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);
/* getrandom(2), whole or an error. */
MUST_CHECK enum err random_system(void *out_bytes, size_t len);
