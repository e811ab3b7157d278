/* SPDX-License-Identifier: Apache-2.0 */
/* The verified names of connected peers, each set of names under a number small enough for a flow (net_flow.peer), so
 * that whichever worker decides about a message can read them.  Thread-safe; reading takes no lock. */
#pragma once

#include "util/span.h"
#include <stdint.h>

struct tls_identities;

enum {
    TLS_IDENTITIES_MAX = 4096,
    /* A number that no connection bears any more is given to other names only after so long: a message that was read
     * just before the end is decided by then. */
    TLS_IDENTITY_REST_MS = 60000,
};

struct tls_identities *tls_identities_new(void); /* NULL: out of memory */
void tls_identities_free(struct tls_identities *identities);

/* The number of these names (tls_names_add's form), counted once more; 0 when all are in use or memory is out. */
uint16_t tls_identities_take(struct tls_identities *identities, struct span names, uint64_t now_ms);
void tls_identities_give(struct tls_identities *identities, uint16_t number, uint64_t now_ms);
/* Empty for 0.  Valid for TLS_IDENTITY_REST_MS after the connection's end, at least. */
struct span tls_identities_names(const struct tls_identities *identities, uint16_t number);
