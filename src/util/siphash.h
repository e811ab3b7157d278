/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson and Bernstein, 2012): keyed hashing of whatever the network sends. */
#pragma once

#include "util/span.h"

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len);

/* Several parts hashed as one; a part's length is mixed in, so ("ab","c") and ("a","bc") differ.  One part shorter
 * than 255 bytes hashes as by siphash(). */
struct siphash_state {
    uint64_t v0, v1, v2, v3;
};
void siphash_begin(struct siphash_state *state, const struct siphash_key *key);
void siphash_add(struct siphash_state *state, struct span part);
/* As siphash_add, with ASCII letters folded to lower case. */
void siphash_add_nocase(struct siphash_state *state, struct span part);
uint64_t siphash_end(struct siphash_state *state);
