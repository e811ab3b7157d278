/* SPDX-License-Identifier: Apache-2.0 */
/* How many wrong passwords came from a source, or for a user, of late: a table of fixed size, shared by all workers, one
 * atomic word a key, no lock.  What it counts leaks away steadily. */
#pragma once

#include "net/net_address.h"
#include "util/siphash.h"

struct auth_tries;

/* Over `limit` wrong ones in about `period_ms` a key is refused; it leaks `limit` a period.  `places` as for
 * auth_window_new. */
MUST_CHECK enum err auth_tries_new(uint32_t places, uint32_t limit, uint32_t period_ms, struct auth_tries **out_tries);
void auth_tries_free(struct auth_tries *tries); /* NULL is fine */

/* A key is a secret hash: whoever cannot compute it cannot choose whom he collides with. */
uint64_t auth_tries_source(const struct siphash_key *key, const struct net_address *source); /* IPv6: its /64 */
uint64_t auth_tries_user(const struct siphash_key *key, struct span user, struct span realm);

bool auth_tries_may(struct auth_tries *tries, uint64_t key, int64_t now_ms);
/* One more wrong one.  True: with this one the limit is reached (for the log: once each time it happens). */
bool auth_tries_note(struct auth_tries *tries, uint64_t key, int64_t now_ms);
