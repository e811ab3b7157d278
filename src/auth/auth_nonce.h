/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces that verify themselves: the time of issue and a salt under a keyed hash, so that nothing is kept of a challenge
 * that nobody answers (RFC 7616 3.3, 5.4). */
#pragma once

#include "util/siphash.h"

enum { AUTH_NONCE_BYTES = 21, AUTH_NONCE_LEN = 2 * AUTH_NONCE_BYTES };

struct auth_nonce {
    int64_t issued_ms; /* Unix time */
    uint64_t salt;     /* 56 bits */
};

/* Writes AUTH_NONCE_LEN hexadecimal digits, no terminator. */
void auth_nonce_write(const struct siphash_key *key, const struct auth_nonce *nonce, char out[AUTH_NONCE_LEN]);
/* False when it was not made with this key: by another server, by this one before it started anew, or by a forger. */
bool auth_nonce_read(const struct siphash_key *key, struct span text, struct auth_nonce *out_nonce);
